"""The door for Slack's HTTP deliveries: checks the signature, reads the body, hands it over.

It does what Bolt's own path gets wrong: malformed timestamps and signatures are a 401 and no traceback, broken bodies a
400 with the reason, and a slash command whose text contains the word "payload" is not torn apart. What is forged gets
nothing and is counted for the audit. A delivery that comes twice under one signature runs once, as over Socket Mode,
and is answered alike: whoever reads along can bring nothing back.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response
from slack_bolt.response import BoltResponse
from slack_sdk.signature import SignatureVerifier

from agent_runtime.clock import Clock
from bot.dispatch import BadBody, Dispatch, Headers, json_object

LARGEST_BODY = 1024 * 1024
"""Bytes; Slack's own deliveries stay far below."""

PATH = "/slack/events"

REMEMBERED = timedelta(minutes=11)
"""For longer than a signature is good, on either side of its time."""


class _Now:
    """slack_sdk's verifier asks a clock for unix seconds."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def now(self) -> float:
        return self._clock.now().timestamp()


class Door:
    """Lets Slack in, and only Slack."""

    def __init__(self, dispatch: Dispatch, signing_secret: str, clock: Clock) -> None:
        self._dispatch = dispatch
        self._verifier = SignatureVerifier(signing_secret, clock=_Now(clock))  # type: ignore[arg-type]
        self._clock = clock
        self._taken: dict[str, tuple[datetime, BoltResponse]] = {}
        """What was answered of late, by signature, the oldest first."""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One delivery. Answers 401 to what is not signed, 400 and 413 to what cannot be read."""
        body = await request.read()  # a body past LARGEST_BODY is aiohttp's 413
        if body == b"ssl_check=1" or body.startswith(b"ssl_check=1&"):
            return web.Response()  # Slack checks the certificate, unsigned; nobody listens to it
        if not self._is_signed(body, request.headers):
            self._dispatch.count_noise("unsigned or forged")
            return web.Response(status=401)
        try:
            return await to_aiohttp_response(await self._once(request.headers["X-Slack-Signature"], body, request))
        except BadBody as problem:
            self._dispatch.count_noise("unreadable")
            return web.json_response({"error": str(problem)}, status=400)

    async def _once(self, signature: str, body: bytes, request: web.Request) -> BoltResponse:
        """The answer to a signed delivery; one that came before is not handed over again. Raises BadBody."""
        now = self._clock.now()
        while self._taken and abs(now - self._taken[first := next(iter(self._taken))][0]) > REMEMBERED:
            del self._taken[first]
        if signature in self._taken:
            return self._taken[signature][1]
        self._taken[signature] = now, BoltResponse(status=200)
        answered = BoltResponse(status=500)
        try:
            answered = await self._dispatch.hand_over(read_body(body, request.content_type), _headers(request))
        finally:
            if answered.status == 200:
                self._taken[signature] = now, answered
            else:
                self._taken.pop(signature, None)  # nothing was done, and it may come again
        return answered

    def _is_signed(self, body: bytes, headers: Mapping[str, str]) -> bool:
        timestamp = headers.get("X-Slack-Request-Timestamp", "")
        signature = headers.get("X-Slack-Signature", "")
        if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12 and signature.isascii()):
            return False
        try:
            return self._verifier.is_valid(body, timestamp, signature)
        except UnicodeDecodeError:
            return False


def read_body(body: bytes, content_type: str) -> Mapping[str, Any]:
    """A delivery as a mapping: JSON for events, a form for slash commands, JSON inside a form for interactions.
    Raises BadBody."""
    try:
        text = body.decode()
        if content_type == "application/json":
            return json_object(text)
        fields = dict(parse_qsl(text, keep_blank_values=True, max_num_fields=100, errors="strict"))
    except UnicodeDecodeError:
        raise BadBody("the body is not UTF-8") from None
    except ValueError as error:
        raise BadBody(f"the body cannot be read: {error}") from None
    return json_object(fields["payload"]) if "payload" in fields else fields


def _headers(request: web.Request) -> Headers:
    return {name: value for name, value in request.headers.items() if name.lower() != "cookie"}
