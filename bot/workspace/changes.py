"""Tells whoever waits that something in the workspace changed, so that nobody has to poll or sleep."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class Changes:
    """Counts changes and wakes the waiting. `happened` is synchronous: any code that changes state can call it."""

    def __init__(self) -> None:
        self.count = 0
        self._waiting: set[asyncio.Future[None]] = set()

    def happened(self) -> None:
        self.count += 1
        waiting, self._waiting = self._waiting, set()
        for future in waiting:
            if not future.done():
                future.set_result(None)

    async def next(self) -> None:
        """Wait for the next change."""
        future = asyncio.get_running_loop().create_future()
        self._waiting.add(future)
        try:
            await future
        finally:
            self._waiting.discard(future)

    async def soon(self, timeout: float) -> None:  # noqa: ASYNC109 - whoever waits names their patience
        """Wait for the next change, but no longer than `timeout` seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self.next()

    async def until(self, predicate: Callable[[], T], timeout: float) -> T:  # noqa: ASYNC109 - a test names its patience
        """Wait until the predicate is truthy, asked anew after each change, and return its value.

        Raises TimeoutError after `timeout` seconds.
        """
        async with asyncio.timeout(timeout):
            while not (found := predicate()):
                await self.next()
            return found
