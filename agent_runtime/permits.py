"""Whose yes lets a call run: people's, a policy's, a grant's, a callback's, or nobody's where the settings have it so.
Asked in the `started` write, with all its rows at hand; else it is refused with a sentence for the agent, or people are
asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from agent_runtime import outbound, verdicts
from agent_runtime.absences import stood_in
from agent_runtime.agents import Ask, Interrupt, Refuse, ToolCall
from agent_runtime.arguments import changes
from agent_runtime.audit import Event, record
from agent_runtime.closing import hold_ends, pause_closed_at
from agent_runtime.context import Asking, Context
from agent_runtime.covering import at_hand, covering, covers
from agent_runtime.decisions import is_whole
from agent_runtime.digest import digest_payload
from agent_runtime.facts import facts_of
from agent_runtime.hidden import keep_redaction
from agent_runtime.judging import Allow, Deny, Require, evaluate
from agent_runtime.revisions import changed_names, editors
from agent_runtime.rules import Rules
from agent_runtime.sealed import FIRST_REVISION, has_quorum, read_rules
from storage import requests
from storage.grants import Grant
from storage.models import Decision, Request, Run
from storage.tx import Tx
from storage.types import SYSTEM, Actor, ActorKind, DecisionKind, Json, RequestKind, RequestStatus


@dataclass(frozen=True, slots=True)
class Permit:
    """The call may start: on whose approval, whether it may run again when its outcome is unknown, and with which
    arguments. `changed` is what the agent is told where they are not its own."""

    request: Request | None
    idempotent: bool
    args: Json
    changed: str = ""
    show: str = ""
    """What the run's thread is told of it; empty where nothing."""
    grant: Grant | None = None
    """What lets it through in the place of people who would have to be asked."""


def tool_interrupt(call: ToolCall) -> Interrupt:
    """May this call run?"""
    return Interrupt(key=f"call:{call.key}", kind=RequestKind.TOOL, call=call)


def permit_for(
    tx: Tx, context: Context, run: Run, call: ToolCall, digest: str, served: str | None = None
) -> Permit | Refuse | Ask:
    """Whose yes lets this call run: its request's where one was asked, else a policy's or a grant's. `served` is the
    grant by which this very call was started before."""
    request = requests.newest(tx, run.id, f"call:{call.key}")
    if request is None or request.status is RequestStatus.LAPSED:
        return _permit_by_policy(tx, context, run, call, served)
    if request.status is RequestStatus.PENDING:
        return Ask(tool_interrupt(call))
    if request.status is not RequestStatus.APPROVED:
        return refused(tx, context, run, call, verdicts.refusal(request), request)
    rules, votes = read_rules(context.seal, request), requests.votes(tx, [request.id])
    problem = _why_not_approved(tx, context, request, rules, votes, digest)
    if rules is None or problem:
        return broken(tx, context, run, call, problem, request)
    if rules.valid_for is not None and request.consumed_at is None:
        closed = pause_closed_at(tx, context, request)
        if closed is None:
            return broken(tx, context, run, call, "the audit log does not know when it was approved", request)
        if context.now > closed + rules.valid_for:
            requests.change(tx, request, RequestStatus.APPROVED, status=RequestStatus.LAPSED)
            record_call(tx, context, Event.APPROVAL_LAPSED, run, call, digest, request)
            outbound.want_card(tx, context, request)
            return _permit_by_policy(tx, context, run, call, served)
    if request.revision == FIRST_REVISION:
        return Permit(request, rules.idempotent, call.args)
    changed = verdicts.edited(call.tool, changed_names(request), editors(request, votes))
    return Permit(request, rules.idempotent, request.args, changed)


def _why_not_approved(
    tx: Tx, context: Context, request: Request, rules: Rules | None, votes: list[Decision], digest: str
) -> str:
    """What is wrong with an approval that its row claims; empty where it holds for this very call."""
    if rules is None or request.kind is not RequestKind.TOOL or request.asked_digest != digest:
        return "the call is not the one that was approved"
    if not is_whole(tx, context, request, votes):
        return "the decisions are not all there as they were made"
    if not has_quorum(context.seal, request, rules, votes):
        return "the call is not the one that was approved"
    if not stood_in(tx, context, votes):
        return "a vote was given in somebody's stead who had handed over to nobody"
    until = hold_ends(context, request, rules, votes)
    return "its approvals may still be taken back" if until is not None and context.now < until else ""


def _permit_by_policy(tx: Tx, context: Context, run: Run, call: ToolCall, served: str | None) -> Permit | Refuse | Ask:
    judgement = evaluate(context.policies, facts_of(run, RequestKind.TOOL, call))
    keep_redaction(tx, context.policies, run.id, call, judgement)
    if isinstance(judgement, Deny):
        return refused(tx, context, run, call, verdicts.denied(call.tool, judgement.policy, judgement.reason))
    grant = None
    if not isinstance(judgement, Allow):
        grant = _grant_for(tx, context, run, call, judgement, served)
        if grant is not None:
            judgement = Allow(judgement.rules.policy, judgement.rules.idempotent, args=judgement.args)
        elif context.asking is Asking.PEOPLE and judgement.rules.callback:
            decided = _by_callback(tx, context, run, call, judgement)
            if not isinstance(decided, Allow):
                return decided
            judgement = decided
        elif context.asking is Asking.PEOPLE:
            return Ask(tool_interrupt(call))
        else:
            judgement = _unasked(tx, context, run, call, judgement)
    show = f"{call.tool} runs without asking anybody, by {judgement.policy}." if judgement.show else ""
    if judgement.args is None:
        return Permit(None, judgement.idempotent, call.args, show=show, grant=grant)
    policy = Actor(kind=ActorKind.POLICY, id=judgement.policy, name=judgement.policy)
    names = [change.name for change in changes(call.args, judgement.args)]
    told = verdicts.edited(call.tool, names, [policy])
    return Permit(None, judgement.idempotent, judgement.args, told, show, grant)


def _grant_for(
    tx: Tx, context: Context, run: Run, call: ToolCall, judgement: Require, served: str | None
) -> Grant | None:
    """The grant that lets this call run: the one by which it was started before, while that one still speaks for it,
    without another use; else one that has uses left."""
    if judgement.rules.grant is None:
        return None
    args = call.args if judgement.args is None else judgement.args
    held = at_hand(tx, context, run, served)
    before = next((one for one in held.grants if one.id == served), None)
    if before is not None and covers(held, before, run, call.tool, args, judgement.rules):
        return before
    found = covering(held, run, call.tool, args, judgement.rules)
    if found is None:
        return None
    opened, votes = Event.REQUEST_OPENED.value, requests.votes(tx, [found.request_id])
    whole = context.chain.is_whole_since(tx, context.seal, opened, request_id=found.request_id)
    # What the log says of the grant's uses and end, or of who gave it, may be wrong: then people are asked.
    return found if whole and stood_in(tx, context, votes) else None


def _by_callback(tx: Tx, context: Context, run: Run, call: ToolCall, judgement: Require) -> Allow | Refuse | Ask:
    """What the policy's callback said of this very call. Where it has said nothing, people are asked."""
    rules, said = judgement.rules, context.said
    args = call.args if judgement.args is None else judgement.args
    if said is None or said.callback != rules.callback or said.digest != digest_payload(args):
        return Ask(tool_interrupt(call))
    actor = Actor(kind=ActorKind.POLICY, id=said.callback, name=said.callback)
    text = {"policy": rules.policy, "decision": said.decision.value, "reason": said.reason}
    seq = record(tx, context, Event.CALL_DECIDED, actor, run_id=run.id, tool=call.tool, text=text)
    why = f" ({said.reason})" if said.reason else ""
    outbound.note(tx, context, run.id, seq, f"{call.tool}: {said.decision.value} by the callback {said.callback}{why}")
    if said.decision is DecisionKind.APPROVED:
        return Allow(rules.policy, rules.idempotent, args=judgement.args)
    return refused(tx, context, run, call, verdicts.by_callback(call.tool, said.decision, said.reason))


def _unasked(tx: Tx, context: Context, run: Run, call: ToolCall, judgement: Require) -> Allow:
    """The settings put themselves in the place of people: the call runs, and who would have been asked is on record."""
    rules = judgement.rules
    asked = [list(stage.approvers) for stage in rules.stages]
    text = {"policy": rules.policy, "asking": context.asking.value, "approvers": asked, "trouble": rules.trouble}
    seq = record(tx, context, Event.CALL_UNASKED, SYSTEM, run_id=run.id, tool=call.tool, text=text)
    outbound.note(
        tx,
        context,
        run.id,
        seq,
        f"{call.tool} runs; people would have to approve it ({rules.policy}). {context.asking.sentence}",
    )
    return Allow(rules.policy, rules.idempotent, args=judgement.args)


def broken(tx: Tx, context: Context, run: Run, call: ToolCall, problem: str, request: Request | None = None) -> Refuse:
    """Refuse a call because rows of it were changed by hand, and record that."""
    record_call(tx, context, Event.INTEGRITY_BROKEN, run, call, "", request, {"problem": problem})
    return verdicts.changed(call.tool)


def refused(
    tx: Tx, context: Context, run: Run, call: ToolCall, refuse: Refuse, request: Request | None = None
) -> Refuse:
    """Refuse a call, and record that; a request that was asked about it is taken with it."""
    if request is not None:
        requests.consume(tx, request.id, context.now)
    record_call(tx, context, Event.CALL_REFUSED, run, call, "", request, {"decision": refuse.decision})
    return refuse


def record_call(
    tx: Tx,
    context: Context,
    event: Event,
    run: Run,
    call: ToolCall,
    digest: str,
    request: Request | None,
    text: Mapping[str, str] | None = None,
    actor: Actor = SYSTEM,
) -> int:
    """Append an entry about a call of a run; its sequence number."""
    return record(
        tx, context, event, actor,
        run_id=run.id, request_id=request.id if request else "", tool=call.tool, digest=digest, text=text,
    )  # fmt: skip
