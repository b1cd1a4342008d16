"""What a person may do to a request, as values, and the checks that come before anything is changed."""

from __future__ import annotations

from dataclasses import dataclass

from agent_runtime import outbound
from agent_runtime.audit import Event, Origin, record, record_request
from agent_runtime.clean_text import clean
from agent_runtime.closing import expire
from agent_runtime.context import Context
from agent_runtime.digest import NotJson, canonical
from agent_runtime.escalation import in_force
from agent_runtime.people import Membership, authorise_decision, authority
from agent_runtime.policy import Rules
from agent_runtime.prompts import AnswerFault, read_prompt, validate_answer
from agent_runtime.refusals import RefusalReason
from agent_runtime.sealed import read_rules
from agent_runtime.wishes import Wish, wish_fault
from storage import pauses, requests, runs
from storage.models import Decision, Request
from storage.tx import Tx
from storage.types import Actor, DecisionKind, Json, JsonValue, RequestStatus

LONGEST_REASON = 3000


@dataclass(frozen=True, slots=True)
class Act:
    """What a person did on a surface: which decision, on which request, revision and stage they were shown."""

    request_id: str
    revision: int
    stage: int
    kind: DecisionKind
    reason: str = ""
    value: JsonValue = None
    wish: Wish | None = None
    """That this yes shall also count for further calls."""

    @property
    def shown(self) -> Json:
        """What a refusal's audit entry keeps of it."""
        return {"decision": self.kind.value, "revision": self.revision, "stage": self.stage}


@dataclass(frozen=True, slots=True)
class Edit:
    """Other arguments for a call, all of them, as a person wants it to run; what was redacted where they looked is left
    as they saw it. `schema` is the tool's own, where it is known."""

    request_id: str
    revision: int
    stage: int
    args: Json
    reason: str = ""
    schema: Json | None = None

    @property
    def act(self) -> Act:
        """The edit as a decision."""
        return Act(self.request_id, self.revision, self.stage, DecisionKind.EDITED, self.reason)


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A person's newest vote on this revision of a request, taken back."""

    request_id: str
    revision: int

    @property
    def shown(self) -> Json:
        """What a refusal's audit entry keeps of it."""
        return {"decision": "withdrawn", "revision": self.revision}


@dataclass(frozen=True, slots=True)
class Accepted:
    """The act is recorded. `closed`: it was the one that closed the request. `counted`: false for an edit whose editor
    may not approve what they made of the call, so that it waits for those who may."""

    request: Request
    closed: bool
    counted: bool = True


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing was changed, and why. `message` explains a bad answer; `repeated`: the same person's same click again."""

    reason: RefusalReason
    request: Request | None
    message: str = ""
    repeated: bool = False


def current(tx: Tx, context: Context, request_id: str) -> Request | None:
    """A request as it stands now: one whose time is up is closed first, so that a late sweep never lets a click in.
    The end of a hold waits for the sweep: until then an approval can still be taken back."""
    request = requests.get(tx, request_id)
    if request is None or request.status is not RequestStatus.PENDING or request.due_at is None:
        return request
    due = pauses.unpaused(tx, context.now, request.agent)
    if due is None or request.due_at > due or request.held_until is not None:
        return request
    expire(tx, context, request)
    return requests.get(tx, request_id)


def check(tx: Tx, context: Context, act: Act, request: Request, membership: Membership) -> Rules | Refused:
    """The rules by which this person may do this now, or why they may not."""
    standing = requests.standing_votes(tx, request.id, act.revision, membership.actor.key)
    repeated = any((vote.kind, vote.stage) == (act.kind, act.stage) for vote in standing)
    if request.status is not RequestStatus.PENDING:
        return Refused(RefusalReason.TOO_LATE, request, repeated=repeated)
    if (act.revision, act.stage) != (request.revision, request.stage):
        return Refused(RefusalReason.OUTDATED, request, repeated=repeated)
    rules, starter = rules_and_starter(tx, context, request)
    if rules is None:
        record(tx, context, Event.INTEGRITY_BROKEN, membership.actor, run_id=request.run_id, request_id=request.id)
        return Refused(RefusalReason.INTEGRITY, request)
    allowed = in_force(tx, context.seal, request, rules)
    reason = authorise_decision(membership, allowed, request.stage, starter, context.now)
    if reason is not None:
        return Refused(reason, request)
    if any(vote.stage == act.stage or not rules.allow_same_person for vote in standing):
        own = any(vote.actor_key == membership.actor.key for vote in standing)
        reason = RefusalReason.ALREADY_VOTED if own else RefusalReason.DECIDED_FOR_YOU
        return Refused(reason, request, repeated=repeated)
    heard = _heard(tx, request, rules)
    if membership.actor.hands & heard:
        return Refused(RefusalReason.OTHER_ACCOUNT, request)
    if whose_vote(tx, context, request, rules, membership).hands & heard:
        return Refused(RefusalReason.DECIDED_BY_THEM, request)
    if act.kind not in rules.decisions:
        return Refused(RefusalReason.NOT_OFFERED, request)
    if act.kind is DecisionKind.APPROVED and request.held_until is not None:
        return Refused(RefusalReason.HELD, request)
    return rules


def whose_vote(tx: Tx, context: Context, request: Request, rules: Rules, membership: Membership) -> Actor:
    """In whose name a person who may decide now does so: their own, or that of somebody who handed over to them."""
    run = runs.get(tx, request.run_id)
    assert run is not None
    starter, heard = Actor.model_validate(run.starter), _heard(tx, request, rules)
    allowed = in_force(tx, context.seal, request, rules)
    found = authority(membership, allowed, request.stage, starter, context.now, heard)
    return membership.actor if isinstance(found, RefusalReason) else found


def _heard(tx: Tx, request: Request, rules: Rules) -> frozenset[str]:
    """Whose word was given already on the present revision: in this stage, or in any where nobody may speak twice."""
    here = (one for one in _spoken(tx, request) if one.stage == request.stage)
    return frozenset(hand for one in here for hand in requests.hands(one)) | heard_elsewhere(tx, request, rules)


def heard_elsewhere(tx: Tx, request: Request, rules: Rules) -> frozenset[str]:
    """Whom their word in another stage bars from this one: nobody where the same people may speak in each."""
    there = (one for one in _spoken(tx, request) if one.stage != request.stage and not rules.allow_same_person)
    return frozenset(hand for one in there for hand in requests.hands(one))


def _spoken(tx: Tx, request: Request) -> list[Decision]:
    """The standing votes on the present revision."""
    votes = (one for one in requests.votes(tx, [request.id]) if one.revision == request.revision)
    return [one for one in votes if one.withdrawn_at is None and one.kind is not DecisionKind.EDITED]


def rules_and_starter(tx: Tx, context: Context, request: Request) -> tuple[Rules | None, Actor]:
    """The request's rules and who started its run; no rules where either was changed by hand."""
    run = runs.get(tx, request.run_id)
    assert run is not None
    starter = Actor.model_validate(run.starter)
    return (read_rules(context.seal, request) if starter.key == request.starter_key else None), starter


def check_words(act: Act, request: Request, rules: Rules) -> Refused | None:
    """What is wrong with the reason or the answer that came with an act."""
    if len(act.reason) > LONGEST_REASON:
        return Refused(RefusalReason.BAD_ANSWER, request, f"The reason is longer than {LONGEST_REASON} characters.")
    # Whoever edits a call approves it, too, where they may.
    kinds = {act.kind, DecisionKind.APPROVED} if act.kind is DecisionKind.EDITED else {act.kind}
    if kinds & set(rules.require_reason) and not clean(act.reason).strip():
        return Refused(RefusalReason.NEEDS_REASON, request)
    if act.wish is not None and (fault := wish_fault(act.wish, rules, request.kind, act.kind)):
        return Refused(RefusalReason.BAD_WISH, request, fault)
    if act.kind is not DecisionKind.ANSWERED:
        return None
    answer = validate_answer(read_prompt(request.kind, request.payload), act.value)
    if isinstance(answer, AnswerFault):
        return Refused(RefusalReason.BAD_ANSWER, request, answer.message)
    try:
        canonical(answer)
    except NotJson as fault:
        return Refused(RefusalReason.BAD_ANSWER, request, f"That cannot be kept as an answer: {fault}.")
    return None


def refuse(tx: Tx, context: Context, refused: Refused, act: Act | Withdrawal, actor: Actor, origin: Origin) -> Refused:
    """Record a refusal; the refusal."""
    request = refused.request
    text: Json = {"refusal": refused.reason.value, **act.shown}
    if request is None:
        record(tx, context, Event.DECISION_REFUSED, actor, origin=origin, text={**text, "asked": act.request_id})
        return refused
    record_request(tx, context, Event.DECISION_REFUSED, request, actor, origin, text)
    if refused.reason is RefusalReason.OUTDATED:
        outbound.want_card(tx, context, request)
    return refused
