"""The `started` write: the one place that lets a tool call run.

In one transaction it checks the lease, the cancel flag, the pause switch, the log, the run, the journal, and whose yes
lets the call run (`permits`), takes that and writes `started`. A call that cannot pass is refused with a sentence for
the agent, or asked about.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace

from agent_runtime import grants, outbound, verdicts
from agent_runtime.absences import stood_in
from agent_runtime.agents import Ask, Go, Lease, Outcome, Replay, Start, ToolCall
from agent_runtime.arguments import require_reviewable
from agent_runtime.audit import Event
from agent_runtime.calls import answered_since, change_call, lose_call, open_call, outcome_interrupt, starts_known
from agent_runtime.context import Context
from agent_runtime.digest import NotJson, digest_call
from agent_runtime.errors import ExecutionPaused, LeaseLost, RunCancelled
from agent_runtime.permits import Permit, broken, permit_for, record_call, refused, tool_interrupt
from agent_runtime.run_starts import is_as_started
from agent_runtime.sealed import FIRST_REVISION, genuine_answer, is_genuine_call
from storage import journal, pauses, requests, runs
from storage.models import JournalEntry, Run
from storage.tx import Tx
from storage.types import SYSTEM, Actor, CallStatus, RequestKind

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
        return refused(tx, context, run, call, verdicts.denied(call.tool, "arguments", str(problem)))
    if not context.chain.is_whole_since(tx, context.seal, Event.RUN_STARTED.value, run_id=run.id):
        return broken(tx, context, run, call, "the audit log was changed since the run began")
    if not is_as_started(tx, context, current):
        return broken(tx, context, run, call, "the run is not the one that was started")
    entry = journal.get(tx, run.id, call.key)
    if entry is None:
        return _start_first(tx, context, current, lease, call, digest)
    if not is_genuine_call(context.seal, entry):
        return broken(tx, context, run, call, "the journal of this call was changed")
    if entry.digest != digest:
        return broken(tx, context, run, call, "the call differs from the one that was started")
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


def _start_first(tx: Tx, context: Context, run: Run, lease: Lease, call: ToolCall, digest: str) -> Start:
    permit = permit_for(tx, context, run, call, digest)
    if not isinstance(permit, Permit):
        return permit
    request = permit.request
    if request is not None and not requests.consume(tx, request.id, context.now):
        return broken(tx, context, run, call, "the approval was already used", request)
    if starts_known(tx, run.id, digest):
        return broken(tx, context, run, call, "the call was started before, and its journal is gone", request)
    if permit.grant is not None and not grants.use(tx, context, permit.grant, run, call.key):
        return Ask(tool_interrupt(call))
    entry = JournalEntry(
        run_id=run.id, call_key=call.key, step=call.step, call_id=call.id, tool=call.tool, args=dict(permit.args),
        changed=permit.changed, digest=digest, request_id=request.id if request else None,
        grant_id=permit.grant.id if permit.grant else None, idempotent=permit.idempotent,
        status=CallStatus.STARTED, owner=lease.owner, attempt=lease.attempt, started_at=context.now,
    )  # fmt: skip
    open_call(tx, context, entry)
    seq = record_call(tx, context, Event.CALL_STARTED, run, call, digest, request, _told(permit), _acting(permit))
    if permit.show:
        outbound.note(tx, context, run.id, seq, permit.show)
    return Go(permit.args, permit.changed)


def _start_again(tx: Tx, context: Context, run: Run, lease: Lease, call: ToolCall, entry: JournalEntry) -> Start:
    if entry.status in {CallStatus.FINISHED, CallStatus.FAILED}:
        outcome = Outcome(entry.format, entry.outcome or b"", entry.summary)
        return Replay(outcome, failed=entry.status is CallStatus.FAILED, changed=entry.changed)
    if starts_known(tx, run.id, entry.digest) != entry.starts:
        return broken(tx, context, run, call, "the journal of this call is not its newest")
    if entry.status is CallStatus.STARTED:
        if (entry.owner, entry.attempt) == (lease.owner, lease.attempt):
            return Ask(outcome_interrupt(call, entry))
        entry = lose_call(tx, context, entry)
    if entry.status is CallStatus.UNKNOWN and not entry.idempotent and not _may_run_again(tx, context, entry):
        return Ask(outcome_interrupt(call, entry))
    return _restart(tx, context, run, lease, call, entry)


def _restart(tx: Tx, context: Context, run: Run, lease: Lease, call: ToolCall, entry: JournalEntry) -> Start:
    permit = permit_for(tx, context, run, call, entry.digest, entry.grant_id)
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
    seq = record_call(tx, context, Event.CALL_STARTED, run, call, entry.digest, request, _told(permit), _acting(permit))
    if grant is not None and grant.id == entry.grant_id:
        outbound.note(tx, context, run.id, seq, grants.served_again(grant))
    return Go(permit.args, permit.changed)


def _acting(permit: Permit) -> Actor:
    return grants.acting(permit.grant) if permit.grant is not None else SYSTEM


def _told(permit: Permit) -> Mapping[str, str] | None:
    return {"changed": permit.changed} if permit.changed else None


def _may_run_again(tx: Tx, context: Context, entry: JournalEntry) -> bool:
    """Whether a person said to run this very call again, and no start has served that answer yet: neither by the rows
    nor by the log."""
    request = requests.newest(tx, entry.run_id, f"outcome:{entry.call_key}")
    if request is None or request.kind is not RequestKind.OUTCOME or request.consumed_at is not None:
        return False
    if request.asked_digest != entry.digest or not answered_since(tx, entry, request.id):
        return False
    votes = requests.votes(tx, [request.id])
    answer = genuine_answer(context.seal, request, votes)
    said = answer.value if answer is not None and stood_in(tx, context, votes) else None
    return isinstance(said, Mapping) and said.get("action") == "run_again"


def _take_run_again(tx: Tx, context: Context, entry: JournalEntry) -> None:
    request = requests.newest(tx, entry.run_id, f"outcome:{entry.call_key}")
    assert request is not None
    taken = requests.consume(tx, request.id, context.now)
    assert taken, "read as not taken in this transaction"
