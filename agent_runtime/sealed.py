"""What stored rows promise: rules, decisions and the journal are sealed; a row that breaks its seal decides nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from datetime import datetime

from pydantic import ValidationError

from agent_runtime.agents import ToolCall
from agent_runtime.digest import NotJson, Seal, digest_call, digest_payload
from agent_runtime.policy import Rules
from storage.models import Decision, JournalEntry, Request
from storage.requests import hands
from storage.types import CallStatus, DecisionKind, Json, RequestKind, RequestStatus

RULES = "rules"
DECISION = "decision"
CALL = "call"
YES = frozenset({DecisionKind.APPROVED})
NO = frozenset({DecisionKind.REJECTED, DecisionKind.SKIPPED})
FIRST_REVISION = 1
"""The agent's own call; each change of its arguments, by people or by a policy, makes the next one."""


def digest_shown(request: Request) -> str:
    """The digest of what a request shows people: its call, or its payload. Raises NotJson."""
    if request.kind in {RequestKind.TOOL, RequestKind.OUTCOME}:
        call = ToolCall(step=request.step, id=request.call_id, tool=request.tool, args=request.args)
        return digest_call(request.agent, request.run_id, call, request.revision)
    return digest_payload(request.payload)


def digest_asked(request: Request) -> str:
    """The digest of what the agent itself asked. Raises NotJson."""
    if request.kind in {RequestKind.TOOL, RequestKind.OUTCOME}:
        call = ToolCall(step=request.step, id=request.call_id, tool=request.tool, args=request.asked_args)
        return digest_call(request.agent, request.run_id, call, FIRST_REVISION)
    return digest_payload(request.payload)


def seal_rules(seal: Seal, request: Request) -> str:
    """The seal over a request's rules, bound to the request, its digest, who started its run and what it asks."""
    return seal.make(RULES, _rules(request))


def read_rules(seal: Seal, request: Request) -> Rules | None:
    """The rules of a request; None where they, what it shows people, or what the agent asked were changed by hand."""
    if not seal.fits(RULES, _rules(request), request.rules_mac):
        return None
    try:
        same = (digest_shown(request), digest_asked(request)) == (request.digest, request.asked_digest)
        return Rules.model_validate(request.rules) if same else None
    except (NotJson, ValidationError):
        return None


def seal_decision(seal: Seal, decision: Decision) -> str:
    """The seal over who decided what, on which revision and stage, and on which digest."""
    return seal.make(DECISION, _decision(decision))


def is_genuine(seal: Seal, decision: Decision) -> bool:
    """Whether a stored decision is as it was made."""
    return seal.fits(DECISION, _decision(decision), decision.mac)


def standing_votes(seal: Seal, request: Request, decisions: Sequence[Decision]) -> list[Decision]:
    """The genuine votes on this very digest and revision that nobody took back."""
    return [decision for decision in decisions if _counts(seal, request, decision)]


def has_quorum(seal: Seal, request: Request, rules: Rules, decisions: Sequence[Decision]) -> bool:
    """Whether genuine, standing approvals of this very digest and revision fill every stage, and no stage has as many
    genuine noes as it takes to reject. One person counts once, or once in each stage where the rules say so."""
    standing = standing_votes(seal, request, decisions)
    counted: set[str] = set()
    for number, stage in enumerate(rules.stages):
        votes = votes_in(standing, number, YES, frozenset() if rules.allow_same_person else counted)
        if len(votes) < stage.quorum or len(votes_in(standing, number, NO)) >= stage.reject_quorum:
            return False
        counted |= {hand for vote in votes for hand in hands(vote)}
    return True


def approved_at(seal: Seal, request: Request, decisions: Sequence[Decision]) -> datetime | None:
    """When the last approval that counts was given, as sealed; None where there is none."""
    votes = standing_votes(seal, request, decisions)
    return max((vote.at for vote in votes if vote.kind is DecisionKind.APPROVED), default=None)


def votes_in(
    standing: Sequence[Decision], stage: int, kinds: frozenset[DecisionKind], counted: Collection[str] = ()
) -> list[Decision]:
    """The votes of these kinds that count in a stage, beside people who counted before. Everybody counts once, whether
    they voted themselves, in somebody's stead, or had somebody vote in theirs."""
    used, found = set(counted), list[Decision]()
    for vote in standing:
        if vote.stage == stage and vote.kind in kinds and not hands(vote) & used:
            used |= hands(vote)
            found.append(vote)
    return found


def genuine_answer(seal: Seal, request: Request, decisions: Sequence[Decision]) -> Decision | None:
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


def _rules(request: Request) -> Json:
    """What is sealed. A member that older rows do not have is left out where it would say nothing, so that their seals
    still fit; leaving out one that says something breaks the seal."""
    changed: Json = {} if request.asked_digest == request.digest else {"asked": request.asked_digest}
    kept: Json = {} if request.policy_set is None else {"policies": request.policy_set, "pause": request.pause}
    return {
        **changed,
        **kept,
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
        **({"number": decision.number} if decision.number else {}),
        **({"withdrawn": decision.withdrawn_at.isoformat()} if decision.withdrawn_at else {}),
        **({"for": decision.on_behalf_of} if decision.on_behalf_of else {}),
        # Who counts once with which other accounts.
        **({"person": decision.actor["person"]} if decision.actor.get("person") else {}),
        # The agent is told who edited its call, by name.
        **({"who": decision.actor} if decision.kind is DecisionKind.EDITED else {}),
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
    changed: Json = {"changed": entry.changed, "args": entry.args} if entry.changed else {}
    granted: Json = {"grant": entry.grant_id} if entry.grant_id else {}
    return {
        **changed,
        **granted,
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
