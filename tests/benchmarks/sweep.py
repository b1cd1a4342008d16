"""The sweep, which every second looks for requests that nobody decided in time.

The peer is the same sweep over a hundredth of the requests: a ratio of 1 says that what waits costs nothing.
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

from agent_runtime.clock import MovableClock
from agent_runtime.context import Context
from agent_runtime.runtime import Runtime
from storage.tx import Tx
from tests.benchmarks.core import open_requests, open_runtime
from tests.benchmarks.rounds import Comparison, Effort, Way, compare

MANY, FEW, DUE, LOOKS = 1_000_000, 10_000, 100, 200
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
        await self._runtime.db.transact(_fill, self._runtime.context(), self.count, self.due, self.turns)
        self._clock.advance(WAITING - timedelta(minutes=1))

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
            await compare(effort, f"sweep, {due} due", *due_now, units=due),
            await compare(effort, "sweep, nothing due", *idle, units=looks),
        ]


def _fill(tx: Tx, context: Context, count: int, due: int, turns: int) -> None:
    """Copies of one real waiting run and its request. The time of each group is its place in the series; whatever
    belongs to no group is due in a year."""
    (made,) = open_requests(tx, context, 1)
    at = f"CASE WHEN n < {due * turns} THEN (n / {due}) ELSE 8760 END"
    moved = f"strftime('%Y-%m-%d %H:%M:%S', due_at, '+' || ({at}) || ' hours') || '.000000'"
    for table, chosen, changed in (
        ("run", made.run_id, {"id": "'R' || n"}),
        ("request", made.id, {"id": "'A' || n", "run_id": "'R' || n", "due_at": moved}),
    ):
        columns = [row["name"] for row in _rows(tx, f"SELECT name FROM pragma_table_info('{table}')")]
        values = ", ".join(changed.get(name, f'"{name}"') for name in columns)
        names = ", ".join(f'"{name}"' for name in columns)
        tx._connection.exec_driver_sql(
            f"WITH RECURSIVE series(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM series WHERE n + 1 < {count}) "
            f"INSERT INTO {table} ({names}) SELECT {values} FROM series, {table} WHERE {table}.id = '{chosen}'"
        )
    tx._connection.exec_driver_sql("UPDATE request SET due_at = NULL WHERE id = ?", (made.id,))


def _rows(tx: Tx, statement: str) -> list[dict[str, str]]:
    return [dict(row) for row in tx._connection.exec_driver_sql(statement).mappings()]
