"""The only writer of the journal's rows: every row is sealed, and every change is one guarded move of the machine."""

from __future__ import annotations

from typing import Any

from agent_runtime import outbound
from agent_runtime.agents import Interrupt, ToolCall
from agent_runtime.audit import Event, record
from agent_runtime.context import Context
from agent_runtime.digest import NotJson, digest_call
from agent_runtime.lifecycle import CALL_MOVES, sources
from agent_runtime.sealed import FIRST_REVISION, is_genuine_call, seal_call
from storage import audit as audit_rows
from storage import journal, requests
from storage.models import JournalEntry, Run
from storage.tx import Tx
from storage.types import SYSTEM, CallStatus, RequestKind, RequestStatus


def open_call(tx: Tx, context: Context, entry: JournalEntry) -> None:
    """Write `started` for a call that was never started."""
    entry.mac = seal_call(context.seal, entry)
    is_new = journal.insert(tx, entry)
    assert is_new, "the row was absent in this transaction"


def change_call(
    tx: Tx, context: Context, entry: JournalEntry, status: CallStatus, **values: Any
) -> JournalEntry | None:
    """Move a genuine call on; its row as it is now, or None where the machine has no such move."""
    if entry.status not in sources(CALL_MOVES, status):
        return None
    after = JournalEntry(**{**entry.model_dump(), "status": status, **values})
    after.mac = seal_call(context.seal, after)
    changed = journal.change(tx, entry, (entry.status,), status=status, mac=after.mac, **values)
    return after if changed else None


def starts_known(tx: Tx, run_id: str, digest: str) -> int:
    """How many starts of this very call the audit log knows: rows of the journal may be lost, or put back."""
    return audit_rows.count(tx, run_id, Event.CALL_STARTED.value, digest)


def answered_since(tx: Tx, entry: JournalEntry, request_id: str) -> bool:
    """Whether what people said in a request came after the last start of this call, by the audit log."""
    starts = audit_rows.events_of_run(tx, entry.run_id, Event.CALL_STARTED.value)
    last = max((one.seq or 0 for one in starts if one.digest == entry.digest), default=0)
    said = audit_rows.of_request(tx, request_id, (Event.DECISION_MADE.value,))
    return any((one.seq or 0) > last for one in said)


def lose_call(tx: Tx, context: Context, entry: JournalEntry) -> JournalEntry:
    """Nobody is left who could record the end of this call: its outcome is unknown."""
    lost = change_call(tx, context, entry, CallStatus.UNKNOWN)
    assert lost is not None, "the row was read in this transaction"
    record(
        tx, context, Event.CALL_UNKNOWN, SYSTEM,
        run_id=entry.run_id, request_id=entry.request_id or "", tool=entry.tool, digest=entry.digest,
    )  # fmt: skip
    show_call(tx, context, entry)
    return lost


def lose_started(tx: Tx, context: Context, run_id: str) -> None:
    """A run ends: calls whose end was not recorded will not have it recorded by this run."""
    for entry in journal.of_run(tx, run_id):
        if entry.status is CallStatus.STARTED and is_genuine_call(context.seal, entry):
            lose_call(tx, context, entry)


def ask_about_started(tx: Tx, context: Context, run: Run) -> tuple[Interrupt, ...]:
    """The worker of a run is gone and no other may advance it now: what must be asked about its calls whose end nobody
    recorded. One of which the agent's own arguments are not kept is asked about when the agent makes it again."""
    asked: list[Interrupt] = []
    for entry in journal.of_run(tx, run.id):
        if not is_genuine_call(context.seal, entry):
            continue
        if entry.status is CallStatus.STARTED:
            entry = lose_call(tx, context, entry)
        is_open = entry.status is CallStatus.UNKNOWN and not entry.idempotent and not _is_told(tx, entry)
        if is_open and (call := _as_made(tx, run, entry)) is not None:
            asked.append(outcome_interrupt(call, entry))
    return tuple(asked)


def _is_told(tx: Tx, entry: JournalEntry) -> bool:
    """Whether somebody said what to do about this call, and that was not done yet."""
    question = requests.newest(tx, entry.run_id, f"outcome:{entry.call_key}")
    return question is not None and question.status is RequestStatus.ANSWERED and question.consumed_at is None


def outcome_interrupt(call: ToolCall, entry: JournalEntry) -> Interrupt:
    """What happened to this call?"""
    payload = {"started_at": entry.started_at.isoformat()}
    return Interrupt(key=f"outcome:{call.key}", kind=RequestKind.OUTCOME, call=call, payload=payload)


def _as_made(tx: Tx, run: Run, entry: JournalEntry) -> ToolCall | None:
    """A call as the agent made it, where that is kept."""
    request = requests.get(tx, entry.request_id) if entry.request_id else None
    args, reason = (request.asked_args, request.reason) if request else (entry.args, "")
    call = ToolCall(step=entry.step, id=entry.call_id, tool=entry.tool, args=args, reason=reason)
    try:
        return call if digest_call(run.agent, run.id, call, FIRST_REVISION) == entry.digest else None
    except NotJson:
        return None


def report_broken(tx: Tx, context: Context, entry: JournalEntry, problem: str) -> None:
    """A row of the journal was changed by somebody else: say so, and touch nothing."""
    record(
        tx, context, Event.INTEGRITY_BROKEN, SYSTEM,
        run_id=entry.run_id, request_id=entry.request_id or "", tool=entry.tool, text={"problem": problem},
    )  # fmt: skip


def show_call(tx: Tx, context: Context, entry: JournalEntry) -> None:
    """The card of the request that let this call run must show where it stands."""
    request = requests.get(tx, entry.request_id) if entry.request_id else None
    if request is not None:
        outbound.want_card(tx, context, request, patience=outbound.SOON)
