"""The form that changes a call: its first submission shows what would change, the second one records that."""

from __future__ import annotations

from typing import Any

from slack_bolt.app.async_app import AsyncApp

from agent_runtime.agents import tool_schema
from agent_runtime.approvals import Edit, Refused
from agent_runtime.refusals import RefusalReason
from agent_runtime.views import RequestView
from bot.cards import modals, submissions
from bot.cards.buttons import target_of
from bot.cards.edit import Difference, digest_of, edit_form, read_edit, too_much
from bot.cards.fields import Unfit
from bot.cards.ids import CallbackId, FieldId, Metadata
from bot.desk import Desk
from bot.desk_work import Answered
from bot.listeners.opening import updated
from bot.listeners.reading import Ack, Payload, actor_of, origin_of
from storage.types import Json

_MENDABLE = frozenset({RefusalReason.BAD_EDIT, RefusalReason.DENIED})
"""Refusals after which other arguments may do."""


def register(app: AsyncApp, desk: Desk) -> None:
    """Attach the form."""

    @app.view(CallbackId.EDIT.value)
    async def submitted(ack: Ack, body: Payload) -> None:
        await ack(**await submit(desk, body))


async def submit(desk: Desk, body: Payload) -> dict[str, Any]:
    """The acknowledgement of a submission: errors on fields, what would change, or what came of it."""
    shown: Payload = body.get("view") or {}
    metadata = submissions.metadata_in(shown)
    view = await desk.request(metadata.target.request_id) if metadata else None
    if metadata is None or view is None:
        return updated(modals.notice("Nothing was changed", "This form is not one that Signoff knows."))
    if target_of(view) != metadata.target:
        return updated(modals.outdated(view, channel=metadata.channel))
    schema = tool_schema(desk.runtime.agents, view.agent, view.tool)
    read = read_edit(view, schema, submissions.state_in(shown))
    if isinstance(read, Unfit):
        return {"response_action": "errors", "errors": dict(read.errors)}
    reason = submissions.text_in(shown, FieldId.REASON)
    edit = Edit(view.id, view.revision, view.stage, read.values, reason)
    if metadata.shown == digest_of(read.values):
        answered = await desk.edit(edit, actor_of(body), origin_of(body))
        return _answered(answered, view, schema, metadata)
    return await _shown(desk, body, edit, view, schema, metadata)


async def _shown(
    desk: Desk, body: Payload, edit: Edit, view: RequestView, schema: Json | None, metadata: Metadata
) -> dict[str, Any]:
    """The form again, with what these arguments would bring above its fields."""
    found = await desk.preview(edit, actor_of(body), origin_of(body))
    if isinstance(found, Answered):
        return _answered(found, view, schema, metadata)
    if fault := too_much(found.preview):
        return updated(edit_form(view, schema, channel=metadata.channel, fault=fault))
    difference = Difference(edit.args, found.preview, found.mentions)
    return updated(edit_form(view, schema, channel=metadata.channel, found=difference))


def _answered(answered: Answered, view: RequestView, schema: Json | None, metadata: Metadata) -> dict[str, Any]:
    verdict = answered.verdict
    if not isinstance(verdict, Refused):
        return updated(modals.notice("Recorded", answered.sentence))
    if verdict.reason is RefusalReason.NEEDS_REASON:
        return submissions.field_error(FieldId.REASON, verdict.reason.sentence)
    if verdict.reason in _MENDABLE:
        fault = verdict.message or verdict.reason.sentence
        return updated(edit_form(view, schema, channel=metadata.channel, fault=f"Nothing was changed. {fault}"))
    if verdict.reason is RefusalReason.OUTDATED and answered.view is not None:
        return updated(modals.outdated(answered.view, channel=metadata.channel))
    if verdict.reason is RefusalReason.TOO_LATE and answered.view is not None:
        return updated(modals.closed(answered.view))
    return updated(modals.notice("Nothing was changed", answered.sentence))
