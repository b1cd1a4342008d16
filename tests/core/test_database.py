"""The store: one writer, shared commits, one process, wake-ups, and a mend for what cannot be used."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError
from datetime import timedelta
from pathlib import Path

import pytest

from storage import boots, pauses
from storage.database import Database, has_wal_reset_bug, migrate, sqlite_path
from storage.errors import StorageUnusable, StoreClosed
from storage.models import Boot
from storage.tx import Tx
from tests.core.world import START
from tests.patience import PATIENCE


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'house' / 'signoff.db'}"


@pytest.fixture
def db(url: str) -> Iterator[Database]:
    database = Database(url)
    yield database
    asyncio.run(database.close())


def boot(number: int) -> Boot:
    return Boot(id=f"B{number}", started_at=START, heartbeat_at=START, host="h", pid=number)


def add(tx: Tx, number: int) -> int:
    boots.register(tx, boot(number))
    return number


def add_then_raise(tx: Tx, number: int) -> int:
    boots.register(tx, boot(number))
    raise ZeroDivisionError(number)


def known(tx: Tx) -> set[str]:
    return {row[0] for row in tx._connection.exec_driver_sql("select id from boot")}


async def test_a_unit_that_raises_undoes_only_itself(url: str) -> None:
    """Of many units that share a commit, those that raise leave nothing and the others stand."""
    commits: list[int] = []
    db = Database(url, on_commit=commits.append)
    all_are_there = threading.Event()
    db.submit(lambda _tx: all_are_there.wait())
    work = [db.submit(add_then_raise if number % 3 == 0 else add, number) for number in range(60)]
    all_are_there.set()
    results = await asyncio.gather(*map(asyncio.wrap_future, work), return_exceptions=True)
    assert [isinstance(result, ZeroDivisionError) for result in results] == [number % 3 == 0 for number in range(60)]
    assert await db.read(known) == {f"B{number}" for number in range(60) if number % 3}
    assert len(commits) < 30, "the units did not share commits"
    await db.close()


async def test_a_value_is_returned_only_once_it_is_durable(url: str, tmp_path: Path) -> None:
    """Another connection sees a unit's rows as soon as its result is known."""
    db = Database(url)
    assert await db.transact(add, 1) == 1
    with sqlite3.connect(sqlite_path(url)) as other:
        assert other.execute("select id from boot").fetchall() == [("B1",)]
    other.close()
    await db.close()


async def test_a_full_disk_fails_everybody_in_the_commit_and_the_next_one_works(db: Database) -> None:
    """SQLite rolls a whole transaction back when the disk is full: every caller is told, and nobody waits for ever."""

    def limit(tx: Tx, pages: int) -> None:
        tx._connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

    def size(tx: Tx) -> int:
        return int(tx._connection.exec_driver_sql("PRAGMA page_count").scalar_one())

    def fill(tx: Tx, number: int) -> None:
        boots.register(tx, boot(number).model_copy(update={"host": "x" * 100_000}))

    started = asyncio.Event()
    gate = asyncio.get_running_loop()

    def hold(tx: Tx) -> None:
        gate.call_soon_threadsafe(started.set)

    pages = await db.transact(size)
    await db.transact(limit, pages + 5)
    work = [db.transact(hold), db.transact(add, 1), db.transact(fill, 2), db.transact(add, 3), db.transact(add, 4)]
    results = await asyncio.wait_for(asyncio.gather(*work, return_exceptions=True), PATIENCE)
    assert any(isinstance(result, Exception) for result in results)
    kept = {f"B{result}" for result in results if isinstance(result, int)}
    assert await db.read(known) == kept, "somebody was told yes without a row, or no with one"
    await db.transact(limit, 1_000_000)
    assert await db.transact(add, 9) == 9


async def test_a_write_after_close_is_refused_at_once(url: str) -> None:
    """A thread that outlives the store gets an error, not a wait without end."""
    db = Database(url)
    await db.close()
    with pytest.raises(StoreClosed):
        db.submit(add, 1)
    await db.close()


async def test_close_finishes_what_was_handed_in(url: str) -> None:
    """Every write submitted before close is durable after it."""
    db = Database(url)
    futures = [db.submit(add, number) for number in range(200)]
    await db.close()
    assert [future.result() for future in futures] == list(range(200))
    again = Database(url)
    assert len(await again.read(known)) == 200
    await again.close()


async def test_work_that_nobody_waits_for_any_more_is_dropped_before_it_runs(db: Database) -> None:
    """A unit cancelled while it was queued never runs."""
    ran: list[int] = []
    future = db.submit(lambda tx: asyncio.run(asyncio.sleep(0)))
    queued = [db.submit(lambda tx, n=n: ran.append(n)) for n in range(5)]
    cancelled = [one for one in queued if one.cancel()]
    future.result()
    await db.transact(add, 1)
    for one in cancelled:
        with pytest.raises(CancelledError):
            one.result()
    assert len(ran) == 5 - len(cancelled)


async def test_reading_cannot_write(db: Database) -> None:
    """A look that tries to change a row is refused by the store itself."""
    with pytest.raises(Exception, match=r"readonly|read-only|query_only"):
        await db.read(add, 1)
    assert await db.read(known) == set()


async def test_a_look_is_one_snapshot(db: Database) -> None:
    """Two queries of one look see the same rows, whatever is committed between them."""

    def twice(tx: Tx) -> tuple[set[str], set[str]]:
        before = known(tx)
        db.submit(add, 1).result()
        return before, known(tx)

    assert await db.read(twice) == (set(), set())
    assert await db.read(known) == {"B1"}


async def test_a_commit_wakes_the_listeners_of_its_queue_only(db: Database) -> None:
    """An event is set after a commit that woke its queue, and by no other."""
    runs, outbox = db.listen("runs"), db.listen("outbox")
    await db.transact(lambda tx: tx.wake("runs"))
    await asyncio.wait_for(runs.wait(), PATIENCE)
    assert not outbox.is_set()


async def test_a_unit_that_raises_wakes_nobody(db: Database) -> None:
    """What was rolled back is no news."""

    def wake_and_raise(tx: Tx) -> None:
        tx.wake("runs")
        raise ZeroDivisionError

    waiting = db.listen("runs")
    with pytest.raises(ZeroDivisionError):
        await db.transact(wake_and_raise)
    await db.transact(add, 1)
    await asyncio.sleep(0)
    assert not waiting.is_set()


def test_a_listener_whose_loop_ended_does_not_stop_the_writer(db: Database) -> None:
    """Commits go on after an event loop that listened was closed."""

    async def listen() -> None:
        db.listen("runs")

    asyncio.run(listen())
    assert db.submit(lambda tx: tx.wake("runs")).result(PATIENCE) is None
    assert db.submit(add, 1).result(PATIENCE) == 1


def test_a_second_process_is_refused_with_the_mend(db: Database, url: str) -> None:
    """While one process owns the file, another is told what to do instead."""
    code = f"from storage.database import Database; Database({url!r})"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert run.returncode != 0
    assert f"Another signoff process (pid {os.getpid()}) is using" in run.stderr
    assert "SIGNOFF_DATA_DIR" in run.stderr
    with pytest.raises(StorageUnusable):
        migrate(url)


async def test_the_file_is_free_again_after_close(url: str) -> None:
    """A stopped process leaves no lock behind."""
    await Database(url).close()
    await Database(url).close()


def test_another_kind_of_store_is_refused_with_the_mend() -> None:
    """A URL that is not SQLite's is refused by name, before anything is opened."""
    for url in ("postgresql://db/signoff", "sqlite://"):
        with pytest.raises(StorageUnusable, match="sqlite:///"):
            Database(url)


async def test_foreign_rows_are_enforced(db: Database) -> None:
    """A decision about a request that does not exist is refused by the store."""
    with pytest.raises(Exception, match="FOREIGN KEY"):
        await db.transact(
            lambda tx: tx._connection.exec_driver_sql("insert into audit_text (seq, salt, body) values (99, 'x', '{}')")
        )


async def test_a_pause_is_counted(db: Database) -> None:
    """Unpaused time stands still while stopped and is behind by that much afterwards."""
    hour = timedelta(hours=1)
    assert await db.transact(pauses.stop, START)
    assert not await db.transact(pauses.stop, START + hour)
    assert await db.read(pauses.unpaused, START + hour) is None
    assert await db.read(pauses.elapsed, START + hour) == START
    assert await db.transact(pauses.go, START + 2 * hour)
    assert not await db.transact(pauses.go, START + 3 * hour)
    assert await db.read(pauses.unpaused, START + 3 * hour) == START + hour
    assert await db.read(pauses.stopped_for) == 2 * hour


@pytest.mark.parametrize(
    ("version", "bad"),
    [((3, 6, 23), False), ((3, 40, 1), True), ((3, 44, 6), False), ((3, 50, 7), False), ((3, 51, 2), True),
     ((3, 51, 3), False)],
)  # fmt: skip
def test_versions_with_the_wal_bug_are_known(version: tuple[int, int, int], bad: bool) -> None:
    """The check names exactly the SQLite versions that have the fault."""
    assert has_wal_reset_bug(version) is bad


def test_the_lock_file_is_private(db: Database, url: str) -> None:
    """Nobody else on the host can hold the lock against us."""
    assert Path(f"{sqlite_path(url)}.lock").stat().st_mode & 0o077 == 0
