"""Lines that a person types, without holding up anything that goes on meanwhile."""

from __future__ import annotations

import asyncio
import termios
import threading
from contextlib import suppress
from typing import TextIO

UNREADABLE = "\N{REPLACEMENT CHARACTER}"
"""What a line says that is no text in the terminal's encoding."""


class Lines:
    """Reads a stream line by line, each in a daemon thread: a thread that nobody answers must not keep the process."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def read(self) -> asyncio.Future[str | None]:
        """The next line without its end; None at the end of the stream. What was typed at a terminal before this call
        is dropped: it was typed before there was anything to answer."""
        if self._stream.isatty():
            with suppress(termios.error):
                termios.tcflush(self._stream.fileno(), termios.TCIFLUSH)
        loop = asyncio.get_running_loop()
        line: asyncio.Future[str | None] = loop.create_future()
        threading.Thread(target=self._read, args=(loop, line), name="signoff-console", daemon=True).start()
        return line

    def _read(self, loop: asyncio.AbstractEventLoop, line: asyncio.Future[str | None]) -> None:
        try:
            text = self._stream.readline()
        except UnicodeDecodeError:
            text = UNREADABLE
        except (OSError, ValueError):  # gone, or closed under our hands
            text = ""

        def deliver() -> None:
            if not line.done():
                line.set_result(text.rstrip("\r\n") if text else None)

        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(deliver)
