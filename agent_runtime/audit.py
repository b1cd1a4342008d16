"""The audit chain: every change and every refusal is one entry, written in the transaction of the change.

An entry's hash covers the entry before it and the salted digest of its text; its mac is made with a key outside the
database. The text (names, reasons, evidence) lives in a table of its own and can be erased without breaking the chain.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from agent_runtime.announcing import announce
from agent_runtime.chain import PURPOSE, hash_entry
from agent_runtime.clean_text import clean
from agent_runtime.context import Context
from agent_runtime.hidden import secrets_of_run
from agent_runtime.redaction import mask_deep
from storage import audit as rows
from storage.models import AuditEntry, AuditText, Request
from storage.tx import Tx
from storage.types import Actor, ActorKind, Described, Json


class Event(Described):
    """What an audit entry says happened."""

    RUN_STARTED = "run.started", "A run was accepted."
    RUN_PAUSED = "run.paused", "A run waits for people."
    RUN_SUCCEEDED = "run.succeeded", "A run finished."
    RUN_FAILED = "run.failed", "A run failed."
    CANCEL_REQUESTED = "cancel.requested", "A person asked a running run to stop."
    RUN_CANCELLED = "run.cancelled", "A run was stopped."
    RUN_RETRIED = "run.retried", "A failed run was queued again."
    START_REFUSED = "start.refused", "Somebody may not start this agent."
    REQUEST_OPENED = "request.opened", "People are asked."
    REQUEST_EDITED = "request.edited", "The arguments were changed, by a person or a policy: a new revision."
    DECISION_MADE = "decision.made", "A vote or an answer was recorded."
    DECISION_WITHDRAWN = "decision.withdrawn", "A person took their vote back."
    DECISION_REFUSED = "decision.refused", "A vote, an answer, or a command about a run or a grant was refused."
    APPROVED_FAST = "approved.fast", "An approval came sooner after its stage opened than the caps' fast_approval."
    INQUIRY_MADE = "inquiry.made", "An approver asked whoever started the run about a request."
    INQUIRY_ANSWERED = "inquiry.answered", "Whoever started the run answered an approver's question."
    INQUIRY_REFUSED = "inquiry.refused", "A question to whoever started a run, or its answer, was not taken."
    STAGE_PASSED = "stage.passed", "A stage reached its quorum and the next one opened."
    STAGE_REOPENED = "stage.reopened", "Somebody took their approval back, and the stage lacks it now."
    REQUEST_HELD = "request.held", "Enough people approved; they may still take it back for a while."
    REQUEST_REMINDED = "request.reminded", "Those who may decide were reminded."
    REQUEST_ESCALATED = "request.escalated", "Nobody decided for so long that more people may, from then on."
    LADDER_HELD = "ladder.held", "Somebody holds a request's reminders and escalations for a while."
    HOLD_REFUSED = "hold.refused", "Somebody may not hold a request's reminders and escalations so."
    LADDER_RELEASED = "ladder.released", "The reminders and escalations of a request go on."
    REQUEST_CLOSED = "request.closed", "A request reached its end."
    REQUEST_SET_ASIDE = "request.set_aside", "A retry asks anew about what the failure of its run had closed."
    REQUEST_OVERDUE = "request.overdue", "Nobody decided in time and the policy keeps it open."
    APPROVAL_LAPSED = "approval.lapsed", "An approval was not used in time."
    APPROVAL_UNUSED = "approval.unused", "A run ended without executing an approved call."
    GRANT_MADE = "grant.made", "People's approval counts for further calls, too."
    GRANT_USED = "grant.used", "A grant let a call through."
    GRANT_REVOKED = "grant.revoked", "A grant was ended: by a person, or because a giver of it may no longer decide."
    CALL_STARTED = "call.started", "A tool call was started."
    CALL_FINISHED = "call.finished", "A tool call ended."
    CALL_FAILED = "call.failed", "A tool call raised."
    CALL_SUSPENDED = "call.suspended", "A tool call asked a question of its own and will be entered again."
    CALL_UNKNOWN = "call.unknown", "A call was started and its end was not recorded."
    CALL_LATE = "call.late", "The end of a call arrived after its lease was lost."
    CALL_REFUSED = "call.refused", "A call was not let through."
    CALL_UNASKED = "call.unasked", "A call runs that people would have been asked about: the settings have it so."
    CALL_DECIDED = "call.decided", "A callback decided about a call in the place of people."
    INTEGRITY_BROKEN = "integrity.broken", "A row does not match its digest or its seal; nothing runs on it."
    ABSENCE_BEGAN = "absence.began", "A person handed over their approvals to a delegate."
    ABSENCE_ENDED = "absence.ended", "A person took their approvals back from their delegate."
    ABSENCE_REFUSED = "absence.refused", "A person could not hand over their approvals so."
    PAUSE_BEGAN = "pause.began", "An operator stopped executions and timers, of everything or of one agent."
    PAUSE_ENDED = "pause.ended", "An operator let executions and timers go on."
    PAUSE_REFUSED = "pause.refused", "Somebody could not stop executions, or let them go on."
    POLICY_CHANGED = "policy.changed", "The policy file was read anew and holds for new judgements."
    POLICY_REFUSED = "policy.refused", "A changed policy file has faults; the one before still holds."
    ALERT_RAISED = "alert.raised", "Something is stuck, and people are told."
    ALERT_ACKNOWLEDGED = "alert.acknowledged", "Somebody looks after an alert, for a while."
    ALERT_MUTED = "alert.muted", "Somebody wants to hear nothing of an alert for a day."
    ALERT_UNMUTED = "alert.unmuted", "Somebody wants to hear of a muted alert again."
    ALERT_REMINDED = "alert.reminded", "Somebody had those reminded whom an alert's request asks."
    ALERT_SENT_AGAIN = "alert.sent_again", "Somebody had a message that was given up sent again."
    ALERT_LAPSED = "alert.lapsed", "An acknowledgement or a mute ran out, and people are told again."
    ALERT_REFUSED = "alert.refused", "Somebody could not do something about an alert."
    ALERT_RESOLVED = "alert.resolved", "What an alert was about is over."
    EVENTS_REPLAYED = "events.replayed", "An operator had events sent to a webhook again."
    REPLAY_REFUSED = "events.refused", "Somebody could not have events sent again."
    NOISE = "noise", "Unauthenticated deliveries, counted by kind and minute."


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an act came from: the surface, and the evidence that surface gives (ids, timestamps, addresses)."""

    surface: str
    evidence: Json = field(default_factory=dict)


INTERNAL = Origin("internal")


def record(
    tx: Tx,
    context: Context,
    event: Event,
    actor: Actor,
    *,
    origin: Origin = INTERNAL,
    run_id: str = "",
    request_id: str = "",
    tool: str = "",
    digest: str = "",
    text: Json | None = None,
) -> int:
    """Append one entry; its sequence number."""
    salt = context.salt().hex()
    secrets = secrets_of_run(tx, run_id) if run_id and text else ()
    body = _stored({"actor_name": actor.name, "evidence": dict(origin.evidence), **(text or {})}, secrets)
    last, previous = rows.head(tx)
    entry = AuditEntry(
        seq=last + 1,
        at=context.now,
        event=event.value,
        actor=actor.key,
        surface=origin.surface,
        run_id=run_id,
        request_id=request_id,
        tool=clean(tool),
        digest=digest,
        text_digest=_digest_text(salt, body),
        previous=previous,
        hash="",
        mac="",
    )
    entry.hash = hash_entry(entry)
    entry.mac = context.seal.make(PURPOSE, entry.hash)
    rows.append(tx, entry, AuditText(seq=last + 1, salt=salt, body=body))
    if context.webhooks:
        announce(tx, context, entry)
    return last + 1


def record_request(
    tx: Tx, context: Context, event: Event, request: Request, actor: Actor, origin: Origin, text: Json
) -> int:
    """Append one entry about a request; its sequence number."""
    return record(
        tx, context, event, actor,
        origin=origin, run_id=request.run_id, request_id=request.id, tool=request.tool, digest=request.digest,
        text=text,
    )  # fmt: skip


def record_noise(tx: Tx, context: Context, counts: Json) -> None:
    """One entry for the unauthenticated deliveries since the last one, counted by kind."""
    record(tx, context, Event.NOISE, Actor(kind=ActorKind.SYSTEM, id="door", name="the door"), text={"counts": counts})


def is_genuine_text(entry: AuditEntry, text: AuditText) -> bool:
    """Whether a text is the one that an entry was written with."""
    return _digest_text(text.salt, text.body) == entry.text_digest


def _stored(body: Json, secrets: tuple[str, ...]) -> dict[str, Any]:
    """The body as it will be read again, without secrets: a digest over anything else would not fit it later."""
    stored: dict[str, Any] = mask_deep(json.loads(json.dumps(body, default=str)), secrets)
    return stored


def _digest_text(salt: str, body: Json) -> str:
    # Not RFC 8785: people's and agents' texts may hold what it refuses, and an audit entry must never fail.
    return hashlib.sha256((salt + json.dumps(body, sort_keys=True)).encode()).hexdigest()
