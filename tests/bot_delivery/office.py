"""Where delivery is tried out: a workspace, a store with runs and requests in it, and the deliveries between them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from agent_runtime import outbound
from agent_runtime.clock import MovableClock
from agent_runtime.digest import Seal
from agent_runtime.outbound import Priority, Topic
from agent_runtime.policy import Default, PolicySet, Rules, Stage
from agent_runtime.runtime import Runtime
from bot.budgets import Budgets
from bot.delivery import Deliveries
from bot.directory import Directory
from bot.slack_client import SlackClients, open_clients
from bot.workspace import Message, Workspace
from bot.workspace.demo_world import demo_world
from storage import messages, outbox, requests, runs
from storage.database import Database
from storage.models import Delivery, Request, Run
from storage.models import Message as Row
from storage.tx import Tx
from storage.types import SCHEDULER, Actor, ActorKind, DeliveryStatus, OnTimeout, RequestKind, RequestStatus, RunStatus
from tests.stores import put_store

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
POLICIES = PolicySet(default=Default(stage=Stage(name="default", approvers=("usergroup:managers",))))


class Office:
    """One boot of the bot's delivery on one database file and one workspace."""

    def __init__(
        self,
        ws: Workspace,
        clock: MovableClock,
        db: Database,
        clients: SlackClients,
        directory: Directory,
        **given: Any,
    ) -> None:
        self.ws = ws
        self.clock = clock
        self.db = db
        self.clients = clients
        self.directory = directory
        self.runtime = Runtime(db, {}, POLICIES, Seal(b"k" * 32), clock)
        approvals = given.pop("approvals_channel", "#approvals")
        self.deliveries = Deliveries(self.runtime, clients, directory, approvals, **given)
        self._number = 0

    # Rows

    def person(self, name: str) -> Actor:
        user = self.ws.world.user_named(name)
        return Actor(kind=ActorKind.SLACK, id=user.id, team=user.team_id, name=user.real_name)

    async def run(self, starter: str | Actor = "ana", channel: str | None = "#general") -> str:
        """A run that wants its message; `channel` None: started from nowhere in Slack."""
        actor = self.person(starter) if isinstance(starter, str) else starter
        origin = {"channel": self.ws.channel(channel).id, "user": actor.id} if channel else {}
        self._number += 1
        now = self.clock.now()
        run = Run(
            id=f"R{self._number:06}", agent="purchasing", status=RunStatus.RUNNING,
            starter=actor.model_dump(mode="json"), starter_key=actor.key, input="paper", origin=origin, due_at=now,
            created_at=now, updated_at=now,
        )  # fmt: skip
        await self.db.transact(_add_run, run, self.runtime.context())
        return run.id

    async def ask(self, run_id: str, *stages: Stage, tool: str = "buy") -> str:
        """A request of the run that wants its card."""
        self._number += 1
        now = self.clock.now()
        rules = Rules(
            policy="test",
            stages=stages or (Stage(name="manager", approvers=("usergroup:managers",)),),
            timeout=timedelta(hours=4),
        )
        request = Request(
            id=f"A{self._number:06}", run_id=run_id, agent="purchasing", pause=0, ordinal=self._number,
            subject=f"call:{self._number}", kind=RequestKind.TOOL, status=RequestStatus.PENDING, step="s",
            call_id=str(self._number), tool=tool, args={"amount": 12}, digest="d", rules=rules.model_dump(mode="json"),
            rules_mac="", on_timeout=OnTimeout.REJECT, opened_at=now, stage_opened_at=now,
            due_at=now + timedelta(hours=4),
        )  # fmt: skip
        await self.db.transact(_add_request, request, self.runtime.context())
        return request.id

    async def change(self, request_id: str, **values: Any) -> None:
        """Change a pending request and have its cards redrawn."""
        await self.db.transact(_change, request_id, values, self.runtime.context())

    async def close(self, request_id: str) -> None:
        """Time a request out."""
        closed = {"closed_at": self.clock.now(), "closed_by": SCHEDULER.model_dump(mode="json"), "due_at": None}
        await self.change(request_id, status=RequestStatus.REJECTED, **closed)

    async def redraw(self, request_id: str) -> None:
        """Ask for the cards to be redrawn, with nothing changed but the deadline."""
        request = await self.db.read(requests.get, request_id)
        assert request is not None
        assert request.due_at is not None
        await self.change(request_id, due_at=request.due_at + timedelta(minutes=1))

    async def change_run(self, run_id: str, status: RunStatus) -> None:
        """Move a run and have its message redrawn."""
        await self.db.transact(_change_run, run_id, status, self.runtime.context())

    async def note(self, run_id: str, seq: int, text: str) -> None:
        await self.db.transact(outbound.note, self.runtime.context(), run_id, seq, text)

    async def notice(self, who: str, text: str, *, channel: str = "", subject: str = "A1", thread_ts: str = "") -> None:
        """A private sentence to somebody who clicked in a channel."""
        actor = self.person(who)
        where = self.ws.channel(channel).id if channel else ""
        body = {"channel": where, "thread_ts": thread_ts, "user": actor.id, "text": text}
        await self.db.transact(outbound.notice, self.runtime.context(), subject, actor.key, body)

    async def row(self, key: str) -> Delivery:
        row = await self.db.read(outbox.get, key)
        assert row is not None, key
        return row

    async def place(self, key: str) -> Row:
        row = await self.db.read(messages.get, key)
        assert row is not None, key
        return row

    # Time

    async def settle(self) -> None:
        """Make every delivery that is due now; the clock stands still."""
        while await self.deliveries.worker.run_once():
            pass

    async def settle_for(self, span: timedelta) -> None:
        """Let time pass, making deliveries as they fall due."""
        until = self.clock.now() + span
        await self.settle()
        while (due := await self.db.read(outbox.next_due)) is not None and due <= until:
            self.clock.advance(max(due - self.clock.now(), timedelta(0)))
            await self.settle()
        self.clock.advance(until - self.clock.now())

    # What people see

    def texts(self, channel: str) -> list[str]:
        """What is read in a channel, threads too, oldest first."""
        return [message.plain() for message in self.ws.channel(channel).everything]

    def cards(self, channel: str, words: str = "buy") -> list[Message]:
        """The messages with these words in a channel or its threads."""
        return self.ws.channel(channel).saying(words)

    def posts(self, channel: str | None = None) -> int:
        """How many posts took effect."""
        calls = [call for call in self.ws.calls_to("chat.postMessage") if call.committed]
        if channel is None:
            return len(calls)
        return sum(call.args["channel"] == self.ws.channel(channel).id for call in calls)

    def updates(self) -> int:
        return len(self.ws.calls_to("chat.update"))


def _add_run(tx: Tx, run: Run, context: Any) -> None:
    assert runs.insert(tx, run)
    outbound.want_run(tx, context, run.id)


def _add_request(tx: Tx, request: Request, context: Any) -> None:
    assert requests.insert(tx, request)
    outbound.want_card(tx, context, request)


def _change(tx: Tx, request_id: str, values: dict[str, Any], context: Any) -> None:
    request = requests.get(tx, request_id)
    assert request is not None
    assert requests.change(tx, request, RequestStatus.PENDING, **values)
    after = requests.get(tx, request_id)
    assert after is not None
    outbound.want_card(tx, context, after)


def _change_run(tx: Tx, run_id: str, status: RunStatus, context: Any) -> None:
    run = runs.get(tx, run_id)
    assert run is not None
    assert runs.change(tx, run_id, run.status, status=status, updated_at=context.now)
    outbox.want(tx, f"run:{run_id}", Topic.RUN, run_id, Priority.RUN, context.now)


@asynccontextmanager
async def open_office(
    folder: Path,
    ws: Workspace,
    clock: MovableClock,
    *,
    budgets: Budgets | None = None,
    emails: bool = False,
    approvals_channel: str = "#approvals",
) -> AsyncIterator[Office]:
    """An office on the database in this folder: opened again, it is the next boot."""
    async with AsyncExitStack() as stack:
        clients = await stack.enter_async_context(open_clients(ws.api_url, ws.bot_token))
        db = await stack.enter_async_context(Database(f"sqlite:///{put_store(folder)}"))
        directory = Directory(clients, clock, await clients.identify(), addresses=Seal(b"office") if emails else None)
        stack.push_async_callback(directory.close)
        office = Office(ws, clock, db, clients, directory, budgets=budgets, approvals_channel=approvals_channel)
        await office.runtime.boot()
        yield office


def workspace(clock: MovableClock) -> Any:
    """A served workspace on this clock."""
    return Workspace.serve(demo_world(clock, seed="test"))


DONE, DUE, DEAD, EXPIRED = DeliveryStatus.DONE, DeliveryStatus.DUE, DeliveryStatus.DEAD, DeliveryStatus.EXPIRED
