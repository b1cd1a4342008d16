"""The directory: who somebody is in Slack right now, which selectors name them, and how to mention whom they name.

It answers from readings at most half a minute old, within `LIMIT`, or not at all: no answer authorises nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

import structlog

from agent_runtime.clock import Clock
from agent_runtime.digest import Seal
from agent_runtime.people import Member, Membership, Unreachable
from agent_runtime.selectors import STARTER, Selector
from bot.cards.text import mention
from bot.channels import Channels
from bot.readings import Reading, Readings
from bot.roster import SLACKBOT, Person, Roster
from bot.slack_calls import UnbudgetedCalls
from bot.slack_client import Identity, SlackClients, SlackFailure, SlackRefused
from storage.types import Actor, ActorKind

log = structlog.get_logger("signoff")

LIMIT = timedelta(seconds=1)
"""How long somebody who clicked waits for the directory."""

_LOOKED_UP = ("usergroup:", "channel:", "email:")
_MOST_NAMED = 10
"""A channel of more people is mentioned as a channel, which notifies nobody, instead of one by one."""


class Directory:
    """Slack's people, user groups and channels as approvers. With `addresses` e-mail addresses are read, to tell which
    accounts are one person's, and kept as hashes by this seal; without it none is read."""

    def __init__(
        self, clients: SlackClients, clock: Clock, identity: Identity, *, addresses: Seal | None = None
    ) -> None:
        self.identity = identity
        self._clock = clock
        self._addresses = addresses
        self._readings = Readings(clock)
        calls = UnbudgetedCalls(clock)
        self.channels = Channels(clients, self._readings, calls)
        self._roster = Roster(clients, clock, self._readings, calls, self.channels, addresses)

    async def member(
        self,
        actor: Actor,
        selectors: Sequence[Selector],
        *,
        starter: Actor | None = None,
        allow_public: bool = False,
    ) -> Membership:
        """Who this is now, and which of the selectors name them. A `channel:` that everybody may join names nobody,
        unless `allow_public`. Whoever is not in Slack, and whatever fails or takes too long, is `Unreachable`."""
        if actor.kind is not ActorKind.SLACK:
            return Unreachable(actor)
        try:
            async with asyncio.timeout(LIMIT.total_seconds()):
                return await self._member(actor, selectors, starter, allow_public)
        except (SlackFailure, TimeoutError) as error:
            log.warning("directory unreachable", person=actor.key, problem=str(error) or "no answer in time")
            return Unreachable(actor)

    async def mentions(self, selectors: Sequence[Selector], starter: Actor | None = None) -> tuple[str, ...]:
        """The selectors' people in mrkdwn, as cards take them. What Slack does not say in time is written by name,
        which notifies nobody."""
        try:
            async with asyncio.timeout(LIMIT.total_seconds()):
                return await self.resolve_mentions(selectors, starter)
        except (SlackFailure, TimeoutError):
            return tuple(mention(selector, _starter_id(starter)) for selector in dict.fromkeys(selectors))

    async def resolve_mentions(self, selectors: Sequence[Selector], starter: Actor | None = None) -> tuple[str, ...]:
        """`mentions` for who can wait: it takes as long as it takes. Raises `SlackFailure` where trying again may
        help; what Slack refuses is written by name."""
        found: list[str] = []
        for selector in dict.fromkeys(selectors):
            try:
                found += await self._mention(selector, starter)
            except SlackRefused as refused:
                log.warning("nobody can be mentioned", selector=selector, problem=str(refused))
                found.append(mention(selector))
        return tuple(dict.fromkeys(found))

    async def named(self, selectors: Sequence[Selector]) -> frozenset[str]:
        """The ids of the people whom the selectors name, for who can wait; what Slack refuses names nobody. Raises
        `SlackFailure` where trying again may help."""
        found: set[str] = set()
        for selector in dict.fromkeys(selectors):
            kind, _, name = selector.partition(":")
            try:
                if selector.startswith(_LOOKED_UP):
                    found |= (await self._roster.people(selector)).value.ids
                elif kind == "user":
                    found.add(name)
            except SlackRefused as refused:
                log.warning("nobody can be named", selector=selector, problem=str(refused))
        return frozenset(found)

    async def able(self, selectors: Sequence[Selector], *, allow_public: bool, allow_guests: bool) -> frozenset[str]:
        """The ids of the people whom the selectors name and who could decide, as `deciders` finds them."""
        found = await self.deciders(selectors, allow_public=allow_public, allow_guests=allow_guests)
        return frozenset(one.id for one in found)

    async def deciders(
        self, selectors: Sequence[Selector], *, allow_public: bool, allow_guests: bool
    ) -> tuple[Actor, ...]:
        """The people whom the selectors name and who could decide, for who can wait: of a few each is looked at. Raises
        `SlackFailure` where trying again may help; what Slack refuses names nobody."""
        wanted = [one for one in dict.fromkeys(selectors) if allow_public or not await self._is_public(one)]
        found = await self.named(wanted) - {self.identity.user_id, SLACKBOT}
        team = self.identity.team_id
        actors = [Actor(kind=ActorKind.SLACK, id=user, team=team) for user in sorted(found)]
        if len(actors) > _MOST_NAMED:
            return tuple(actors)
        seen = [(actor, (await self._roster.person(actor.id)).value) for actor in actors]
        return tuple(
            _as_seen(actor, one)
            for actor, one in seen
            if one.known and not one.deleted and not one.bot and (allow_guests or not one.guest)
        )

    async def _is_public(self, selector: Selector) -> bool:
        return selector.startswith("channel:") and (await self._roster.people(selector)).value.open

    async def close(self) -> None:
        """End the reads under way."""
        await self._readings.close()

    async def _member(
        self, actor: Actor, selectors: Sequence[Selector], starter: Actor | None, allow_public: bool
    ) -> Member:
        home = self.identity.team_id
        if actor.team != home:
            return Member(actor, home, self._clock.now())
        wanted = dict.fromkeys(selector for selector in selectors if selector.startswith(_LOOKED_UP))
        person, starter_now, groups = await asyncio.gather(
            self._roster.person(actor.id),
            self._person_of(starter),
            asyncio.gather(*(self._roster.people(selector) for selector in wanted)),
        )
        named = {
            selector
            for selector, people in zip(wanted, groups, strict=True)
            if actor.id in people.value.ids and (allow_public or not people.value.open)
        }
        seen = person.value
        return Member(
            actor=_as_seen(actor, seen),
            home_team=home,
            taken_at=min(person.taken_at, starter_now.taken_at, *(people.taken_at for people in groups)),
            holds=frozenset(named | ({f"user:{actor.id}"} & set(selectors))),
            known=seen.known,
            deleted=seen.deleted,
            bot=seen.bot,
            guest=seen.guest,
            starter_person=starter_now.value,
        )

    async def _person_of(self, starter: Actor | None) -> Reading[str]:
        """Whose account the starter's is; empty where addresses are not read."""
        here = starter is not None and starter.kind is ActorKind.SLACK and starter.team == self.identity.team_id
        if starter is None or not here or self._addresses is None:
            return Reading("", self._clock.now())
        person = await self._roster.person(starter.id)
        return Reading(person.value.person, person.taken_at)

    async def _mention(self, selector: Selector, starter: Actor | None) -> Iterable[str]:
        kind, _, name = selector.partition(":")
        if kind == "usergroup":
            return (mention(selector, {selector: (await self._roster.group_id(name)).value}),)
        if kind == "email":
            ids = (await self._roster.people(selector)).value.ids
            return (mention(selector, {selector: next(iter(ids))} if len(ids) == 1 else None),)
        if kind != "channel":
            return (mention(selector, _starter_id(starter)),)
        channel = (await self.channels.find(name)).value
        people = (await self._roster.people(selector)).value.ids - {self.identity.user_id, SLACKBOT}
        if channel is None or not 0 < len(people) <= _MOST_NAMED:
            return (mention(selector, {selector: channel.id} if channel else None),)
        return (mention(f"user:{user}") for user in sorted(people))


def _as_seen(actor: Actor, seen: Person) -> Actor:
    found = {"name": seen.name or actor.name, "team": seen.team or actor.team, "person": seen.person}
    return actor.model_copy(update=found)


def _starter_id(starter: Actor | None) -> Mapping[str, str] | None:
    return {STARTER: starter.id} if starter is not None and starter.kind is ActorKind.SLACK else None
