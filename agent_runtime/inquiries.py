"""Questions that approvers ask whoever started a run, about one open request. They decide nothing: the request stays
open, with its deadline; both texts are on record and on its card."""

from __future__ import annotations

from agent_runtime import holding, outbound
from agent_runtime.absences import confirmed
from agent_runtime.acts import current, rules_and_starter
from agent_runtime.audit import Event, Origin, record_request
from agent_runtime.clean_text import clean
from agent_runtime.context import Context
from agent_runtime.escalation import in_force
from agent_runtime.hidden import secrets_of_run
from agent_runtime.holding import Why
from agent_runtime.people import Membership, authorise_decision
from agent_runtime.redaction import mask
from agent_runtime.refusals import RefusalReason
from agent_runtime.views import InquiryView
from storage import inquiries as rows
from storage import requests
from storage.inquiries import Inquiry
from storage.models import Request
from storage.tx import Tx
from storage.types import Actor, Json, RequestKind, RequestStatus

LONGEST_INQUIRY = 1_000
MOST_INQUIRIES = 10
"""So often one request may be asked about."""


def ask(
    tx: Tx, context: Context, request_id: str, text: str, membership: Membership, origin: Origin
) -> InquiryView | RefusalReason:
    """Ask whoever started the run about a request. Only those who may decide now may ask."""
    actor, text = membership.actor, clean(text).strip()
    request = current(tx, context, request_id)
    if request is None:
        return RefusalReason.UNKNOWN_REQUEST
    reason = _why_not(tx, context, request, text, membership)
    if reason is not None:
        record_request(tx, context, Event.INQUIRY_REFUSED, request, actor, origin, {"refusal": reason.value})
        return reason
    inquiry = Inquiry(
        id="", request_id=request.id, asked_by=actor.model_dump(mode="json"),
        question=mask(text, secrets_of_run(tx, request.run_id)), asked_at=context.now,
    )  # fmt: skip
    while True:
        inquiry.id = context.ids("Q")
        if rows.insert(tx, inquiry):
            break
    said: Json = {"inquiry": inquiry.id, "question": inquiry.question}
    record_request(tx, context, Event.INQUIRY_MADE, request, actor, origin, said)
    rules, _ = rules_and_starter(tx, context, request)
    assert rules is not None, "checked before"
    holding.begin(tx, context, request, rules, actor, origin, Why.ASKED)
    _show(tx, context, inquiry, request)
    return inquiry_view(inquiry)


def answer(
    tx: Tx, context: Context, inquiry_id: str, text: str, actor: Actor, origin: Origin
) -> InquiryView | RefusalReason:
    """Answer a question about an open request. Only whoever started the run may."""
    inquiry = rows.get(tx, inquiry_id)
    request = current(tx, context, inquiry.request_id) if inquiry else None
    if inquiry is None or request is None:
        return RefusalReason.UNKNOWN_REQUEST
    reason = _why_not_answered(inquiry, request, clean(text).strip(), actor)
    if reason is not None:
        record_request(tx, context, Event.INQUIRY_REFUSED, request, actor, origin, {"refusal": reason.value})
        return reason
    said = mask(clean(text).strip(), secrets_of_run(tx, request.run_id))
    answered = rows.answer(tx, inquiry.id, said, actor.model_dump(mode="json"), context.now)
    assert answered, "one writer: nobody can be between"
    text_kept: Json = {"inquiry": inquiry.id, "answer": said}
    record_request(tx, context, Event.INQUIRY_ANSWERED, request, actor, origin, text_kept)
    rules, _ = rules_and_starter(tx, context, request)
    if rules is not None and all(one.answered_at is not None for one in rows.of_request(tx, request.id)):
        holding.lift(tx, context, request, rules, actor, Why.ASKED)
    _show(tx, context, inquiry, request)
    after = rows.get(tx, inquiry.id)
    assert after is not None
    return inquiry_view(after)


def inquiry_view(inquiry: Inquiry) -> InquiryView:
    """A question as people see it."""
    return InquiryView(
        id=inquiry.id,
        request_id=inquiry.request_id,
        asked_by=Actor.model_validate(inquiry.asked_by),
        question=inquiry.question,
        asked_at=inquiry.asked_at,
        answer=inquiry.answer or "",
        answered_at=inquiry.answered_at,
    )


def read_inquiry(tx: Tx, inquiry_id: str) -> InquiryView | None:
    """One question."""
    inquiry = rows.get(tx, inquiry_id)
    return None if inquiry is None else inquiry_view(inquiry)


def asked_in(tx: Tx, channel: str, thread_ts: str | None, starter_key: str) -> list[InquiryView]:
    """What approvers ask this person in a thread, the oldest first; None for any thread of the channel."""
    return [inquiry_view(one) for one in rows.open_in(tx, channel, thread_ts, starter_key)]


def _why_not(tx: Tx, context: Context, request: Request, text: str, membership: Membership) -> RefusalReason | None:
    if request.status is not RequestStatus.PENDING:
        return RefusalReason.TOO_LATE
    if request.kind is not RequestKind.TOOL:
        return RefusalReason.NOT_OFFERED
    rules, starter = rules_and_starter(tx, context, request)
    if rules is None:
        return RefusalReason.INTEGRITY
    allowed = in_force(tx, context.seal, request, rules)
    reason = authorise_decision(confirmed(tx, context, membership), allowed, request.stage, starter, context.now)
    if reason is not None:
        return reason
    if not text or len(text) > LONGEST_INQUIRY:
        return RefusalReason.BAD_INQUIRY
    return RefusalReason.ASKED_ENOUGH if len(rows.of_request(tx, request.id)) >= MOST_INQUIRIES else None


def _why_not_answered(inquiry: Inquiry, request: Request, text: str, actor: Actor) -> RefusalReason | None:
    if actor.key != request.starter_key:
        return RefusalReason.NOT_ASKED
    if inquiry.answered_at is not None:
        return RefusalReason.ALREADY_ANSWERED
    if request.status is not RequestStatus.PENDING:
        return RefusalReason.TOO_LATE
    return None if text and len(text) <= LONGEST_INQUIRY else RefusalReason.BAD_INQUIRY


def _show(tx: Tx, context: Context, inquiry: Inquiry, request: Request) -> None:
    """In the run's thread, and on the request's cards."""
    outbound.want_inquiry(tx, context, inquiry)
    after = requests.get(tx, request.id)
    assert after is not None
    outbound.want_card(tx, context, after)
