"""The only writer of decisions: every act on a request is numbered, sealed, and told to the audit log.

The log is what a rolled-back row cannot hide from: an act that is missing, doubled, or standing again after it was
taken back makes rows and log disagree, and then nothing runs on them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from agent_runtime.audit import Event
from agent_runtime.chain import is_genuine_entry
from agent_runtime.context import Context
from agent_runtime.sealed import FIRST_REVISION, is_genuine, seal_decision
from storage import audit as audit_rows
from storage import requests
from storage.models import Decision, Request
from storage.tx import Tx
from storage.types import Actor, DecisionKind, JsonValue

_ACTS = (Event.DECISION_MADE.value, Event.REQUEST_EDITED.value)
_TAKEN_BACK = Event.DECISION_WITHDRAWN.value


def write_decision(
    tx: Tx,
    context: Context,
    request: Request,
    kind: DecisionKind,
    actor: Actor,
    *,
    reason: str = "",
    value: JsonValue = None,
    on_behalf_of: Actor | None = None,
) -> bool:
    """Record one act on the request as it is now. False where this person has a standing vote in this stage."""
    decision = Decision(
        request_id=request.id,
        number=len(requests.votes(tx, [request.id])) + 1,
        revision=request.revision,
        stage=request.stage,
        kind=kind,
        actor=actor.model_dump(mode="json"),
        actor_key=actor.key,
        reason=reason,
        value=value,
        digest=request.digest,
        mac="",
        at=context.now,
        on_behalf_of=on_behalf_of.model_dump(mode="json") if on_behalf_of else None,
    )
    decision.mac = seal_decision(context.seal, decision)
    return requests.vote(tx, decision)


def take_back(tx: Tx, context: Context, decision: Decision) -> bool:
    """Mark a vote as taken back, under a new seal. False where it was already."""
    after = Decision(**{**decision.model_dump(), "withdrawn_at": context.now})
    return requests.withdraw(tx, decision, context.now, seal_decision(context.seal, after))


def is_whole(tx: Tx, context: Context, request: Request, decisions: Sequence[Decision]) -> bool:
    """Whether these are all the acts on a request, each as it was made and standing or taken back as the log says, and
    the request stands at the revision that its edits have led to."""
    told = Counter(entry.event for entry in audit_rows.of_request(tx, request.id, (*_ACTS, _TAKEN_BACK)))
    numbers = [decision.number for decision in decisions if decision.number]
    edits = sum(decision.kind is DecisionKind.EDITED for decision in decisions)
    return (
        request.revision == FIRST_REVISION + edits
        and all(is_genuine(context.seal, decision) for decision in decisions)
        and len(set(numbers)) == len(numbers)
        and len(decisions) == sum(told[event] for event in _ACTS)
        and sum(decision.withdrawn_at is not None for decision in decisions) == told[_TAKEN_BACK]
    )


def closed_at(tx: Tx, context: Context, request: Request) -> datetime | None:
    """When a request was closed, by the sealed audit log (a row's own time is not sealed); None where it is silent."""
    entries = audit_rows.of_request(tx, request.id, (Event.REQUEST_CLOSED.value,))
    return next((entry.at for entry in entries if is_genuine_entry(entry, context.seal)), None)
