"""What the bot can see of its workspace, each thing read once: channels with the archived ones, groups, people."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from bot.channels import PAGE, pages
from bot.slack_client import SlackClients, SlackRefused, answer

Shape = Mapping[str, Any]
_ABSENT = frozenset({"channel_not_found", "user_not_found", "user_not_visible", "no_such_subteam"})


class Listing:
    """Reads the workspace with the bot's eyes. Everything raises `SlackFailure`; what the bot cannot see is None."""

    def __init__(self, clients: SlackClients, bot: str) -> None:
        self._slack = clients.reads
        self._bot = bot
        self._channels: dict[str, Shape] | None = None
        self._groups: list[Shape] | None = None

    async def channel(self, name: str) -> Shape | None:
        """The channel called `#name`, or with that id."""
        if name.startswith("#"):
            return (await self._named()).get(name[1:])
        try:
            shape: Shape = (await answer(self._slack.conversations_info(channel=name)))["channel"]
        except SlackRefused as refused:
            if refused.code in _ABSENT:
                return None
            raise
        return shape

    async def like(self, name: str) -> str:
        """The visible channel whose name is most like `#name`, with its #; empty where none is."""
        near = _nearest(name.removeprefix("#"), await self._named())
        return f"#{near}" if near else ""

    async def members(self, channel: str) -> frozenset[str]:
        """The ids of a channel's members without the bot."""
        listed = pages(
            lambda cursor: answer(self._slack.conversations_members(channel=channel, limit=PAGE, cursor=cursor))
        )
        return frozenset([str(one) async for said in listed for one in said["members"]]) - {self._bot}

    async def group(self, name: str) -> Shape | None:
        """The user group with that handle or id, disabled ones too."""
        return next((group for group in await self._all() if name in (group.get("handle"), group.get("id"))), None)

    async def group_like(self, name: str) -> str:
        """The handle most like a name; empty where none is."""
        return _nearest(name, [str(group["handle"]) for group in await self._all()])

    async def addressee(self, address: str) -> Shape | None:
        """The person with that e-mail address."""
        try:
            shape: Shape = (await answer(self._slack.users_lookupByEmail(email=address)))["user"]
        except SlackRefused as refused:
            if refused.code == "users_not_found":
                return None
            raise
        return shape

    async def person(self, user: str) -> Shape | None:
        """The person with that id."""
        try:
            shape: Shape = (await answer(self._slack.users_info(user=user)))["user"]
        except SlackRefused as refused:
            if refused.code in _ABSENT:
                return None
            raise
        return shape

    async def _all(self) -> list[Shape]:
        if self._groups is None:
            said = await answer(self._slack.usergroups_list(include_users=True, include_disabled=True))
            self._groups = list(said["usergroups"])
        return self._groups

    async def _named(self) -> Mapping[str, Shape]:
        if self._channels is None:
            types = "public_channel,private_channel"
            listed = pages(
                lambda cursor: answer(self._slack.conversations_list(types=types, limit=PAGE, cursor=cursor))
            )
            shapes = [shape async for said in listed for shape in said["channels"]]
            # Of an archived channel and its successor of the same name, the living one counts.
            shapes.sort(key=lambda shape: not shape.get("is_archived"))
            self._channels = {str(shape["name"]): shape for shape in shapes}
        return self._channels


def _nearest(name: str, names: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(names), n=1, cutoff=0.75)
    return near[0] if near else ""
