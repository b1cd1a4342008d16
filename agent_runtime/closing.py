"""How requests end: by a decision, by time, by the end of a hold, or because nobody needs them any more.

One guarded write closes a request; whoever comes second changes nothing.
"""

from __future__ import annotations

from datetime import datetime

from pydantic import ValidationError

from agent_runtime import ladder, outbound
from agent_runtime.audit import INTERNAL, Event, Origin, record, record_request
from agent_runtime.context import Context
from agent_runtime.decisions import closed_at, is_whole
from agent_runtime.grants import grant_as_wished
from agent_runtime.lifecycle import REQUEST_MOVES, require_move
from agent_runtime.rules import Rules
from agent_runtime.sealed import approved_at, has_quorum, read_rules, standing_votes
from storage import pauses, requests, runs
from storage.models import Decision, Request, Run
from storage.tx import Tx
from storage.types import SCHEDULER, SYSTEM, Actor, JsonValue, OnTimeout, RequestKind, RequestStatus, RunStatus


def close(
    tx: Tx,
    context: Context,
    request: Request,
    status: RequestStatus,
    actor: Actor,
    origin: Origin,
    *,
    reason: str = "",
    answer: JsonValue = None,
    by: Actor | None = None,
) -> bool:
    """Close a pending request; False where somebody else was first. `by` is who brought it about, if not the actor."""
    require_move(REQUEST_MOVES, RequestStatus.PENDING, status)
    closer = by or actor
    won = requests.change(
        tx, request, RequestStatus.PENDING,
        status=status, closed_at=context.now, closed_by=closer.model_dump(mode="json"), close_reason=reason,
        answer=answer, due_at=None, next_at=None, held_until=None,
    )  # fmt: skip
    if not won:
        return False
    text = {"status": status.value, "reason": reason}
    seq = record_request(tx, context, Event.REQUEST_CLOSED, request, actor, origin, text)
    after = requests.get(tx, request.id)
    assert after is not None
    outbound.want_card(tx, context, after)
    rules = _who_is_told(request)
    whose = "" if closer == SCHEDULER else f" by {closer.label}"  # that time ran out, the reason says
    line = f"{request.tool or request.kind.value}: {status.value}{whose}" + (f" ({reason})" if reason else "")
    if rules is None or not rules.stages[request.stage].in_thread:  # there the card itself says it
        outbound.note(tx, context, request.run_id, seq, line)
    if rules is not None:
        about = f"{line}, for {request.agent} (request {request.id})."
        outbound.tell_watchers(tx, context, request, rules, seq, about)
    return True


def _who_is_told(request: Request) -> Rules | None:
    """The rules, for whom they name; None where they, or the stage, were changed by hand so that nobody can read them:
    the request ends all the same."""
    try:
        rules = Rules.model_validate(request.rules)
    except ValidationError:
        return None
    return rules if 0 <= request.stage < len(rules.stages) else None


_UNDECIDED = {
    RequestKind.QUESTION: "nobody answered its question in time",
    RequestKind.REVIEW: "nobody reviewed its draft in time",
}
"""Why a run failed that asked about no call."""


def fall_due(tx: Tx, context: Context, request: Request) -> bool:
    """A request's time is up: nobody decided, or nobody took their approval back. False where nothing was closed."""
    return expire(tx, context, request) if request.held_until is None else end_hold(tx, context, request)


def expire(tx: Tx, context: Context, request: Request) -> bool:
    """Nobody decided in time. False where somebody else was first, or the policy keeps it open."""
    if request.on_timeout is OnTimeout.KEEP:
        return _keep(tx, context, request)
    run = runs.get(tx, request.run_id)
    reason = "nobody decided in time"  # without how long that was: it may be closed later than it was due
    if not close(tx, context, request, RequestStatus.EXPIRED, SCHEDULER, INTERNAL, reason=reason):
        return False
    if run is not None and request.on_timeout is OnTimeout.FAIL:
        failure = f"{reason}: {request.tool}" if request.tool else _UNDECIDED.get(request.kind, reason)
        fail_waiting(tx, context, run, failure)
    else:
        runs.queue_if_pause_closed(tx, request.run_id, context.now)
    outbound.want_run(tx, context, request.run_id)
    return True


def end_hold(tx: Tx, context: Context, request: Request) -> bool:
    """Nobody took their approval back in time. The row alone is not believed: the sealed votes must still be enough,
    and old enough; where they are not, somebody changed it by hand."""
    rules, decisions = read_rules(context.seal, request), requests.votes(tx, [request.id])
    genuine = is_whole(tx, context, request, decisions)
    if rules is None or not genuine or not has_quorum(context.seal, request, rules, decisions):
        record_request(
            tx, context, Event.INTEGRITY_BROKEN, request, SYSTEM, INTERNAL, {"problem": "held without votes"}
        )
        return expire(tx, context, request)
    until = hold_ends(context, request, rules, decisions)
    if until is not None and context.now < until:
        problem = {"problem": "the end of its hold was moved"}
        record_request(tx, context, Event.INTEGRITY_BROKEN, request, SYSTEM, INTERNAL, problem)
        due = pauses.elapsed(tx, context.now) + (until - context.now)
        requests.change(tx, request, RequestStatus.PENDING, due_at=due, next_at=due, held_until=due)
        return False
    last = max(standing_votes(context.seal, request, decisions), key=lambda vote: (vote.at, vote.number))
    close(tx, context, request, RequestStatus.APPROVED, SCHEDULER, INTERNAL, by=Actor.model_validate(last.actor))
    grant_as_wished(tx, context, request, rules)
    runs.queue_if_pause_closed(tx, request.run_id, context.now)
    outbound.want_run(tx, context, request.run_id)
    return True


def hold_ends(context: Context, request: Request, rules: Rules, decisions: list[Decision]) -> datetime | None:
    """Before when the call must not run, on the wall's clock: by the sealed times of the votes. None: no hold."""
    given = approved_at(context.seal, request, decisions)
    return given + rules.hold if rules.hold is not None and given is not None else None


def pause_closed_at(tx: Tx, context: Context, request: Request) -> datetime | None:
    """When the last request of a pause was closed, by the audit log; None where it does not know about this one. Only
    requests whose pause is sealed speak for it."""
    own = closed_at(tx, context, request)
    if own is None or request.policy_set is None:
        return own
    siblings = [one for one in requests.of_pause(tx, request.run_id, request.pause) if one.policy_set is not None]
    genuine = [one for one in siblings if read_rules(context.seal, one) is not None]
    return max([own, *(at for one in genuine if (at := closed_at(tx, context, one)) is not None)])


def cancel_open(tx: Tx, context: Context, run_id: str, actor: Actor, origin: Origin, reason: str) -> int:
    """Close every pending request of a run that ended; how many."""
    return sum(
        close(tx, context, request, RequestStatus.CANCELLED, actor, origin, reason=reason)
        for request in requests.pending(tx, run_id)
    )


def cancel_one(tx: Tx, context: Context, request: Request, actor: Actor, reason: str) -> bool:
    """Close one request that needs nobody any more, and let its run go on."""
    closed = close(tx, context, request, RequestStatus.CANCELLED, actor, INTERNAL, reason=reason)
    if closed:
        runs.queue_if_pause_closed(tx, request.run_id, context.now)
    return closed


def fail_waiting(tx: Tx, context: Context, run: Run, reason: str) -> None:
    """Fail a run that waits for people, and close what it still asks."""
    if runs.change(tx, run.id, RunStatus.WAITING, status=RunStatus.FAILED, error=reason, updated_at=context.now):
        cancel_open(tx, context, run.id, SCHEDULER, INTERNAL, "the run failed")
        seq = record(tx, context, Event.RUN_FAILED, SCHEDULER, run_id=run.id, text={"reason": reason})
        outbound.note(tx, context, run.id, seq, f"Failed: {reason}")


def _keep(tx: Tx, context: Context, request: Request) -> bool:
    """It has no deadline any more; steps of its ladder that were put off, by working hours or a hold, still come."""
    after, rules = request.model_copy(update={"due_at": None, "held_until": None}), read_rules(context.seal, request)
    stage = rules.stages[request.stage] if rules and request.stage < len(rules.stages) else None
    following = ladder.next_at(after, stage, pauses.stopped_for(tx)) if stage else None
    if not requests.change(tx, request, RequestStatus.PENDING, due_at=None, next_at=following, held_until=None):
        return False
    seq = record_request(tx, context, Event.REQUEST_OVERDUE, request, SCHEDULER, INTERNAL, {})
    outbound.note(
        tx, context, request.run_id, seq, f"{request.tool or request.kind.value}: overdue, and still waiting."
    )
    outbound.want_card(tx, context, request)
    return True
