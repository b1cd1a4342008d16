"""A whole house in a temporary directory: a real store, a runtime, a scripted agent, people, a clock that is moved."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

from agent_runtime import approvals, pausing, runs
from agent_runtime.approvals import Accepted, Act, Edit, Refused, Withdrawal
from agent_runtime.audit import Event, Origin
from agent_runtime.clock import MovableClock
from agent_runtime.context import Context
from agent_runtime.digest import Seal
from agent_runtime.people import Member, Membership
from agent_runtime.policy import Default, Policy, PolicySet, Stage
from agent_runtime.refusals import RefusalReason
from agent_runtime.runs import Order
from agent_runtime.runtime import Runtime
from agent_runtime.verification import Verification, verify
from storage import audit as audit_rows
from storage import journal, requests
from storage import runs as run_rows
from storage.database import Database
from storage.models import Decision, JournalEntry, Request, Run
from storage.tx import Tx
from storage.types import Actor, ActorKind, DecisionKind, Json, JsonValue, RunStatus
from tests.core.agent import Killed, ScriptedAgent, Step

START = datetime(2030, 1, 7, 9, 0, tzinfo=UTC)
KEY = b"a key that is not in the database"
TEAM = "T1"
SURFACE = Origin("slack", {"ts": "1.1"})
HOURS = timedelta(hours=1)
MINUTES = timedelta(minutes=1)

SAM = Actor(kind=ActorKind.SLACK, id="USAM", team=TEAM, name="Sam")
"""Starts the runs."""
ANA = Actor(kind=ActorKind.SLACK, id="UANA", team=TEAM, name="Ana")
BOB = Actor(kind=ActorKind.SLACK, id="UBOB", team=TEAM, name="Bob")
CLEO = Actor(kind=ActorKind.SLACK, id="UCLEO", team=TEAM, name="Cleo")
EVE = Actor(kind=ActorKind.SLACK, id="UEVE", team=TEAM, name="Eve")
"""Approves nothing."""
OPS = Actor(kind=ActorKind.SLACK, id="UOPS", team=TEAM, name="Ops")

YES, NO, SKIP, ANSWER = DecisionKind.APPROVED, DecisionKind.REJECTED, DecisionKind.SKIPPED, DecisionKind.ANSWERED
EDIT = DecisionKind.EDITED


def person(number: int) -> Actor:
    """One of many approvers."""
    return Actor(kind=ActorKind.SLACK, id=f"UP{number}", team=TEAM, name=f"Person {number}")


def who(*actors: Actor) -> tuple[str, ...]:
    """Selectors that name these people."""
    return tuple(f"user:{actor.id}" for actor in actors)


def stage(*actors: Actor, name: str = "default", quorum: int = 1) -> Stage:
    return Stage(name=name, approvers=who(*actors), quorum=quorum)


def policy_set(*policies: Policy, **fields: Any) -> PolicySet:
    """Policies over a default stage of Ana and Bob, with Ops as operator."""
    return PolicySet(
        default=Default(stage=stage(ANA, BOB)), policies=policies, **{"operators": who(OPS), **fields}
    )  # fmt: skip


def counting(first: int = 1) -> Any:
    """Ids that count, so that a failure reads the same every time."""
    numbers = itertools.count(first)
    return lambda prefix: f"{prefix}{next(numbers):06d}"


class World:
    """Everything one test needs; `async with World(tmp_path, ...) as world`."""

    def __init__(self, home: Path, *steps: Step, policies: PolicySet | None = None) -> None:
        self.url = f"sqlite:///{home / 'signoff.db'}"
        self.agent = ScriptedAgent(home / "effects.jsonl", steps)
        self.policies = policies or policy_set()
        self.clock = MovableClock(START)
        self.ids = counting()
        self.seal = Seal(KEY)

    async def __aenter__(self) -> Self:
        self.db = Database(self.url)
        await self._boot()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.db.close()

    async def reboot(self) -> None:
        """A new process on the same file; nothing in memory survives."""
        await self.db.close()
        self.db = Database(self.url)
        await self._boot()

    async def _boot(self) -> None:
        self.runtime = self.another_runtime()
        await self.runtime.boot()

    def another_runtime(self) -> Runtime:
        """A second boot over the same store."""
        return Runtime(self.db, {"agent": self.agent}, self.policies, self.seal, self.clock, ids=self.ids)

    def use(self, policies: PolicySet) -> None:
        """A reloaded policy file."""
        self.policies = policies
        self.runtime.policies = policies

    @property
    def context(self) -> Context:
        return self.runtime.context()

    # What people do

    def member(self, actor: Actor, person: str = "", **facts: Any) -> Member:
        """A person as the directory sees them now; `person` is the hash of their address, where it reads those."""
        actor = actor.model_copy(update={"person": person}) if person else actor
        held = {"holds": frozenset(who(actor)), "home_team": TEAM, "taken_at": self.clock.now(), **facts}
        return Member(actor=actor, **held)

    async def start(self, actor: Actor = SAM, **order: Any) -> Run:
        """Start the agent; the run."""
        run = await self.try_start(self.member(actor), **order)
        assert isinstance(run, Run), run
        return run

    async def try_start(self, member: Membership, **order: Any) -> Run | RefusalReason:
        wanted = Order(**{"agent": "agent", "input": {"text": "go"}, "origin": {"channel": "C1"}, **order})
        return await self.db.transact(runs.start, self.context, wanted, member, SURFACE)

    async def decide(
        self, actor: Actor, kind: DecisionKind = YES, request: Request | None = None, **act: Any
    ) -> Accepted | Refused:
        """Act on a request as it was read; on the only pending one if none is given."""
        return await self.decide_as(self.member(actor), kind, request, **act)

    async def decide_as(
        self, membership: Membership, kind: DecisionKind = YES, request: Request | None = None, **act: Any
    ) -> Accepted | Refused:
        asked = request if request is not None else await self.pending()
        shown = {"request_id": asked.id, "revision": asked.revision, "stage": asked.stage, "kind": kind, **act}
        return await self.db.transact(approvals.decide, self.context, Act(**shown), membership, SURFACE)

    async def edit(
        self, actor: Actor, args: Json, request: Request | None = None, holds: frozenset[str] | None = None, **edit: Any
    ) -> Accepted | Refused:
        """Ask for a call with other arguments."""
        asked = request if request is not None else await self.pending()
        shown = {"request_id": asked.id, "revision": asked.revision, "stage": asked.stage, "args": args, **edit}
        member = self.member(actor) if holds is None else self.member(actor, holds=holds)
        return await self.db.transact(approvals.edit, self.context, Edit(**shown), member, SURFACE)

    async def withdraw(self, actor: Actor, request: Request | None = None, **facts: Any) -> Accepted | Refused:
        """Take a vote back."""
        asked = request if request is not None else await self.pending()
        taken = Withdrawal(asked.id, asked.revision)
        return await self.db.transact(approvals.withdraw, self.context, taken, self.member(actor, **facts), SURFACE)

    async def answer(self, actor: Actor, value: JsonValue, request: Request | None = None) -> Accepted | Refused:
        return await self.decide(actor, ANSWER, request, value=value)

    async def cancel(self, run: Run, actor: Actor = SAM, **facts: Any) -> Run | RefusalReason:
        return await self.db.transact(runs.cancel, self.context, run.id, self.member(actor, **facts), SURFACE)

    async def retry(self, run: Run, actor: Actor = SAM, **facts: Any) -> Run | RefusalReason:
        return await self.db.transact(runs.retry, self.context, run.id, self.member(actor, **facts), SURFACE)

    async def stop(self, agent: str = "") -> None:
        """An operator pauses timers and executions, of everything or of one agent."""
        verdict = await self.db.transact(pausing.pause, self.context, agent, "", self.member(OPS), SURFACE)
        assert not isinstance(verdict, RefusalReason), verdict

    async def go(self, agent: str = "") -> None:
        verdict = await self.db.transact(pausing.resume, self.context, agent, self.member(OPS), SURFACE)
        assert not isinstance(verdict, RefusalReason), verdict

    # What the house does

    async def settle(self) -> None:
        """Advance runs until nothing is left to do now."""
        while await self.runtime.worker.run_once():
            pass

    async def pass_time(self, by: timedelta) -> None:
        """Let time pass, sweep, and settle."""
        self.clock.advance(by)
        await self.runtime.sweep()
        await self.settle()

    async def waiting(self, actor: Actor = SAM, **order: Any) -> Run:
        """A run that was started and went as far as it could."""
        run = await self.start(actor, **order)
        await self.settle()
        return await self.run(run)

    async def killed_at(self, point: str) -> None:
        """Advance until the process dies at this point of a call; a new process is up afterwards."""

        def die(reached: str, _call: object) -> None:
            if reached == point:
                raise Killed(point)

        self.agent.at = die
        try:
            await self.settle()
        except Killed:
            pass
        else:
            raise AssertionError(f"nothing reached: {point}")
        finally:
            self.agent.at = None
        await self.reboot()

    # What is there

    async def run(self, run: Run) -> Run:
        found = await self.db.read(run_rows.get, run.id)
        assert found is not None
        return found

    async def status(self, run: Run) -> RunStatus:
        return (await self.run(run)).status

    async def request(self, request: Request) -> Request:
        found = await self.db.read(requests.get, request.id)
        assert found is not None
        return found

    async def requests(self, run: Run) -> list[Request]:
        return await self.db.read(requests.of_run, run.id)

    async def pending(self, subject: str | None = None) -> Request:
        """The only pending request (about this subject)."""
        waiting = await self.db.read(requests.all_pending, 1000)
        waiting = [one for one in waiting if subject is None or one.subject == subject]
        assert len(waiting) == 1, [one.subject for one in waiting]
        return waiting[0]

    async def all_pending(self) -> list[Request]:
        return await self.db.read(requests.all_pending, 10_000)

    async def votes(self, request: Request) -> list[Decision]:
        return await self.db.read(requests.votes, [request.id])

    async def call(self, run: Run, key: str = "m1/c1") -> JournalEntry:
        entry = await self.db.read(journal.get, run.id, key)
        assert entry is not None
        return entry

    @property
    def effects(self) -> list[dict[str, Any]]:
        """What happened outside, in order."""
        path = self.agent.effects
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    async def events(self, run: Run | None = None) -> list[str]:
        """The audit events (of a run), in order."""
        found = await self.db.read(audit_rows.entries, 0, 100_000)
        return [entry.event for entry in found if run is None or entry.run_id == run.id]

    async def count(self, event: Event) -> int:
        return (await self.events()).count(event.value)

    async def verify(self) -> Verification:
        return await self.db.read(verify, self.seal)

    async def sql(self, statement: str, *parameters: Any) -> int:
        """Somebody with a hand on the database file; how many rows it changed."""

        def change(tx: Tx) -> int:
            return tx._connection.exec_driver_sql(statement, parameters).rowcount

        return await self.db.transact(change)

    async def look(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        def read(tx: Tx) -> list[tuple[Any, ...]]:
            return [tuple(row) for row in tx._connection.exec_driver_sql(statement, parameters)]

        return await self.db.read(read)


@contextmanager
def moved(world: World, by: timedelta) -> Iterator[None]:
    """A clock that is wrong for a while."""
    world.clock.advance(by)
    try:
        yield
    finally:
        world.clock.advance(-by)
