"""What was read from Slack and when: reused while it is young, read once however many ask, never older than told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar, cast

from agent_runtime.clock import Clock

T = TypeVar("T")

_MOST = 1_000


@dataclass(frozen=True, slots=True)
class Reading(Generic[T]):
    """A value as Slack gave it at `taken_at`, the moment before it was asked for."""

    value: T
    taken_at: datetime


class Readings:
    """Readings by key. A read that nobody waits for any more goes on, so that the next one who asks finds it done."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: dict[str, Reading[Any]] = {}
        self._flights: dict[str, asyncio.Task[Reading[Any]]] = {}

    async def get(self, key: str, max_age: timedelta, read: Callable[[], Awaitable[T]]) -> Reading[T]:
        """The reading under this key, at most `max_age` old; whoever asks while it is being read shares that read, and
        what it raises."""
        kept = self._kept.get(key)
        if kept is not None and abs(self._clock.now() - kept.taken_at) <= max_age:
            return cast("Reading[T]", kept)
        flight = self._flights.get(key)
        if flight is None:
            flight = asyncio.create_task(self._read(key, read, self._clock.now()))
            self._flights[key] = flight
            flight.add_done_callback(lambda done: self._landed(key, done))
        # Shielded: one impatient caller must not end the read of all the others.
        return cast("Reading[T]", await asyncio.shield(flight))

    async def _read(self, key: str, read: Callable[[], Awaitable[T]], taken_at: datetime) -> Reading[T]:
        reading = Reading(await read(), taken_at)
        if len(self._kept) >= _MOST:
            self._kept.clear()
        self._kept[key] = reading
        return reading

    def _landed(self, key: str, flight: asyncio.Task[Reading[Any]]) -> None:
        del self._flights[key]
        if not flight.cancelled():
            flight.exception()  # Seen, even if everybody who waited has gone.

    async def close(self) -> None:
        """End the reads under way."""
        flights = list(self._flights.values())
        for flight in flights:
            flight.cancel()
        await asyncio.gather(*flights, return_exceptions=True)
