"""Opening, checking and closing the store; `transact` for every write and `read` for every look.

On SQLite one process owns the file (an flock beside it), writes go to one writer thread, reads come from a query-only
aiosqlite engine.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import sqlite3
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from storage.errors import StorageUnusable, StoreTaken
from storage.migrate import at_head, is_empty, upgrade
from storage.tx import Tx
from storage.writer import Writer

P = ParamSpec("P")
T = TypeVar("T")

BUSY_SECONDS = 10
READ_PATIENCE = 3600
"""Seconds for which a look at the rows waits its turn among hundreds: on a busy machine a click is late, not lost."""


class Database:
    """The open store. `on_commit` is told the number of each commit, in the writer's thread: for crash tests."""

    def __init__(self, url: str, *, exclusive: bool = True, on_commit: Callable[[int], None] | None = None) -> None:
        self.path = sqlite_path(url)
        _make_private(self.path)
        self._lock = _lock(self.path) if exclusive else None
        self._write_engine = _write_engine(self.path)
        self._read_engine = _read_engine(self.path)
        self._on_commit = on_commit
        self.commits = 0
        """How many commits were made since the store was opened."""
        self._listeners: dict[str, list[tuple[asyncio.AbstractEventLoop, asyncio.Event]]] = {}
        try:
            self._require_schema()
        except BaseException:
            self._write_engine.dispose()
            self._unlock()
            raise
        self._writer = Writer(self._write_engine, self._committed)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def transact(self, fn: Callable[Concatenate[Tx, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a unit of work and return its value once it is durable. A cancelled await does not mean not committed."""
        future: Future[T] = self.submit(fn, *args, **kwargs)
        return await asyncio.wrap_future(future)

    def submit(self, fn: Callable[Concatenate[Tx, P], T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """`transact` for threads that have no event loop, such as the heartbeat."""
        return self._writer.submit(lambda tx: fn(tx, *args, **kwargs))

    async def read(self, fn: Callable[Concatenate[Tx, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Look at one snapshot of the rows. The connection refuses writes."""
        async with self._read_engine.connect() as connection:
            return await connection.run_sync(lambda sync: fn(Tx(sync), *args, **kwargs))

    def listen(self, queue: str) -> asyncio.Event:
        """An event of the running loop that is set after every commit that woke this queue."""
        waiting = asyncio.Event()
        self._listeners.setdefault(queue, []).append((asyncio.get_running_loop(), waiting))
        return waiting

    async def close(self) -> None:
        """Finish every write that was handed in, then let go of the file."""
        await asyncio.to_thread(self._writer.close)
        await self._read_engine.dispose()
        self._write_engine.dispose()
        self._unlock()

    def _committed(self, woken: set[str]) -> None:
        self.commits += 1
        if self._on_commit is not None:
            self._on_commit(self.commits)
        for queue in woken:
            for loop, waiting in self._listeners.get(queue, []):
                with suppress(RuntimeError):  # that loop ended; nobody waits there any more
                    loop.call_soon_threadsafe(waiting.set)

    def _require_schema(self) -> None:
        if is_empty(self._write_engine):
            upgrade(self._write_engine)
        elif not at_head(self._write_engine):
            raise StorageUnusable(
                f"The tables in {self.path} are not those of this version of Signoff",
                "Stop every signoff process, keep a copy of the file, and run: signoff migrate",
            )

    def _unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def sqlite_path(url: str) -> Path:
    """The file of a `sqlite:///` URL. Raises StorageUnusable for any other store."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        raise StorageUnusable(
            f"SIGNOFF_DATABASE_URL names a {parsed.get_backend_name()} store, which is not supported yet",
            "Use sqlite:///path/to/signoff.db, or leave it unset",
        )
    return Path(parsed.database).absolute()


def migrate(url: str) -> None:
    """Bring the tables to this version's. Takes the file's lock; raises StorageUnusable while a server holds it."""
    path = sqlite_path(url)
    _make_private(path)
    lock = _lock(path)
    engine = _write_engine(path)
    try:
        upgrade(engine)
    finally:
        engine.dispose()
        os.close(lock)


def has_wal_reset_bug(version: tuple[int, ...] = sqlite3.sqlite_version_info) -> bool:
    """Whether this SQLite (3.7.0 to 3.51.2) can corrupt a WAL file when two connections write or checkpoint at once.
    Signoff has one writer, so it is only told about. Source: sqlite.org release notes of 3.51.3."""
    return (3, 7, 0) <= version < (3, 51, 3) and version[:3] not in {(3, 44, 6), (3, 50, 7)}


def _make_private(path: Path) -> None:
    """Makes the folder and the empty file where they are not there yet, for this user alone. SQLite gives the files
    that it keeps beside a database the mode of the database."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))


def _lock(path: Path) -> int:
    """Takes the lock beside the file, and writes into it who did: for the words that another process is told."""
    descriptor = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        said = os.read(descriptor, 20).strip()
        os.close(descriptor)
        raise StoreTaken(path, int(said) if said.isdigit() else None) from None
    os.ftruncate(descriptor, 0)
    os.write(descriptor, f"{os.getpid()}\n".encode())
    return descriptor


def _write_engine(path: Path) -> Engine:
    engine = create_engine(
        f"sqlite:///{path}",
        pool_size=1,
        max_overflow=0,
        connect_args={"timeout": BUSY_SECONDS},
        hide_parameters=True,  # errors are logged, and may be shown
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:
        # SQLAlchemy's own BEGIN is deferred and loses updates: leave transactions to the begin event below.
        connection.isolation_level = None
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _read_engine(path: Path) -> AsyncEngine:
    engine = create_async_engine(
        f"sqlite+aiosqlite:///{path}", connect_args={"timeout": BUSY_SECONDS}, hide_parameters=True,
        pool_timeout=READ_PATIENCE,
    )  # fmt: skip

    @event.listens_for(engine.sync_engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA query_only = ON")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine
