"""Sends what happens in the workspace to the app, as Slack does: signed HTTP requests, or envelopes over its sockets
and nothing over HTTP where Socket Mode is on. All of them are kept."""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import urlencode

import aiohttp

from agent_runtime.clock import Clock
from bot.workspace.attempts import REDIRECTED, TIMEOUT, UNREACHABLE, Attempt, Delivery, Reply, Retried
from bot.workspace.shapes import Json, slack_json
from bot.workspace.sockets import Sockets
from bot.workspace.world import World

ACK_SECONDS = 3.0
USER_AGENT = "Slackbot 1.0 (+https://api.slack.com/robots)"


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

    def __init__(self, world: World, signing_clock: Clock, app_url: str) -> None:
        self.secret = world.app.signing_secret
        self.app_url = app_url
        self.ack_seconds = ACK_SECONDS
        self.log: list[Delivery] = []
        self.sockets = Sockets(world)
        self._world = world
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

    async def send(self, delivery: Delivery, retried: Retried | None = None) -> Reply:
        """Make one attempt at a delivery and keep it."""
        if not delivery.attempts:
            self.log.append(delivery)
        carry = self._over_socket if self._world.app.socket_mode else self._over_http
        attempt = await carry(delivery, retried or Retried())
        delivery.attempts.append(attempt)
        return attempt.reply

    async def again(self, delivery: Delivery) -> Reply:
        """Send the latest attempt of a delivery once more, as it was: byte for byte, or the same envelope."""
        attempt = delivery.attempts[-1]
        if not attempt.envelope:
            return await self.raw(attempt.body, attempt.headers)
        repeated = await self._over_socket(delivery, Retried(), attempt.envelope)
        return repeated.reply

    async def _over_socket(self, delivery: Delivery, retried: Retried, envelope: str | None = None) -> Attempt:
        return await self.sockets.deliver(delivery.kind, delivery.payload, retried, self.ack_seconds, envelope)

    async def _over_http(self, delivery: Delivery, retried: Retried) -> Attempt:
        body, content_type = encode(delivery.kind, delivery.payload)
        headers = self.headers(content_type) | self.sign(body)
        if retried.number:
            headers |= {"X-Slack-Retry-Num": str(retried.number), "X-Slack-Retry-Reason": retried.reason}
        return Attempt(headers, body, await self.raw(body, headers))

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
