"""Readings: shared while they are made, reused while young, never stopped by one who will not wait."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from agent_runtime.clock import MovableClock
from bot.readings import Readings

YOUNG = timedelta(seconds=30)


class Source:
    """Something slow to read, which counts how often it was read."""

    def __init__(self) -> None:
        self.reads = 0
        self.gate = asyncio.Event()
        self.fault: Exception | None = None

    async def read(self) -> int:
        self.reads += 1
        number = self.reads
        await self.gate.wait()
        if self.fault is not None:
            raise self.fault
        return number


async def test_many_who_ask_at_once_share_one_read(clock: MovableClock) -> None:
    """Ten people who ask for the same thing at once cost one read."""
    readings, source = Readings(clock), Source()
    asked = [asyncio.create_task(readings.get("k", YOUNG, source.read)) for _ in range(10)]
    await asyncio.sleep(0)
    source.gate.set()
    assert {reading.value for reading in await asyncio.gather(*asked)} == {1}
    assert source.reads == 1


async def test_a_reading_is_as_old_as_its_beginning(clock: MovableClock) -> None:
    """What takes long to read is not younger for it: its age counts from the moment it was asked for."""
    readings, source = Readings(clock), Source()
    begun = clock.now()
    asked = asyncio.create_task(readings.get("k", YOUNG, source.read))
    await asyncio.sleep(0)
    clock.advance(timedelta(seconds=20))
    source.gate.set()
    assert (await asked).taken_at == begun


async def test_a_reading_is_reused_while_it_is_young_and_no_longer(clock: MovableClock) -> None:
    """At thirty seconds it is still good, a moment later it is read again; a clock set back does not keep it alive."""
    readings, source = Readings(clock), Source()
    source.gate.set()
    await readings.get("k", YOUNG, source.read)
    clock.advance(YOUNG)
    assert (await readings.get("k", YOUNG, source.read)).value == 1
    clock.advance(timedelta(microseconds=1))
    assert (await readings.get("k", YOUNG, source.read)).value == 2
    clock.advance(timedelta(days=-1))
    assert (await readings.get("k", YOUNG, source.read)).value == 3


async def test_one_who_will_not_wait_does_not_end_the_read_of_others(clock: MovableClock) -> None:
    """A caller that gives up leaves the read going, for those who wait and for the next who asks."""
    readings, source = Readings(clock), Source()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await readings.get("k", YOUNG, source.read)
    patient = asyncio.create_task(readings.get("k", YOUNG, source.read))
    await asyncio.sleep(0)
    source.gate.set()
    assert (await patient).value == 1


async def test_a_failure_reaches_all_who_wait_and_is_not_kept(clock: MovableClock) -> None:
    """Everybody who shared a failed read is told, and the next one reads again."""
    readings, source = Readings(clock), Source()
    source.gate.set()
    source.fault = ValueError("no")
    told = await asyncio.gather(*(readings.get("k", YOUNG, source.read) for _ in range(3)), return_exceptions=True)
    assert [str(one) for one in told] == ["no"] * 3
    source.fault = None
    assert (await readings.get("k", YOUNG, source.read)).value == 2


async def test_closing_ends_what_is_being_read(clock: MovableClock) -> None:
    """No read outlives its owner."""
    readings, source = Readings(clock), Source()
    asked = asyncio.create_task(readings.get("k", YOUNG, source.read))
    await asyncio.sleep(0)
    await readings.close()
    with pytest.raises(asyncio.CancelledError):
        await asked
