"""What one person may do now: which agents to offer them, and what waits for them. It only looks: whatever is offered
is checked again when they do it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from agent_runtime.people import Membership, Unreachable, authorise_decision, authorise_start
from agent_runtime.policy import Rules, may_start
from agent_runtime.reading import read_request
from agent_runtime.refusals import RefusalReason
from agent_runtime.runtime import Runtime
from agent_runtime.sealed import read_rules
from agent_runtime.selectors import Selector
from agent_runtime.views import RequestView
from storage import requests
from storage.models import Request
from storage.tx import Tx
from storage.types import Actor

MOST_LOOKED_AT = 500
"""Open requests that are looked through for one person, the next deadline first."""


class Members(Protocol):
    """Who somebody is, right now."""

    async def member(
        self,
        actor: Actor,
        selectors: Sequence[Selector],
        *,
        starter: Actor | None = None,
        allow_public: bool = False,
    ) -> Membership: ...


class Offers:
    """Looks at policies, requests and the directory for one person."""

    def __init__(self, runtime: Runtime, people: Members) -> None:
        self._runtime = runtime
        self._people = people

    async def startable(self, actor: Actor) -> tuple[str, ...] | RefusalReason:
        """The agents that this person may start, by name; why there are none where that has to do with the person."""
        named = {name: may_start(self._runtime.policies, name) for name in sorted(self._runtime.agents)}
        selectors = dict.fromkeys(selector for starters in named.values() for selector in starters)
        membership = await self._people.member(actor, tuple(selectors))
        now = self._runtime.clock.now()
        refused = {name: authorise_start(membership, starters, now) for name, starters in named.items()}
        allowed = tuple(name for name, reason in refused.items() if reason is None)
        if allowed or not refused:
            return allowed
        return next(reason for reason in refused.values() if reason is not None)

    async def waiting_for(self, actor: Actor, limit: int) -> tuple[RequestView, ...]:
        """The open requests on which this person may decide, the next deadline first."""
        found = await self._runtime.db.read(requests.all_pending, MOST_LOOKED_AT)
        return await self.decidable(actor, [request.id for request in found], limit)

    async def decidable(self, actor: Actor, request_ids: Sequence[str], limit: int) -> tuple[RequestView, ...]:
        """Those of these requests on which this person may decide now, in their order."""
        asked = await self._runtime.db.read(self._asked, request_ids, actor.key)
        seen = {public: await self._membership(actor, asked, public=public) for public in (False, True)}
        now = self._runtime.clock.now()
        allowed = [
            view
            for view, rules in asked
            if authorise_decision(seen[rules.stages[view.stage].allow_public], rules, view.stage, view.starter, now)
            is None
        ]
        return tuple(allowed[:limit])

    async def _membership(
        self, actor: Actor, asked: Iterable[tuple[RequestView, Rules]], *, public: bool
    ) -> Membership:
        stages = [rules.stages[view.stage] for view, rules in asked]
        wanted = dict.fromkeys(one for stage in stages if stage.allow_public is public for one in stage.approvers)
        if not wanted:
            return Unreachable(actor)
        return await self._people.member(actor, tuple(wanted), allow_public=public)

    def _asked(self, tx: Tx, request_ids: Sequence[str], actor_key: str) -> list[tuple[RequestView, Rules]]:
        """The open ones with their rules; without those on which this person has voted."""
        rows = [request for name in request_ids if (request := requests.get(tx, name)) is not None]
        return [found for row in rows if (found := self._one(tx, row, actor_key)) is not None]

    def _one(self, tx: Tx, request: Request, actor_key: str) -> tuple[RequestView, Rules] | None:
        rules, view = read_rules(self._runtime.seal, request), read_request(tx, request.id)
        if rules is None or view is None or requests.standing_vote(tx, request.id, request.revision, actor_key):
            return None
        return (view, rules) if view.stage < len(rules.stages) else None
