"""The Events API: which events the app subscribed to and may see, and the retries of those it did not take."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.workspace.attempts import REDIRECTED, TIMEOUT, UNREACHABLE, Delivery, Reply, Retried
from bot.workspace.channels import Channel
from bot.workspace.deliveries import Deliveries
from bot.workspace.payloads import event_callback, now_ts
from bot.workspace.shapes import Json
from bot.workspace.world import World

RETRY_AFTER = (timedelta(0), timedelta(minutes=1), timedelta(minutes=5))
"""How long after a failed attempt the first, second and third retry are due."""

_MESSAGE_TYPES = {"im": "message.im", "mpim": "message.mpim", "group": "message.groups", "channel": "message.channels"}
_REASONS = {TIMEOUT: "http_timeout", UNREACHABLE: "connection_failed", REDIRECTED: "too_many_redirects"}


@dataclass(frozen=True)
class Retry:
    """A delivery that will be tried again at a moment of the workspace's clock."""

    delivery: Delivery
    number: int
    reason: str
    due: datetime


def _failure(reply: Reply) -> str | None:
    """Why Slack would try again, or None."""
    if reply.error:
        return _REASONS[reply.error]
    if reply.status is not None and 200 <= reply.status < 300:
        return None
    return None if reply.headers.get("X-Slack-No-Retry") == "1" else "http_error"


class Events:
    """Sends events in the background, the first attempt at once; `run_due` makes the retries that are due."""

    def __init__(self, world: World, deliveries: Deliveries) -> None:
        self.world = world
        self.retries: list[Retry] = []
        self.given_up: list[Delivery] = []
        self._deliveries = deliveries
        self._under_way: set[asyncio.Task[None]] = set()
        world.on_event = self.happened

    def happened(self, event: Json, channel: Channel | None) -> None:
        """Deliver an event if the app subscribed to it, has the scope and is in the channel."""
        if not self._wanted(event, channel):
            return
        event.setdefault("event_ts", now_ts(self.world))
        delivery = Delivery("events_api", event_callback(self.world, event, channel))
        task = asyncio.get_running_loop().create_task(self._attempt(delivery, 0))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    def _wanted(self, event: Json, channel: Channel | None) -> bool:
        app, kind = self.world.app, event["type"]
        if kind == "message":
            kind = _MESSAGE_TYPES[event["channel_type"]]
        if channel is not None and app.bot_user not in channel.members:
            return False
        scope = f"{channel.scope_prefix}:history" if channel and event["type"] == "message" else None
        if kind == "app_mention":
            scope = "app_mentions:read"
        return kind in app.events and (scope is None or scope in app.scopes)

    async def _attempt(self, delivery: Delivery, number: int, reason: str = "") -> None:
        reply = await self._deliveries.send(delivery, Retried(number, reason))
        failure = _failure(reply)
        if failure and number < len(RETRY_AFTER):
            due = self.world.clock.now() + RETRY_AFTER[number]
            self.retries.append(Retry(delivery, number + 1, failure, due))
        elif failure:
            self.given_up.append(delivery)
        self.world.changes.happened()

    async def run_due(self) -> int:
        """Make every retry that is due, and return how many there were; each failure plans the next one."""
        now = self.world.clock.now()
        due = [retry for retry in self.retries if retry.due <= now]
        self.retries = [retry for retry in self.retries if retry.due > now]
        for retry in due:
            await self._attempt(retry.delivery, retry.number, retry.reason)
        return len(due)

    async def idle(self) -> None:
        """Wait until every event so far has had its first attempt answered."""
        while self._under_way:
            await asyncio.wait(self._under_way)

    async def close(self) -> None:
        """Stop sending."""
        for task in list(self._under_way):
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
