"""One WebSocket to Slack: reads its frames, says when it should be left, and carries acknowledgements."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import structlog
from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientResponseError,
    ClientWebSocketResponse,
    ClientWSTimeout,
    WSMsgType,
)
from slack_bolt.response import BoltResponse

from bot.dispatch import BadBody, Headers, json_object
from bot.slack_client import SlackClients, Unsent, goes_direct, why_unreached

log = structlog.get_logger("signoff")

FAREWELL_SECONDS = 1.0
"""How long Slack may take to answer our goodbye."""

LOST = "lost"
"""Why a connection is left that was not told to be."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """One delivery. `retry` is empty for a first attempt."""

    id: str
    kind: str
    payload: Mapping[str, Any]
    retry: Headers


class Socket:
    """One connection. `left` is set as soon as another one should take its place: it was lost, or Slack said so, and
    then it is still read until Slack closes it, but no longer than `overlap` seconds."""

    def __init__(self, ws: ClientWebSocketResponse, overlap: float) -> None:
        self.left = asyncio.Event()
        self.reason = LOST
        self._ws = ws
        self._overlap = overlap
        self._limit = asyncio.timeout(None)

    async def read(self, take: Callable[[Socket, Envelope], Awaitable[None]], refuse: Callable[[], None]) -> None:
        """Hand each envelope to `take`, which may make us wait; `refuse` is called for what cannot be read."""
        try:
            async with self._limit:
                async for message in self._ws:
                    if message.type is WSMsgType.TEXT:
                        await self._read_one(message.data, take, refuse)
        except TimeoutError:
            log.info("Slack did not close the connection that it told us to leave", reason=self.reason)
        finally:
            self.left.set()

    async def _read_one(
        self, text: str, take: Callable[[Socket, Envelope], Awaitable[None]], refuse: Callable[[], None]
    ) -> None:
        try:
            envelope = self._understand(json_object(text))
        except BadBody:
            refuse()
            return
        if envelope is not None:
            await take(self, envelope)

    def _understand(self, frame: Mapping[str, Any]) -> Envelope | None:
        """The envelope, or None for a frame about the connection itself. Raises BadBody."""
        kind = frame.get("type")
        if kind == "hello":
            log.info("connected to Slack", connections=frame.get("num_connections"))
            return None
        if kind == "disconnect":
            self.reason = str(frame.get("reason") or "unnamed")
            self._limit.reschedule(asyncio.get_running_loop().time() + self._overlap)
            self.left.set()
            return None
        envelope, payload = frame.get("envelope_id"), frame.get("payload")
        if not (isinstance(kind, str) and isinstance(envelope, str) and isinstance(payload, dict)):
            raise BadBody("the frame is no envelope")
        return Envelope(envelope, kind, payload, _retry(frame))

    async def send(self, text: str) -> bool:
        """Whether the frame was handed to the connection."""
        try:
            await self._ws.send_str(text)
        except ConnectionError:
            return False
        return True

    async def close(self) -> None:
        """Say goodbye, if there is anybody to say it to."""
        await self._ws.close()


async def connect(clients: SlackClients, address: str, *, ping: float, overlap: float) -> Socket:
    """Open a connection that is left when a ping, one every so many seconds, is not answered before half as many have
    passed. Raises Unsent where none could be opened."""
    proxy = None if goes_direct(urlsplit(address).hostname or "") else clients.web.proxy
    patience = ClientWSTimeout(ws_close=FAREWELL_SECONDS)
    try:
        ws = await clients.session.ws_connect(address, heartbeat=ping, proxy=proxy, timeout=patience)
    except ClientConnectorError as error:
        raise Unsent(why_unreached(error)) from None
    except ClientResponseError as error:  # its own words have the address, whose ticket nobody else may have
        raise Unsent(f"Slack answered {error.status} in place of a connection") from None
    except (ClientError, OSError, TimeoutError) as error:
        raise Unsent(f"no connection was made: {type(error).__name__}") from None
    return Socket(ws, overlap)


def acknowledgement(envelope: Envelope, response: BoltResponse) -> Mapping[str, Any]:
    """The frame that acknowledges an envelope, with what the listener answers."""
    if not response.body:
        return {"envelope_id": envelope.id}
    content_type = (response.headers.get("content-type") or [""])[0]
    is_json = content_type.startswith("application/json")
    return {
        "envelope_id": envelope.id,
        "payload": json.loads(response.body) if is_json else {"text": response.body},
    }


def _retry(frame: Mapping[str, Any]) -> Headers:
    """What an attempt after the first says, as HTTP would; the first one carries a 0 that Bolt takes for a retry."""
    attempt = frame.get("retry_attempt")
    if not isinstance(attempt, int) or attempt < 1:
        return {}
    return {"x-slack-retry-num": str(attempt), "x-slack-retry-reason": str(frame.get("retry_reason") or "")}
