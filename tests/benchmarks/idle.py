"""A server that waits: the real bot with its workers, its scheduler and its looks for what is stuck, while nobody acts.

The peer is the same server with one request waiting: a ratio of 1 says that what waits costs nothing. The local
workspace is in the same process, and counts.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

from agent_runtime.clock import MovableClock, SystemClock
from storage.tx import Tx
from tests.benchmarks.rounds import Comparison, Effort, Promise, Way, compare
from tests.benchmarks.sweep import CALLS, copy_rows
from tests.scenarios.house import House, open_house

MANY, FEW = 10_000, 1
CALM, SECONDS = 15.0, 60.0
"""What follows a start is over after `CALM` seconds. The rarest look is made once a minute."""


class Waiting:
    """A house in which so many requests wait."""

    def __init__(self, folder: Path, count: int, effort: Effort) -> None:
        self.folder = folder
        self.count = count
        self._calm, self.seconds = CALM * effort.share, SECONDS * effort.share

    async def open(self, stack: AsyncExitStack) -> None:
        self.folder.mkdir()
        clock = MovableClock(follow=SystemClock())
        self._house: House = await stack.enter_async_context(open_house(self.folder, clock=clock))
        run = await self._house.start("ana", "approval", "Send email to team about meeting")
        (request,) = await self._house.requests(run.id)
        await self._house.bot.runtime.db.transact(_fill, run.id, request.id, self.count - 1)

    async def begin(self) -> None:
        """Start the server, and let it settle down."""
        self._stopping = asyncio.Event()
        self._work = asyncio.create_task(self._house.bot.run(self._stopping))
        await asyncio.sleep(self._calm)

    async def wait(self) -> None:
        await asyncio.sleep(self.seconds)
        self._stopping.set()
        await self._work


async def measure(effort: Effort, folder: Path) -> list[Comparison]:
    """The processor's time for each second of waiting: 10 ms are 1 % of a core."""
    many = Waiting(folder / "many", effort.of(MANY), effort)
    few = Waiting(folder / "few", FEW, effort)
    async with AsyncExitStack() as stack:
        for house in (many, few):
            await house.open(stack)
        ours = Way(f"{many.count:,} waiting", many.wait, many.begin)
        peer = Way("the same with one waiting", few.wait, few.begin)
        return [await compare(effort, "idle, each second", ours, peer, units=many.seconds, promise=Promise(cpu_ms=5))]


def _fill(tx: Tx, run_id: str, request_id: str, count: int) -> None:
    """So many more requests like this one, ten to a run."""
    if not count:
        return
    runs = max(1, count // CALLS)
    copy_rows(tx, "run", run_id, 0, runs, {"id": "'R' || n", "dedupe": "NULL"})
    changed = {"id": "'A' || n", "run_id": f"'R' || (n % {runs})", "subject": "'call:' || n"}
    copy_rows(tx, "request", request_id, 0, count, changed)
