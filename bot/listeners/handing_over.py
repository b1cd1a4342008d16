"""Handing one's approvals over from a card's *More...*."""

from __future__ import annotations

from typing import Any

from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from agent_runtime.refusals import RefusalReason
from bot.cards import modals, submissions
from bot.cards.hand_over import chosen_in, hand_over_form, handed_over
from bot.cards.ids import ActionId, CallbackId, FieldId
from bot.cards.text import capital
from bot.desk import Desk
from bot.listeners.opening import bounded, updated
from bot.listeners.reading import Ack, Payload, actor_of, is_in_modal, origin_of
from storage.types import Actor, ActorKind


def register(app: AsyncApp, desk: Desk) -> None:
    """Attach the button and its form."""

    @app.action(ActionId.HAND_OVER.value)
    async def pressed(ack: Ack, body: Payload, client: AsyncWebClient) -> None:
        show = client.views_push if is_in_modal(body) else client.views_open
        await bounded(show(trigger_id=str(body.get("trigger_id") or ""), view=hand_over_form()))
        await ack()

    @app.view(CallbackId.HAND_OVER.value)
    async def submitted(ack: Ack, body: Payload) -> None:
        await ack(**await _submit(desk, body))


async def _submit(desk: Desk, body: Payload) -> dict[str, Any]:
    actor = actor_of(body)
    chosen = chosen_in(submissions.state_in(body.get("view") or {}), desk.runtime.clock.now())
    if chosen is None:
        return submissions.field_error(FieldId.DELEGATE, "Please choose somebody, and for how long.")
    delegate = Actor(kind=ActorKind.SLACK, team=actor.team, id=chosen[0])
    absence = await desk.hand_over(actor, delegate, chosen[1], origin_of(body))
    if isinstance(absence, RefusalReason):
        return submissions.field_error(FieldId.DELEGATE, capital(absence.sentence))
    return updated(modals.notice("Handed over", handed_over(absence)))
