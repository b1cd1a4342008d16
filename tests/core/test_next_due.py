"""Nothing is asked of the store while nothing happens, and nothing is found late by that."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from agent_runtime.next_due import NextDue
from storage import outbox, requests, runs
from storage.tx import Tx
from storage.types import RunStatus
from tests.core.agent import one
from tests.core.world import HOURS, MINUTES, World

BUY = one("buy", {"amount": 10})


class Asked:
    """Counts how often the store is asked."""

    def __init__(self, world: World, find: Any) -> None:
        self.times = 0
        self._find = find
        self.due = NextDue(world.db, world.clock, self.find)

    def find(self, tx: Tx) -> datetime | None:
        self.times += 1
        at: datetime | None = self._find(tx)
        return at


async def test_a_store_where_nothing_happens_is_asked_once(worlds: Any) -> None:
    """Neither looks nor time passing ask again; the moment that was found comes all the same."""
    world = await worlds(BUY)
    await world.waiting()
    asked = Asked(world, requests.next_due)
    for _ in range(10):
        assert not await asked.due.has_come()
        world.clock.advance(MINUTES)
    assert asked.times == 1
    world.clock.advance(4 * HOURS)
    assert await asked.due.has_come()
    assert asked.times == 1


async def test_a_commit_is_never_missed(worlds: Any) -> None:
    """A run that is started is due at the next look, and so is what is to be shown of it."""
    world = await worlds(BUY)
    asked = [Asked(world, find) for find in (runs.next_due, outbox.next_due)]
    assert [await one.due.has_come() for one in asked] == [False, False]
    await world.start()
    assert [await one.due.has_come() for one in asked] == [True, True]


async def test_what_is_committed_while_the_store_is_asked_is_not_missed(worlds: Any) -> None:
    """The answer is as old as the question, and is not taken for newer."""
    world = await worlds(BUY)
    asked = Asked(world, runs.next_due)

    def find_and_be_late(tx: Tx) -> datetime | None:
        found = runs.next_due(tx)
        if asked.times == 1:
            world.db.submit(lambda _: None).result()
        return found

    asked._find = find_and_be_late
    assert not await asked.due.has_come()
    assert not await asked.due.has_come()
    assert asked.times == 2


async def test_a_lease_that_expires_is_found_without_a_commit(worlds: Any) -> None:
    """Whoever died with a run in hand wrote nothing; the run is due when the lease is over."""
    world = await worlds(BUY)
    run = await world.start()
    assert (await world.runtime.claim(())) is not None
    assert await world.status(run) is RunStatus.RUNNING
    asked = Asked(world, runs.next_due)
    assert not await asked.due.has_come()
    world.clock.advance(MINUTES)
    assert await asked.due.has_come()


async def test_the_poll_sweeps_what_is_due(worlds: Any) -> None:
    """What the scheduler calls every second closes what nobody decided in time."""
    world = await worlds(BUY)
    run = await world.waiting()
    await world.runtime.poll()
    assert await world.status(run) is RunStatus.WAITING
    world.clock.advance(5 * HOURS)
    await world.runtime.poll()
    assert await world.status(run) is RunStatus.QUEUED
