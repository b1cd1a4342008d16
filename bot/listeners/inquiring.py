"""Questions between approvers and whoever started the run: asked from *More...*, answered in the run's thread."""

from __future__ import annotations

from typing import Any

from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from agent_runtime.refusals import RefusalReason
from agent_runtime.views import InquiryView
from bot.cards import modals, notices, submissions
from bot.cards.ids import ActionId, CallbackId, FieldId, inquiry_id_of
from bot.cards.inquiry import answer_form
from bot.desk import Desk
from bot.listeners.opening import bounded, updated
from bot.listeners.reading import Ack, Payload, actor_of, first_action, origin_of, place_of


def register(app: AsyncApp, desk: Desk) -> None:
    """Attach the forms and the button."""

    @app.view(CallbackId.ASK_STARTER.value)
    async def asked(ack: Ack, body: Payload) -> None:
        shown: Payload = body.get("view") or {}
        metadata = submissions.metadata_in(shown)
        request_id = metadata.target.request_id if metadata else ""
        text = submissions.text_in(shown, FieldId.QUESTION)
        came = await desk.ask(request_id, text, actor_of(body), origin_of(body))
        await ack(**_acknowledge(came, FieldId.QUESTION))

    @app.action(ActionId.ANSWER_INQUIRY.value)
    async def answering(ack: Ack, body: Payload, client: AsyncWebClient) -> None:
        await _open(desk, body, client)
        await ack()

    @app.view(CallbackId.ANSWER_INQUIRY.value)
    async def answered(ack: Ack, body: Payload) -> None:
        shown: Payload = body.get("view") or {}
        inquiry_id = inquiry_id_of(shown.get("private_metadata")) or ""
        text = submissions.text_in(shown, FieldId.ANSWER)
        came = await desk.answer_inquiry(inquiry_id, text, actor_of(body), origin_of(body))
        await ack(**_acknowledge(came, FieldId.ANSWER))


async def _open(desk: Desk, body: Payload, client: AsyncWebClient) -> None:
    """The form for the answer, for the one person who was asked."""
    inquiry = await desk.inquiry(inquiry_id_of(first_action(body).get("value")) or "")
    view = await desk.request(inquiry.request_id) if inquiry else None
    if inquiry is None or view is None:
        return
    actor = actor_of(body)
    if actor.key != view.starter.key:
        await desk.tell(view.id, actor, place_of(body), notices.refusal(RefusalReason.NOT_ASKED))
        return
    await bounded(client.views_open(trigger_id=str(body.get("trigger_id") or ""), view=answer_form(inquiry, view)))


def _acknowledge(came: InquiryView | RefusalReason, field: FieldId) -> dict[str, Any]:
    if isinstance(came, InquiryView):
        return {"response_action": "clear"}
    if came is RefusalReason.BAD_INQUIRY:
        return submissions.field_error(field, came.sentence)
    return updated(modals.notice("Nothing was changed", notices.refusal(came)))
