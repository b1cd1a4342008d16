"""One decision: checks, vote, closed request, queued run, audit rows and outbox rows, durable.

Ours goes through the writer thread, where many share a commit; the peer runs the same statements on a plain
`sqlite+aiosqlite` engine with one connection and a transaction for each decision.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from agent_runtime import approvals
from agent_runtime.approvals import Accepted
from agent_runtime.audit import Origin
from agent_runtime.runtime import Runtime
from agent_runtime.verification import verify
from storage.models import Request
from storage.tx import Tx
from tests.benchmarks.core import ANA, approval, open_requests, open_runtime, person
from tests.benchmarks.rounds import Comparison, Effort, Way, compare

DECISIONS, TOGETHER = 64, 32
ORIGIN = Origin("slack", {"message_ts": "1.1", "action_ts": "2.2"})

Decide = Callable[[Request], Awaitable[Any]]


class Clicks:
    """Decisions on requests that wait in one store, `together` at a time."""

    def __init__(self, runtime: Runtime, decide: Decide, count: int, together: int) -> None:
        self._runtime = runtime
        self._decide = decide
        self._count = count
        self._together = together
        self._waiting: list[Request] = []

    async def prepare(self) -> None:
        runtime = self._runtime
        self._waiting = await runtime.db.transact(open_requests, runtime.context(), self._count)

    async def work(self) -> None:
        for at in range(0, self._count, self._together):
            some = self._waiting[at : at + self._together]
            for verdict in await asyncio.gather(*map(self._decide, some)):
                assert isinstance(verdict, Accepted)


async def measure(effort: Effort, folder: Path) -> list[Comparison]:
    """One at a time, and 32 at a time."""
    homes = [folder / "ours", folder / "peer"]
    for home in homes:
        home.mkdir()
    count, found = effort.of(DECISIONS), []
    async with open_runtime(homes[0]) as mine, open_runtime(homes[1]) as theirs:
        engine = _engine(theirs.db.path)
        for together, words in ((1, "one at a time"), (TOGETHER, f"{TOGETHER} at a time")):
            ours = Clicks(mine, _through_writer(mine), count, together)
            peer = Clicks(theirs, _over_aiosqlite(theirs, engine), count, together)
            found.append(await compare(
                effort, f"decision, {words}",
                Way("writer thread, shared commits", ours.work, ours.prepare),
                Way("same statements over aiosqlite", peer.work, peer.prepare),
                units=count,
            ))  # fmt: skip
        await engine.dispose()
        for runtime in (mine, theirs):
            assert (await runtime.db.read(verify, runtime.seal)).broken_at is None
    return found


def _through_writer(runtime: Runtime) -> Decide:
    async def decide(request: Request) -> Any:
        membership, act = person(runtime, ANA), approval(request)
        return await runtime.db.transact(approvals.decide, runtime.context(), act, membership, ORIGIN)

    return decide


def _over_aiosqlite(runtime: Runtime, engine: AsyncEngine) -> Decide:
    async def decide(request: Request) -> Any:
        membership, act, context = person(runtime, ANA), approval(request), runtime.context()
        async with engine.begin() as connection:
            return await connection.run_sync(lambda sync: approvals.decide(Tx(sync), context, act, membership, ORIGIN))

    return decide


def _engine(path: Path) -> AsyncEngine:
    """As durable and as careful as the writer's own connection."""
    engine = create_async_engine(f"sqlite+aiosqlite:///{path}", pool_size=1, max_overflow=0)

    @event.listens_for(engine.sync_engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine
