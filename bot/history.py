"""What was decided, for one person: only what they may read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from agent_runtime.digest import Seal
from agent_runtime.escalation import in_force
from agent_runtime.people import Member, Membership, may_look
from agent_runtime.policy import Rules
from agent_runtime.reading import read_request
from agent_runtime.runtime import Runtime
from agent_runtime.selectors import Selector
from agent_runtime.views import RequestView
from bot.offers import Deciders
from storage import history, requests
from storage.history import Filter
from storage.models import Request
from storage.tx import Tx
from storage.types import Actor

MOST_LOOKED_AT = 300
"""So many closed requests are looked through for one person, the newest first."""

RECENT = timedelta(days=14)


class History:
    """Looks at closed requests."""

    def __init__(self, runtime: Runtime, deciders: Deciders) -> None:
        self._runtime = runtime
        self._deciders = deciders

    async def readable(self, actor: Actor, wanted: Filter, limit: int) -> tuple[RequestView, ...] | None:
        """The newest of the wanted requests that may be shown to this person: those of their runs, those they decided
        on or could have, all to operators. None where the directory does not say who they are."""
        found = await self._runtime.db.read(_closed, self._runtime.seal, wanted, actor)
        operators = self._runtime.policies.operators
        asked = dict.fromkeys(selector for one in found for selector in one.approvers)
        seen = await self._deciders.look_up(actor, (*operators, *asked))
        if not isinstance(seen, Member):
            return None
        if seen.deleted or seen.bot or not seen.known or actor.team != seen.home_team:
            return ()
        shown = [one.request_id for one in found if one.involved or may_read(seen, one.approvers, operators)]
        return await self._runtime.db.read(_views, shown[:limit])

    async def recent(self, actor: Actor, limit: int) -> tuple[RequestView, ...]:
        """What this person decided on lately, and what was decided on their runs; the newest first."""
        wanted = Filter(person_key=actor.key, since=self._runtime.clock.now() - RECENT)
        found = await self._runtime.db.read(_closed, self._runtime.seal, wanted, actor, limit)
        return await self._runtime.db.read(_views, [one.request_id for one in found])


@dataclass(frozen=True, slots=True)
class _Closed:
    """A closed request, who was asked about it, and whether it was this person's run or they decided on it."""

    request_id: str
    approvers: tuple[Selector, ...]
    involved: bool


def may_read(seen: Membership, approvers: Sequence[Selector], operators: Sequence[Selector]) -> bool:
    """Whether somebody may read what these approvers are asked: an operator, an approver, or who stands in for one of
    these. Whoever stands in for an operator is none."""
    behind = seen.stands_for if isinstance(seen, Member) else ()
    return may_look(seen, (*operators, *approvers)) or any(may_look(one, approvers) for one in behind)


def _closed(tx: Tx, seal: Seal, wanted: Filter, actor: Actor, limit: int = MOST_LOOKED_AT) -> list[_Closed]:
    rows = history.closed(tx, wanted, limit)
    voted = {vote.request_id for vote in requests.votes(tx, [row.id for row in rows]) if vote.actor_key == actor.key}
    return [
        _Closed(
            row.id,
            tuple(who for stage in _rules(tx, seal, row).stages for who in stage.approvers),
            row.starter_key == actor.key or row.id in voted,
        )
        for row in rows
    ]


def _rules(tx: Tx, seal: Seal, row: Request) -> Rules:
    """By which people could decide, those to whom it was escalated included."""
    return in_force(tx, seal, row, Rules.model_validate(row.rules))


def _views(tx: Tx, request_ids: Sequence[str]) -> tuple[RequestView, ...]:
    views = (read_request(tx, request_id) for request_id in request_ids)
    return tuple(view for view in views if view is not None)
