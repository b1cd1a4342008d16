"""The only writer of request state once a request is open: decide, expire, cancel. One guarded write closes it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from agent_runtime import outbound
from agent_runtime.audit import INTERNAL, Event, Origin, record
from agent_runtime.clean_text import clean
from agent_runtime.context import Context
from agent_runtime.digest import NotJson, canonical
from agent_runtime.lifecycle import REQUEST_MOVES, require_move
from agent_runtime.outcomes import settle_outcome
from agent_runtime.people import Membership, authorise_decision
from agent_runtime.policy import Rules
from agent_runtime.prompts import AnswerFault, read_prompt, validate_answer
from agent_runtime.refusals import RefusalReason
from agent_runtime.sealed import is_genuine, read_rules, seal_decision
from storage import boots, requests, runs
from storage.models import Decision, Request, Run
from storage.tx import Tx
from storage.types import (
    SCHEDULER,
    Actor,
    DecisionKind,
    JsonValue,
    OnTimeout,
    RequestKind,
    RequestStatus,
    RunStatus,
)

LONGEST_REASON = 3000


@dataclass(frozen=True, slots=True)
class Act:
    """What a person did on a surface: which decision, on which request, revision and stage they were shown."""

    request_id: str
    revision: int
    stage: int
    kind: DecisionKind
    reason: str = ""
    value: JsonValue = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """The decision is recorded. `closed`: it was the one that closed the request."""

    request: Request
    closed: bool


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing was changed, and why. `message` explains a bad answer; `repeated`: the same person's same click again."""

    reason: RefusalReason
    request: Request | None
    message: str = ""
    repeated: bool = False


Verdict = Accepted | Refused


def decide(tx: Tx, context: Context, act: Act, membership: Membership, origin: Origin) -> Verdict:
    """Record one person's decision, or refuse it. Refusals are returned, so that their audit row commits."""
    request = _current(tx, context, act.request_id)
    if request is None:
        return _refuse(tx, context, RefusalReason.UNKNOWN_REQUEST, act, None, membership.actor, origin)
    refusal = _check(tx, context, act, request, membership) or _check_answer(act, request)
    if refusal is not None:
        return _refuse(tx, context, refusal.reason, act, request, membership.actor, origin, refusal)
    rules = read_rules(context.seal, request)
    assert rules is not None
    return _accept(tx, context, act, request, rules, membership.actor, origin)


def may_decide(tx: Tx, context: Context, act: Act, membership: Membership, origin: Origin) -> Refused | None:
    """Why this person's decision would be refused, before they are asked for its words; recorded like a refusal."""
    request = _current(tx, context, act.request_id)
    if request is None:
        return _refuse(tx, context, RefusalReason.UNKNOWN_REQUEST, act, None, membership.actor, origin)
    refusal = _check(tx, context, act, request, membership)
    if refusal is None:
        return None
    return _refuse(tx, context, refusal.reason, act, request, membership.actor, origin, refusal)


def expire(tx: Tx, context: Context, request: Request) -> bool:
    """Nobody decided in time. False where somebody else was first."""
    if request.on_timeout is OnTimeout.KEEP:
        return _keep(tx, context, request)
    run = runs.get(tx, request.run_id)
    reason = f"nobody decided in time ({_words(context.now - request.stage_opened_at)})"
    if not _close(tx, context, request, RequestStatus.EXPIRED, SCHEDULER, INTERNAL, reason=reason):
        return False
    if run is not None and request.on_timeout is OnTimeout.FAIL:
        fail_waiting(tx, context, run, f"{request.tool or 'a ' + request.kind.value}: {reason}")
    else:
        runs.queue_if_pause_closed(tx, request.run_id, context.now)
    outbound.want_run(tx, context, request.run_id)
    return True


def cancel_open(tx: Tx, context: Context, run_id: str, actor: Actor, origin: Origin, reason: str) -> int:
    """Close every pending request of a run that ended; how many."""
    return sum(
        _close(tx, context, request, RequestStatus.CANCELLED, actor, origin, reason=reason)
        for request in requests.pending(tx, run_id)
    )


def cancel_one(tx: Tx, context: Context, request: Request, actor: Actor, reason: str) -> bool:
    """Close one request that needs nobody any more, and let its run go on."""
    closed = _close(tx, context, request, RequestStatus.CANCELLED, actor, INTERNAL, reason=reason)
    if closed:
        runs.queue_if_pause_closed(tx, request.run_id, context.now)
    return closed


def fail_waiting(tx: Tx, context: Context, run: Run, reason: str) -> None:
    """Fail a run that waits for people, and close what it still asks."""
    if runs.change(tx, run.id, RunStatus.WAITING, status=RunStatus.FAILED, error=reason, updated_at=context.now):
        cancel_open(tx, context, run.id, SCHEDULER, INTERNAL, "the run failed")
        seq = record(tx, context, Event.RUN_FAILED, SCHEDULER, run_id=run.id, text={"reason": reason})
        outbound.note(tx, context, run.id, seq, f"Failed: {reason}")


def _current(tx: Tx, context: Context, request_id: str) -> Request | None:
    """A request as it stands now: one whose time is up is closed first, so that a late sweep never lets a click in."""
    request = requests.get(tx, request_id)
    if request is None or request.status is not RequestStatus.PENDING or request.due_at is None:
        return request
    due = boots.unpaused(tx, context.now)
    if due is None or request.due_at > due:
        return request
    expire(tx, context, request)
    return requests.get(tx, request_id)


def _check(tx: Tx, context: Context, act: Act, request: Request, membership: Membership) -> Refused | None:
    mine = requests.standing_vote(tx, request.id, request.revision, membership.actor.key)
    repeated = mine is not None and mine.kind is act.kind and mine.stage == act.stage
    if request.status is not RequestStatus.PENDING:
        return Refused(RefusalReason.TOO_LATE, request, repeated=repeated)
    if (act.revision, act.stage) != (request.revision, request.stage):
        return Refused(RefusalReason.OUTDATED, request, repeated=repeated)
    rules = read_rules(context.seal, request)
    run = runs.get(tx, request.run_id)
    assert run is not None
    starter = Actor.model_validate(run.starter)
    if rules is None or starter.key != request.starter_key:
        record(tx, context, Event.INTEGRITY_BROKEN, membership.actor, run_id=request.run_id, request_id=request.id)
        return Refused(RefusalReason.INTEGRITY, request)
    reason = authorise_decision(membership, rules, request.stage, starter, context.now)
    if reason is not None:
        return Refused(reason, request)
    if mine is not None:
        return Refused(RefusalReason.ALREADY_VOTED, request, repeated=repeated)
    return None if act.kind in rules.decisions else Refused(RefusalReason.NOT_OFFERED, request)


def _check_answer(act: Act, request: Request) -> Refused | None:
    if len(act.reason) > LONGEST_REASON:
        return Refused(RefusalReason.BAD_ANSWER, request, f"The reason is longer than {LONGEST_REASON} characters.")
    if act.kind is not DecisionKind.ANSWERED:
        return None
    answer = validate_answer(read_prompt(request.kind, request.payload), act.value)
    if isinstance(answer, AnswerFault):
        return Refused(RefusalReason.BAD_ANSWER, request, answer.message)
    try:
        canonical(answer)
    except NotJson as fault:
        return Refused(RefusalReason.BAD_ANSWER, request, f"That cannot be kept as an answer: {fault}.")
    return None


def _accept(
    tx: Tx, context: Context, act: Act, request: Request, rules: Rules, actor: Actor, origin: Origin
) -> Verdict:
    act = replace(act, reason=clean(act.reason))
    answer: Any = None
    if act.kind is DecisionKind.ANSWERED:
        answer = validate_answer(read_prompt(request.kind, request.payload), act.value)
    decision = Decision(
        request_id=request.id,
        revision=request.revision,
        stage=request.stage,
        kind=act.kind,
        actor=actor.model_dump(mode="json"),
        actor_key=actor.key,
        reason=act.reason,
        value=answer,
        digest=request.digest,
        mac="",
        at=context.now,
    )
    decision.mac = seal_decision(context.seal, decision)
    if not requests.vote(tx, decision):
        return _refuse(tx, context, RefusalReason.ALREADY_VOTED, act, request, actor, origin)
    text = {"decision": act.kind.value, "reason": act.reason, "stage": request.stage, "revision": request.revision}
    _record(tx, context, Event.DECISION_MADE, request, actor, origin, text)
    closed = _tally(tx, context, act, request, rules, answer, actor, origin)
    after = requests.get(tx, request.id)
    assert after is not None
    if not closed:
        outbound.want_card(tx, context, after)
    outbound.want_run(tx, context, request.run_id)
    return Accepted(after, closed)


def _tally(
    tx: Tx, context: Context, act: Act, request: Request, rules: Rules, answer: JsonValue, actor: Actor, origin: Origin
) -> bool:
    """Close the request, open its next stage, or leave it waiting for more votes."""
    if act.kind is DecisionKind.APPROVED:
        if _votes_in_stage(tx, context, request) < rules.stages[request.stage].quorum:
            return False
        if request.stage + 1 < len(rules.stages):
            _next_stage(tx, context, request, rules, actor)
            return False
    _close(tx, context, request, RequestStatus(act.kind.value), actor, origin, reason=act.reason, answer=answer)
    if request.kind is RequestKind.OUTCOME:
        settle_outcome(tx, context, request, answer, actor)
    runs.queue_if_pause_closed(tx, request.run_id, context.now)
    return True


def _votes_in_stage(tx: Tx, context: Context, request: Request) -> int:
    return sum(
        1
        for vote in requests.votes(tx, [request.id])
        if vote.kind is DecisionKind.APPROVED
        and vote.withdrawn_at is None
        and (vote.revision, vote.stage, vote.digest) == (request.revision, request.stage, request.digest)
        and is_genuine(context.seal, vote)
    )


def _next_stage(tx: Tx, context: Context, request: Request, rules: Rules, actor: Actor) -> None:
    due = boots.elapsed(tx, context.now) + rules.timeout
    values = {"stage": request.stage + 1, "stage_opened_at": context.now, "due_at": due}
    assert requests.change(tx, request, RequestStatus.PENDING, **values), "one writer: nobody can be between"
    passed = rules.stages[request.stage].name
    seq = _record(tx, context, Event.STAGE_PASSED, request, actor, INTERNAL, {"stage": passed})
    line = f"{request.tool}: stage {passed} passed; {rules.stages[request.stage + 1].name} is asked now."
    outbound.note(tx, context, request.run_id, seq, line)


def _close(
    tx: Tx,
    context: Context,
    request: Request,
    status: RequestStatus,
    actor: Actor,
    origin: Origin,
    *,
    reason: str = "",
    answer: JsonValue = None,
) -> bool:
    require_move(REQUEST_MOVES, RequestStatus.PENDING, status)
    won = requests.change(
        tx, request, RequestStatus.PENDING,
        status=status, closed_at=context.now, closed_by=actor.model_dump(mode="json"), close_reason=reason,
        answer=answer, due_at=None,
    )  # fmt: skip
    if not won:
        return False
    text = {"status": status.value, "reason": reason}
    seq = _record(tx, context, Event.REQUEST_CLOSED, request, actor, origin, text)
    after = requests.get(tx, request.id)
    assert after is not None
    outbound.want_card(tx, context, after)
    if not Rules.model_validate(request.rules).stages[request.stage].in_thread:  # there the card itself says it
        line = f"{request.tool or request.kind.value}: {status.value} by {actor.label}"
        outbound.note(tx, context, request.run_id, seq, line + (f" ({reason})" if reason else ""))
    return True


def _keep(tx: Tx, context: Context, request: Request) -> bool:
    if not requests.change(tx, request, RequestStatus.PENDING, due_at=None):
        return False
    seq = _record(tx, context, Event.REQUEST_OVERDUE, request, SCHEDULER, INTERNAL, {})
    outbound.note(
        tx, context, request.run_id, seq, f"{request.tool or request.kind.value}: overdue, and still waiting."
    )
    outbound.want_card(tx, context, request)
    return True


def _refuse(
    tx: Tx,
    context: Context,
    reason: RefusalReason,
    act: Act,
    request: Request | None,
    actor: Actor,
    origin: Origin,
    refusal: Refused | None = None,
) -> Refused:
    refused = refusal or Refused(reason, request)
    text: dict[str, Any] = {
        "refusal": reason.value,
        "decision": act.kind.value,
        "revision": act.revision,
        "stage": act.stage,
    }
    if request is None:
        record(tx, context, Event.DECISION_REFUSED, actor, origin=origin, text={**text, "asked": act.request_id})
        return refused
    _record(tx, context, Event.DECISION_REFUSED, request, actor, origin, text)
    if reason is RefusalReason.OUTDATED:
        outbound.want_card(tx, context, request)
    return refused


def _record(
    tx: Tx, context: Context, event: Event, request: Request, actor: Actor, origin: Origin, text: dict[str, Any]
) -> int:
    return record(
        tx, context, event, actor,
        origin=origin, run_id=request.run_id, request_id=request.id, tool=request.tool, digest=request.digest,
        text=text,
    )  # fmt: skip


def _words(span: timedelta) -> str:
    minutes = int(span.total_seconds() // 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"
