"""What stored rows promise: rules, decisions and the journal are sealed; a row that breaks its seal decides nothing."""

from __future__ import annotations

import hashlib

from pydantic import ValidationError

from agent_runtime.agents import ToolCall
from agent_runtime.digest import NotJson, Seal, digest_call, digest_payload
from agent_runtime.policy import Rules
from storage.models import Decision, JournalEntry, Request
from storage.types import CallStatus, DecisionKind, Json, RequestKind, RequestStatus

RULES = "rules"
DECISION = "decision"
CALL = "call"
NO = frozenset({DecisionKind.REJECTED, DecisionKind.SKIPPED})


def digest_asked(request: Request) -> str:
    """The digest of what a request shows people: its call, or its payload. Raises NotJson."""
    if request.kind in {RequestKind.TOOL, RequestKind.OUTCOME}:
        call = ToolCall(step=request.step, id=request.call_id, tool=request.tool, args=request.args)
        return digest_call(request.agent, request.run_id, call, request.revision)
    return digest_payload(request.payload)


def seal_rules(seal: Seal, request: Request) -> str:
    """The seal over a request's rules, bound to the request, its digest, who started its run and what it asks."""
    return seal.make(RULES, _rules(request))


def read_rules(seal: Seal, request: Request) -> Rules | None:
    """The rules of a request; None where they, or what it shows people, were changed after it was opened."""
    if not seal.fits(RULES, _rules(request), request.rules_mac):
        return None
    try:
        return Rules.model_validate(request.rules) if digest_asked(request) == request.digest else None
    except (NotJson, ValidationError):
        return None


def seal_decision(seal: Seal, decision: Decision) -> str:
    """The seal over who decided what, on which revision and stage, and on which digest."""
    return seal.make(DECISION, _decision(decision))


def is_genuine(seal: Seal, decision: Decision) -> bool:
    """Whether a stored decision is as it was made."""
    return seal.fits(DECISION, _decision(decision), decision.mac)


def has_quorum(seal: Seal, request: Request, rules: Rules, decisions: list[Decision]) -> bool:
    """Whether genuine, standing approvals of this very digest and revision fill every stage, one person once, and
    nobody's genuine no stands against them."""
    standing = [decision for decision in decisions if _counts(seal, request, decision)]
    if any(decision.kind in NO for decision in standing):
        return False
    return all(len(_voters(standing, number)) >= stage.quorum for number, stage in enumerate(rules.stages))


def genuine_answer(seal: Seal, request: Request, decisions: list[Decision]) -> Decision | None:
    """The genuine decision that answered an answered request, or None."""
    if request.status is not RequestStatus.ANSWERED or read_rules(seal, request) is None:
        return None
    given = (one for one in decisions if one.kind is DecisionKind.ANSWERED and _counts(seal, request, one))
    return next(given, None)


def seal_call(seal: Seal, entry: JournalEntry) -> str:
    """The seal over one row of the journal: which call, on whose approval, in which state, with which outcome."""
    return seal.make(CALL, _call(entry))


def is_genuine_call(seal: Seal, entry: JournalEntry) -> bool:
    """Whether a row of the journal is as it was written."""
    return seal.fits(CALL, _call(entry), entry.mac)


def _counts(seal: Seal, request: Request, decision: Decision) -> bool:
    bound = (decision.request_id, decision.revision, decision.digest)
    same = bound == (request.id, request.revision, request.digest)
    return same and decision.withdrawn_at is None and is_genuine(seal, decision)


def _voters(standing: list[Decision], stage: int) -> set[str]:
    return {one.actor_key for one in standing if one.stage == stage and one.kind is DecisionKind.APPROVED}


def _rules(request: Request) -> Json:
    return {
        "request": request.id,
        "run": request.run_id,
        "starter": request.starter_key,
        "subject": request.subject,
        "generation": request.generation,
        "kind": request.kind.value,
        "revision": request.revision,
        "digest": request.digest,
        "rules": request.rules,
    }


def _decision(decision: Decision) -> Json:
    return {
        "request": decision.request_id,
        "revision": decision.revision,
        "stage": decision.stage,
        "kind": decision.kind.value,
        "actor": decision.actor_key,
        "digest": decision.digest,
        "value": decision.value,
        "reason": decision.reason,
        "at": decision.at.isoformat(),
    }


def _call(entry: JournalEntry) -> Json:
    return {
        "run": entry.run_id,
        "call": entry.call_key,
        "digest": entry.digest,
        "request": entry.request_id,
        "idempotent": entry.idempotent,
        "status": CallStatus(entry.status).value,
        "owner": entry.owner,
        "attempt": entry.attempt,
        "starts": entry.starts,
        "started_at": entry.started_at.isoformat(),
        "ended_at": entry.ended_at.isoformat() if entry.ended_at else None,
        "format": entry.format,
        "outcome": hashlib.sha256(entry.outcome).hexdigest() if entry.outcome is not None else None,
        "summary": entry.summary,
    }
