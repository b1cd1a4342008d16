"""Socket Mode: Slack's deliveries over connections that we open, for where Slack cannot reach us over HTTP.

Two connections are kept, so that losing one leaves no gap. One that Slack tells us to leave is left when its successor
stands. An envelope is acknowledged when its listener is done, so a decision is durable first, as over HTTP; what a
listener answers goes with the acknowledgement. What HTTP would answer with another status than 200 is not acknowledged:
the person is shown an error, and an event comes again. An envelope that comes twice runs once.

slack_sdk's own client cannot be held to this: it closes a connection before it opens the next, acknowledges on
whichever is current, notices a lost one a ping later, starts any number of listeners at once and forgets them when it
closes, and asks Slack for ever with a token that was refused.
"""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog

from bot.dispatch import BadBody, Dispatch
from bot.slack_client import RateLimited, SlackClients, SlackFailure
from bot.socket_connection import Envelope, Socket, acknowledgement, connect
from bot.socket_ticket import SocketRefused, open_ticket

log = structlog.get_logger("signoff")

REMEMBERED = 2000
"""Acknowledgements that are kept for envelopes that come again: minutes of the busiest workspace."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How Socket Mode is timed, in seconds, and how much it does at once."""

    connections: int = 2
    at_once: int = 100
    """Envelopes; while so many are being answered no further one is read."""
    ping: float = 4.0
    """Between pings; a pong that takes half as long again is missed, and the connection is left."""
    waits: tuple[float, ...] = (0, 0.5, 1, 2, 5, 10, 15)
    """Before each further attempt to connect; a connection that has outlived a ping starts anew."""
    refused: float = 60.0
    """Before Slack is asked again after it refused the token."""
    overlap: float = 30.0
    """How long a connection that Slack told us to leave may stay open."""
    acknowledge: float = 3.0
    """How long Slack waits for an acknowledgement."""
    grace: float = 5.0
    """How long envelopes that are being answered may take once we stop."""


class SocketMode:
    """Receives deliveries while `receiving`. Built by the composition root."""

    def __init__(self, clients: SlackClients, app_token: str, dispatch: Dispatch, pace: Pace) -> None:
        self._clients = clients
        self._app_token = app_token
        self._dispatch = dispatch
        self._pace = pace
        self.reading = False
        """Whether deliveries are taken; no longer so while what was begun is finished."""
        self._open: list[Socket] = []
        self._opened = asyncio.Event()
        self._room = asyncio.Semaphore(self._pace.at_once)
        self._running: set[str] = set()
        self._acknowledged: OrderedDict[str, str] = OrderedDict()
        self._work: set[asyncio.Task[None]] = set()
        self._readers: set[asyncio.Task[None]] = set()

    @property
    def connections(self) -> int:
        """How many stand."""
        return len(self._open)

    @asynccontextmanager
    async def receiving(self) -> AsyncIterator[None]:
        """Take deliveries for the length of the block; what is being answered at its end is finished and acknowledged.
        Raises SocketRefused where Slack lets this app open no connection; what may pass by itself is waited out."""
        first = await self._first_ticket()
        tickets = [first] + [""] * (self._pace.connections - 1)
        self.reading = True
        lines = [asyncio.create_task(self._keep_one(ticket)) for ticket in tickets]
        for line in lines:
            line.add_done_callback(_tell_of_crash)
        try:
            yield
        finally:
            self.reading = False
            await self._stop(lines)

    async def _first_ticket(self) -> str:
        try:
            return await open_ticket(self._clients, self._app_token)
        except SocketRefused:
            raise
        except SlackFailure as failure:
            log.warning("no connection to Slack yet", error=str(failure))
            return ""

    # Connections

    async def _keep_one(self, ticket: str) -> None:
        """Keep one connection open, for ever. `ticket` is the first one's, if there is one already."""
        loop, tries = asyncio.get_running_loop(), 0
        while True:
            try:
                socket = await self._open_one(ticket or await open_ticket(self._clients, self._app_token))
            except SocketRefused as refused:
                log.error("Slack refuses the connection; clicks do not reach us", problem=refused.problem,
                          mend=refused.mend, code=refused.code)  # fmt: skip
                wait = self._pace.refused
            except RateLimited as limited:
                wait = limited.retry_after.total_seconds()
            except SlackFailure as failure:
                wait, tries = self._wait(tries), tries + 1
                log.warning("could not connect to Slack", error=str(failure), again_in=wait)
            else:
                began = loop.time()
                await socket.left.wait()
                tries = 0 if loop.time() - began > self._pace.ping else tries
                wait, tries = self._wait(tries), tries + 1
                _tell_of_leaving(socket.reason)
            ticket = ""
            await asyncio.sleep(wait)

    def _wait(self, tries: int) -> float:
        return self._pace.waits[min(tries, len(self._pace.waits) - 1)]

    async def _open_one(self, address: str) -> Socket:
        socket = await connect(self._clients, address, ping=self._pace.ping, overlap=self._pace.overlap)
        self._open.append(socket)
        self._opened.set()
        self._opened = asyncio.Event()
        reader = asyncio.create_task(self._read(socket))
        self._readers.add(reader)
        reader.add_done_callback(self._readers.discard)
        reader.add_done_callback(_tell_of_crash)
        return socket

    async def _read(self, socket: Socket) -> None:
        """Read until the connection ends. Once we stop it stays open, for the acknowledgements still to come."""
        try:
            await socket.read(self._take, lambda: self._dispatch.count_noise("unreadable"))
        finally:
            if self.reading:
                self._open.remove(socket)
                await socket.close()

    async def _stop(self, lines: list[asyncio.Task[None]]) -> None:
        """Read nothing more, let what was begun be acknowledged, and close."""
        reading = [*lines, *self._readers]
        for task in reading:
            task.cancel()
        await asyncio.gather(*reading, return_exceptions=True)
        if self._work:
            _, unfinished = await asyncio.wait(self._work, timeout=self._pace.grace)
            for task in unfinished:
                task.cancel()
            if unfinished:
                log.warning("stopped before everything was acknowledged", envelopes=len(unfinished))
            await asyncio.gather(*unfinished, return_exceptions=True)
        await asyncio.gather(*(socket.close() for socket in self._open))
        self._open.clear()

    # Envelopes

    async def _take(self, socket: Socket, envelope: Envelope) -> None:
        """Begin to answer an envelope, once there is room; one that came before is only acknowledged again."""
        known = self._acknowledged.get(envelope.id)
        if known is not None:
            await socket.send(known)
        if known is not None or envelope.id in self._running:
            return
        self._running.add(envelope.id)
        try:
            await self._room.acquire()
        except asyncio.CancelledError:
            self._running.discard(envelope.id)
            raise
        work = asyncio.create_task(self._handle(socket, envelope))
        self._work.add(work)
        work.add_done_callback(self._work.discard)
        work.add_done_callback(_tell_of_crash)

    async def _handle(self, socket: Socket, envelope: Envelope) -> None:
        try:
            frame = await self._answer(envelope)
        finally:
            self._running.discard(envelope.id)
            self._room.release()
        if frame is not None:
            await self._acknowledge(socket, frame)

    async def _answer(self, envelope: Envelope) -> str | None:
        """The acknowledgement, remembered; None where there is to be none."""
        try:
            response = await self._dispatch.hand_over(envelope.payload, envelope.retry)
        except BadBody:
            self._dispatch.count_noise("unreadable")
            return None
        if response.status != 200:
            log.warning("a delivery is not acknowledged", kind=envelope.kind, status=response.status)
            return None
        frame = json.dumps(acknowledgement(envelope, response))
        self._acknowledged[envelope.id] = frame
        while len(self._acknowledged) > REMEMBERED:
            self._acknowledged.popitem(last=False)
        return frame

    async def _acknowledge(self, socket: Socket, frame: str) -> None:
        """On the connection that the envelope came over, else on another, else on the next to open while Slack still
        waits. What could not be acknowledged is not lost: it is done, and coming again it is acknowledged only."""
        tried: set[Socket] = set()
        try:
            async with asyncio.timeout(self._pace.acknowledge):
                while not await socket.send(frame):
                    tried.add(socket)
                    while not (others := [one for one in self._open if one not in tried]):
                        await self._opened.wait()
                    socket = others[-1]
        except TimeoutError:
            log.warning("no connection to acknowledge a delivery on")


def _tell_of_leaving(reason: str) -> None:
    if reason == "too_many_websockets":
        mend = "Slack lets an app have ten: see that no other process uses this SLACK_APP_TOKEN"
        log.warning("Slack sends a connection away", reason=reason, mend=mend)
    else:
        log.info("leaving a connection to Slack", reason=reason)


def _tell_of_crash(task: asyncio.Task[None]) -> None:
    """What nobody awaits must not fail in silence."""
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("Socket Mode failed: a bug", exc_info=error)
