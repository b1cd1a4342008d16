"""The buttons of an alert. What was pressed is durable before the acknowledgement."""

from __future__ import annotations

from collections.abc import Mapping

from slack_bolt.app.async_app import AsyncApp

from agent_runtime.alert_acts import AlertAct
from bot.alert_desk import AlertDesk
from bot.cards.ids import ActionId, alert_id_of
from bot.listeners.reading import Ack, Payload, actor_of, first_action, origin_of, place_of

ACTS: Mapping[ActionId, AlertAct] = {
    ActionId.ALERT_ACKNOWLEDGE: AlertAct.ACKNOWLEDGE,
    ActionId.ALERT_MUTE: AlertAct.MUTE,
    ActionId.ALERT_UNMUTE: AlertAct.UNMUTE,
    ActionId.ALERT_REMIND: AlertAct.REMIND,
    ActionId.ALERT_SEND_AGAIN: AlertAct.SEND_AGAIN,
}


def register(app: AsyncApp, desk: AlertDesk) -> None:
    """Attach every button."""

    def attach(action: ActionId, act: AlertAct) -> None:
        @app.action(action.value)
        async def listener(ack: Ack, body: Payload) -> None:
            alert_id = alert_id_of(first_action(body).get("value"))
            if alert_id is not None:
                await desk.act(act, alert_id, actor_of(body), origin_of(body), place_of(body))
            await ack()

    for action, act in ACTS.items():
        attach(action, act)
