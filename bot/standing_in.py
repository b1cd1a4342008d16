"""Who stands in for whom, as surfaces see it: whoever acts is looked up with those behind them, and whoever is asked is
mentioned with their delegate. The transaction checks again who stands behind whom."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from agent_runtime.absences import read_absences, stood_in_for
from agent_runtime.people import Member, Membership
from agent_runtime.runtime import Runtime
from agent_runtime.selectors import STARTER, Selector
from agent_runtime.views import AbsenceView
from bot.cards.text import person
from bot.offers import Members
from storage.types import Actor

MOST_MENTIONED = 10
"""So many delegates are mentioned beside those who are asked."""


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

    async def mentions(self, selectors: Sequence[Selector], starter: Actor | None) -> tuple[str, ...]:
        """The delegates of those whom the selectors name, in mrkdwn."""
        absences = await self._runtime.db.read(read_absences, self._runtime.context())
        named = [one for one in absences if await self._is_named(one, selectors, starter)]
        return tuple(f"{person(one.delegate)} (for {person(one.person)})" for one in named[:MOST_MENTIONED])

    async def _is_named(self, absence: AbsenceView, selectors: Sequence[Selector], starter: Actor | None) -> bool:
        if starter is not None and starter.key in {absence.person.key, absence.delegate.key}:
            return STARTER in selectors and starter.key == absence.person.key
        membership = await self._people.member(absence.person, selectors, allow_public=True)
        return isinstance(membership, Member) and bool(membership.holds & set(selectors))
