"""Slack's conversations: what a channel's name or id means, who is in it, a person's direct messages, links."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from bot.readings import Reading, Readings
from bot.slack_calls import UnbudgetedCalls
from bot.slack_client import SlackClients, SlackFailure, SlackRefused

NAMES_LAST = timedelta(minutes=10)
"""How old the id of a named channel may be where a card goes; who may decide is read anew."""

LONG = timedelta(days=1)
"""For what does not change: a person's direct messages with us, a message's address."""

PAGE = 999
"""As many as Slack gives at once."""

_NO_SUCH_CHANNEL = frozenset({"channel_not_found", "method_not_supported_for_channel_type"})


@dataclass(frozen=True, slots=True)
class Channel:
    """A conversation that the bot can see."""

    id: str
    private: bool


class Channels:
    """Reads conversations. Everything here raises `SlackFailure` where Slack does not answer."""

    def __init__(self, clients: SlackClients, readings: Readings, calls: UnbudgetedCalls) -> None:
        self._slack = clients.reads
        self._readings = readings
        self._calls = calls

    async def find(self, name: str, max_age: timedelta = NAMES_LAST) -> Reading[Channel | None]:
        """The channel called `#name` or with that id; None where there is none that the bot can see and that is not
        archived. Names are found by reading every channel: in a very large workspace, write ids."""
        if not name.startswith("#"):
            return await self._readings.get(f"channel {name}", max_age, lambda: self._by_id(name))
        listed = await self._readings.get("channels", max_age, self._by_name)
        return Reading(listed.value.get(name[1:]), listed.taken_at)

    async def id_of(self, name: str) -> str:
        """The id of a channel called `#name`. A name that no channel has stays a name: Slack then says what is wrong
        with it."""
        channel = (await self.find(name)).value if name.startswith("#") else None
        return channel.id if channel else name

    async def members(self, channel: str, max_age: timedelta) -> Reading[frozenset[str]]:
        """The ids of everybody in a channel, bots among them."""
        return await self._readings.get(f"members {channel}", max_age, lambda: self._members(channel))

    async def direct(self, user: str) -> str:
        """The id of the conversation between the bot and a person."""

        async def open_() -> str:
            said = await self._calls.make("conversations.open", lambda: self._slack.conversations_open(users=user))
            return str(said["channel"]["id"])

        return (await self._readings.get(f"direct {user}", LONG, open_)).value

    async def reaches(self, channel: str, user: str) -> bool:
        """Whether what the bot posts to a conversation stands there. It does not in private channels without the bot,
        and in direct messages between others. Where Slack does not say, the bot will see."""
        try:
            if channel.startswith("D"):
                return await self.direct(user) == channel
            return (await self.find(channel)).value is not None
        except SlackFailure:
            return True

    async def permalink(self, channel: str, ts: str) -> str:
        """A message's address; empty where Slack gives none."""

        async def link() -> str:
            asked = partial(self._slack.chat_getPermalink, channel=channel, message_ts=ts)
            return str((await self._calls.make("chat.getPermalink", asked))["permalink"])

        try:
            return (await self._readings.get(f"link {channel} {ts}", LONG, link)).value
        except SlackFailure:
            return ""  # A card without its link is better than no card.

    async def link(self, channel: str, ts: str) -> str:
        """A message's address for others to follow; empty for one between the bot and one person, too."""
        return "" if channel.startswith("D") else await self.permalink(channel, ts)

    async def _by_id(self, channel: str) -> Channel | None:
        try:
            said = await self._calls.make("conversations.info", lambda: self._slack.conversations_info(channel=channel))
        except SlackRefused as refused:
            if refused.code in _NO_SUCH_CHANNEL:
                return None
            raise
        return _channel(said["channel"])

    async def _by_name(self) -> dict[str, Channel]:
        try:
            found = await self._list("public_channel,private_channel")
        except SlackRefused as refused:
            if refused.code != "missing_scope":
                raise
            found = await self._list("public_channel")
        return {str(one["name"]): _channel(one) for one in found}

    async def _list(self, types: str) -> list[Mapping[str, Any]]:
        listing = partial(self._slack.conversations_list, types=types, exclude_archived=True, limit=PAGE)

        def page(cursor: str) -> Awaitable[Mapping[str, Any]]:
            return self._calls.make("conversations.list", partial(listing, cursor=cursor))

        return [one async for said in pages(page) for one in said["channels"]]

    async def _members(self, channel: str) -> frozenset[str]:
        listing = partial(self._slack.conversations_members, channel=channel, limit=PAGE)

        def page(cursor: str) -> Awaitable[Mapping[str, Any]]:
            return self._calls.make("conversations.members", partial(listing, cursor=cursor))

        try:
            return frozenset([str(one) async for said in pages(page) for one in said["members"]])
        except SlackRefused as refused:
            if refused.code in _NO_SUCH_CHANNEL:
                return frozenset()
            raise


async def pages(read: Callable[[str], Awaitable[Mapping[str, Any]]]) -> AsyncIterator[Mapping[str, Any]]:
    """Every page of a paged method; `read` is given the cursor, empty for the first. A page may be empty and not be the
    last one."""
    cursor = ""
    while True:
        said = await read(cursor)
        yield said
        cursor = str((said.get("response_metadata") or {}).get("next_cursor") or "")
        if not cursor:
            return


def _channel(shape: Mapping[str, Any]) -> Channel:
    return Channel(str(shape["id"]), bool(shape.get("is_private")))
