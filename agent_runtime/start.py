"""The `started` write: the one place that lets a tool call run.

In one transaction it checks the lease, the cancel flag, the pause switch, the digest, the seals, the quorum, the log
and the journal, takes the verdict and writes `started`. A call that cannot pass is refused with a sentence for the
agent, or asked about.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace

from agent_runtime import grants, outbound, verdicts
from agent_runtime.absences import stood_in
from agent_runtime.agents import Ask, Go, Interrupt, Lease, Outcome, Refuse, Replay, Start, ToolCall
from agent_runtime.arguments import changes, require_reviewable
from agent_runtime.audit import Event, record
from agent_runtime.calls import change_call, lose_call, open_call, outcome_interrupt, starts_known
from agent_runtime.closing import hold_ends, pause_closed_at
from agent_runtime.context import Asking, Context
from agent_runtime.covering import at_hand, covering, covers
from agent_runtime.decisions import is_whole
from agent_runtime.digest import NotJson, digest_call, digest_payload
from agent_runtime.errors import ExecutionPaused, LeaseLost, RunCancelled
from agent_runtime.facts import facts_of
from agent_runtime.hidden import keep_redaction
from agent_runtime.judging import Allow, Deny, Require, evaluate
from agent_runtime.revisions import changed_names, editors
from agent_runtime.rules import Rules
from agent_runtime.sealed import FIRST_REVISION, genuine_answer, has_quorum, is_genuine_call, read_rules
from storage import journal, pauses, requests, runs
from storage.grants import Grant
from storage.models import Decision, JournalEntry, Request, Run
from storage.tx import Tx
from storage.types import SYSTEM, Actor, ActorKind, CallStatus, DecisionKind, Json, RequestKind, RequestStatus


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


Stop = LeaseLost | RunCancelled | ExecutionPaused


def start_call(tx: Tx, context: Context, run: Run, lease: Lease, call: ToolCall) -> Start | Stop:
    """Let the call run, give its recorded end, refuse it, or say what must be asked."""
    try:
        runs.require_lease(tx, run.id, lease.owner, lease.attempt)
    except LeaseLost as lost:
        return lost
    current = runs.get(tx, run.id)
    if current is None or current.cancel_requested:
        return RunCancelled(run.id)
    if pauses.paused(tx, current.agent):
        return ExecutionPaused()
    try:
        call = _own_copy(call)
        digest = check_arguments(current, call)
    except NotJson as problem:
        return _refused(tx, context, run, call, verdicts.denied(call.tool, "arguments", str(problem)))
    if not context.chain.is_whole_since(tx, context.seal, Event.RUN_STARTED.value, run_id=run.id):
        return _broken(tx, context, run, call, "the audit log was changed since the run began")
    entry = journal.get(tx, run.id, call.key)
    if entry is None:
        return _start_first(tx, context, current, lease, call, digest)
    if not is_genuine_call(context.seal, entry):
        return _broken(tx, context, run, call, "the journal of this call was changed")
    if entry.digest != digest:
        return _broken(tx, context, run, call, "the call differs from the one that was started")
    return _start_again(tx, context, current, lease, call, entry)


def _own_copy(call: ToolCall) -> ToolCall:
    """The call with arguments that nobody else can change between this check and the tool. Raises NotJson."""
    try:
        return replace(call, args=copy.deepcopy(dict(call.args)))
    except Exception as error:  # noqa: BLE001 - an object that resists copying may raise anything
        raise NotJson("", f"the arguments are no JSON object ({type(error).__name__})") from None


def check_arguments(run: Run, call: ToolCall) -> str:
    """The digest of the call as the agent made it. Raises NotJson where nobody could be shown what would run."""
    require_reviewable(call.args)
    return digest_call(run.agent, run.id, call, FIRST_REVISION)


def tool_interrupt(call: ToolCall) -> Interrupt:
    """May this call run?"""
    return Interrupt(key=f"call:{call.key}", kind=RequestKind.TOOL, call=call)


def _start_first(tx: Tx, context: Context, run: Run, lease: Lease, call: ToolCall, digest: str) -> Start:
    permit = _permit(tx, context, run, call, digest)
    if not isinstance(permit, Permit):
        return permit
    request = permit.request
    if request is not None and not requests.consume(tx, request.id, context.now):
        return _broken(tx, context, run, call, "the approval was already used", request)
    if starts_known(tx, run.id, digest):
        return _broken(tx, context, run, call, "the call was started before, and its journal is gone", request)
    if permit.grant is not None and not grants.use(tx, context, permit.grant, run, call.key):
        return Ask(tool_interrupt(call))
    entry = JournalEntry(
        run_id=run.id, call_key=call.key, step=call.step, call_id=call.id, tool=call.tool, args=dict(permit.args),
        changed=permit.changed, digest=digest, request_id=request.id if request else None,
        grant_id=permit.grant.id if permit.grant else None, idempotent=permit.idempotent,
        status=CallStatus.STARTED, owner=lease.owner, attempt=lease.attempt, started_at=context.now,
    )  # fmt: skip
    open_call(tx, context, entry)
    seq = _record(tx, context, Event.CALL_STARTED, run, call, digest, request, _told(permit), _acting(permit))
    if permit.show:
        outbound.note(tx, context, run.id, seq, permit.show)
    return Go(permit.args, permit.changed)


def _start_again(tx: Tx, context: Context, run: Run, lease: Lease, call: ToolCall, entry: JournalEntry) -> Start:
    if entry.status in {CallStatus.FINISHED, CallStatus.FAILED}:
        outcome = Outcome(entry.format, entry.outcome or b"", entry.summary)
        return Replay(outcome, failed=entry.status is CallStatus.FAILED, changed=entry.changed)
    if starts_known(tx, run.id, entry.digest) != entry.starts:
        return _broken(tx, context, run, call, "the journal of this call is not its newest")
    if entry.status is CallStatus.STARTED:
        if (entry.owner, entry.attempt) == (lease.owner, lease.attempt):
            return Ask(outcome_interrupt(call, entry))
        entry = lose_call(tx, context, entry)
    if entry.status is CallStatus.UNKNOWN and not entry.idempotent and not _may_run_again(tx, context, entry):
        return Ask(outcome_interrupt(call, entry))
    return _restart(tx, context, run, lease, call, entry)


def _restart(tx: Tx, context: Context, run: Run, lease: Lease, call: ToolCall, entry: JournalEntry) -> Start:
    permit = _permit(tx, context, run, call, entry.digest, entry.grant_id)
    if not isinstance(permit, Permit):
        return permit
    request, grant = permit.request, permit.grant
    if request is not None:
        requests.consume(tx, request.id, context.now)  # where a policy let it run before and people must now
    if grant is not None and grant.id != entry.grant_id and not grants.use(tx, context, grant, run, call.key):
        return Ask(tool_interrupt(call))
    if entry.status is CallStatus.UNKNOWN and not entry.idempotent:
        _take_run_again(tx, context, entry)
    restarted = change_call(
        tx, context, entry, CallStatus.STARTED,
        owner=lease.owner, attempt=lease.attempt, starts=entry.starts + 1, started_at=context.now, ended_at=None,
        request_id=request.id if request else entry.request_id, args=dict(permit.args), changed=permit.changed,
        grant_id=grant.id if grant else None,
    )  # fmt: skip
    assert restarted is not None, "the row was read in this transaction"
    seq = _record(tx, context, Event.CALL_STARTED, run, call, entry.digest, request, _told(permit), _acting(permit))
    if grant is not None and grant.id == entry.grant_id:
        outbound.note(tx, context, run.id, seq, grants.served_again(grant))
    return Go(permit.args, permit.changed)


def _permit(
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
        return _refused(tx, context, run, call, verdicts.refusal(request), request)
    rules, votes = read_rules(context.seal, request), requests.votes(tx, [request.id])
    problem = _why_not_approved(tx, context, request, rules, votes, digest)
    if rules is None or problem:
        return _broken(tx, context, run, call, problem, request)
    if rules.valid_for is not None and request.consumed_at is None:
        closed = pause_closed_at(tx, context, request)
        if closed is None:
            return _broken(tx, context, run, call, "the audit log does not know when it was approved", request)
        if context.now > closed + rules.valid_for:
            requests.change(tx, request, RequestStatus.APPROVED, status=RequestStatus.LAPSED)
            _record(tx, context, Event.APPROVAL_LAPSED, run, call, digest, request)
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
        return _refused(tx, context, run, call, verdicts.denied(call.tool, judgement.policy, judgement.reason))
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
    return _refused(tx, context, run, call, verdicts.by_callback(call.tool, said.decision, said.reason))


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


def _acting(permit: Permit) -> Actor:
    return grants.acting(permit.grant) if permit.grant is not None else SYSTEM


def _told(permit: Permit) -> Mapping[str, str] | None:
    return {"changed": permit.changed} if permit.changed else None


def _may_run_again(tx: Tx, context: Context, entry: JournalEntry) -> bool:
    """Whether a person said to run this very call again, and no start has served that answer yet."""
    request = requests.newest(tx, entry.run_id, f"outcome:{entry.call_key}")
    if request is None or request.kind is not RequestKind.OUTCOME or request.consumed_at is not None:
        return False
    if request.asked_digest != entry.digest:
        return False
    votes = requests.votes(tx, [request.id])
    answer = genuine_answer(context.seal, request, votes)
    said = answer.value if answer is not None and stood_in(tx, context, votes) else None
    return isinstance(said, Mapping) and said.get("action") == "run_again"


def _take_run_again(tx: Tx, context: Context, entry: JournalEntry) -> None:
    request = requests.newest(tx, entry.run_id, f"outcome:{entry.call_key}")
    assert request is not None
    assert requests.consume(tx, request.id, context.now), "read as not taken in this transaction"


def _broken(tx: Tx, context: Context, run: Run, call: ToolCall, problem: str, request: Request | None = None) -> Refuse:
    _record(tx, context, Event.INTEGRITY_BROKEN, run, call, "", request, {"problem": problem})
    return verdicts.changed(call.tool)


def _refused(
    tx: Tx, context: Context, run: Run, call: ToolCall, refuse: Refuse, request: Request | None = None
) -> Refuse:
    if request is not None:
        requests.consume(tx, request.id, context.now)
    _record(tx, context, Event.CALL_REFUSED, run, call, "", request, {"decision": refuse.decision})
    return refuse


def _record(
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
    return record(
        tx, context, event, actor,
        run_id=run.id, request_id=request.id if request else "", tool=call.tool, digest=digest, text=text,
    )  # fmt: skip
