"""One loop: claim, handle. A worker never claims what this process is already executing, and stops without losing work:
whatever it claimed is finished, or handed to the next worker by its lease."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Generic, TypeVar

import structlog

log = structlog.get_logger("signoff")

Item = TypeVar("Item")

LEASE = timedelta(seconds=30)
POLL_SECONDS = 1.0
"""How long a worker sleeps when nobody wakes it: back-offs that end and leases that expire are found this late."""


class Worker(Generic[Item]):
    """Claims items and handles up to `concurrency` of them at once. `claim(skip)` gives the next item or None,
    `name_of` its key, `handle` does the work and settles it; `may_claim` says whether a claim may find something though
    nobody woke the worker. What `handle` raises is a bug: `run_once` raises it on, `run_forever` logs it and leaves the
    item to its lease."""

    def __init__(
        self,
        name: str,
        claim: Callable[[Sequence[str]], Awaitable[Item | None]],
        handle: Callable[[Item], Awaitable[None]],
        name_of: Callable[[Item], str],
        may_claim: Callable[[], Awaitable[bool]],
        *,
        concurrency: int = 8,
    ) -> None:
        self.name = name
        self._claim = claim
        self._handle = handle
        self._name_of = name_of
        self._may_claim = may_claim
        self._concurrency = concurrency
        self._held: set[str] = set()
        self.turns = 0
        """How often it has looked for something to do: what shows that it does not stand still."""
        self._stopping = asyncio.Event()
        self._wake = asyncio.Event()

    @property
    def held(self) -> tuple[str, ...]:
        """What this worker is executing now. Safe to read from the heartbeat's thread."""
        return tuple(self._held)

    @property
    def is_full(self) -> bool:
        """Whether it executes as much as it may, and looks for nothing more until something ends."""
        return len(self._held) >= self._concurrency

    async def run_once(self) -> bool:
        """Claim and handle one item; False when there was none."""
        item = await self._claim(self.held)
        if item is None:
            return False
        await self._execute(item)
        return True

    async def run_forever(self, wake: asyncio.Event) -> None:
        """Work until `stop`; then finish what was claimed."""
        self._wake = wake
        async with asyncio.TaskGroup() as tasks:
            room = asyncio.Semaphore(self._concurrency)
            while not self._stopping.is_set():
                self.turns += 1
                wake.clear()
                await room.acquire()
                item = None if self._stopping.is_set() else await self._claim_or_log()
                if item is None:
                    room.release()
                    await self._sleep(wake)
                    continue
                self._held.add(self._name_of(item))
                task = tasks.create_task(self._execute_or_log(item))
                task.add_done_callback(lambda _: room.release())

    def stop(self) -> None:
        """Claim nothing more."""
        self._stopping.set()
        self._wake.set()

    async def _execute(self, item: Item) -> None:
        name = self._name_of(item)
        self._held.add(name)
        try:
            await self._handle(item)
        finally:
            self._held.discard(name)

    async def _claim_or_log(self) -> Item | None:
        try:
            return await self._claim(self.held)
        except Exception:
            # The store is busy, full or closing: a worker that ended here would never take anything again.
            log.exception("claiming failed", worker=self.name)
            return None

    async def _execute_or_log(self, item: Item) -> None:
        try:
            await self._execute(item)
        except Exception:
            log.exception("worker failed", worker=self.name, item=self._name_of(item))

    async def _sleep(self, wake: asyncio.Event) -> None:
        """Until somebody wakes this worker, or something may be due that nobody wakes it for."""
        while not wake.is_set() and not self._stopping.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL_SECONDS):
                    await wake.wait()
            self.turns += 1
            try:
                if await self._may_claim():
                    return
            except Exception:
                log.exception("looking for work failed", worker=self.name)


class Heartbeat:
    """Extends this process's leases from a thread of its own, so that a blocked event loop does not lose them."""

    def __init__(self, beat: Callable[[], None], every: timedelta = LEASE / 3) -> None:
        self._beat = beat
        self._every = every.total_seconds()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="signoff-heartbeat", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(self._every):
            try:
                self._beat()
            except Exception:
                log.exception("heartbeat failed")
