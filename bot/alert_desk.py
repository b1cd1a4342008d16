"""What one person does with an alert: see who they are, hand the act to the runtime, and tell them where it is
refused."""

from __future__ import annotations

from agent_runtime.alert_acts import AlertAct, act_on, asked_about, request_of
from agent_runtime.alert_reading import AlertView, read_open_alerts
from agent_runtime.audit import Origin
from agent_runtime.holding import Hold, Why
from agent_runtime.people import authorise_operator
from agent_runtime.refusals import RefusalReason
from bot.cards import notices
from bot.desk import Desk, People
from bot.desk_work import Place
from storage.types import Actor


class AlertDesk:
    """Takes acts on alerts."""

    def __init__(self, desk: Desk, people: People) -> None:
        self._desk = desk
        self._people = people
        self._runtime = desk.runtime

    async def act(self, act: AlertAct, alert_id: str, actor: Actor, origin: Origin, place: Place) -> None:
        """Do it; a refusal is told to the person privately."""
        runtime = self._runtime
        asked = await runtime.db.read(asked_about, runtime.seal, alert_id)
        selectors = tuple(dict.fromkeys((*runtime.policies.operators, *asked)))
        membership = await self._desk.stand_ins.look_up(actor, selectors)
        done = await runtime.db.transact(act_on, runtime.context(), runtime.alerts, act, alert_id, membership, origin)
        if isinstance(done, RefusalReason):
            await self._desk.tell(f"alert:{alert_id}", actor, place, notices.refusal(done))

    async def take_over(self, alert_id: str, actor: Actor, origin: Origin, place: Place) -> None:
        """Acknowledge it, and hold the reminders and the deadline of its request where this person may decide."""
        await self.act(AlertAct.ACKNOWLEDGE, alert_id, actor, origin, place)
        request = await self._runtime.db.read(request_of, alert_id)
        if request is not None:
            hold = Hold(request.id, request.revision, request.stage, Why.ON_IT)
            held = await self._desk.hold(hold, actor, origin)
            words = notices.refusal(held) if isinstance(held, RefusalReason) else notices.held(held)
            await self._desk.tell(f"alert:{alert_id}", actor, place, words)

    async def open_alerts(self, actor: Actor) -> list[AlertView] | RefusalReason:
        """Every open alert, for operators."""
        runtime = self._runtime
        membership = await self._people.member(actor, runtime.policies.operators)
        refusal = authorise_operator(membership, runtime.policies.operators, runtime.clock.now())
        return await runtime.db.read(read_open_alerts, runtime.alerts) if refusal is None else refusal
