"""Holds of a ladder: somebody who may decide says that they are on it, puts it off, or asks the starter something, and
nobody is reminded for a while. A hold decides nothing, and at its end the ladder goes on from where it stood."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from agent_runtime import ladder, outbound
from agent_runtime.absences import confirmed
from agent_runtime.acts import current, rules_and_starter
from agent_runtime.audit import INTERNAL, Event, Origin, record_request
from agent_runtime.context import Context
from agent_runtime.escalation import in_force, place
from agent_runtime.people import Membership, authorise_decision
from agent_runtime.refusals import RefusalReason
from agent_runtime.rules import Rules, Stage
from storage import pauses, requests
from storage.models import Request
from storage.pauses import Stop
from storage.tx import Tx
from storage.types import SCHEDULER, Actor, Described, Json, RequestStatus


class Why(Described):
    """Why a ladder is held."""

    ON_IT = "on_it", "Somebody looks into it: its deadline waits, too, once for each person."
    SNOOZED = "snoozed", "Somebody put it off; its deadline stays."
    ASKED = "asked", "Somebody asked whoever started the run, and waits for the answer; its deadline stays."


SPANS = {Why.ON_IT: timedelta(minutes=30), Why.SNOOZED: timedelta(hours=1), Why.ASKED: timedelta(hours=1)}

MOST_HOLDS = 2
"""So often one person holds the ladder of a stage, however they do it: nobody alone keeps the others from hearing of
it."""


@dataclass(frozen=True, slots=True)
class Hold:
    """What a person does to the ladder of a request, at the revision and stage that they were shown."""

    request_id: str
    revision: int
    stage: int
    why: Why


def hold_ladder(
    tx: Tx, context: Context, hold: Hold, membership: Membership, origin: Origin
) -> Request | RefusalReason:
    """Hold the ladder of an open request; the request as it is then. Those who may decide now may."""
    request, actor = current(tx, context, hold.request_id), membership.actor
    if request is None:
        return RefusalReason.UNKNOWN_REQUEST
    rules, starter = rules_and_starter(tx, context, request)
    reason = _why_not(request, rules, hold)
    if reason is None and rules is not None:
        allowed = in_force(tx, context.seal, request, rules)
        reason = authorise_decision(confirmed(tx, context, membership), allowed, request.stage, starter, context.now)
        if reason is None and not _may_hold(request, actor):
            reason = RefusalReason.HELD_ENOUGH
    if reason is not None:
        text: Json = {"refusal": reason.value, "hold": hold.why.value}
        record_request(tx, context, Event.HOLD_REFUSED, request, actor, origin, text)
        return reason
    assert rules is not None, "a reason where there are none"
    begin(tx, context, request, rules, actor, origin, hold.why)
    after = requests.get(tx, request.id)
    assert after is not None
    return after


def begin(tx: Tx, context: Context, request: Request, rules: Rules, actor: Actor, origin: Origin, why: Why) -> None:
    """Hold a ladder, for somebody who may. One that is held for longer already stays so, as does one that they have
    held often enough, and where none is left there is nothing to hold but the deadline."""
    if not _may_hold(request, actor) or (why is not Why.ON_IT and not is_climbing(request, rules)):
        return
    now, shift = pauses.elapsed(tx, context.now, request.agent), pauses.stopped_for(tx)
    stage = rules.stages[request.stage]
    before = request.quiet or {}
    gained = _gained(rules, before, actor, why)
    due = ladder.later(stage, request.due_at, gained, shift) if request.due_at is not None else None
    until = now + SPANS[why] if due is None else min(now + SPANS[why], due)
    held = max(now, request.quiet_until or now)
    if request.quiet_until is not None and until <= held and not gained:
        return
    until = max(until, held)
    quiet = {
        "by": actor.model_dump(mode="json"), "why": why.value, "since": context.now.isoformat(),
        "gained": before.get("gained", 0) + gained.total_seconds(),
        "on_it": [*before.get("on_it", ()), *(sorted(actor.hands) if why is Why.ON_IT else ())],
        "holders": [*before.get("holders", ()), *sorted(actor.hands)],
    }  # fmt: skip
    start = _moved(request, stage, held, until, shift)
    _write(tx, context, request, rules, quiet_until=until, quiet=quiet, due_at=due, ladder_from=start)
    minutes = round((until - now).total_seconds() / 60)
    text = {**place(request), "why": why.value, "minutes": minutes, "deadline_moved": gained.total_seconds()}
    seq = record_request(tx, context, Event.LADDER_HELD, request, actor, origin, text)
    if why is not Why.ASKED:  # there the question itself says it
        outbound.note(tx, context, request.run_id, seq, _line(request, actor, why, f"{minutes} min"))


def is_climbing(request: Request, rules: Rules) -> bool:
    """Whether an open request has steps of its ladder before it."""
    return request.rung < len(ladder.steps(rules.stages[request.stage]))


def end(tx: Tx, context: Context, request: Request, stage: Stage, now: datetime) -> None:
    """Nothing followed while the ladder was held: it goes on. `now` is unpaused."""
    after = request.model_copy(update={"quiet_until": None})
    following = ladder.next_at(after, stage, context.now - now)
    if not requests.climb(tx, request, quiet_until=None, next_at=following):
        return
    seq = record_request(tx, context, Event.LADDER_RELEASED, request, SCHEDULER, INTERNAL, place(request))
    quiet = request.quiet or {}
    if quiet.get("why") == Why.ON_IT.value:
        who = Actor.model_validate(quiet["by"]).label
        line = (
            f"{request.tool or request.kind.value}: {who} was on it and nothing followed; it goes on as it would have."
        )
        outbound.note(tx, context, request.run_id, seq, line)
    _show(tx, context, request)


def lift(tx: Tx, context: Context, request: Request, rules: Rules, actor: Actor, *whys: Why) -> None:
    """What a ladder was held for has happened before its time: it goes on now."""
    if request.quiet_until is None or (request.quiet or {}).get("why") not in {why.value for why in whys}:
        return
    now = pauses.elapsed(tx, context.now, request.agent)
    end, stage = max(request.quiet_until, now), rules.stages[request.stage]
    start = _moved(request, stage, end, now, pauses.stopped_for(tx))
    _write(tx, context, request, rules, quiet_until=None, ladder_from=start)
    record_request(tx, context, Event.LADDER_RELEASED, request, actor, INTERNAL, place(request))


def lift_own(tx: Tx, context: Context, request: Request, rules: Rules, actor: Actor) -> None:
    """Whoever was on it has said what they had to say, and others are still needed."""
    by = (request.quiet or {}).get("by")
    if by is not None and Actor.model_validate(by).key == actor.key:
        lift(tx, context, request, rules, actor, Why.ON_IT, Why.SNOOZED)


def _may_hold(request: Request, actor: Actor) -> bool:
    held = Counter((request.quiet or {}).get("holders", ()))
    return all(held[hand] < MOST_HOLDS for hand in actor.hands)


def _gained(rules: Rules, before: Mapping[str, Any], actor: Actor, why: Why) -> timedelta:
    """By how much the deadline moves: once for each person, and in all by no more than the stage's time-out."""
    if why is not Why.ON_IT or actor.hands & set(before.get("on_it", ())):
        return timedelta(0)
    left = rules.timeout - timedelta(seconds=before.get("gained", 0))
    return max(min(SPANS[why], left), timedelta(0))


def _why_not(request: Request, rules: Rules | None, hold: Hold) -> RefusalReason | None:
    if request.status is not RequestStatus.PENDING:
        return RefusalReason.TOO_LATE
    if (hold.revision, hold.stage) != (request.revision, request.stage):
        return RefusalReason.OUTDATED
    if rules is None:
        return RefusalReason.INTEGRITY
    if hold.why is Why.SNOOZED and not is_climbing(request, rules):
        return RefusalReason.NOT_OFFERED
    return RefusalReason.HELD if request.held_until is not None else None


def _moved(request: Request, stage: Stage, held: datetime, until: datetime, shift: timedelta) -> datetime | None:
    """The beginning of a ladder that did not climb from `held` to `until`."""
    if request.ladder_from is None:
        return None
    return ladder.moved(stage, request.ladder_from, Stop(held + shift, until + shift, shift, shift))


def _write(tx: Tx, context: Context, request: Request, rules: Rules, **values: object) -> None:
    after = request.model_copy(update=values)
    following = ladder.next_at(after, rules.stages[request.stage], pauses.stopped_for(tx))
    changed = requests.climb(tx, request, **values, next_at=following)
    assert changed, "one writer: nobody can be between"
    _show(tx, context, request)


def _show(tx: Tx, context: Context, request: Request) -> None:
    after = requests.get(tx, request.id)
    assert after is not None
    outbound.want_card(tx, context, after)
    outbound.want_run(tx, context, request.run_id)


def _line(request: Request, actor: Actor, why: Why, long: str) -> str:
    about = request.tool or request.kind.value
    if why is Why.ON_IT:
        return f"{about}: {actor.label} is on it for {long}; until then nobody is reminded."
    return f"{about}: {actor.label} put it off for {long}; until then nobody is reminded, and its deadline stays."
