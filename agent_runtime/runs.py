"""The writer of run state: start, claim, settle, cancel, retry. Beside it only the end of a request moves a run on
(`closing`, `voting`): one whose pause has closed is queued, one that nobody decided about in time may fail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from agent_runtime import outbound
from agent_runtime.agents import Completed, Lease, Paused, ToolCall
from agent_runtime.audit import INTERNAL, Event, Origin, record
from agent_runtime.calls import ask_about_started, lose_started
from agent_runtime.caps import why_not_start
from agent_runtime.clean_text import clean
from agent_runtime.closing import cancel_open
from agent_runtime.context import Context
from agent_runtime.facts import facts_of
from agent_runtime.hidden import keep_redaction
from agent_runtime.json_text import indented
from agent_runtime.judging import evaluate
from agent_runtime.lifecycle import ENDED, RUN_MOVES, require_move
from agent_runtime.opening import CapReached, open_pause
from agent_runtime.people import Membership, authorise_owner, authorise_start
from agent_runtime.policy import may_start
from agent_runtime.refusals import RefusalReason
from agent_runtime.run_starts import digest_start
from storage import checkpoints, pauses, requests, runs
from storage.models import Request, Run
from storage.tx import Tx
from storage.types import SYSTEM, Actor, Json, JsonValue, RequestKind, RequestStatus, RunStatus

MOST_ATTEMPTS = 5
BACKOFF = timedelta(seconds=2)
LONGEST_NOTE = 1_000
"""Characters of a result that its run's thread tells."""
STUCK = 3
"""How often an agent may pause on nothing but closed requests before the run fails."""


@dataclass(frozen=True, slots=True)
class Order:
    """What a person asks for when they start an agent. `origin` says where, for the surface that will show it; the same
    `dedupe` again is the same run."""

    agent: str
    input: JsonValue
    origin: Json
    dedupe: str | None = None


def start(tx: Tx, context: Context, order: Order, membership: Membership, origin: Origin) -> Run | RefusalReason:
    """Accept a run, or say why this person may not start it."""
    if order.dedupe is not None and (known := runs.find_dedupe(tx, order.dedupe)):
        return known
    actor = membership.actor
    refusal = authorise_start(membership, may_start(context.policies, order.agent), context.now)
    refusal = refusal or why_not_start(tx, context, actor)
    if refusal is not None:
        refused = {"agent": order.agent, "refusal": refusal.value}
        record(tx, context, Event.START_REFUSED, actor, origin=origin, text=refused)
        return refusal
    run = Run(
        id=context.ids("R"), agent=order.agent, status=RunStatus.QUEUED, starter=actor.model_dump(mode="json"),
        starter_key=actor.key, input=order.input, origin=dict(order.origin), dedupe=order.dedupe,
        due_at=context.now, created_at=context.now, updated_at=context.now,
    )  # fmt: skip
    while not runs.insert(tx, run):
        run.id = context.ids("R")
    text: Json = {"agent": order.agent, "input": order.input}
    digest = digest_start(order.agent, actor, order.input)
    record(tx, context, Event.RUN_STARTED, actor, origin=origin, run_id=run.id, digest=digest, text=text)
    outbound.want_run(tx, context, run.id)
    tx.wake("runs")
    return run


def claim(tx: Tx, context: Context, owner: str, until: datetime, skip: Sequence[str]) -> Run | None:
    """Take the next run to advance; its attempt number rises, which fences every earlier holder out. While it, or
    everything, is paused none is taken: what was running when its worker died is put down."""
    everything, stopped = pauses.paused(tx), [one.agent for one in pauses.of_agents(tx)]
    if everything or stopped:
        for lost in runs.lost(tx, context.now, skip, None if everything else stopped):
            _put_down(tx, context, _take(tx, context, lost, owner, until))
    run = None if everything else runs.claimable(tx, context.now, skip, stopped)
    return None if run is None else _take(tx, context, run, owner, until)


def _take(tx: Tx, context: Context, run: Run, owner: str, until: datetime) -> Run:
    crashes = run.crashes + (run.status is RunStatus.RUNNING)
    lease = {"owner": owner, "attempt": run.attempt + 1, "lease_until": until}
    _move(tx, context, run, RunStatus.RUNNING, crashes=crashes, **lease)
    if run.status is RunStatus.QUEUED:
        outbound.want_run(tx, context, run.id)
    taken = runs.get(tx, run.id)
    assert taken is not None
    return taken


def _put_down(tx: Tx, context: Context, run: Run) -> None:
    """Its worker is gone, and it may not be advanced: people are asked now what its calls did, which executes nothing;
    the rest is for the worker that takes it when executions go on."""
    lease = Lease(run.owner or "", run.attempt)
    asked = () if run.cancel_requested else ask_about_started(tx, context, run)
    if asked:
        _pause(tx, context, run, lease, Paused(asked, run.checkpoint), run.fingerprint, {})
    else:
        hand_back(tx, context, run, lease)


def settle(
    tx: Tx,
    context: Context,
    run: Run,
    lease: Lease,
    result: Completed | Paused,
    fingerprint: str,
    given: Mapping[str, str],
    unasked: Sequence[ToolCall] = (),
) -> None:
    """Record what an advance gave; `unasked` are the calls in it that nobody need be asked about and that were not
    started. Raises LeaseLost where another worker holds the run."""
    runs.require_lease(tx, run.id, lease.owner, lease.attempt)
    current = runs.get(tx, run.id)
    assert current is not None
    if current.cancel_requested:
        _cancelled(tx, context, run, lease, SYSTEM, INTERNAL)
    elif isinstance(result, Completed):
        _complete(tx, context, current, lease, result, fingerprint)
    else:
        for call in unasked:  # what is redacted of those that wait for the others is not told of the others either
            judgement = evaluate(context.policies, facts_of(current, RequestKind.TOOL, call))
            keep_redaction(tx, context.policies, current.id, call, judgement)
        _pause(tx, context, current, lease, result, fingerprint, given)


def fail(tx: Tx, context: Context, run: Run, lease: Lease, reason: str, *, retryable: bool) -> None:
    """The advance failed: try it again later by itself, or fail the run for a person to retry. A run that a person
    wanted stopped meanwhile is stopped."""
    reason = clean(reason)
    current = runs.get(tx, run.id)
    if current is not None and current.cancel_requested:
        finish_cancelling(tx, context, run, lease)
        return
    failures = run.failures + 1
    if retryable and failures < MOST_ATTEMPTS:
        due = context.now + BACKOFF * 2**failures
        if _let_go(tx, context, run, lease, RunStatus.QUEUED, failures=failures, error=reason, due_at=due):
            outbound.want_run(tx, context, run.id)
        return
    _failed(tx, context, run, lease, reason)


def hand_back(tx: Tx, context: Context, run: Run, lease: Lease) -> None:
    """Executions were paused during the advance: a worker takes the run again when they go on. One that a person wanted
    stopped meanwhile is stopped."""
    current = runs.get(tx, run.id)
    if current is not None and current.cancel_requested:
        finish_cancelling(tx, context, run, lease)
        return
    if _let_go(tx, context, run, lease, RunStatus.QUEUED, due_at=context.now):
        outbound.want_run(tx, context, run.id)


def cancel(tx: Tx, context: Context, run_id: str, membership: Membership, origin: Origin) -> Run | RefusalReason:
    """Stop a run: at once where it waits, else as soon as its worker asks. Repeating it is harmless."""
    run = runs.get(tx, run_id)
    refusal = _may_cancel(context, run, membership)
    if run is None or refusal is not None:
        return _refuse(tx, context, "cancel", run_id, refusal or RefusalReason.UNKNOWN_RUN, membership, origin)
    if run.status is RunStatus.RUNNING:
        runs.change(tx, run.id, RunStatus.RUNNING, cancel_requested=True, updated_at=context.now)
        record(tx, context, Event.CANCEL_REQUESTED, membership.actor, origin=origin, run_id=run.id)
        outbound.want_run(tx, context, run.id)
    else:
        _move(tx, context, run, RunStatus.CANCELLED)
        _show_cancelled(tx, context, run, membership.actor, origin)
    return runs.get(tx, run_id) or run


def retry(tx: Tx, context: Context, run_id: str, membership: Membership, origin: Origin) -> Run | RefusalReason:
    """Queue a failed run again, from its last checkpoint and with its journal."""
    run = runs.get(tx, run_id)
    refusal = _may_retry(context, run, membership)
    if run is None or refusal is not None:
        return _refuse(tx, context, "retry", run_id, refusal or RefusalReason.UNKNOWN_RUN, membership, origin)
    anew = {"error": "", "failures": 0, "crashes": 0, "stuck": 0, "cancel_requested": False}
    _move(tx, context, run, RunStatus.QUEUED, due_at=context.now, **anew)
    for request in requests.set_aside_unused(tx, run.id):
        record(
            tx, context, Event.REQUEST_SET_ASIDE, membership.actor,
            run_id=run.id, request_id=request.id, tool=request.tool, digest=request.digest,
        )  # fmt: skip
        outbound.want_card(tx, context, request)
    record(tx, context, Event.RUN_RETRIED, membership.actor, origin=origin, run_id=run.id)
    outbound.want_run(tx, context, run.id)
    tx.wake("runs")
    return runs.get(tx, run_id) or run


def _may_cancel(context: Context, run: Run | None, membership: Membership) -> RefusalReason | None:
    over = run is not None and run.status in {RunStatus.SUCCEEDED, RunStatus.CANCELLED}
    return _authorise(context, run, membership) or (RefusalReason.RUN_OVER if over else None)


def _may_retry(context: Context, run: Run | None, membership: Membership) -> RefusalReason | None:
    refusal = _authorise(context, run, membership)
    if refusal is not None or run is None or run.status is RunStatus.FAILED:
        return refusal
    return RefusalReason.RUN_OVER if run.status in ENDED else RefusalReason.RUN_ACTIVE


def _authorise(context: Context, run: Run | None, membership: Membership) -> RefusalReason | None:
    if run is None:
        return RefusalReason.UNKNOWN_RUN
    return authorise_owner(membership, Actor.model_validate(run.starter), context.policies.operators, context.now)


def _refuse(
    tx: Tx, context: Context, command: str, run_id: str, reason: RefusalReason, membership: Membership, origin: Origin
) -> RefusalReason:
    text: Json = {"command": command, "asked": run_id, "refusal": reason.value}
    known = "" if reason is RefusalReason.UNKNOWN_RUN else run_id
    record(tx, context, Event.DECISION_REFUSED, membership.actor, origin=origin, run_id=known, text=text)
    return reason


def _note_unused(tx: Tx, context: Context, run_id: str) -> list[Request]:
    """Approvals that a run at its end never executed: told, because somebody may count on them."""
    unused = [
        request
        for request in requests.of_run(tx, run_id)
        if request.kind is RequestKind.TOOL and request.status is RequestStatus.APPROVED and not request.consumed_at
    ]
    for request in unused:
        record(
            tx, context, Event.APPROVAL_UNUSED, SYSTEM,
            run_id=run_id, request_id=request.id, tool=request.tool, digest=request.digest,
        )  # fmt: skip
        outbound.want_card(tx, context, request)
    return unused


def _complete(tx: Tx, context: Context, run: Run, lease: Lease, result: Completed, fingerprint: str) -> None:
    unused = _note_unused(tx, context, run.id)
    if unused and run.fingerprint not in {"", fingerprint}:
        names = ", ".join(request.tool for request in unused)
        _failed(tx, context, run, lease, f"the agent's code changed while it waited, and {names} was never executed")
        return
    _let_go(tx, context, run, lease, RunStatus.SUCCEEDED, output=result.output, error="")
    cancel_open(tx, context, run.id, SYSTEM, INTERNAL, "the run ended")
    for request in requests.of_run(tx, run.id):
        if request.status is RequestStatus.EXPIRED:  # now it can be asked again, by starting the run again
            outbound.want_card(tx, context, request)
    seq = record(tx, context, Event.RUN_SUCCEEDED, SYSTEM, run_id=run.id, text={"output": result.output})
    outbound.want_run(tx, context, run.id)
    # The run's own message shows the whole result, but a message that is updated notifies nobody.
    outbound.note(tx, context, run.id, seq, f"Finished: {_on_one_line(result.output)}")


def _on_one_line(output: JsonValue) -> str:
    text = output if isinstance(output, str) else indented(output)
    return " ".join(text[:LONGEST_NOTE].split())


def _pause(
    tx: Tx, context: Context, run: Run, lease: Lease, result: Paused, fingerprint: str, given: Mapping[str, str]
) -> None:
    run.pause += 1
    opened = open_pause(tx, context, run, result.interrupts, given)
    if isinstance(opened, CapReached):
        _failed(tx, context, run, lease, opened.sentence)
        return
    waits = bool(requests.pending(tx, run.id))
    stuck = 0 if opened else run.stuck + 1
    if not waits and stuck >= STUCK:
        _failed(tx, context, run, lease, "the agent pauses again and again on requests that are already closed")
        return
    _let_go(
        tx, context, run, lease, RunStatus.WAITING if waits else RunStatus.QUEUED,
        pause=run.pause, stuck=stuck, failures=0, crashes=0, checkpoint=result.checkpoint, fingerprint=fingerprint,
        due_at=context.now,
    )  # fmt: skip
    if opened:
        record(tx, context, Event.RUN_PAUSED, SYSTEM, run_id=run.id, text={"requests": opened})
    outbound.want_run(tx, context, run.id)
    if not waits:
        tx.wake("runs")


def _failed(tx: Tx, context: Context, run: Run, lease: Lease, reason: str) -> None:
    if not _let_go(tx, context, run, lease, RunStatus.FAILED, error=reason):
        return
    cancel_open(tx, context, run.id, SYSTEM, INTERNAL, "the run failed")
    lose_started(tx, context, run.id)
    seq = record(tx, context, Event.RUN_FAILED, SYSTEM, run_id=run.id, text={"reason": reason})
    outbound.want_run(tx, context, run.id)
    outbound.note(tx, context, run.id, seq, f"Failed: {reason}")


def _cancelled(tx: Tx, context: Context, run: Run, lease: Lease, actor: Actor, origin: Origin) -> None:
    _let_go(tx, context, run, lease, RunStatus.CANCELLED)
    _show_cancelled(tx, context, run, actor, origin)


def _show_cancelled(tx: Tx, context: Context, run: Run, actor: Actor, origin: Origin) -> None:
    cancel_open(tx, context, run.id, actor, origin, "the run was cancelled")
    lose_started(tx, context, run.id)
    _note_unused(tx, context, run.id)
    record(tx, context, Event.RUN_CANCELLED, actor, origin=origin, run_id=run.id)
    outbound.want_run(tx, context, run.id)


def finish_cancelling(tx: Tx, context: Context, run: Run, lease: Lease) -> None:
    """The worker saw the cancel flag before its agent came back."""
    runs.require_lease(tx, run.id, lease.owner, lease.attempt)
    _cancelled(tx, context, run, lease, SYSTEM, INTERNAL)


def _move(tx: Tx, context: Context, run: Run, status: RunStatus, **values: Any) -> None:
    """Move a run on from where this record of it stands."""
    require_move(RUN_MOVES, run.status, status)
    moved = runs.change(tx, run.id, run.status, status=status, updated_at=context.now, **values)
    assert moved, "the row was read in this transaction"
    _forget_progress(tx, run, status)


def _let_go(tx: Tx, context: Context, run: Run, lease: Lease, status: RunStatus, **values: Any) -> bool:
    """Move a running run on and end its lease; False where another worker holds it."""
    require_move(RUN_MOVES, RunStatus.RUNNING, status)
    values |= {"lease_until": None, "updated_at": context.now}
    held = runs.change_held(tx, run.id, lease.owner, lease.attempt, status=status, **values)
    if held:
        _forget_progress(tx, run, status)
    return held


def _forget_progress(tx: Tx, run: Run, status: RunStatus) -> None:
    """A run that never goes on leaves no checkpoints: each holds all of its agent's state, and nobody reads them."""
    if not RUN_MOVES[status]:
        checkpoints.delete_thread(tx, run.id)
