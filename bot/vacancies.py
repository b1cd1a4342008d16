"""Open requests that cannot be approved as they stand: whom they ask are nobody, or too few."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from agent_runtime.causes import Cause
from agent_runtime.digest import Seal
from agent_runtime.escalation import in_force
from agent_runtime.rules import Rules
from agent_runtime.runtime import Runtime
from agent_runtime.selectors import STARTER, Selector
from agent_runtime.troubles import Trouble
from bot.directory import Directory
from bot.slack_client import SlackFailure
from storage import requests, runs
from storage.models import Request
from storage.tx import Tx
from storage.types import Actor, Json

log = structlog.get_logger("signoff")

FULL_FOR = timedelta(minutes=5)
"""How long people who were enough are taken to be: they are looked at again, though nobody tells us when they go."""

EMPTY_FOR = timedelta(minutes=1)
"""The same for those who were not, so that an alert about them ends soon after it was mended."""

MOST_LOOKED_AT = 500


@dataclass(frozen=True, slots=True)
class _Asked:
    """Whom a request asks; `barred` is the id of whoever started its run, who may not approve it."""

    approvers: tuple[Selector, ...]
    barred: str
    allow_public: bool
    allow_guests: bool


class Vacancies:
    """Asks the directory who is there, each list of people once in a while."""

    def __init__(self, runtime: Runtime, directory: Directory) -> None:
        self._runtime = runtime
        self._directory = directory
        self._clock = runtime.clock
        self._known: dict[_Asked, tuple[datetime, int]] = {}

    async def find(self) -> Sequence[Trouble] | None:
        """The requests that too few can approve now; None where the directory does not say."""
        open_ = await self._runtime.db.read(_open_requests, self._runtime.seal, MOST_LOOKED_AT)
        try:
            counted = {asked: await self._count(asked, needed) for asked, needed in _needs(open_).items()}
        except SlackFailure as failure:
            log.warning("whom requests ask is not known", problem=str(failure))
            return None
        self._known = {asked: known for asked, known in self._known.items() if asked in counted}
        return tuple(
            _trouble(request, rules, counted[_asked(request, rules, starter)])
            for request, rules, starter in open_
            if counted[_asked(request, rules, starter)] < rules.stages[request.stage].quorum
        )

    async def _count(self, asked: _Asked, needed: int) -> int:
        """How many people may decide."""
        now = self._clock.now()
        known = self._known.get(asked)
        if known is not None and now - known[0] < (FULL_FOR if known[1] >= needed else EMPTY_FOR):
            return known[1]
        people = await self._directory.able(
            asked.approvers, allow_public=asked.allow_public, allow_guests=asked.allow_guests
        )
        count = len(people - {asked.barred})
        self._known[asked] = (now, count)
        return count


def _needs(open_: Sequence[tuple[Request, Rules, Actor]]) -> Mapping[_Asked, int]:
    """The most that any request needs of each list of people."""
    needs: dict[_Asked, int] = {}
    for request, rules, starter in open_:
        asked = _asked(request, rules, starter)
        needs[asked] = max(needs.get(asked, 0), rules.stages[request.stage].quorum)
    return needs


def _asked(request: Request, rules: Rules, starter: Actor) -> _Asked:
    stage = rules.stages[request.stage]
    barred = "" if rules.allow_self_approval else starter.id
    return _Asked(stage.approvers, barred, stage.allow_public, rules.allow_guests)


def _trouble(request: Request, rules: Rules, people: int) -> Trouble:
    stage = rules.stages[request.stage]
    facts: Json = {
        "tool": request.tool,
        "kind": request.kind.value,
        "approvers": list(stage.approvers),
        "people": people,
        "needed": stage.quorum,
    }
    since = request.stage_opened_at
    return Trouble(Cause.NOBODY, request.id, since, request.agent, request.run_id, request.id, facts)


def _open_requests(tx: Tx, seal: Seal, limit: int) -> list[tuple[Request, Rules, Actor]]:
    """Those that ask people of the directory, and not whoever started the run."""
    found = []
    for request in requests.all_pending(tx, limit):
        rules, run = in_force(tx, seal, request, Rules.model_validate(request.rules)), runs.get(tx, request.run_id)
        if run is not None and request.held_until is None and STARTER not in rules.stages[request.stage].approvers:
            found.append((request, rules, Actor.model_validate(run.starter)))
    return found
