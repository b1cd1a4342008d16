"""The sweep, which every second looks for requests that nobody decided in time.

The peer is the same sweep over a hundredth of the requests: a ratio of 1 says that what waits costs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

from agent_runtime.clock import MovableClock
from agent_runtime.runtime import Runtime
from storage import requests
from storage.tx import Tx
from tests.benchmarks.core import open_requests, open_runtime
from tests.benchmarks.rounds import Comparison, Effort, Promise, Way, compare

MANY, FEW, DUE, LOOKS = 1_000_000, 10_000, 100, 200
CALLS = 10
"""Requests of one run."""
COMMIT = 50_000
START = datetime(2026, 11, 20, 12, tzinfo=UTC)
WAITING = timedelta(hours=4)
"""The time-out of the requests that are copied."""


class Waiting:
    """A store in which many requests wait. The first `DUE * turns` fall due in groups of `DUE`, one group an hour."""

    def __init__(self, folder: Path, count: int, due: int, looks: int, turns: int) -> None:
        self.folder = folder
        self.looks = looks
        self.count = max(count, due * turns)
        self.due = due
        self.turns = turns

    async def open(self, stack: AsyncExitStack) -> None:
        self.folder.mkdir()
        self._clock = MovableClock(START)
        self._runtime: Runtime = await stack.enter_async_context(open_runtime(self.folder, clock=self._clock))
        (made,) = await self._runtime.db.transact(open_requests, self._runtime.context(), 1)
        runs = max(1, self.count // CALLS)
        await self._runtime.db.transact(copy_rows, "run", made.run_id, 0, runs, {"id": "'R' || n"})
        # In several commits: one would write everything twice, first to the log.
        changed = {
            "id": "'A' || n",
            "run_id": f"'R' || (n % {runs})",
            "subject": "'call:' || n",
            "due_at": self._due_at(),
            "next_at": self._due_at(),
        }
        for at in range(0, self.count, COMMIT):
            until = min(at + COMMIT, self.count)
            await self._runtime.db.transact(copy_rows, "request", made.id, at, until, changed)
        await self._runtime.db.transact(requests.change, made, made.status, due_at=None, next_at=None)
        self._clock.advance(WAITING - timedelta(minutes=1))

    def _due_at(self) -> str:
        """Of the n-th copy, in SQL: its group's hour, and a year for whatever is in no group."""
        hours = f"CASE WHEN n < {self.due * self.turns} THEN n / {self.due} ELSE 8760 END"
        return f"strftime('%Y-%m-%d %H:%M:%S', due_at, '+' || ({hours}) || ' hours') || '.000000'"

    async def hour(self) -> None:
        """The next group falls due."""
        self._clock.advance(timedelta(hours=1))

    async def sweep(self) -> None:
        swept = await self._runtime.sweep()
        assert swept == self.due, f"{swept} of {self.due}"

    async def look(self) -> None:
        for _ in range(self.looks):
            assert await self._runtime.sweep() == 0


async def measure(effort: Effort, folder: Path) -> list[Comparison]:
    """With a hundred due, and with nothing due."""
    due, looks, turns = effort.of(DUE), effort.of(LOOKS), effort.rounds + 1
    many = Waiting(folder / "many", effort.of(MANY), due, looks, turns)
    few = Waiting(folder / "few", effort.of(FEW), due, looks, turns)
    async with AsyncExitStack() as stack:
        for store in (many, few):
            await store.open(stack)

        due_now = [Way(f"{store.count:,} waiting", store.sweep, store.hour) for store in (many, few)]
        idle = [Way(f"{store.count:,} waiting", store.look) for store in (many, few)]
        return [
            await compare(effort, f"sweep, {due} due", *due_now, units=due, promise=Promise(times=1.5)),
            await compare(effort, "sweep, nothing due", *idle, units=looks, promise=Promise(1.5, cpu_ms=1)),
        ]


def copy_rows(tx: Tx, table: str, made: str, start: int, end: int, changed: Mapping[str, str]) -> None:
    """Copies of a row, numbered n, with these columns changed (column -> SQL)."""
    connection = tx._connection
    names = [row.name for row in connection.exec_driver_sql(f"SELECT name FROM pragma_table_info('{table}')")]
    values = ", ".join(changed.get(name, name) for name in names)
    connection.exec_driver_sql(
        f"WITH RECURSIVE series(n) AS (SELECT {start} UNION ALL SELECT n + 1 FROM series WHERE n + 1 < {end}) "
        f"INSERT INTO {table} ({', '.join(names)}) SELECT {values} FROM series, {table} WHERE {table}.id = '{made}'"
    )
