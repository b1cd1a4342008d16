"""The door for Slack's HTTP deliveries: checks the signature, reads the body, hands it to Bolt.

It does what Bolt's own path gets wrong: malformed timestamps and signatures are a 401 and no traceback, broken bodies a
400 with the reason, and a slash command whose text contains the word "payload" is not torn apart. What is forged gets
nothing and is counted for the audit.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

import structlog
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.signature import SignatureVerifier

from agent_runtime.clock import Clock

log = structlog.get_logger("signoff")

LARGEST_BODY = 1024 * 1024
"""Bytes; Slack's own deliveries stay far below."""

PATH = "/slack/events"


class BadBody(Exception):
    """A signed delivery that cannot be read, with the reason."""


class _Now:
    """slack_sdk's verifier asks a clock for unix seconds."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def now(self) -> float:
        return self._clock.now().timestamp()


class Door:
    """Lets Slack in, and only Slack."""

    def __init__(self, app: AsyncApp, signing_secret: str, clock: Clock) -> None:
        self._app = app
        self._verifier = SignatureVerifier(signing_secret, clock=_Now(clock))  # type: ignore[arg-type]
        self._noise: Counter[str] = Counter()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One delivery. Answers 401 to what is not signed, 400 and 413 to what cannot be read."""
        body = await request.read()  # a body past LARGEST_BODY is aiohttp's 413
        if body == b"ssl_check=1" or body.startswith(b"ssl_check=1&"):
            return web.Response()  # Slack checks the certificate, unsigned; nobody listens to it
        if not self._is_signed(body, request.headers):
            self._noise["unsigned or forged"] += 1
            return web.Response(status=401)
        try:
            delivery = read_body(body, request.content_type)
        except BadBody as problem:
            self._noise["unreadable"] += 1
            return web.json_response({"error": str(problem)}, status=400)
        # "socket_mode" is Bolt's name for "already verified and parsed".
        bolt_request = AsyncBoltRequest(body=dict(delivery), headers=_headers(request), mode="socket_mode")
        return await to_aiohttp_response(await self._app.async_dispatch(bolt_request))

    def take_noise(self) -> dict[str, int]:
        """The unauthenticated deliveries since the last call, counted by kind."""
        counts = dict(self._noise)
        self._noise.clear()
        return counts

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
            return _shaped(_mapping(json.loads(text)))
        fields = dict(parse_qsl(text, keep_blank_values=True, max_num_fields=100, errors="strict"))
        return _shaped(_mapping(json.loads(fields["payload"]))) if "payload" in fields else fields
    except UnicodeDecodeError:
        raise BadBody("the body is not UTF-8") from None
    except RecursionError:
        raise BadBody("the body is nested too deeply") from None
    except ValueError as error:
        raise BadBody(f"the body cannot be read: {error}") from None


def _mapping(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise BadBody("the body is not a JSON object")
    return value


def _shaped(delivery: Mapping[str, Any]) -> Mapping[str, Any]:
    """The delivery, if it has the parts that Bolt takes for granted while it looks for a listener."""
    if not isinstance(delivery.get("event", {}), dict):
        raise BadBody("the body has an event that is not an object")
    if delivery.get("type") == "block_actions":
        actions = delivery.get("actions")
        if not isinstance(actions, list) or not actions or not all(_is_action(action) for action in actions):
            raise BadBody("the body has no actions that can be read")
    return delivery


def _is_action(action: Any) -> bool:
    return isinstance(action, dict) and all(isinstance(action.get(key), str) for key in ("action_id", "block_id"))


def _headers(request: web.Request) -> dict[str, str | Sequence[str]]:
    return {name: value for name, value in request.headers.items() if name.lower() != "cookie"}
