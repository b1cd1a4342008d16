"""Who stands in for whom, as surfaces see it: whoever acts is looked up with those behind them, and whoever is asked is
mentioned with their delegate. The transaction checks again who stands behind whom."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from agent_runtime.absences import read_absences, stood_in_for
from agent_runtime.people import Member, Membership
from agent_runtime.runtime import Runtime
from agent_runtime.selectors import STARTER, Selector
from bot.cards.text import person
from bot.offers import Members
from storage.types import Actor

MOST_MENTIONED = 10
"""So many delegates are mentioned beside those who are asked."""


Find = Callable[[Sequence[Selector]], Awaitable[frozenset[str]]]
"""The ids of the people whom selectors name."""


class StandIns:
    """Looks people up together with whom they stand in for."""

    def __init__(self, runtime: Runtime, people: Members) -> None:
        self._runtime = runtime
        self._people = people

    async def look_up(
        self,
        actor: Actor,
        selectors: Sequence[Selector],
        *,
        starter: Actor | None = None,
        allow_public: bool = False,
    ) -> Membership:
        """Who this is now, and those who handed over to them, all as the directory sees them for these selectors."""
        behind = await self._runtime.db.read(stood_in_for, self._runtime.context(), actor.key)
        own, *others = await asyncio.gather(
            *(
                self._people.member(one, selectors, starter=starter, allow_public=allow_public)
                for one in (actor, *behind)
            )
        )
        return replace(own, stands_for=tuple(others)) if others and isinstance(own, Member) else own

    async def mentions(self, selectors: Sequence[Selector], starter: Actor | None, find: Find) -> tuple[str, ...]:
        """The delegates of those whom the selectors name, in mrkdwn; `find` says whose ids those are, and is asked only
        where anybody is away. Raises what it raises."""
        absences = await self._runtime.db.read(read_absences, self._runtime.context())
        if not absences:
            return ()
        ids, own = await find(selectors), starter.key if starter else ""
        asked = [one for one in absences if one.person.id in ids and own not in {one.person.key, one.delegate.key}]
        if STARTER in selectors:
            asked += [one for one in absences if one.person.key == own]
        return tuple(f"{person(one.delegate)} (for {person(one.person)})" for one in asked[:MOST_MENTIONED])
