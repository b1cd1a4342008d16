"""Tells the open pages that something in the workspace changed; what it is, they fetch."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping

from aiohttp import web
from aiohttp_sse import sse_response

from bot.workspace.changes import Changes

PATIENCE_SECONDS = 5.0
"""How soon a page that went away is noticed when nothing changes."""

GATHERING_SECONDS = 0.03
"""Changes come in bursts: a card, its thread, its run's message. One word for all of them is enough."""


class Streams:
    """The streams (Server-Sent Events) of the pages that are open. The data of each event is the count of changes."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes
        self._open: set[asyncio.Task[object]] = set()

    async def serve(self, request: web.Request, headers: Mapping[str, str]) -> web.StreamResponse:
        """One page's stream, until the page or the workspace goes away."""
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            async with sse_response(request, headers=headers, ping_interval=PATIENCE_SECONDS) as stream:
                told = -1
                while stream.is_connected():
                    if told == self._changes.count:
                        await self._changes.soon(PATIENCE_SECONDS)
                        continue
                    told = self._changes.count
                    with contextlib.suppress(ConnectionResetError):  # the page was closed
                        await stream.send(str(told))
                    await asyncio.sleep(GATHERING_SECONDS)
                return stream
        finally:
            self._open.discard(task)

    async def close(self, _app: web.Application) -> None:
        """End all streams, for a server that stops waits for its open requests."""
        for task in self._open:
            task.cancel()
