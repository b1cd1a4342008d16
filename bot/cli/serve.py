"""`signoff serve`: the server, until it is told to stop."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from bot.cli.check import show
from bot.cli.words import INTERRUPTED, MISUSED, CommandFailed, Problem, Words, say, sentence, stderr, stdout

if TYPE_CHECKING:
    from pydantic import SecretStr

    from bot.app import Bot
    from bot.checks.finding import Section
    from bot.checks.inspection import Inspection
    from bot.settings import Settings

BACKLOG = 1024
GRACE_SECONDS = 5.0
"""How long deliveries that are being answered may take once the server stops."""

SETTINGS = """\
Settings, from the environment:

SLACK_BOT_TOKEN: the app's bot token (xoxb-...). Needed.

SLACK_APP_TOKEN: an app-level token (xapp-...) for Socket Mode, which needs no address that Slack can reach.

SLACK_SIGNING_SECRET: what Slack signs its deliveries with over HTTP. Needed without SLACK_APP_TOKEN.

SLACK_API_URL: where Slack's API is; https://slack.com/api/ if unset.

SIGNOFF_CONFIG: the policy file; signoff.toml if unset.

SIGNOFF_AGENTS: import paths of the agents, between commas, in place of those in the policy file.

SIGNOFF_DATA_DIR: the folder for the database and the secret key; .signoff if unset.

SIGNOFF_DATABASE_URL: another place for the database, as sqlite:///path/to/signoff.db

SIGNOFF_SECRET_KEY: the key that seals decisions; made and kept in the data directory if unset.

Webhooks: the variables that secret_env and url_env of the policy file name.

SIGNOFF_MODEL: the chat model for agents that take one, as provider:model, with its provider's own settings: \
OPENAI_API_KEY and OPENAI_BASE_URL, ANTHROPIC_API_KEY and ANTHROPIC_BASE_URL, or SAGEMAKER_ENDPOINT_NAME.

SIGNOFF_AUTO_APPROVE, or GLAIP_HITL_AUTO_APPROVE: true lets calls run without asking anybody, for tests; refused \
unless SLACK_API_URL is a workspace on this machine.

SIGNOFF_LOG_ONLY: calls-run-unapproved lets calls run, and writes down and shows who would have been asked.

SIGNOFF_HOST, SIGNOFF_PORT: where HTTP comes in, /healthz and /readyz in Socket Mode too; 127.0.0.1 and 3000 if unset.
"""


def serve() -> None:
    """Serve Slack until stopped by SIGTERM or Ctrl-C.

    What was begun is finished first. A second signal ends it at once, and nothing is lost by that either.
    """
    try:
        raise typer.Exit(asyncio.run(_serve()))
    except asyncio.CancelledError:
        raise typer.Exit(INTERRUPTED) from None


async def _serve() -> int:
    from agent_runtime.clock import SystemClock
    from bot.checks.inspection import Inspection

    stopping = asyncio.Event()
    _stop_on_signals(stopping)
    inspection = Inspection(SystemClock(), Path.cwd())
    with stderr().status("Looking at everything before the start ..."):
        sections = [section async for section in inspection.sections()]
    if not _may_start(sections):
        say(Words(MISUSED, (Problem("not started: mend what is marked above", "To look again: signoff check"),)))
        return MISUSED
    await _run(inspection, stopping)
    return 0


def _may_start(sections: list[Section]) -> bool:
    """Tell what was found; False where a fault forbids starting. What failed just now may pass, and approvers that
    mean nobody leave requests open: both are told, and the server starts."""
    from bot.checks.finding import Level, Section
    from bot.checks.inspection import APPROVERS

    console = stderr()
    for section in sections:
        found = tuple(finding for finding in section.findings if finding.level is not Level.OK)
        if found:
            show(Section(section.title, found), console)
    fatal = [one for section in sections if section.title != APPROVERS for one in section.findings]
    return not any(finding.level is Level.FAULT for finding in fatal)


async def _run(inspection: Inspection, stopping: asyncio.Event) -> None:
    from bot.app import Connection, open_bot
    from bot.secret_key import find_secret_key, fresh_secret_key, keep_secret_key
    from bot.socket_ticket import SocketRefused

    settings, configuration, agents = inspection.settings, inspection.configuration, inspection.agents
    assert settings is not None, "there was no fault"
    assert configuration is not None, "there was no fault"
    assert agents is not None, "there was no fault"
    token = settings.slack_bot_token
    assert token is not None, "there was no fault"
    connection = Connection(
        settings.slack_api_url,
        token.get_secret_value(),
        signing_secret=_plain(settings.slack_signing_secret),
        app_token=_plain(settings.slack_app_token),
    )
    known = find_secret_key(settings)
    key = known or fresh_secret_key()
    async with open_bot(
        connection, configuration, agents, settings.database_url, key,
        policy_file=settings.config, asking=settings.asking, callbacks=inspection.callbacks,
        endpoints=inspection.endpoints,
    ) as bot:  # fmt: skip
        if known is None:  # only now: a start that failed must leave no key behind
            keep_secret_key(settings, key)
        try:
            await _listen(bot, settings, stopping)
        except SocketRefused as refused:
            raise CommandFailed(Problem(refused.problem, refused.mend)) from refused


def _plain(secret: SecretStr | None) -> str:
    return secret.get_secret_value() if secret is not None else ""


async def _listen(bot: Bot, settings: Settings, stopping: asyncio.Event) -> None:
    from aiohttp import web

    from bot.door import PATH

    runner = web.AppRunner(bot.web_app, access_log=None, shutdown_timeout=GRACE_SECONDS)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, settings.host, settings.port, backlog=BACKLOG).start()
        except OSError as error:
            problem = f"cannot listen on {settings.host}:{settings.port}: {os.strerror(error.errno or 0)}"
            mend = "Stop what listens there, or set SIGNOFF_HOST and SIGNOFF_PORT to an address of this machine"
            raise CommandFailed(Problem(problem, mend)) from error
        host, port = runner.addresses[0][:2]
        place = f"[{host}]" if ":" in host else host
        async with bot.receiving():
            if settings.socket_mode:
                stdout().print(
                    f"Signoff receives over Socket Mode, and says how it is on http://{place}:{port}/healthz"
                )
            else:
                stdout().print(f"Signoff listens on http://{place}:{port}{PATH}")
            await bot.run(stopping)
    finally:
        await runner.cleanup()
    stdout().print("Signoff has stopped.")


def _stop_on_signals(stopping: asyncio.Event) -> None:
    """The first signal asks for a stop; the next one ends the process's work where it stands."""
    loop, serving = asyncio.get_running_loop(), asyncio.current_task()
    assert serving is not None

    def stop() -> None:
        if stopping.is_set():
            serving.cancel()
            return
        stopping.set()
        stderr().print(sentence("Stopping when what was begun is finished; again to stop at once"))

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
