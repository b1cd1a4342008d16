"""The roster: people, user groups and channels as Slack knows them, each read at most once in `REUSE`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog

from agent_runtime.clock import Clock
from agent_runtime.digest import Seal
from agent_runtime.people import person_of
from agent_runtime.selectors import Selector
from bot.channels import Channels
from bot.readings import Reading, Readings
from bot.slack_calls import UnbudgetedCalls
from bot.slack_client import SlackClients, SlackRefused

log = structlog.get_logger("signoff")

REUSE = timedelta(seconds=30)
"""How old a reading may be when it is used: well below the age at which a snapshot decides nothing any more, because
the decision may have to wait for its transaction."""

SLACKBOT = "USLACKBOT"
_UNKNOWN_PERSON = frozenset({"user_not_found", "user_not_visible"})
_GROUP_ID = re.compile(r"S[A-Z0-9]+")


@dataclass(frozen=True, slots=True)
class Person:
    """What users.info says of one person; `person` as in `Actor`."""

    team: str = ""
    name: str = ""
    person: str = ""
    known: bool = True
    deleted: bool = False
    bot: bool = False
    guest: bool = False


@dataclass(frozen=True, slots=True)
class People:
    """Whom a selector names. `open` means that anybody could have joined by themselves."""

    ids: frozenset[str]
    open: bool = False


_NOBODY = People(frozenset())


class Roster:
    """Reads who is who. Everything here raises `SlackFailure` where Slack does not answer; what does not exist is
    nobody. Addresses are hashed with `addresses` as they are read, and kept nowhere; without it, none is read."""

    def __init__(
        self,
        clients: SlackClients,
        clock: Clock,
        readings: Readings,
        calls: UnbudgetedCalls,
        channels: Channels,
        addresses: Seal | None,
    ) -> None:
        self._slack = clients.reads
        self._clock = clock
        self._readings = readings
        self._calls = calls
        self._channels = channels
        self._addresses = addresses

    async def person(self, user: str) -> Reading[Person]:
        """One person; `known` is false for an id that stands for nobody."""

        async def read() -> Person:
            try:
                said = await self._calls.make("users.info", lambda: self._slack.users_info(user=user))
            except SlackRefused as refused:
                if refused.code in _UNKNOWN_PERSON:
                    return Person(known=False)
                raise
            return _person(said["user"], self._addresses)

        return await self._readings.get(f"person {user}", REUSE, read)

    async def people(self, selector: Selector) -> Reading[People]:
        """Whom a `usergroup:`, `channel:` or `email:` selector names."""
        kind, _, name = selector.partition(":")
        if kind == "email":
            return await self._addressee(name)
        return await (self._group(name) if kind == "usergroup" else self._channel(name))

    async def _addressee(self, address: str) -> Reading[People]:
        """Who has this address: one person, or nobody. Where addresses are not read, nobody."""
        if self._addresses is None:
            return Reading(_NOBODY, self._clock.now())

        async def read() -> People:
            try:
                said = await self._calls.make(
                    "users.lookupByEmail", lambda: self._slack.users_lookupByEmail(email=address)
                )
            except SlackRefused as refused:
                if refused.code == "users_not_found":
                    return _NOBODY
                raise
            found = said["user"]
            same = _address(found).casefold() == address.casefold() and not found.get("deleted")
            return People(frozenset({str(found["id"])}) if same else frozenset())

        return await self._readings.get(f"address {address}", REUSE, read)

    async def _group(self, name: str) -> Reading[People]:
        group = await self.group_id(name)
        if not group.value:
            log.warning("no such user group", handle=name)
            return Reading(_NOBODY, group.taken_at)

        async def read() -> People:
            try:
                said = await self._calls.make(
                    "usergroups.users.list", lambda: self._slack.usergroups_users_list(usergroup=group.value)
                )
            except SlackRefused as refused:
                if refused.code == "no_such_subteam":
                    return _NOBODY
                raise
            return People(frozenset(str(user) for user in said["users"]))

        people = await self._readings.get(f"group {group.value}", REUSE, read)
        return Reading(people.value, min(people.taken_at, group.taken_at))

    async def group_id(self, name: str) -> Reading[str]:
        """The id of a user group, from its handle or itself; empty where there is none."""
        if _GROUP_ID.fullmatch(name):
            return Reading(name, self._clock.now())

        async def read() -> Mapping[str, str]:
            said = await self._calls.make("usergroups.list", self._slack.usergroups_list)
            return {str(group["handle"]): str(group["id"]) for group in said["usergroups"]}

        groups = await self._readings.get("groups", REUSE, read)
        return Reading(groups.value.get(name, ""), groups.taken_at)

    async def _channel(self, name: str) -> Reading[People]:
        channel = await self._channels.find(name, REUSE)
        if channel.value is None:
            log.warning("no such channel, or the bot is not in it", channel=name)
            return Reading(_NOBODY, channel.taken_at)
        members = await self._channels.members(channel.value.id, REUSE)
        people = People(members.value, open=not channel.value.private)
        return Reading(people, min(members.taken_at, channel.taken_at))


def _person(user: Mapping[str, Any], addresses: Seal | None) -> Person:
    profile: Mapping[str, Any] = user.get("profile") or {}
    names = (user.get("real_name"), profile.get("real_name"), profile.get("display_name"), user.get("name"))
    return Person(
        team=str(user.get("team_id") or ""),
        name=next((str(name) for name in names if name), ""),
        person=person_of(addresses, _address(user)) if addresses else "",
        deleted=bool(user.get("deleted")),
        bot=bool(user.get("is_bot")) or user["id"] == SLACKBOT,
        guest=bool(user.get("is_restricted")) or bool(user.get("is_ultra_restricted")),
    )


def _address(user: Mapping[str, Any]) -> str:
    """Empty where Slack does not tell it."""
    return str((user.get("profile") or {}).get("email") or "")
