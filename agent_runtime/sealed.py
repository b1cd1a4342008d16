"""What a stored request promises: its rules and decisions are sealed; a row that breaks its seal decides nothing."""

from __future__ import annotations

from agent_runtime.digest import Seal
from agent_runtime.policy import Rules
from storage.models import Decision, Request
from storage.types import DecisionKind, Json, JsonValue, RequestStatus

RULES = "rules"
DECISION = "decision"


def seal_rules(seal: Seal, request: Request) -> str:
    """The seal over a request's rules, bound to the request, its digest and what it asks."""
    return seal.make(RULES, _rules(request))


def read_rules(seal: Seal, request: Request) -> Rules | None:
    """The rules of a request; None where they were changed after it was opened."""
    if not seal.fits(RULES, _rules(request), request.rules_mac):
        return None
    return Rules.model_validate(request.rules)


def seal_decision(seal: Seal, decision: Decision) -> str:
    """The seal over who decided what, on which revision and stage, and on which digest."""
    return seal.make(DECISION, _decision(decision))


def is_genuine(seal: Seal, decision: Decision) -> bool:
    """Whether a stored decision is as it was made."""
    return seal.fits(DECISION, _decision(decision), decision.mac)


def has_quorum(seal: Seal, request: Request, rules: Rules, decisions: list[Decision]) -> bool:
    """Whether genuine, standing approvals of this very digest and revision fill every stage, one person once."""
    standing = [
        decision
        for decision in decisions
        if decision.kind is DecisionKind.APPROVED
        and decision.withdrawn_at is None
        and decision.revision == request.revision
        and decision.digest == request.digest
        and is_genuine(seal, decision)
    ]
    return all(
        len({decision.actor_key for decision in standing if decision.stage == number}) >= stage.quorum
        for number, stage in enumerate(rules.stages)
    )


def genuine_answer(seal: Seal, request: Request, decisions: list[Decision]) -> JsonValue:
    """The answer of an answered request, as its genuine decision gave it; None where there is none."""
    if request.status is not RequestStatus.ANSWERED:
        return None
    for decision in decisions:
        bound = (decision.request_id, decision.revision, decision.digest)
        same = bound == (request.id, request.revision, request.digest)
        if same and decision.kind is DecisionKind.ANSWERED and is_genuine(seal, decision):
            answer: JsonValue = decision.value
            return answer
    return None


def _rules(request: Request) -> Json:
    return {
        "request": request.id,
        "run": request.run_id,
        "subject": request.subject,
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
