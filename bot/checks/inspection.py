"""All checks in the order in which one needs another. What is read on the way is kept, for the server to start with."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from agent_runtime.agents import Agent
from agent_runtime.callback import Callbacks
from agent_runtime.clock import Clock
from agent_runtime.context import Asking
from agent_runtime.errors import ENVIRONMENT, ConfigError, ConfigFault
from agent_runtime.policy_file import Configuration, load_policy_file
from agent_runtime.registry import load_agents, load_callbacks
from bot.checks.agents import check_agents
from bot.checks.approvers import check_approvers
from bot.checks.credentials import check_same_app, check_shapes
from bot.checks.finding import Finding, Section, fault, faults_of, ok, warning
from bot.checks.listing import Listing
from bot.checks.monitor import check_monitor
from bot.checks.packages import check_packages
from bot.checks.places import check_places
from bot.checks.policies import check_policies
from bot.checks.slack import Connected, check_connection
from bot.checks.socket import check_app_token
from bot.checks.store import check_store
from bot.checks.webhooks import check_webhooks
from bot.settings import Settings, read_settings, read_variable, require_model, require_slack
from bot.slack_client import SlackClients, open_clients
from bot.webhooks.endpoints import Endpoint

APPROVERS = "Approvers"
"""The title of the one section whose faults do not keep a server from starting: requests wait until they are mended."""

DEMO = "agent_runtime.demo"
"""Where the demo agents come from."""

OF_THE_STORE = frozenset({"SIGNOFF_DATABASE_URL", "SIGNOFF_SECRET_KEY"})


class Inspection:
    """One round of all checks. `configuration` and `agents` are None until their section came without a fault;
    `settings` has defaults where its section found one."""

    def __init__(self, clock: Clock, folder: Path) -> None:
        self.settings: Settings | None = None
        self.configuration: Configuration | None = None
        self.agents: dict[str, Agent] | None = None
        self.callbacks: Callbacks = {}
        self.endpoints: tuple[Endpoint, ...] = ()
        self._clock = clock
        self._folder = folder

    async def sections(self) -> AsyncIterator[Section]:
        """The findings, section by section, as they are made. Nothing expected raises."""
        yield Section("Packages", check_packages(self._folder))
        settings, faults = read_settings()
        self.settings = settings
        bad = {found.key for found in faults}
        yield Section("Settings", _told(settings, faults))
        needs_agents = not settings.agents and "SIGNOFF_AGENTS" not in bad
        yield Section("Policy file", self._read_policy(settings, needs_agents))
        # A default in place of a bad value is no place to look at.
        yield Section("Database", _unseen(bad & OF_THE_STORE) or self._look_at_store(settings))
        yield Section("Agents", await self._load_agents(settings))
        if self.configuration is not None and self.configuration.webhooks:
            self.endpoints, of_webhooks = await check_webhooks(self.configuration.webhooks)
            yield Section("Webhooks", of_webhooks)
        if unseen := _unseen(bad & {"SLACK_API_URL"}):
            yield Section("Slack", unseen)
        elif settings.slack_bot_token is not None:
            token = settings.slack_bot_token.get_secret_value()
            async with open_clients(settings.slack_api_url, token) as clients:
                async for section in self._ask_slack(clients):
                    yield section
                if settings.slack_app_token is not None:
                    app_token = settings.slack_app_token.get_secret_value()
                    found = (*await check_app_token(clients, app_token), *await check_same_app(clients, app_token))
                    yield Section("Socket Mode", found)

    def _read_policy(self, settings: Settings, needs_agents: bool) -> tuple[Finding, ...]:
        try:
            self.configuration = load_policy_file(settings.config, needs_agents=needs_agents)
        except ConfigError as error:
            return faults_of(error)
        count = len(self.configuration.policies.policies)
        monitor = check_monitor(self.configuration.alerts, read_variable)
        return (ok(f"{settings.config}: {count} {'policy' if count == 1 else 'policies'}, and the default"), *monitor)

    def _look_at_store(self, settings: Settings) -> tuple[Finding, ...]:
        try:
            return check_store(settings)
        except ConfigError as error:
            return faults_of(error)

    async def _load_agents(self, settings: Settings) -> tuple[Finding, ...]:
        paths = agent_paths(settings, self.configuration)
        if not paths:
            return (warning("not looked at: what names them has a fault", "Mend the policy file or the setting first"),)
        try:
            self.agents = load_agents(paths, settings.data_dir, file=_source(settings), model=settings.model_choice)
            if self.configuration is not None:
                paths_of = (policy.callback for policy in self.configuration.policies.policies if policy.callback)
                self.callbacks = load_callbacks(paths_of, file=str(settings.config))
        except ConfigError as error:
            return faults_of(error)
        found = (*demo_agents(paths, settings), *await check_agents(self.agents))
        return (*found, *(check_policies(self.configuration.policies, self.agents) if self.configuration else ()))

    async def _ask_slack(self, clients: SlackClients) -> AsyncIterator[Section]:
        emails = self.configuration is not None and self.configuration.emails
        connected: Connected = await check_connection(clients, self._clock, emails=emails)
        yield Section("Slack", connected.findings)
        if not connected.works or self.configuration is None:
            return
        listing = Listing(clients, connected.bot)
        yield Section("Channels", await check_places(self.configuration, listing, connected.scopes))
        yield Section(APPROVERS, await check_approvers(self.configuration, listing))


def _told(settings: Settings, faults: tuple[ConfigFault, ...]) -> tuple[Finding, ...]:
    """What is wrong with the settings, and what of them Slack or the model's provider lacks."""
    found = faults_of(ConfigError((*faults, *require_slack(settings), *require_model(settings))))
    told = found or (ok("Everything that Slack needs is set"), *_remarks(settings))
    return (*told, *check_shapes(settings), *_unasked(settings))


def _unasked(settings: Settings) -> Iterator[Finding]:
    """Settings that take people's place are told at every start; auto-approval belongs to a workspace of one's own."""
    if settings.asking is Asking.PEOPLE:
        return
    if settings.asking is Asking.AUTO_APPROVE and not settings.slack_is_local:
        problem = "Auto-approval is on, and SLACK_API_URL is no workspace on this machine, which tests have"
        yield fault(problem, "Unset SIGNOFF_AUTO_APPROVE and GLAIP_HITL_AUTO_APPROVE")
    elif settings.asking is Asking.AUTO_APPROVE and settings.log_only:
        yield fault("Auto-approval and log-only are both on", "Unset SIGNOFF_AUTO_APPROVE or SIGNOFF_LOG_ONLY")
    else:
        yield warning(settings.asking.sentence.removesuffix("."), "Unset it to have people asked")


def _unseen(bad: set[str]) -> tuple[Finding, ...]:
    """What is said of a thing whose setting is bad; nothing where all are well."""
    return tuple(warning(f"not looked at: {name} has a fault", "Mend that setting first") for name in sorted(bad))


def agent_paths(settings: Settings, configuration: Configuration | None) -> tuple[str, ...]:
    """Where the agents are: what the environment says, else the policy file; empty where neither can be read."""
    return settings.agents or (configuration.agents if configuration else ())


def _source(settings: Settings) -> str:
    return ENVIRONMENT if settings.agents else str(settings.config)


def demo_agents(paths: tuple[str, ...], settings: Settings) -> Iterator[Finding]:
    """The demo agents belong to the demo's workspace: in another, people there would act on this machine."""
    if not settings.slack_is_local and any(path.partition(":")[0].startswith(DEMO) for path in paths):
        yield warning(
            "The demo agents would be served to a real workspace: one of them runs shell commands on this machine",
            f'Name agents of your own in {settings.config}, as agents = "my_agents:agents"',
        )


def _remarks(settings: Settings) -> Iterator[Finding]:
    if settings.slack_is_local:
        yield ok(f"Slack is a workspace on this machine: {settings.slack_api_url}")
    if settings.model_choice is not None:
        yield ok(f"Agents that take a model are given {settings.model_choice}")
