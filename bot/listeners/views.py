"""Submitted modals: the words that go with a decision. A bad answer stays in the modal, on its field."""

from __future__ import annotations

from typing import Any

from slack_bolt.app.async_app import AsyncApp

from agent_runtime.approvals import Accepted, Act, Refused
from agent_runtime.prompts import read_prompt
from agent_runtime.refusals import RefusalReason
from agent_runtime.views import RequestView
from bot.cards import modals, submissions
from bot.cards.ids import CallbackId, FieldId, Metadata
from bot.cards.more import wish_in
from bot.desk import Desk
from bot.desk_work import Answered
from bot.listeners.opening import updated
from bot.listeners.reading import Ack, Payload, actor_of, origin_of
from storage.types import DecisionKind, JsonValue, RequestKind

FIELDS = {
    CallbackId.REJECT: FieldId.REASON,
    CallbackId.APPROVE: FieldId.REASON,
    CallbackId.SKIP: FieldId.REASON,
    CallbackId.ALLOW_NEXT: FieldId.REASON,
    CallbackId.ANSWER: FieldId.ANSWER,
    CallbackId.CHANGES: FieldId.FEEDBACK,
    CallbackId.OUTCOME: FieldId.RESULT,
}


OF_A_CALL = {
    CallbackId.REJECT: DecisionKind.REJECTED,
    CallbackId.APPROVE: DecisionKind.APPROVED,
    CallbackId.SKIP: DecisionKind.SKIPPED,
    CallbackId.ALLOW_NEXT: DecisionKind.APPROVED,
}
"""Forms that decide about a call by their reason."""


def register(app: AsyncApp, desk: Desk) -> None:
    """Attach every form that decides something."""

    def attach(callback: CallbackId) -> None:
        @app.view(callback.value)
        async def listener(ack: Ack, body: Payload) -> None:
            await ack(**await _submit(desk, callback, body))

    for callback in FIELDS:
        attach(callback)


async def _submit(desk: Desk, callback: CallbackId, body: Payload) -> dict[str, Any]:
    """The acknowledgement of a submission: close everything, show an error on the field, or say what went wrong."""
    shown = body.get("view") or {}
    metadata = submissions.metadata_in(shown)
    view = await desk.request(metadata.target.request_id) if metadata else None
    if metadata is None or view is None:
        return updated(modals.notice("Nothing was changed", "This form is not one that Signoff knows."))
    if callback is CallbackId.ALLOW_NEXT and wish_in(view, submissions.state_in(shown)) is None:
        return submissions.field_error(FieldId.GRANT_SCOPE, "Please choose where, how many, and how long.")
    answered = await desk.decide(_act(callback, metadata, view, shown), actor_of(body), origin_of(body))
    return _acknowledge(callback, answered)


def _act(callback: CallbackId, metadata: Metadata, view: RequestView, shown: Payload) -> Act:
    target = metadata.target
    text = submissions.text_in(shown, FIELDS[callback])
    kind = OF_A_CALL.get(callback)
    if kind is not None and (view.kind is RequestKind.TOOL or kind is not DecisionKind.REJECTED):
        wish = wish_in(view, submissions.state_in(shown)) if callback is CallbackId.ALLOW_NEXT else None
        return Act(target.request_id, target.revision, target.stage, kind, reason=text, wish=wish)
    value: JsonValue
    if callback is CallbackId.REJECT:
        value = {"action": "reject", "feedback": text}
    elif callback is CallbackId.CHANGES:
        value = {"action": "changes", "feedback": text}
    elif callback is CallbackId.OUTCOME:
        value = {"action": "happened", "result": text}
    else:
        value = submissions.answer_in(shown, read_prompt(view.kind, view.payload))
    return Act(target.request_id, target.revision, target.stage, DecisionKind.ANSWERED, value=value)


def _acknowledge(callback: CallbackId, answered: Answered) -> dict[str, Any]:
    verdict = answered.verdict
    if isinstance(verdict, Accepted):
        return {"response_action": "clear"}
    assert isinstance(verdict, Refused)
    if verdict.reason in (RefusalReason.BAD_ANSWER, RefusalReason.NEEDS_REASON):
        return submissions.field_error(FIELDS[callback], verdict.message or verdict.reason.sentence)
    if verdict.reason is RefusalReason.BAD_WISH:
        return submissions.field_error(FieldId.GRANT_SCOPE, verdict.message or verdict.reason.sentence)
    if verdict.reason is RefusalReason.TOO_LATE and answered.view is not None:
        return updated(modals.closed(answered.view))
    return updated(modals.notice("Nothing was changed", answered.sentence))
