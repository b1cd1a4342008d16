"""Open requests that cannot be approved as they stand: whom they ask are nobody, or too few."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from agent_runtime.acts import heard_elsewhere
from agent_runtime.causes import Cause
from agent_runtime.digest import Seal
from agent_runtime.escalation import in_force
from agent_runtime.people import apart
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
    """Whom a request asks."""

    approvers: tuple[Selector, ...]
    allow_public: bool
    allow_guests: bool


@dataclass(frozen=True, slots=True)
class _Open:
    """One open request: whom it asks, how many of them it needs, and the trouble it is in where they are fewer. Not
    `barred`, by their hands: whoever started its run, and who has spoken in another stage."""

    asked: _Asked
    barred: frozenset[str]
    quorum: int
    trouble: Trouble

    def count(self, people: Sequence[Actor]) -> int:
        """How many of these people may decide."""
        return len(apart(people, self.barred))


class Vacancies:
    """Asks the directory who is there, all of a list once in a while. What a request asks is read once for each
    time it asks: thousands may wait, and nothing changes for most of them between two looks."""

    def __init__(self, runtime: Runtime, directory: Directory) -> None:
        self._runtime = runtime
        self._directory = directory
        self._clock = runtime.clock
        self._known: dict[_Asked, tuple[datetime, Sequence[Actor]]] = {}
        self._open: Mapping[Asking, _Open | None] = {}

    async def find(self) -> Sequence[Trouble] | None:
        """The requests that too few can approve now; None where the directory does not say."""
        self._open = await self._runtime.db.read(_read_open, self._runtime.seal, self._open)
        open_ = [one for one in self._open.values() if one is not None]
        try:
            known = {asked: await self._look(asked, asking) for asked, asking in _by_people(open_).items()}
        except SlackFailure as failure:
            log.warning("whom requests ask is not known", problem=str(failure))
            return None
        self._known = known
        counted = [(one, one.count(known[one.asked][1])) for one in open_]
        return tuple(
            replace(one.trouble, facts={**one.trouble.facts, "people": count})
            for one, count in counted
            if count < one.quorum
        )

    async def _look(self, asked: _Asked, asking: Sequence[_Open]) -> tuple[datetime, Sequence[Actor]]:
        """When they were last looked at, and who of them could decide."""
        now = self._clock.now()
        known = self._known.get(asked)
        if known is not None:
            enough = all(one.count(known[1]) >= one.quorum for one in asking)
            if now - known[0] < (FULL_FOR if enough else EMPTY_FOR):
                return known
        people = await self._directory.deciders(
            asked.approvers, allow_public=asked.allow_public, allow_guests=asked.allow_guests
        )
        return now, people


def _by_people(open_: Sequence[_Open]) -> Mapping[_Asked, Sequence[_Open]]:
    """The requests that ask each list of approvers."""
    found: dict[_Asked, list[_Open]] = {}
    for one in open_:
        found.setdefault(one.asked, []).append(one)
    return found


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
    barred = heard_elsewhere(tx, request, rules) | (frozenset() if rules.allow_self_approval else starter.hands)
    facts: Json = {
        "tool": request.tool, "kind": request.kind.value, "approvers": list(stage.approvers), "needed": stage.quorum,
    }  # fmt: skip
    since = request.stage_opened_at
    trouble = Trouble(Cause.NOBODY, request.id, since, request.agent, request.run_id, request.id, facts)
    asked = _Asked(stage.approvers, stage.allow_public, rules.allow_guests)
    return _Open(asked, barred, stage.quorum, trouble)
