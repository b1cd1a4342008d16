"""Workers: woken, bounded, never twice on one thing, and alive after anything breaks."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest

from agent_runtime import worker as working
from agent_runtime.scheduler import build_scheduler
from agent_runtime.worker import Heartbeat, Worker
from storage.types import RunStatus
from tests.core.agent import one
from tests.core.world import ANA
from tests.patience import PATIENCE

BUY = one("buy", {"amount": 10})


class Queue:
    """Items to claim; remembers how many were handled at once."""

    def __init__(self, *items: str) -> None:
        self.items = list(items)
        self.handled: list[str] = []
        self.now = self.most = 0
        self.skips: list[Sequence[str]] = []
        self.release = asyncio.Event()
        self.release.set()
        self.empty = asyncio.Event()

    async def claim(self, skip: Sequence[str]) -> str | None:
        self.skips.append(tuple(skip))
        if not self.items:
            self.empty.set()
            return None
        return self.items.pop(0)

    async def handle(self, item: str) -> None:
        self.now += 1
        self.most = max(self.most, self.now)
        await self.release.wait()
        self.now -= 1
        self.handled.append(item)
        if item.startswith("bad"):
            raise ValueError(item)

    def worker(self, **fields: Any) -> Worker[str]:
        return Worker("test", self.claim, self.handle, str, self.may_claim, **fields)

    async def may_claim(self) -> bool:
        return bool(self.items)


async def until(done: Callable[[], Any]) -> None:
    """Let the loop turn until this holds."""
    async with asyncio.timeout(PATIENCE):
        while not (await found if inspect.isawaitable(found := done()) else found):  # noqa: ASYNC110 - no event for rows
            await asyncio.sleep(0)


async def test_a_worker_takes_what_there_is_and_stops() -> None:
    """All items are handled; after `stop` the loop ends."""
    queue = Queue("a", "b", "c")
    worker, wake = queue.worker(), asyncio.Event()
    loop = asyncio.create_task(worker.run_forever(wake))
    await until(lambda: len(queue.handled) == 3)
    worker.stop()
    await asyncio.wait_for(loop, PATIENCE)
    assert worker.held == ()


async def test_a_wake_is_not_slept_through(monkeypatch: pytest.MonkeyPatch) -> None:
    """An item that comes while the worker sleeps is handled at once, not at the next poll."""
    monkeypatch.setattr(working, "POLL_SECONDS", 3600)
    queue = Queue()
    worker, wake = queue.worker(), asyncio.Event()
    loop = asyncio.create_task(worker.run_forever(wake))
    for number in range(20):
        await asyncio.wait_for(queue.empty.wait(), PATIENCE)
        queue.empty.clear()
        queue.items.append(str(number))
        wake.set()
        await until(lambda count=number: len(queue.handled) > count)
    worker.stop()
    await loop


async def test_no_more_than_so_many_at_once() -> None:
    """Concurrency is bounded, and used."""
    queue = Queue(*(str(number) for number in range(9)))
    queue.release.clear()
    worker, wake = queue.worker(concurrency=3), asyncio.Event()
    loop = asyncio.create_task(worker.run_forever(wake))
    await until(lambda: queue.now == 3)
    assert set(worker.held) == {"0", "1", "2"}
    queue.release.set()
    await until(lambda: len(queue.handled) == 9)
    worker.stop()
    await loop
    assert queue.most == 3


async def test_what_is_being_executed_is_not_claimed_again() -> None:
    """Every claim names what this process holds."""
    queue = Queue("a")
    queue.release.clear()
    worker, wake = queue.worker(), asyncio.Event()
    loop = asyncio.create_task(worker.run_forever(wake))
    await asyncio.wait_for(queue.empty.wait(), PATIENCE)
    assert queue.skips[-1] == ("a",)
    queue.release.set()
    worker.stop()
    await loop


async def test_an_item_that_raises_stops_neither_the_worker_nor_its_neighbours(logs: Any) -> None:
    """A bug in one item is logged and the others are handled."""
    queue = Queue("a", "bad", "b")
    worker, wake = queue.worker(concurrency=1), asyncio.Event()
    loop = asyncio.create_task(worker.run_forever(wake))
    await until(lambda: len(queue.handled) == 3)
    worker.stop()
    await loop
    assert [entry["item"] for entry in logs if entry["event"] == "worker failed"] == ["bad"]


async def test_a_claim_that_fails_is_tried_again(logs: Any) -> None:
    """A store that is busy or full for a moment does not end the worker."""
    queue = Queue("a")
    failures = iter([ValueError("disk full"), ValueError("disk full")])

    async def claim(skip: Sequence[str]) -> str | None:
        if (error := next(failures, None)) is not None:
            wake.set()
            raise error
        return await queue.claim(skip)

    worker, wake = Worker("test", claim, queue.handle, str, queue.may_claim), asyncio.Event()
    loop = asyncio.create_task(worker.run_forever(wake))
    await until(lambda: queue.handled == ["a"])
    worker.stop()
    await loop
    assert [entry["event"] for entry in logs].count("claiming failed") == 2


async def test_stopping_finishes_what_was_claimed() -> None:
    """`stop` claims nothing more and waits for what is under way."""
    queue = Queue("a", "b")
    queue.release.clear()
    worker, wake = queue.worker(concurrency=1), asyncio.Event()
    loop = asyncio.create_task(worker.run_forever(wake))
    await until(lambda: queue.now == 1)
    worker.stop()
    queue.release.set()
    await asyncio.wait_for(loop, PATIENCE)
    assert (queue.handled, queue.items) == (["a"], ["b"])


async def test_run_once_raises_what_an_item_raises() -> None:
    """Tests see bugs; nothing is held afterwards."""
    queue = Queue("bad")
    worker = queue.worker()
    with pytest.raises(ValueError, match="bad"):
        await worker.run_once()
    assert worker.held == ()
    assert await worker.run_once() is False


async def test_decisions_wake_the_run_worker(worlds: Any) -> None:
    """A run goes from the click to its end by wake-ups alone, with many workers' loops at it."""
    world = await worlds(BUY)
    loops = [asyncio.create_task(world.runtime.worker.run_forever(world.db.listen("runs"))) for _ in range(2)]
    runs = [await world.start() for _ in range(5)]

    async def asked() -> bool:
        return len(await world.all_pending()) == 5

    async def done() -> bool:
        return [await world.status(run) for run in runs] == [RunStatus.SUCCEEDED] * 5

    await until(asked)
    for request in await world.all_pending():
        await world.decide(ANA, request=request)
    await until(done)
    world.runtime.worker.stop()
    await asyncio.gather(*loops)
    assert len(world.effects) == 5


def test_a_heartbeat_beats_in_a_thread_of_its_own_and_survives_errors() -> None:
    """A beat that fails is logged and the next one comes; `stop` ends the thread."""
    beats: list[str] = []
    enough = threading.Event()

    def beat() -> None:
        beats.append(threading.current_thread().name)
        if len(beats) == 1:
            raise ValueError("busy")
        if len(beats) == 3:
            enough.set()

    heart = Heartbeat(beat, timedelta(milliseconds=1))
    heart.start()
    assert enough.wait(PATIENCE)
    heart.stop()
    assert set(beats) == {"signoff-heartbeat"}


async def test_the_scheduler_only_wakes() -> None:
    """Its two jobs are intervals in memory that coalesce and are never too late to run."""

    async def nothing() -> None: ...

    scheduler = build_scheduler(nothing, nothing)
    jobs = {job.id: job for job in scheduler.get_jobs()}
    assert set(jobs) == {"sweep", "noise"}


async def test_what_is_old_is_looked_for_every_hour() -> None:
    """And what is looked at every minute stays what it is."""

    async def nothing() -> None: ...

    scheduler = build_scheduler(nothing, nothing, minutely=(nothing,), hourly=(nothing,))
    every = [job.trigger.interval for job in scheduler.get_jobs() if job.id not in {"sweep", "noise"}]
    assert every == [timedelta(minutes=1), timedelta(hours=1)]
