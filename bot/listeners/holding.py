"""*I'm on it* and *Snooze*, behind *More...*: whoever may decide holds the reminders and escalations of a request."""

from __future__ import annotations

from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from agent_runtime.holding import Hold, Why
from agent_runtime.refusals import RefusalReason
from bot.cards import modals, notices
from bot.cards.ids import ActionId, Target
from bot.desk import Desk
from bot.listeners.opening import bounded
from bot.listeners.reading import Ack, Payload, actor_of, first_action, origin_of

_WHY = {ActionId.ON_IT: Why.ON_IT, ActionId.SNOOZE: Why.SNOOZED}


def register(app: AsyncApp, desk: Desk) -> None:
    """Attach both buttons."""

    def attach(action: ActionId, why: Why) -> None:
        @app.action(action.value)
        async def listener(ack: Ack, body: Payload, client: AsyncWebClient) -> None:
            await _hold(desk, why, body, client)
            await ack()

    for action, why in _WHY.items():
        attach(action, why)


async def _hold(desk: Desk, why: Why, body: Payload, client: AsyncWebClient) -> None:
    target = Target.parse(first_action(body).get("value"))
    if target is None:
        return
    hold = Hold(target.request_id, target.revision, target.stage, why)
    held = await desk.hold(hold, actor_of(body), origin_of(body))
    if isinstance(held, RefusalReason):
        title, sentence = "Nothing was changed", notices.refusal(held, await desk.request(target.request_id))
    else:
        title, sentence = "Recorded", notices.held(held)
    shown = body.get("view") or {}
    view = modals.notice(title, sentence)
    await bounded(client.views_update(view_id=shown.get("id"), hash=shown.get("hash"), view=view))
