"""What people's and late answers do to a call whose end nobody recorded."""

from __future__ import annotations

from collections.abc import Mapping

from agent_runtime.audit import Event, record
from agent_runtime.calls import change_call, report_broken
from agent_runtime.clean_text import clean
from agent_runtime.context import Context
from agent_runtime.sealed import is_genuine_call
from storage import journal
from storage.models import Request
from storage.tx import Tx
from storage.types import Actor, CallStatus, JsonValue

TEXT = "text"
"""Format of an outcome that a person told: plain UTF-8."""
NOT_HAPPENED = "a person said that it did not happen"


def settle_outcome(tx: Tx, context: Context, request: Request, answer: JsonValue, actor: Actor) -> None:
    """Write what a person says happened. "Run it again" stays unknown until the next start takes that answer."""
    assert isinstance(answer, Mapping)
    action = answer.get("action")
    if action == "run_again":
        return
    entry = journal.get(tx, request.run_id, f"{request.step}/{request.call_id}")
    if entry is None or entry.digest != request.asked_digest:
        return
    happened = action == "happened"
    status = CallStatus.FINISHED if happened else CallStatus.FAILED
    told = clean(str(answer.get("result") if happened else answer.get("reason") or NOT_HAPPENED))
    if not is_genuine_call(context.seal, entry):
        report_broken(tx, context, entry, "the journal of this call was changed before a person told its end")
        return
    changed = change_call(
        tx, context, entry, status, ended_at=context.now, format=TEXT, outcome=told.encode(), summary=told[:200]
    )
    if changed is not None:
        record(
            tx, context, Event.CALL_FINISHED if happened else Event.CALL_FAILED, actor,
            run_id=request.run_id, request_id=request.id, tool=request.tool, digest=entry.digest,
            text={"told": told},
        )  # fmt: skip
