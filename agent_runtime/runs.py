"""The only writer of run state: start, claim, settle, cancel, retry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from agent_runtime import outbound
from agent_runtime.agents import Completed, Lease, Paused
from agent_runtime.approvals import cancel_open
from agent_runtime.audit import INTERNAL, Event, Origin, record
from agent_runtime.context import Context
from agent_runtime.opening import CapReached, open_pause
from agent_runtime.people import Membership, authorise_owner, authorise_start
from agent_runtime.policy import may_start
from agent_runtime.refusals import RefusalReason
from storage import boots, requests, runs
from storage.models import Run
from storage.tx import Tx
from storage.types import SYSTEM, Actor, Json, JsonValue, RequestKind, RequestStatus, RunStatus

MOST_ATTEMPTS = 5
BACKOFF = timedelta(seconds=2)
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
    record(tx, context, Event.RUN_STARTED, actor, origin=origin, run_id=run.id, text=text)
    outbound.want_run(tx, context, run.id)
    tx.wake("runs")
    return run


def claim(tx: Tx, context: Context, owner: str, until: datetime, skip: Sequence[str]) -> Run | None:
    """Take the next run to advance; its attempt number rises, which fences every earlier holder out."""
    if boots.paused(tx):
        return None
    run = runs.claimable(tx, context.now, skip)
    if run is None:
        return None
    values = {"owner": owner, "attempt": run.attempt + 1, "lease_until": until, "updated_at": context.now}
    assert runs.change(tx, run.id, run.status, status=RunStatus.RUNNING, **values)
    if run.status is RunStatus.QUEUED:
        outbound.want_run(tx, context, run.id)
    return runs.get(tx, run.id)


def settle(
    tx: Tx,
    context: Context,
    run: Run,
    lease: Lease,
    result: Completed | Paused,
    fingerprint: str,
    given: Mapping[str, str],
) -> None:
    """Record what an advance gave. Raises LeaseLost where another worker holds the run."""
    runs.require_lease(tx, run.id, lease.owner, lease.attempt)
    current = runs.get(tx, run.id)
    assert current is not None
    if current.cancel_requested:
        _cancelled(tx, context, run, lease, SYSTEM, INTERNAL)
    elif isinstance(result, Completed):
        _complete(tx, context, current, lease, result, fingerprint)
    else:
        _pause(tx, context, current, lease, result, fingerprint, given)


def fail(tx: Tx, context: Context, run: Run, lease: Lease, reason: str, *, retryable: bool) -> None:
    """The advance failed: try it again later by itself, or fail the run for a person to retry."""
    failures = run.failures + 1
    if retryable and failures < MOST_ATTEMPTS:
        due = context.now + BACKOFF * 2**failures
        held = runs.change_held(
            tx, run.id, lease.owner, lease.attempt,
            status=RunStatus.QUEUED, failures=failures, error=reason, due_at=due, updated_at=context.now,
        )  # fmt: skip
        if held:
            outbound.want_run(tx, context, run.id)
        return
    _failed(tx, context, run, lease, reason)


def cancel(tx: Tx, context: Context, run_id: str, membership: Membership, origin: Origin) -> Run | RefusalReason:
    """Stop a run: at once where it waits, else as soon as its worker asks. Repeating it is harmless."""
    run = runs.get(tx, run_id)
    if run is None:
        return RefusalReason.UNKNOWN_RUN
    refusal = _authorise(tx, context, run, membership, origin)
    if refusal is not None:
        return refusal
    if run.status in {RunStatus.SUCCEEDED, RunStatus.CANCELLED}:
        return RefusalReason.RUN_OVER
    if run.status is RunStatus.RUNNING:
        runs.change(tx, run.id, RunStatus.RUNNING, cancel_requested=True, updated_at=context.now)
        record(tx, context, Event.CANCEL_REQUESTED, membership.actor, origin=origin, run_id=run.id)
        outbound.want_run(tx, context, run.id)
    else:
        assert runs.change(tx, run.id, run.status, status=RunStatus.CANCELLED, updated_at=context.now)
        _show_cancelled(tx, context, run, membership.actor, origin)
    return runs.get(tx, run_id) or run


def retry(tx: Tx, context: Context, run_id: str, membership: Membership, origin: Origin) -> Run | RefusalReason:
    """Queue a failed run again, from its last checkpoint and with its journal."""
    run = runs.get(tx, run_id)
    if run is None:
        return RefusalReason.UNKNOWN_RUN
    refusal = _authorise(tx, context, run, membership, origin)
    if refusal is not None:
        return refusal
    if run.status is not RunStatus.FAILED:
        return (
            RefusalReason.RUN_ACTIVE
            if run.status in {RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.WAITING}
            else (RefusalReason.RUN_OVER)
        )
    values = {"error": "", "failures": 0, "stuck": 0, "cancel_requested": False, "due_at": context.now}
    assert runs.change(tx, run.id, RunStatus.FAILED, status=RunStatus.QUEUED, updated_at=context.now, **values)
    requests.set_aside_unused(tx, run.id)
    record(tx, context, Event.RUN_RETRIED, membership.actor, origin=origin, run_id=run.id)
    outbound.want_run(tx, context, run.id)
    tx.wake("runs")
    return runs.get(tx, run_id) or run


def _authorise(tx: Tx, context: Context, run: Run, membership: Membership, origin: Origin) -> RefusalReason | None:
    starter = Actor.model_validate(run.starter)
    refusal = authorise_owner(membership, starter, context.policies.operators, context.now)
    if refusal is not None:
        text = {"refusal": refusal.value}
        record(tx, context, Event.DECISION_REFUSED, membership.actor, origin=origin, run_id=run.id, text=text)
    return refusal


def _complete(tx: Tx, context: Context, run: Run, lease: Lease, result: Completed, fingerprint: str) -> None:
    unused = [
        request
        for request in requests.of_run(tx, run.id)
        if request.kind is RequestKind.TOOL and request.status is RequestStatus.APPROVED and not request.consumed_at
    ]
    for request in unused:
        record(
            tx, context, Event.APPROVAL_UNUSED, SYSTEM,
            run_id=run.id, request_id=request.id, tool=request.tool, digest=request.digest,
        )  # fmt: skip
    if unused and run.fingerprint not in {"", fingerprint}:
        names = ", ".join(request.tool for request in unused)
        _failed(tx, context, run, lease, f"the agent's code changed while it waited, and {names} was never executed")
        return
    values = {"output": result.output, "error": "", "lease_until": None, "updated_at": context.now}
    runs.change_held(tx, run.id, lease.owner, lease.attempt, status=RunStatus.SUCCEEDED, **values)
    cancel_open(tx, context, run.id, SYSTEM, INTERNAL, "the run ended")
    record(tx, context, Event.RUN_SUCCEEDED, SYSTEM, run_id=run.id, text={"output": result.output})
    outbound.want_run(tx, context, run.id)


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
    runs.change_held(
        tx, run.id, lease.owner, lease.attempt,
        status=RunStatus.WAITING if waits else RunStatus.QUEUED, pause=run.pause, stuck=stuck, failures=0,
        checkpoint=result.checkpoint, fingerprint=fingerprint, due_at=context.now, lease_until=None,
        updated_at=context.now,
    )  # fmt: skip
    if opened:
        record(tx, context, Event.RUN_PAUSED, SYSTEM, run_id=run.id, text={"requests": opened})
    outbound.want_run(tx, context, run.id)
    if not waits:
        tx.wake("runs")


def _failed(tx: Tx, context: Context, run: Run, lease: Lease, reason: str) -> None:
    held = runs.change_held(
        tx, run.id, lease.owner, lease.attempt,
        status=RunStatus.FAILED, error=reason, lease_until=None, updated_at=context.now,
    )  # fmt: skip
    if not held:
        return
    cancel_open(tx, context, run.id, SYSTEM, INTERNAL, "the run failed")
    seq = record(tx, context, Event.RUN_FAILED, SYSTEM, run_id=run.id, text={"reason": reason})
    outbound.want_run(tx, context, run.id)
    outbound.note(tx, context, run.id, seq, f"Failed: {reason}")


def _cancelled(tx: Tx, context: Context, run: Run, lease: Lease, actor: Actor, origin: Origin) -> None:
    runs.change_held(
        tx, run.id, lease.owner, lease.attempt,
        status=RunStatus.CANCELLED, lease_until=None, updated_at=context.now,
    )  # fmt: skip
    _show_cancelled(tx, context, run, actor, origin)


def _show_cancelled(tx: Tx, context: Context, run: Run, actor: Actor, origin: Origin) -> None:
    cancel_open(tx, context, run.id, actor, origin, "the run was cancelled")
    record(tx, context, Event.RUN_CANCELLED, actor, origin=origin, run_id=run.id)
    outbound.want_run(tx, context, run.id)


def finish_cancelling(tx: Tx, context: Context, run: Run, lease: Lease) -> None:
    """The worker saw the cancel flag before its agent came back."""
    runs.require_lease(tx, run.id, lease.owner, lease.attempt)
    _cancelled(tx, context, run, lease, SYSTEM, INTERNAL)
