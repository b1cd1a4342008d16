"""The house that every scenario lives in: a workspace, the real bot, and a clock; workers run when told to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aiohttp import web
from sqlmodel import col, select

from agent_runtime.clock import MovableClock
from agent_runtime.policy_file import Configuration, read_policy_text
from agent_runtime.reading import read_request, read_run
from agent_runtime.registry import as_agent
from agent_runtime.verification import verify
from agent_runtime.views import RequestView, RunView
from bot.app import Bot, Connection, open_bot
from bot.demo.stage import POLICY_FILE
from bot.door import PATH
from bot.socket_mode import Pace
from bot.webhooks.endpoints import Endpoint
from bot.workspace import Message, Person, Workspace
from bot.workspace.demo_world import demo_world
from storage import audit, outbox, requests, runs
from storage.models import AuditEntry, Delivery
from storage.tx import Tx
from storage.types import DeliveryStatus
from tests.patience import PATIENCE
from tests.scenarios.demo_agents import demo_agents
from tests.stores import put_store

QUICK = Pace(ping=PATIENCE, waits=(0, 0.01, 0.02), acknowledge=PATIENCE, grace=PATIENCE)
"""Socket Mode for tests: a lost connection is replaced at once; none is taken for lost because a machine is busy."""

IN_LONG_TESTS = "in the long tests"
"""What OVER_BOTH is in a module whose scenarios say nothing of the way that Slack's words take."""
START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
KEY = b"k" * 32
LONGEST_WAIT = timedelta(minutes=2)
"""Budgets and back-offs of a delivery are waited out on the clock up to this long."""

MANAGERS_DECIDE = """
[slack]
approvals_channel = "#approvals"

[operators]
members = ["usergroup:oncall"]

[default.stage]
approvers = ["usergroup:managers"]
"""
"""What a policy file begins with where a test adds its own policies."""


@dataclass
class House:
    """What a scenario holds in its hands."""

    ws: Workspace
    bot: Bot
    clock: MovableClock
    dir: Path

    def person(self, name: str) -> Person:
        return self.ws.person(name)

    async def settle(self) -> None:
        """Run all workers until nothing is due; what makes deliveries wait is waited out on the clock, unless that is
        long by itself: of several that fail for long, one is always due soon."""
        while True:
            await self.bot.settle()
            due = await self.bot.runtime.db.read(_next_due_soon)
            if due is None:
                return
            self.clock.advance(due - self.clock.now())

    async def advance(self, by: timedelta) -> None:
        """Move the clock and sweep."""
        self.clock.advance(by)
        await self.bot.runtime.sweep()
        await self.settle()

    async def start(self, who: str, agent: str, text: str, channel: str = "#general") -> RunView:
        """`/agent AGENT TEXT`, settled: the run as it is then."""
        before = await self._run_ids()
        answer = await self.person(who).command("/agent", f"{agent} {text}", channel=channel)
        started = await self._run_ids() - before
        assert len(started) == 1, answer.text
        await self.settle()
        return await self.run(started.pop())

    async def _run_ids(self) -> set[str]:
        return {run.id for run in await self.bot.runtime.db.read(runs.recent, 1_000)}

    async def run(self, run_id: str) -> RunView:
        view = await self.bot.runtime.db.read(read_run, run_id)
        assert view is not None
        return view

    async def request(self, request_id: str) -> RequestView:
        view = await self.bot.runtime.db.read(read_request, request_id)
        assert view is not None
        return view

    async def requests(self, run_id: str) -> list[RequestView]:
        rows = await self.bot.runtime.db.read(requests.of_run, run_id)
        return [await self.request(row.id) for row in rows]

    def card(self, words: str, button: str = "") -> Message:
        """The newest message in any channel that says this, and has this button if one is named."""
        everything = self.messages()
        found = [one for one in everything if words in one.plain() and (not button or button in one.labels)]
        assert found, f"nothing says {words!r} with {button!r}; there is:\n" + "\n---\n".join(
            f"{one.plain()} {one.labels}" for one in everything
        )
        return max(found, key=lambda message: message.ts)

    def messages(self) -> list[Message]:
        """Every message of every channel, in no order."""
        return [message for channel_id in self.ws.world.channels for message in self._everything(channel_id)]

    def root(self, run_id: str) -> Message:
        """The run's own message."""
        (found,) = [one for one in self.messages() if one.thread_ts is None and f"run {run_id}" in one.plain()]
        return found

    def _everything(self, channel_id: str) -> list[Message]:
        held = self.ws.world.channels[channel_id].messages.values()
        return [Message.of(self.ws.world, stored) for stored in held]

    async def audit(self, event: str | None = None) -> list[AuditEntry]:
        rows = await self.bot.runtime.db.read(audit.entries, 0, 100_000)
        return [row for row in rows if event is None or row.event == event]

    async def text_of(self, entry: AuditEntry) -> dict[str, Any]:
        """The erasable text of an audit entry."""
        assert entry.seq is not None
        texts = await self.bot.runtime.db.read(audit.texts, [entry.seq])
        return texts[entry.seq].body

    async def require_invariants(self) -> None:
        """What holds at the end of every scenario: Slack understood all that was said, and the audit chain is whole."""
        assert self.ws.problems == [], self.ws.problems
        assert await self.audit_is_intact()

    async def audit_is_intact(self) -> bool:
        return (await self.bot.runtime.db.read(verify, self.bot.runtime.seal)).broken_at is None


@asynccontextmanager
async def open_house(
    folder: Path,
    *,
    policy: str | None = None,
    agents: Mapping[str, Any] | None = None,
    clock: MovableClock | None = None,
    workspace: Workspace | None = None,
    on_commit: Callable[[int], None] | None = None,
    transport: str = "http",
    pace: Pace = QUICK,
    app_token: str = "",
    endpoints: Sequence[Endpoint] = (),
) -> AsyncIterator[House]:
    """A house in this folder. The demo's agents and policy unless told otherwise; an earlier workspace can be kept over
    a restart of the bot, with its transport, which is `http` or `socket`. `app_token`: one that is not the app's.
    `endpoints`: the receivers of webhooks."""
    clock = clock or MovableClock(START)
    configuration = _configuration(policy)
    async with AsyncExitStack() as stack:
        if agents is None:
            built = stack.enter_context(demo_agents(folder))
        else:
            built = {name: as_agent(made_of) for name, made_of in agents.items()}
        if workspace is None:
            world = demo_world(clock)
            world.app.socket_mode = transport == "socket"
            workspace = await stack.enter_async_context(Workspace.serve(world, clock=clock, signing_clock=clock))
        beside = _beside(workspace, folder, configuration, built, clock, on_commit, pace, app_token, endpoints)
        yield await stack.enter_async_context(beside)


@asynccontextmanager
async def _beside(
    workspace: Workspace,
    folder: Path,
    configuration: Configuration,
    agents: Mapping[str, Any],
    clock: MovableClock,
    on_commit: Callable[[int], None] | None,
    pace: Pace,
    app_token: str,
    endpoints: Sequence[Endpoint],
) -> AsyncIterator[House]:
    connection = Connection(workspace.api_url, workspace.bot_token, workspace.signing_secret)
    if workspace.socket_mode:
        connection = Connection(workspace.api_url, workspace.bot_token, app_token=app_token or workspace.app_token)
    store = put_store(folder)
    async with open_bot(
        connection, configuration, agents, f"sqlite:///{store}", KEY, clock=clock, on_commit=on_commit, pace=pace,
        endpoints=endpoints,
    ) as bot:  # fmt: skip
        runner = web.AppRunner(bot.web_app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, backlog=1024).start()
        host, port = runner.addresses[0][:2]
        workspace.app_url = f"http://{host}:{port}{PATH}"
        house = House(workspace, bot, clock, folder)
        try:
            async with bot.receiving():
                if bot.socket:
                    await workspace.wait_for(lambda: len(workspace.sockets) == pace.connections)
                yield house
            await house.require_invariants()
        finally:
            await runner.cleanup()


def _configuration(policy: str | None) -> Configuration:
    return read_policy_text(policy if policy is not None else POLICY_FILE.read_text(), "signoff.toml")


def _next_due_soon(tx: Tx) -> datetime | None:
    """When the next message falls due of those that do not wait for long by themselves, or the next lease ends."""
    to_be_made = col(Delivery.status).in_((DeliveryStatus.DUE, DeliveryStatus.LEASED))
    waiting = tx.all(Delivery, select(Delivery).where(to_be_made, col(Delivery.priority) < outbox.OWN_WORKER))
    due = [one.lease_until or one.due_at for one in waiting]
    soon = (at for at, one in zip(due, waiting, strict=True) if at - one.updated_at <= LONGEST_WAIT)
    return min(soon, default=None)
