"""Votes and what they add up to: a stage passed, a request closed, held for a while, or opened again."""

from __future__ import annotations

from typing import Any

from agent_runtime import holding, ladder, outbound
from agent_runtime.acts import Act
from agent_runtime.audit import INTERNAL, Event, Origin, record_request
from agent_runtime.caps import is_fast
from agent_runtime.clean_text import clean
from agent_runtime.closing import close
from agent_runtime.context import Context
from agent_runtime.decisions import take_back, write_decision
from agent_runtime.grants import grant_as_wished
from agent_runtime.outcomes import settle_outcome
from agent_runtime.policy import Rules
from agent_runtime.prompts import read_prompt, validate_answer
from agent_runtime.sealed import NO, YES, standing_votes, votes_in
from storage import pauses, requests, runs
from storage.models import Decision, Request
from storage.tx import Tx
from storage.types import Actor, DecisionKind, Json, JsonValue, RequestKind, RequestStatus


def cast(
    tx: Tx, context: Context, act: Act, request: Request, rules: Rules, actor: Actor, origin: Origin,
    behind: Actor | None = None,
) -> bool | None:  # fmt: skip
    """Record a vote or an answer that was checked; whether it closed the request, None where this person's vote
    stands already. `behind` is the approver in whose stead they act, where that is not them."""
    reason, answer = clean(act.reason), _answer(act, request)
    if not write_decision(tx, context, request, act.kind, actor, reason=reason, value=answer, on_behalf_of=behind):
        return None
    instead: Json = {"on_behalf_of": behind.key, "on_behalf_of_name": behind.name} if behind else {}
    text: Json = {
        "decision": act.kind.value, "reason": reason, "stage": request.stage, "revision": request.revision, **instead,
    }  # fmt: skip
    record_request(tx, context, Event.DECISION_MADE, request, actor, origin, text)
    if act.kind is DecisionKind.APPROVED and is_fast(context, request):
        seconds = (context.now - request.stage_opened_at).total_seconds()
        record_request(tx, context, Event.APPROVED_FAST, request, actor, INTERNAL, {"seconds": seconds})
    if act.kind is DecisionKind.APPROVED:
        closed = _pass_stages(tx, context, request, rules, actor, origin, reason)
    else:
        closed = _end(tx, context, act, request, rules, answer, actor, origin)
    if not closed:
        holding.lift_own(tx, context, _again(tx, request), rules, actor)
        _show(tx, context, request)
    outbound.want_run(tx, context, request.run_id)
    return closed


def uncast(
    tx: Tx, context: Context, vote: Decision, request: Request, rules: Rules, actor: Actor, origin: Origin
) -> None:
    """Take a vote back. Where its stage lacks votes now, that stage is asked anew, with all of its time: neither a
    later stage nor a hold may go on without it."""
    taken = take_back(tx, context, vote)
    assert taken, "read as standing in this transaction"
    text: Json = {"decision": vote.kind.value, "stage": vote.stage, "revision": vote.revision}
    record_request(tx, context, Event.DECISION_WITHDRAWN, request, actor, origin, text)
    missing = len(_votes(tx, context, request, vote.stage, YES)) < rules.stages[vote.stage].quorum
    if missing and (vote.stage < request.stage or request.held_until is not None):
        _open_stage(tx, context, request, rules, vote.stage)
        line = (
            f"{request.tool}: {actor.label} took their approval back; {rules.stages[vote.stage].name} is asked again."
        )
        seq = record_request(tx, context, Event.STAGE_REOPENED, request, actor, INTERNAL, {"stage": vote.stage})
        outbound.note(tx, context, request.run_id, seq, line)
    _show(tx, context, request)
    outbound.want_run(tx, context, request.run_id)


def _answer(act: Act, request: Request) -> Any:
    """The value of an answer that was checked before; of an approval, what was wished beside it."""
    if act.kind is DecisionKind.ANSWERED:
        return validate_answer(read_prompt(request.kind, request.payload), act.value)
    return act.wish.value if act.wish else None


def _pass_stages(
    tx: Tx, context: Context, request: Request, rules: Rules, actor: Actor, origin: Origin, reason: str
) -> bool:
    """Open the next stage while the present one has its quorum (the next may have votes from before somebody took one
    back), and close or hold the request after the last; whether it is closed."""
    while len(_votes(tx, context, request, request.stage, YES)) >= rules.stages[request.stage].quorum:
        if request.stage + 1 == len(rules.stages):
            return _approve(tx, context, request, rules, actor, origin, reason)
        passed, following = rules.stages[request.stage], rules.stages[request.stage + 1]
        seq = record_request(tx, context, Event.STAGE_PASSED, request, actor, INTERNAL, {"stage": passed.name})
        _open_stage(tx, context, request, rules, request.stage + 1)
        line = f"{request.tool}: stage {passed.name} passed; {following.name} is asked now."
        outbound.note(tx, context, request.run_id, seq, line)
        request = _again(tx, request)
    return False


def _approve(
    tx: Tx, context: Context, request: Request, rules: Rules, actor: Actor, origin: Origin, reason: str
) -> bool:
    if rules.hold is None:
        close(tx, context, request, RequestStatus.APPROVED, actor, origin, reason=reason)
        grant_as_wished(tx, context, request, rules)
        runs.queue_if_pause_closed(tx, request.run_id, context.now)
        return True
    until = pauses.elapsed(tx, context.now, request.agent) + rules.hold
    held = requests.change(tx, request, RequestStatus.PENDING, held_until=until, due_at=until, next_at=until)
    assert held, "one writer: nobody can be between"
    seconds = int(rules.hold.total_seconds())
    seq = record_request(tx, context, Event.REQUEST_HELD, request, actor, INTERNAL, {"seconds": seconds})
    line = f"{request.tool}: approved by {actor.label}; it waits {seconds} s, in which that can be taken back."
    outbound.note(tx, context, request.run_id, seq, line)
    return False


def _end(
    tx: Tx, context: Context, act: Act, request: Request, rules: Rules, answer: JsonValue, actor: Actor, origin: Origin
) -> bool:
    """Close the request by an answer, or by the no that makes the stage's noes enough."""
    needed = rules.stages[request.stage].reject_quorum
    if act.kind in NO and len(_votes(tx, context, request, request.stage, NO)) < needed:
        return False
    reason = clean(act.reason)
    close(tx, context, request, RequestStatus(act.kind.value), actor, origin, reason=reason, answer=answer)
    if request.kind is RequestKind.OUTCOME:
        settle_outcome(tx, context, request, answer, actor)
    runs.queue_if_pause_closed(tx, request.run_id, context.now)
    return True


def _open_stage(tx: Tx, context: Context, request: Request, rules: Rules, stage: int) -> None:
    values = ladder.opening(
        rules, stage, context.now, pauses.elapsed(tx, context.now, request.agent), pauses.stopped_for(tx)
    )
    values["asking"] = request.asking + 1
    changed = requests.change(tx, request, RequestStatus.PENDING, **values)
    assert changed, "one writer: nobody can be between"


def _votes(tx: Tx, context: Context, request: Request, stage: int, kinds: frozenset[DecisionKind]) -> list[Decision]:
    standing = standing_votes(context.seal, request, requests.votes(tx, [request.id]))
    return votes_in(standing, stage, kinds)


def _again(tx: Tx, request: Request) -> Request:
    after = requests.get(tx, request.id)
    assert after is not None
    return after


def _show(tx: Tx, context: Context, request: Request) -> None:
    outbound.want_card(tx, context, _again(tx, request))
