"""A warm process that forks lives on request, so that the process with the workspace's event loop never has to.

One JSON line asks for something and one answers: `{"do": "fork", "life": {...}}` -> `{"url": ...}` from the life
itself; `{"do": "end", "signal": 9}` -> `{"signal": 9, "code": 0}`.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
from functools import partial
from pathlib import Path
from typing import Any, Self

from tests.crash import forks
from tests.crash.bot_life import BotLife, build_agents, plan
from tests.patience import PATIENCE


class StillBorn(Exception):
    """A life ended, or was not reachable, though nothing had happened to it."""


class Nursery:
    """The requesting side. Made before any event loop runs: `Nursery.open(log)`."""

    def __init__(self, line: socket.socket, log: Path) -> None:
        self._line = line
        self._log = log
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    @classmethod
    def open(cls, log: Path) -> Self:
        """Fork the warm process."""
        here, there = socket.socketpair()

        def serve() -> None:
            here.close()
            _serve(there, log)

        forks.fork(serve, log, longest=0)
        there.close()
        return cls(here, log)

    async def bear(self, life: BotLife) -> str:
        """Begin a life; the address it serves. Raises StillBorn."""
        try:
            answer = await self._ask({"do": "fork", "life": plan(life)})
        except TimeoutError:
            raise StillBorn(self.log_tail()) from None
        return str(answer["url"])

    async def end(self, by: int) -> forks.End:
        """End the present life with a signal; how it ended."""
        return forks.End(**await self._ask({"do": "end", "signal": by}))

    async def close(self) -> None:
        """End the warm process."""
        if self._streams is not None:
            self._streams[1].close()
            await self._streams[1].wait_closed()

    def log_tail(self, lines: int = 30) -> str:
        """The last lines of what the lives wrote."""
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-lines:])

    async def _ask(self, wanted: dict[str, Any]) -> dict[str, Any]:
        if self._streams is None:
            self._streams = await asyncio.open_connection(sock=self._line)
        reader, writer = self._streams
        writer.write(json.dumps(wanted).encode() + b"\n")
        answer: dict[str, Any] = json.loads(await asyncio.wait_for(reader.readline(), PATIENCE))
        return answer


def _serve(line: socket.socket, log: Path) -> None:
    agents = build_agents()
    pid = 0
    for asked in line.makefile("rb"):
        wanted = json.loads(asked)
        if wanted["do"] == "fork":
            pid = forks.fork(partial(BotLife(**wanted["life"]).run, agents, line.fileno()), log)
        else:
            os.kill(pid, wanted["signal"])
            ended, pid = forks.wait(pid), 0
            line.sendall(json.dumps({"signal": ended.signal, "code": ended.code}).encode() + b"\n")
    if pid:  # whoever asked is gone
        os.kill(pid, signal.SIGKILL)
