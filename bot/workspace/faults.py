"""Faults on demand: makes a Web API method fail, stall, or lose its connection, before or after it took effect."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from bot.workspace.shapes import Json

When = Literal["before", "after"]
"""Relative to the effect: `before` nothing happened, `after` it did and the app is not told."""


@dataclass
class Fault:
    """One planned fault. `hang` holds the call until `release()`; a held call goes on as if it had only been slow."""

    method: str
    error: str | None = None
    status: int | None = None
    retry_after: int | None = None
    when: When = "before"
    drop: When | None = None
    hang: When | None = None
    delay: float = 0.0
    times: int | None = 1
    channel: tuple[str, ...] = ()
    """The names that the channel goes by in calls; none: any channel."""
    hits: int = 0
    _reached: asyncio.Event = field(default_factory=asyncio.Event)
    _released: asyncio.Event = field(default_factory=asyncio.Event)

    def matches(self, method: str, args: Json) -> bool:
        if self.method not in ("*", method) or (self.times is not None and self.hits >= self.times):
            return False
        return not self.channel or args.get("channel") in self.channel

    async def hold(self) -> None:
        """Keep the call waiting until it is released."""
        self._reached.set()
        await self._released.wait()

    async def reached(self) -> None:
        """Wait until a call hangs here."""
        await self._reached.wait()

    def release(self) -> None:
        """Let hanging calls, and later ones, go on."""
        self._released.set()


@dataclass
class Limit:
    """A rate limit: so many calls per window, counted per channel where asked, on the workspace's clock."""

    calls: int
    per: timedelta
    by_channel: bool
    _windows: dict[str, tuple[datetime, int]] = field(default_factory=dict)

    def wait(self, channel: str, now: datetime) -> int | None:
        """Count one call: None if it may go on, else the whole seconds until it may."""
        key = channel if self.by_channel else ""
        start, count = self._windows.get(key, (now, 0))
        if now - start >= self.per:
            start, count = now, 0
        if count >= self.calls:
            return max(1, math.ceil((start + self.per - now).total_seconds()))
        self._windows[key] = (start, count + 1)
        return None


class Faults:
    """The planned faults and the rate limits."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._limits: dict[str, Limit] = {}

    def add(self, fault: Fault) -> Fault:
        self._faults.append(fault)
        return fault

    def limit(self, method: str, calls: int, per: timedelta, *, by_channel: bool) -> None:
        """Answer 429 beyond so many calls of the method per window."""
        self._limits[method] = Limit(calls, per, by_channel)

    def take(self, method: str, args: Json, now: datetime) -> Fault | None:
        """The fault that this call meets, counted; a broken rate limit is one."""
        for fault in self._faults:
            if fault.matches(method, args):
                fault.hits += 1
                return fault
        limit = self._limits.get(method)
        seconds = limit.wait(str(args.get("channel") or ""), now) if limit else None
        return Fault(method, status=429, retry_after=seconds) if seconds else None

    def heal(self, method: str | None = None) -> None:
        """Forget the planned faults and limits of a method, or all; hanging calls go on."""
        for fault in [f for f in self._faults if method in (None, f.method)]:
            fault.release()
            self._faults.remove(fault)
        for name in [n for n in self._limits if method in (None, n)]:
            del self._limits[name]
