"""What people do to open requests: decide, edit, take back. Each is one transaction that checks first and returns its
refusal, so that the refusal's audit row commits, too."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from agent_runtime import outbound
from agent_runtime.absences import confirmed
from agent_runtime.acts import (
    LONGEST_REASON,
    Accepted,
    Act,
    Edit,
    Refused,
    Withdrawal,
    check,
    check_words,
    current,
    refuse,
    rules_and_starter,
    whose_vote,
)
from agent_runtime.arguments import changes, is_same, misfit, require_reviewable
from agent_runtime.audit import INTERNAL, Event, Origin, record_request
from agent_runtime.caps import why_not_ask_instead
from agent_runtime.clean_text import clean
from agent_runtime.context import Context
from agent_runtime.decisions import is_whole
from agent_runtime.digest import NotJson
from agent_runtime.escalation import in_force
from agent_runtime.hidden import as_hidden_as, redaction_of, remarks, secrets_of, shown_change
from agent_runtime.judging import Deny, Require
from agent_runtime.people import Membership, authorise_decision
from agent_runtime.redaction import MARK, Redaction
from agent_runtime.refusals import RefusalReason
from agent_runtime.revisions import judge_edit, kept_policies, revise
from agent_runtime.rules import Rules
from agent_runtime.sealed import NO
from agent_runtime.views import ArgumentChange
from agent_runtime.voting import cast, uncast
from storage import requests, runs
from storage.models import Decision, Request, Run
from storage.tx import Tx
from storage.types import Actor, DecisionKind, Json, JsonValue, RequestStatus

__all__ = [
    "LONGEST_REASON", "Accepted", "Act", "Edit", "Preview", "Refused", "Withdrawal", "decide", "edit",
    "may_decide", "preview", "withdraw",
]  # fmt: skip


def decide(tx: Tx, context: Context, act: Act, membership: Membership, origin: Origin) -> Accepted | Refused:
    """Record one person's decision, or refuse it."""
    membership, actor = confirmed(tx, context, membership), membership.actor
    request = current(tx, context, act.request_id)
    found = _checked(tx, context, act, request, membership)
    if isinstance(found, Refused):
        return refuse(tx, context, found, act, actor, origin)
    request, rules = found
    closed = cast(tx, context, act, request, rules, actor, origin, _behind(tx, context, request, rules, membership))
    if closed is None:
        return refuse(tx, context, Refused(RefusalReason.ALREADY_VOTED, request), act, actor, origin)
    return Accepted(_now(tx, request), closed)


def may_decide(tx: Tx, context: Context, act: Act, membership: Membership, origin: Origin) -> Refused | None:
    """Why this person's decision would be refused, before they are asked for its words; recorded like a refusal."""
    request = current(tx, context, act.request_id)
    if request is None:
        refused = Refused(RefusalReason.UNKNOWN_REQUEST, None)
        return refuse(tx, context, refused, act, membership.actor, origin)
    checked = check(tx, context, act, request, confirmed(tx, context, membership))
    return refuse(tx, context, checked, act, membership.actor, origin) if isinstance(checked, Refused) else None


def edit(
    tx: Tx, context: Context, edit: Edit, membership: Membership, origin: Origin, first: Membership | None = None
) -> Accepted | Refused:
    """Put a call up for decision with other arguments, judged by the policies that were in force when the request
    opened, or refuse that. The editor's approval counts at once where they may decide in the new chain's first stage;
    `first` is them as the directory sees them for that stage."""
    actor = membership.actor
    found = _judged(tx, context, edit, membership, origin)
    if isinstance(found, Refused):
        return found
    request, _, revision = found
    revised = revise(tx, context, request, revision.args, revision.rules, actor, origin, clean(edit.reason))
    if revised is None:
        return refuse(tx, context, Refused(RefusalReason.ALREADY_VOTED, request), edit.act, actor, origin)
    closed = _approve_own(tx, context, revised, edit, revision.rules, first or membership, origin)
    outbound.want_card(tx, context, _now(tx, revised))
    outbound.want_run(tx, context, request.run_id)
    return Accepted(_now(tx, revised), bool(closed), counted=closed is not None)


def preview(
    tx: Tx, context: Context, edit: Edit, membership: Membership, origin: Origin, first: Membership
) -> Preview | Refused:
    """What an edit would bring, with nothing changed; refused, and recorded so, where it would be refused."""
    found = _judged(tx, context, edit, membership, origin)
    if isinstance(found, Refused):
        return found
    request, rules, revision = found
    starter = Actor.model_validate(_run_of(tx, request).starter)
    counts = _counts(confirmed(tx, context, first), revision.rules, 0, starter, context)
    redaction = redaction_of(revision.rules)
    secrets = tuple(dict.fromkeys((*secrets_of(rules, request), *redaction.secrets(revision.args))))
    found_changes = changes(request.args or {}, revision.args)
    shown = tuple(shown_change(one, redaction, secrets) for one in found_changes)
    return Preview(shown, revision.rules, counts, remarks(revision.rules, revision.args, secrets))


def withdraw(tx: Tx, context: Context, taken: Withdrawal, membership: Membership, origin: Origin) -> Accepted | Refused:
    """Take back the person's newest vote on an open request, or refuse that. A yes may be taken back by whoever gave
    it, whatever has become of them since; a no only by who could still give it."""
    actor = membership.actor
    request = current(tx, context, taken.request_id)
    if request is None:
        return refuse(tx, context, Refused(RefusalReason.UNKNOWN_REQUEST, None), taken, actor, origin)
    votes = requests.standing_votes(tx, request.id, request.revision, actor.key)
    refused = _why_not_taken_back(tx, context, taken, request, votes, membership)
    if refused is not None:
        return refuse(tx, context, refused, taken, actor, origin)
    rules, _ = rules_and_starter(tx, context, request)
    assert rules is not None
    uncast(tx, context, votes[-1], request, rules, actor, origin)
    return Accepted(_now(tx, request), closed=False)


@dataclass(frozen=True, slots=True)
class Revision:
    """What an edit would put up for decision: the arguments, with what policies fix in them, and the rules."""

    args: Json
    rules: Rules


@dataclass(frozen=True, slots=True)
class Preview:
    """What an edit would bring, as it may be shown: every argument that would differ, and the rules. `counts`: whether
    the editor's own approval would count at once. `remarks` say what policies did to the arguments."""

    changes: tuple[ArgumentChange, ...]
    rules: Rules
    counts: bool
    remarks: tuple[str, ...] = ()


def judged_edit(tx: Tx, edit: Edit, request: Request, rules: Rules) -> Revision | Refused:
    """What an edit of a genuine request would bring, or why it cannot be. Nobody's edit is ever allowed without people:
    where the policies would let the new call run, those decide who had to decide so far."""
    redaction = redaction_of(rules)
    args = redaction.restore(edit.args, request.args)
    if fault := _unfit(edit, args, redaction):
        return Refused(RefusalReason.BAD_EDIT, request, fault)
    policies = kept_policies(tx, request)
    if policies is None:
        fault = (
            "The policies this request was opened under cannot be read any more. Reject it; the agent may ask again."
        )
        return Refused(RefusalReason.BAD_EDIT, request, fault)
    judgement = judge_edit(policies, _run_of(tx, request), request, args)
    if isinstance(judgement, Deny):
        reason = f"A policy does not allow the call with these arguments. {judgement.reason}".strip()
        return Refused(RefusalReason.DENIED, request, reason)
    args = args if judgement.args is None else judgement.args
    if is_same(args, request.args):
        return Refused(RefusalReason.BAD_EDIT, request, "These are the arguments it has already.")
    if isinstance(judgement, Require):
        return Revision(args, as_hidden_as(judgement.rules, redaction_of(rules)))
    # The note of the old rules tells the old arguments.
    return Revision(args, rules.model_copy(update={"note": "", "set_note": "", "trouble": ""}))


def _unfit(edit: Edit, args: JsonValue, redaction: Redaction) -> str:
    """Why a call cannot be asked with these arguments, for whoever wrote them and may not read what is redacted; empty
    where it can."""
    if not isinstance(args, Mapping):
        return "The arguments of a call are a JSON object: a value for each name."
    try:
        require_reviewable(args)
    except NotJson as fault:
        return f"That cannot be kept as arguments: {fault}."
    if MARK in json.dumps(args, ensure_ascii=False):
        return "A redacted value was moved or changed in part; leave it as it is, or write it anew."
    return misfit(edit.schema, args, redaction.args(args))


def _judged(
    tx: Tx, context: Context, edit: Edit, membership: Membership, origin: Origin
) -> tuple[Request, Rules, Revision] | Refused:
    """The request, its present rules, and what the edit would bring; or why not, which is recorded."""
    request = current(tx, context, edit.request_id)
    found = _checked(tx, context, edit.act, request, confirmed(tx, context, membership))
    if isinstance(found, Refused):
        return refuse(tx, context, found, edit.act, membership.actor, origin)
    request, rules = found
    revision = judged_edit(tx, edit, request, rules)
    if not isinstance(revision, Refused):  # the editor approves it, too, by the rules of what they made of it
        revision = check_words(edit.act, request, revision.rules) or revision
    if isinstance(revision, Refused):
        return refuse(tx, context, revision, edit.act, membership.actor, origin)
    if crowded := why_not_ask_instead(tx, context, rules, revision.rules):
        fault = f"With these arguments it would ask others: {crowded}. Try again once some are decided."
        refused = Refused(RefusalReason.BAD_EDIT, request, fault)
        return refuse(tx, context, refused, edit.act, membership.actor, origin)
    return request, rules, revision


def _checked(
    tx: Tx, context: Context, act: Act, request: Request | None, membership: Membership
) -> tuple[Request, Rules] | Refused:
    if request is None:
        return Refused(RefusalReason.UNKNOWN_REQUEST, None)
    rules = check(tx, context, act, request, membership)
    if isinstance(rules, Refused):
        return rules
    return check_words(act, request, rules) or (request, rules)


def _why_not_taken_back(
    tx: Tx, context: Context, taken: Withdrawal, request: Request, votes: list[Decision], membership: Membership
) -> Refused | None:
    everything = requests.votes(tx, [request.id])
    before = any(one.withdrawn_at is not None and one.actor_key == membership.actor.key for one in everything)
    if request.status is not RequestStatus.PENDING:
        return Refused(RefusalReason.TOO_LATE, request)
    if taken.revision != request.revision:
        return Refused(RefusalReason.OUTDATED, request)
    if not votes:
        return Refused(RefusalReason.NO_VOTE, request, repeated=before)
    rules, starter = rules_and_starter(tx, context, request)
    if rules is None or not is_whole(tx, context, request, everything):
        record_request(tx, context, Event.INTEGRITY_BROKEN, request, membership.actor, INTERNAL, {})
        return Refused(RefusalReason.INTEGRITY, request)
    membership = confirmed(tx, context, membership)
    allowed = in_force(tx, context.seal, request, rules)
    reason = authorise_decision(membership, allowed, votes[-1].stage, starter, context.now)
    return Refused(reason, request) if reason is not None and votes[-1].kind in NO else None


def _approve_own(
    tx: Tx, context: Context, request: Request, edit: Edit, rules: Rules, first: Membership, origin: Origin
) -> bool | None:
    """The editor's approval of what they made of the call: whether it closed the request, None where they may not."""
    starter = Actor.model_validate(_run_of(tx, request).starter)
    first = confirmed(tx, context, first)
    if not _counts(first, rules, request.stage, starter, context):
        return None
    act = Act(request.id, request.revision, request.stage, DecisionKind.APPROVED, edit.reason)
    return cast(tx, context, act, request, rules, first.actor, origin, _behind(tx, context, request, rules, first))


def _behind(tx: Tx, context: Context, request: Request, rules: Rules, membership: Membership) -> Actor | None:
    """The approver in whose stead a person decides; None where they do in their own name."""
    found = whose_vote(tx, context, request, rules, membership)
    return None if found.key == membership.actor.key else found


def _counts(first: Membership, rules: Rules, stage: int, starter: Actor, context: Context) -> bool:
    refused = authorise_decision(first, rules, stage, starter, context.now)
    return refused is None and DecisionKind.APPROVED in rules.decisions


def _run_of(tx: Tx, request: Request) -> Run:
    run = runs.get(tx, request.run_id)
    assert run is not None
    return run


def _now(tx: Tx, request: Request) -> Request:
    after = requests.get(tx, request.id)
    assert after is not None
    return after
