"""One life of the core on its files: start what is not started, work, let people decide, until all is done."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from agent_runtime import runs
from agent_runtime.agents import Agent
from agent_runtime.clock import MovableClock
from agent_runtime.digest import Seal
from agent_runtime.lifecycle import ENDED
from agent_runtime.policy_file import read_policy_text
from agent_runtime.runs import Order
from agent_runtime.runtime import Runtime
from agent_runtime.worker import LEASE
from storage import outbox
from storage import runs as run_rows
from storage.database import Database
from storage.models import Delivery, Run
from storage.tx import Tx
from storage.types import DeliveryStatus
from tests.crash.effects import append
from tests.crash.patterns import PATTERNS, POLICY, WATCH
from tests.crash.people import ACCEPTED, SURFACE, People, member

BEGINNING = datetime(2030, 1, 7, 9, 0, tzinfo=UTC)
BETWEEN_LIVES = timedelta(minutes=1)
NIGHT = timedelta(hours=5)
"""Longer than any time-out of the patterns."""
KEY = b"a key that is not in the database"
MOST_IDLE_ROUNDS = 5
URL = "sqlite:///signoff.db"


class Stuck(Exception):
    """Nothing is left to do, and a run has not ended."""


@dataclass
class Faults:
    """Where this life is struck: after a commit, or at a point inside a tool, by a signal to itself. `trace` keeps the
    points that were passed."""

    at: str = ""
    by: int = signal.SIGKILL
    trace: Path | None = None
    db: Database | None = None
    _struck: bool = False
    _strikes_next: bool = False

    def committed(self, number: int) -> None:
        """The database's hook, in the writer's thread, with no transaction open."""
        self._pass(f"commit {number}")
        if self._strikes_next or (self.at == f"commit {number}" and not self._struck):
            self._strike()

    def reached(self, point: str) -> None:
        """A place inside a tool."""
        self._pass(point)
        if point != self.at or self._struck:
            return
        if self.by == signal.SIGKILL:
            self._strike()
        # A process that is stopped inside a transaction would keep SQLite's lock from everybody else: the writer stops
        # it after a commit, while this thread waits here inside the tool.
        assert self.db is not None
        self._strikes_next = True
        self.db.submit(lambda _tx: None).result()

    def _pass(self, point: str) -> None:
        if self.trace is not None:
            append(self.trace, {"point": point})

    def _strike(self) -> None:
        self._struck, self._strikes_next = True, False
        # To this very thread: another one might take a process's signal, and this one go on for a moment.
        signal.pthread_kill(threading.get_ident(), self.by)


@dataclass(frozen=True)
class Life:
    """Where and as what a process lives. `number` counts the lives on these files, and moves the clock. `shared`:
    another process works on the same files. `leaves`: it ends when it has nothing to do, whatever others wait for."""

    folder: Path
    pattern: str
    agent: Agent
    number: int = 0
    faults: Faults = field(default_factory=Faults)
    people: People = field(default_factory=People)
    shared: bool = False
    leaves: bool = False

    def run(self) -> None:
        """Live until all is done, in the folder. For a process of its own."""
        os.chdir(self.folder)
        WATCH.reached = self.faults.reached
        asyncio.run(self._run())

    async def _run(self) -> None:
        clock = MovableClock(BEGINNING + self.number * BETWEEN_LIVES)
        policies = read_policy_text(POLICY, "signoff.toml").policies
        agents = {PATTERNS[self.pattern].agent: self.agent}
        async with Database(URL, exclusive=not self.shared, on_commit=self.faults.committed) as db:
            self.faults.db = db
            runtime = Runtime(db, agents, policies, Seal(KEY), clock)
            if not self.shared:
                await runtime.boot()
            await self._start(runtime)
            await self._work(runtime, clock)

    async def _start(self, runtime: Runtime) -> None:
        pattern = PATTERNS[self.pattern]
        order = Order(pattern.agent, {"input": pattern.text} if pattern.agent == "approval" else pattern.text, {}, "d1")
        starter = member(runtime, "sam")
        run = await runtime.db.transact(runs.start, runtime.context(), order, starter, SURFACE)
        assert isinstance(run, Run), run
        append(ACCEPTED, {"run": run.id})

    async def _work(self, runtime: Runtime, clock: MovableClock) -> None:
        pattern = PATTERNS[self.pattern]
        for _ in range(MOST_IDLE_ROUNDS):
            while await self._round(runtime):
                pass
            if self.leaves or all(run.status in ENDED for run in await runtime.db.read(run_rows.recent, 10)):
                return
            clock.advance(LEASE if pattern.answered else NIGHT)
        raise Stuck([(run.id, run.status, run.error) for run in await runtime.db.read(run_rows.recent, 10)])

    async def _round(self, runtime: Runtime) -> bool:
        pattern = PATTERNS[self.pattern]
        moved = await runtime.worker.run_once()
        if not pattern.answered:
            moved = bool(await runtime.sweep()) or moved
        elif not moved:
            moved = await self.people.decide(runtime)
        if pattern.delivers and not moved:
            moved = await _deliver(runtime)
        return moved


async def _deliver(runtime: Runtime) -> bool:
    """One delivery, claimed and settled as its worker does; there is no Slack here."""
    delivery = await runtime.db.transact(_claim, runtime.clock.now(), runtime.boot_id)
    if delivery is None:
        return False
    await runtime.db.transact(_settle, delivery, runtime.boot_id, runtime.clock.now())
    return True


def _claim(tx: Tx, now: datetime, owner: str) -> Delivery | None:
    delivery = outbox.claimable(tx, now, ())
    if delivery is None or not outbox.lease(tx, delivery, owner, now + LEASE):
        return None
    return outbox.get(tx, delivery.key)


def _settle(tx: Tx, delivery: Delivery, owner: str, now: datetime) -> None:
    outbox.settle(tx, delivery, owner, now, status=DeliveryStatus.DONE, shown=delivery.wanted)
