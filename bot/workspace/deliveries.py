"""Sends what happens in the workspace to the app: signed HTTP requests as Slack makes them, all of them kept."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import aiohttp

from agent_runtime.clock import Clock
from bot.workspace.shapes import Json, slack_json

ACK_SECONDS = 3.0
USER_AGENT = "Slackbot 1.0 (+https://api.slack.com/robots)"
TIMEOUT = "operation_timeout"
UNREACHABLE = "connection_failed"
REDIRECTED = "too_many_redirects"


@dataclass(frozen=True)
class Reply:
    """The app's answer. `status` is None, and `error` says why, when there was none in time."""

    status: int | None
    content_type: str = ""
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    error: str | None = None

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body as JSON, or None where it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


@dataclass(frozen=True)
class Attempt:
    """One HTTP request: its exact headers and bytes, and what came back."""

    headers: dict[str, str]
    body: bytes
    reply: Reply


@dataclass
class Delivery:
    """Something to tell the app. `kind`: `slash_commands`, `interactive` or `events_api`; attempts in order."""

    kind: str
    payload: Json
    attempts: list[Attempt] = field(default_factory=list)

    @property
    def reply(self) -> Reply | None:
        """The answer to the latest attempt."""
        return self.attempts[-1].reply if self.attempts else None


def encode(kind: str, payload: Json) -> tuple[bytes, str]:
    """The body of a delivery and its Content-Type."""
    if kind == "events_api":
        return slack_json(payload).encode(), "application/json"
    fields = payload if kind == "slash_commands" else {"payload": slack_json(payload)}
    return urlencode(fields).encode(), "application/x-www-form-urlencoded"


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Slack's v0 signature over the exact bytes."""
    return "v0=" + hmac.new(secret.encode(), f"v0:{timestamp}:".encode() + body, hashlib.sha256).hexdigest()


class Deliveries:
    """The sender. Signatures carry the time of `signing_clock`, which must be the one that the app's verifier reads."""

    def __init__(self, secret: str, signing_clock: Clock, app_url: str) -> None:
        self.secret = secret
        self.app_url = app_url
        self.ack_seconds = ACK_SECONDS
        self.log: list[Delivery] = []
        self._clock = signing_clock
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Start to hold connections; there is no limit to how many people act at once."""
        connector = aiohttp.TCPConnector(limit=0)
        self._session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    def sign(self, body: bytes, *, timestamp: int | None = None, secret: str | None = None) -> dict[str, str]:
        """The two signature headers, with another time or secret where a test wants to forge them."""
        stamp = str(int(self._clock.now().timestamp()) if timestamp is None else timestamp)
        return {
            "X-Slack-Request-Timestamp": stamp,
            "X-Slack-Signature": signature(secret or self.secret, stamp, body),
        }

    def headers(self, content_type: str) -> dict[str, str]:
        """The headers of every delivery but the signature."""
        form = content_type != "application/json"
        return {
            "Content-Type": content_type,
            "Accept": "application/json,*/*" if form else "*/*",
            "Accept-Encoding": "gzip,deflate",
            "User-Agent": USER_AGENT,
        }

    async def send(self, delivery: Delivery, extra: dict[str, str] | None = None) -> Reply:
        """Make one attempt at a delivery and keep it."""
        body, content_type = encode(delivery.kind, delivery.payload)
        headers = self.headers(content_type) | self.sign(body) | (extra or {})
        if not delivery.attempts:
            self.log.append(delivery)
        reply = await self.raw(body, headers)
        delivery.attempts.append(Attempt(headers, body, reply))
        return reply

    async def raw(self, body: bytes, headers: dict[str, str]) -> Reply:
        """POST these bytes with these headers to the app, whatever they are."""
        assert self._session is not None, "the workspace is not being served"
        timeout = aiohttp.ClientTimeout(total=self.ack_seconds)
        try:
            async with self._session.post(
                self.app_url, data=body, headers=headers, timeout=timeout, max_redirects=2
            ) as answer:
                content = await answer.read()
                return Reply(answer.status, answer.content_type, content, dict(answer.headers))
        except TimeoutError:
            return Reply(None, error=TIMEOUT)
        except aiohttp.TooManyRedirects:
            return Reply(None, error=REDIRECTED)
        except aiohttp.ClientError:
            return Reply(None, error=UNREACHABLE)
