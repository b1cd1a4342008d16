"""Open requests that cannot be approved as they stand: whom they ask are nobody, or too few."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
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
from storage.requests import Asking
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


@dataclass(frozen=True, slots=True)
class _Open:
    """One open request: whom it asks, how many of them it needs, and the trouble it is in where they are fewer."""

    asked: _Asked
    quorum: int
    trouble: Trouble


class Vacancies:
    """Asks the directory who is there, each list of people once in a while. What a request asks is read once for each
    time it asks: thousands may wait, and nothing changes for most of them between two looks."""

    def __init__(self, runtime: Runtime, directory: Directory) -> None:
        self._runtime = runtime
        self._directory = directory
        self._clock = runtime.clock
        self._known: dict[_Asked, tuple[datetime, int]] = {}
        self._open: Mapping[Asking, _Open | None] = {}

    async def find(self) -> Sequence[Trouble] | None:
        """The requests that too few can approve now; None where the directory does not say."""
        self._open = await self._runtime.db.read(_read_open, self._runtime.seal, self._open)
        open_ = [one for one in self._open.values() if one is not None]
        try:
            counted = {asked: await self._count(asked, needed) for asked, needed in _needs(open_).items()}
        except SlackFailure as failure:
            log.warning("whom requests ask is not known", problem=str(failure))
            return None
        self._known = {asked: known for asked, known in self._known.items() if asked in counted}
        return tuple(
            replace(one.trouble, facts={**one.trouble.facts, "people": counted[one.asked]})
            for one in open_
            if counted[one.asked] < one.quorum
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


def _needs(open_: Sequence[_Open]) -> Mapping[_Asked, int]:
    """The most that any request needs of each list of people."""
    needs: dict[_Asked, int] = {}
    for one in open_:
        needs[one.asked] = max(needs.get(one.asked, 0), one.quorum)
    return needs


def _read_open(tx: Tx, seal: Seal, known: Mapping[Asking, _Open | None]) -> Mapping[Asking, _Open | None]:
    """What is asked now; only what was not asked so before is read whole. None: it asks nobody of the directory."""
    return {
        asking: known[asking] if asking in known else _open(tx, seal, asking)
        for asking in requests.askings(tx, MOST_LOOKED_AT)
    }


def _open(tx: Tx, seal: Seal, asking: Asking) -> _Open | None:
    request = requests.get(tx, asking.request_id)
    run = runs.get(tx, request.run_id) if request is not None else None
    if request is None or run is None:
        return None
    rules = in_force(tx, seal, request, Rules.model_validate(request.rules))
    stage = rules.stages[request.stage]
    if STARTER in stage.approvers:
        return None
    starter = Actor.model_validate(run.starter)
    barred = "" if rules.allow_self_approval else starter.id
    facts: Json = {
        "tool": request.tool, "kind": request.kind.value, "approvers": list(stage.approvers), "needed": stage.quorum,
    }  # fmt: skip
    since = request.stage_opened_at
    trouble = Trouble(Cause.NOBODY, request.id, since, request.agent, request.run_id, request.id, facts)
    asked = _Asked(stage.approvers, barred, stage.allow_public, rules.allow_guests)
    return _Open(asked, stage.quorum, trouble)
