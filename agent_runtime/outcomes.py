"""What people's and late answers do to a call whose end nobody recorded."""

from __future__ import annotations

from collections.abc import Mapping

from agent_runtime.audit import Event, record
from agent_runtime.context import Context
from agent_runtime.lifecycle import CALL_MOVES, sources
from storage import journal
from storage.models import Request
from storage.tx import Tx
from storage.types import Actor, CallStatus, JsonValue

TEXT = "text"
"""Format of an outcome that a person told: plain UTF-8."""


def settle_outcome(tx: Tx, context: Context, request: Request, answer: JsonValue, actor: Actor) -> None:
    """Write what a person says happened. "Run it again" stays unknown until the next start takes that answer."""
    assert isinstance(answer, Mapping)
    action = answer.get("action")
    if action == "run_again":
        return
    entry = journal.get(tx, request.run_id, f"{request.step}/{request.call_id}")
    if entry is None:
        return
    happened = action == "happened"
    status = CallStatus.FINISHED if happened else CallStatus.FAILED
    told = str(answer.get("result") if happened else answer.get("reason") or "a person said that it did not happen")
    changed = journal.change(
        tx, entry, sources(CALL_MOVES, status),
        status=status, ended_at=context.now, format=TEXT, outcome=told.encode("utf-8", "replace"), summary=told[:200],
    )  # fmt: skip
    if changed:
        record(
            tx, context, Event.CALL_FINISHED if happened else Event.CALL_FAILED, actor,
            run_id=request.run_id, request_id=request.id, tool=request.tool, digest=entry.digest,
            text={"told": told},
        )  # fmt: skip
