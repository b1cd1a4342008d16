"""Finds a post whose answer was lost, by the key that it carries as metadata."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from bot.slack_calls import SlackCalls
from bot.slack_client import Identity, SlackClients
from storage.models import Message

EVENT_TYPE = "signoff"
"""The metadata type of our messages. Anybody in the workspace can read metadata: it holds a key and a number."""

_EARLIER, _LATER = timedelta(seconds=5), timedelta(seconds=120)
"""How far from its announcement a post may stand in Slack's time."""

_PAGE, _PAGES = 15, 4
"""Some apps get fifteen messages at once; where sixty hold no copy, there is none that matters."""


def mark(key: str, post: int) -> Mapping[str, Any]:
    """The metadata that a post carries: its delivery's key, and which post of it this is."""
    return {"event_type": EVENT_TYPE, "event_payload": {"key": key, "post": post}}


class Lookup:
    """Reads channels and threads for our own posts."""

    def __init__(self, clients: SlackClients, calls: SlackCalls, identity: Identity) -> None:
        self._slack = clients.reads
        self._calls = calls
        self._identity = identity

    async def find(self, row: Message, since: datetime, urgency: int) -> str | None:
        """The ts of the post that `row` announced at `since`, or None. Raises `NotYet` and `SlackFailure`; a refusal
        means that the bot may not read there."""
        cursor: str | None = None
        for _ in range(_PAGES):
            said = await self._page(row, since, cursor, urgency)
            for message in said["messages"]:
                if self._is_ours(message, row):
                    return str(message["ts"])
            cursor = (said.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                break
        return None

    async def _page(self, row: Message, since: datetime, cursor: str | None, urgency: int) -> Mapping[str, Any]:
        window: dict[str, Any] = {
            "channel": row.channel,
            "oldest": f"{(since - _EARLIER).timestamp():.6f}",
            "latest": f"{(since + _LATER).timestamp():.6f}",
            "limit": _PAGE,
            "include_all_metadata": True,
            "cursor": cursor,
        }
        if row.thread_ts:
            call = partial(self._slack.conversations_replies, ts=row.thread_ts, **window)
            return await self._calls.make("conversations.replies", call, urgency)
        return await self._calls.make(
            "conversations.history", partial(self._slack.conversations_history, **window), urgency
        )

    def _is_ours(self, message: Mapping[str, Any], row: Message) -> bool:
        metadata: Mapping[str, Any] = message.get("metadata") or {}
        wanted = mark(row.key, row.posts)
        same = metadata.get("event_type") == EVENT_TYPE and metadata.get("event_payload") == wanted["event_payload"]
        return same and message.get("bot_id") == self._identity.bot_id
