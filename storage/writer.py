"""The one writer of a SQLite file: a thread that runs units of work, many to a commit, each behind its own savepoint.

SQLite wants one writer, SQLAlchemy's default SQLite transactions lose updates silently, and over aiosqlite every
statement crosses threads. So functions come here, and only their results go back.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

from sqlalchemy import Connection, Engine

from storage.errors import StoreClosed
from storage.tx import Tx

SHARED_COMMIT = 64
"""How many units of work may share one commit: enough to amortise the fsync, few enough to keep waits short."""


@dataclass(frozen=True, slots=True)
class Work:
    """One unit of work and where its result goes."""

    run: Callable[[Tx], Any]
    result: Future[Any]


class Writer:
    """Runs work in its own thread until closed. `committed` is called in that thread after each commit, with the queues
    to wake, before anybody learns the results."""

    def __init__(self, engine: Engine, committed: Callable[[set[str]], None]) -> None:
        self._engine = engine
        self._committed = committed
        self._queue: SimpleQueue[Work | None] = SimpleQueue()
        self._closing = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._serve, name="signoff-writer", daemon=True)
        self._thread.start()

    def submit(self, run: Callable[[Tx], Any]) -> Future[Any]:
        """Hand in a unit of work, from any thread. Raises StoreClosed after `close`."""
        result: Future[Any] = Future()
        with self._closing:
            if self._closed:
                raise StoreClosed
            self._queue.put(Work(run, result))
        return result

    def close(self) -> None:
        """Finish what was handed in and stop."""
        with self._closing:
            self._closed = True
            self._queue.put(None)
        self._thread.join()

    def _serve(self) -> None:
        try:
            with self._engine.connect() as connection:
                while (first := self._queue.get()) is not None:
                    batch, last = self._collect(first)
                    self._commit(connection, batch)
                    if last:
                        return
        finally:
            self._refuse_the_rest()

    def _refuse_the_rest(self) -> None:
        """This thread ends: whoever still waits for it must not wait for ever."""
        with self._closing:
            self._closed = True
        while not self._queue.empty():
            work = self._queue.get()
            if work is not None and work.result.set_running_or_notify_cancel():
                work.result.set_exception(StoreClosed())

    def _collect(self, first: Work) -> tuple[list[Work], bool]:
        batch = [first]
        while len(batch) < SHARED_COMMIT:
            try:
                work = self._queue.get_nowait()
            except Empty:
                return batch, False
            if work is None:
                return batch, True
            batch.append(work)
        return batch, False

    def _commit(self, connection: Connection, batch: list[Work]) -> None:
        batch = [work for work in batch if work.result.set_running_or_notify_cancel()]
        done: list[tuple[Work, Any]] = []
        woken: set[str] = set()
        try:
            with connection.begin():
                for work in batch:
                    self._run(connection, work, done, woken)
            self._committed(woken)
        except BaseException as error:  # noqa: BLE001 - whatever broke the commit is each caller's answer
            for work in batch:
                if not work.result.done():
                    work.result.set_exception(error)
            return
        for work, value in done:
            work.result.set_result(value)

    def _run(self, connection: Connection, work: Work, done: list[tuple[Work, Any]], woken: set[str]) -> None:
        tx = Tx(connection)
        savepoint = connection.begin_nested()
        try:
            value = work.run(tx)
        except BaseException as error:  # noqa: BLE001 - one caller's bug must not undo its neighbours' work
            savepoint.rollback()
            work.result.set_exception(error)
            return
        savepoint.commit()
        done.append((work, value))
        woken |= tx.woken
