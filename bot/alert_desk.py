"""What one person does with an alert: see who they are, hand the act to the runtime, and tell them what came of it
where the alert's message does not show it."""

from __future__ import annotations

from collections.abc import Mapping

from agent_runtime.alert_acts import AlertAct, act_on, asked_about, is_asked, request_of
from agent_runtime.alert_reading import AlertView, read_open_alerts
from agent_runtime.audit import Origin
from agent_runtime.holding import Hold, Why
from agent_runtime.people import authorise_operator
from agent_runtime.refusals import RefusalReason
from bot.cards import notices
from bot.desk import Desk, People
from bot.desk_work import Place
from storage.types import Actor

_DONE: Mapping[AlertAct, str] = {
    AlertAct.REMIND: "Everybody who is asked is reminded, below the card.",
    AlertAct.SEND_AGAIN: "It is sent again now.",
}
"""What the alert's message does not show."""


class AlertDesk:
    """Takes acts on alerts."""

    def __init__(self, desk: Desk, people: People) -> None:
        self._desk = desk
        self._people = people
        self._runtime = desk.runtime

    async def act(self, act: AlertAct, alert_id: str, actor: Actor, origin: Origin, place: Place) -> None:
        """Do it, and tell the person privately what came of it where nobody else sees that. Whoever acknowledges an
        alert and may decide holds its request, too."""
        runtime = self._runtime
        asked = await runtime.db.read(asked_about, runtime.seal, alert_id)
        selectors = tuple(dict.fromkeys((*runtime.policies.operators, *asked)))
        membership = await self._desk.stand_ins.look_up(actor, selectors)
        done = await runtime.db.transact(act_on, runtime.context(), runtime.alerts, act, alert_id, membership, origin)
        if isinstance(done, RefusalReason):
            words = notices.refusal(done)
        elif act is AlertAct.ACKNOWLEDGE and is_asked(membership, asked):
            words = await self._hold(alert_id, actor, origin)
        else:
            words = _DONE.get(act, "")
        if words:
            # Of one subject a person is told once a minute: each thing said is a subject of its own.
            came = done.value if isinstance(done, RefusalReason) else "done"
            await self._desk.tell(f"alert:{alert_id}:{act.value}:{came}", actor, place, words)

    async def _hold(self, alert_id: str, actor: Actor, origin: Origin) -> str:
        """Hold the reminders and the deadline of its request; what came of it, empty where it could not be held."""
        request = await self._runtime.db.read(request_of, alert_id)
        if request is None:
            return ""
        held = await self._desk.hold(Hold(request.id, request.revision, request.stage, Why.ON_IT), actor, origin)
        return "" if isinstance(held, RefusalReason) else notices.held(held)

    async def open_alerts(self, actor: Actor) -> list[AlertView] | RefusalReason:
        """Every open alert, for operators."""
        runtime = self._runtime
        membership = await self._people.member(actor, runtime.policies.operators)
        refusal = authorise_operator(membership, runtime.policies.operators, runtime.clock.now())
        return await runtime.db.read(read_open_alerts, runtime.alerts) if refusal is None else refusal
