"""What one person may do now: which agents to offer them, and what waits for them. It only looks: whatever is offered
is checked again when they do it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from agent_runtime.digest import Seal
from agent_runtime.escalation import in_force
from agent_runtime.people import (
    Member,
    Membership,
    Unreachable,
    authorise_decision,
    authorise_member,
    authorise_start,
    same_person,
)
from agent_runtime.policy import Rules, Stage, may_start
from agent_runtime.reading import read_request
from agent_runtime.refusals import RefusalReason
from agent_runtime.runtime import Runtime
from agent_runtime.sealed import read_rules
from agent_runtime.selectors import Selector
from agent_runtime.views import RequestView
from storage import requests, runs
from storage.models import Request
from storage.tx import Tx
from storage.types import Actor, RequestStatus

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


class Deciders(Protocol):
    """Who somebody is, right now, and those who handed over to them."""

    async def look_up(
        self,
        actor: Actor,
        selectors: Sequence[Selector],
        *,
        starter: Actor | None = None,
        allow_public: bool = False,
    ) -> Membership: ...


class Offers:
    """Looks at policies, requests and the directory for one person."""

    def __init__(self, runtime: Runtime, people: Members, deciders: Deciders) -> None:
        self._runtime = runtime
        self._people = people
        self._deciders = deciders

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

    async def talks_with(self, actor: Actor) -> bool:
        """Whether we answer what this person writes: a member, or a guest who may start something. Where the directory
        is silent we do; every act is checked again."""
        allowed = await self.startable(actor)
        if not isinstance(allowed, RefusalReason) or allowed is RefusalReason.DIRECTORY_DOWN:
            return True
        if allowed is not RefusalReason.NOT_A_STARTER:
            return False
        membership = await self._people.member(actor, ())
        return isinstance(membership, Unreachable) or not membership.guest

    async def is_member(self, actor: Actor) -> bool:
        """Whether this is a full member of the workspace; nobody is where the directory is silent."""
        membership = await self._people.member(actor, ())
        return authorise_member(membership, self._runtime.clock.now()) is None

    async def open_requests(self, request_ids: Sequence[str] | None = None) -> tuple[Asked, ...]:
        """What is open, the next deadline first; or what of these is."""
        return await self._runtime.db.read(_open, self._runtime.seal, request_ids)

    async def decidable(self, actor: Actor, asked: Sequence[Asked], limit: int) -> tuple[RequestView, ...] | None:
        """Those on which this person may decide now, in their order; None where the directory does not say."""
        private, public = await asyncio.gather(
            self._membership(actor, asked, public=False), self._membership(actor, asked, public=True)
        )
        seen = {False: private, True: public}
        if any(isinstance(seen[one.stage.allow_public], Unreachable) for one in asked):
            return None
        now = self._runtime.clock.now()
        allowed = [
            one.request.id
            for one in asked
            if authorise_decision(seen[one.stage.allow_public], one.rules, one.request.stage, one.starter, now) is None
        ]
        person = next((one.actor for one in seen.values() if isinstance(one, Member)), actor)
        return await self._runtime.db.read(_views, allowed, person, limit)

    async def _membership(self, actor: Actor, asked: Iterable[Asked], *, public: bool) -> Membership:
        stages = [one.stage for one in asked if one.stage.allow_public is public]
        wanted = dict.fromkeys(selector for stage in stages for selector in stage.approvers)
        if not wanted:
            return Unreachable(actor)
        return await self._deciders.look_up(actor, tuple(wanted), allow_public=public)


@dataclass(frozen=True, slots=True)
class Asked:
    """An open request with what says who may decide on it."""

    request: Request
    rules: Rules
    starter: Actor

    @property
    def stage(self) -> Stage:
        return self.rules.stages[self.request.stage]


def _open(tx: Tx, seal: Seal, request_ids: Sequence[str] | None) -> tuple[Asked, ...]:
    if request_ids is None:
        rows = requests.all_pending(tx, MOST_LOOKED_AT)
    else:
        rows = [row for name in request_ids if (row := requests.get(tx, name)) is not None]
    found = (_asked(tx, seal, row) for row in rows if row.status is RequestStatus.PENDING)
    return tuple(one for one in found if one is not None)


def _asked(tx: Tx, seal: Seal, request: Request) -> Asked | None:
    run, rules = runs.get(tx, request.run_id), read_rules(seal, request)
    if run is None or rules is None or request.stage >= len(rules.stages):
        return None
    return Asked(request, in_force(tx, seal, request, rules), Actor.model_validate(run.starter))


def _views(tx: Tx, request_ids: Sequence[str], actor: Actor, limit: int) -> tuple[RequestView, ...]:
    """Those on which this person has not voted in the current stage, with whatever account."""
    found: list[RequestView] = []
    for request_id in request_ids:
        view = read_request(tx, request_id) if len(found) < limit else None
        if view is not None and not any(
            same_person(vote.actor, actor) and vote.stage == view.stage and not vote.withdrawn for vote in view.votes
        ):
            found.append(view)
    return tuple(found)
