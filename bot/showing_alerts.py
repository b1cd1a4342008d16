"""Shows alerts, the lines that call people again, and the daily digest: where they belong, or in the next place that
takes them. An alert that moved leaves a message behind, which is redrawn once its place takes that again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial

import structlog

from agent_runtime.alert_reading import AlertView, read_alert
from agent_runtime.alerts import message_key, places_refused
from agent_runtime.context import Context
from agent_runtime.daily import read_digest
from agent_runtime.outbound import Priority, Topic, card_key
from agent_runtime.runtime import Runtime
from agent_runtime.selectors import Selector
from bot.cards.alert import alert_card, call_line
from bot.cards.blocks import Message
from bot.cards.daily import digest
from bot.directory import Directory
from bot.placing import read_root
from bot.posting import Place, Posting
from bot.slack_calls import SlackCalls
from bot.slack_client import SlackClients, SlackFailure
from storage import alerts, messages, outbox
from storage.models import Delivery
from storage.models import Message as Row
from storage.tx import Tx

log = structlog.get_logger("signoff")

_NOWHERE = "the policy file names no channel for alerts, nor a person"
_LEFT = ":left:"
"""What stands in a delivery's key between that of an alert's message and the place that it left."""
_LEFT_FOR = timedelta(minutes=5)
"""After so long a message that was left behind is looked at first."""

MOST_OPERATORS = 10
"""So many operators are tried, each alone, where no channel takes an alert."""


class AlertShowing:
    """Makes one delivery about alerts. What it returns is what people should know about a delivery that was made
    otherwise than wanted; empty where all is well."""

    def __init__(
        self, runtime: Runtime, clients: SlackClients, calls: SlackCalls, directory: Directory, approvals_channel: str
    ) -> None:
        self._runtime = runtime
        self._approvals_channel = approvals_channel
        self._directory = directory
        self._posting = Posting(runtime.db, clients, calls, runtime.clock, directory.identity)

    async def show(self, delivery: Delivery) -> str:
        """Make the delivery. Raises `NotYet`, `NoPlace`, `LeaseLost`, `SlackFailure`."""
        match delivery.kind:
            case Topic.CALL.value:
                return await self._call(delivery)
            case Topic.DIGEST.value:
                return await self._digest(delivery)
            case _ if _LEFT in delivery.key:
                return await self._left(delivery)
            case _:
                return await self._alert(delivery)

    async def _alert(self, delivery: Delivery) -> str:
        db = self._runtime.db
        view = await db.read(read_alert, delivery.subject, self._runtime.alerts)
        if view is not None and view.resolved_at is not None:
            await db.transact(_redraw_left, self._runtime.context(), view.id)
        row = await db.read(messages.get, delivery.key)
        stands = row is not None and (row.ts is not None or row.posting_since is not None)
        if view is None or not (view.is_told or stands):
            return ""

        async def render(_place: Place) -> Message:
            return await self._render(view)

        if not stands and not self._targets(view.channel):
            return _NOWHERE
        places, left = partial(self._places, view.channel), partial(_leave, self._runtime.context(), view.id)
        refusals = await self._posting.reconcile(delivery, places, render, anywhere=True, left=left)
        if refusals:
            said = ", ".join(f"{place.channel}: {code}" for place, code in refusals)
            await db.transact(places_refused, self._runtime.context(), view.id, said)
            return f"shown elsewhere, because of {said}"
        return ""

    async def _left(self, delivery: Delivery) -> str:
        """What stands in a place that took nothing for a while, and has nothing to press there any more."""
        view = await self._runtime.db.read(read_alert, delivery.subject, self._runtime.alerts)
        if view is None:
            return ""

        async def render(_place: Place) -> Message:
            return await self._render(replace(view, folded=view.resolved_at is None))

        await self._posting.redraw(delivery, render)
        return ""

    async def _render(self, view: AlertView) -> Message:
        asked: tuple[str, ...] = ()
        card = ""
        if view.request is not None:
            card = await self._card_link(card_key(view.request))
            approvers = view.request.asked_stage.approvers
            asked = await self._directory.resolve_mentions(approvers, view.request.starter)
        operators, thread = await self._operators(), await self._thread(view)
        return alert_card(view, asked=asked, operators=operators, thread=thread, card=card)

    async def _thread(self, view: AlertView) -> str:
        """The address of the run's thread; empty where there is none that others can read."""
        root = await self._runtime.db.read(read_root, view.run_id) if view.run_id else None
        thread = root.thread if root is not None else None
        return "" if thread is None else await self._directory.channels.link(thread.channel, thread.thread_ts)

    async def _call(self, delivery: Delivery) -> str:
        """Below the alert's message, while that goes on."""
        above = await self._runtime.db.read(_standing, delivery.subject)
        if above is None:
            return ""
        line = call_line(str(delivery.body.get("text") or ""), await self._operators())

        async def places() -> AsyncIterator[Place]:
            yield above

        async def render(_place: Place) -> Message:
            return line

        await self._posting.reconcile(delivery, places, render)
        return ""

    async def _digest(self, delivery: Delivery) -> str:
        """What waits and what is stuck when it is delivered; nothing where that is nothing."""
        runtime, rules = self._runtime, self._runtime.alerts
        row = await runtime.db.read(messages.get, delivery.key)
        view = await runtime.db.read(read_digest, runtime.context(), rules)
        if (row is not None and row.ts is not None) or view.is_empty:
            return ""
        if not self._targets(rules.channel):
            return _NOWHERE
        links = {request.id: await self._card_link(key) for request, key in view.waiting}
        told = digest(view, links, runtime.clock.now())

        async def render(_place: Place) -> Message:
            return told

        refusals = await self._posting.reconcile(delivery, partial(self._places, rules.channel), render, anywhere=True)
        return "; ".join(f"{place.channel}: {code}" for place, code in refusals)

    async def _card_link(self, key: str) -> str:
        """The address of a card; empty where it does not stand, or between the bot and one person."""
        row = await self._runtime.db.read(messages.get, key)
        if row is None or row.ts is None:
            return ""
        return await self._directory.channels.link(row.channel, row.ts)

    async def _operators(self) -> tuple[str, ...]:
        return await self._directory.resolve_mentions(self._runtime.policies.operators)

    def _targets(self, channel: str) -> list[str]:
        """The channel, the fallbacks of the settings, the approvals channel, and at last operators."""
        named = (channel, *self._runtime.alerts.fallback, self._approvals_channel, *self._runtime.policies.operators)
        return [one for one in dict.fromkeys(named) if one]

    async def _places(self, channel: str) -> AsyncIterator[Place]:
        operators = self._runtime.policies.operators
        targets = self._targets(channel)
        for target in targets:
            if target not in operators:
                yield await self._place(target)
        for user in await self._people([one for one in targets if one in operators]):
            yield await self._place(f"user:{user}")

    async def _place(self, target: str) -> Place:
        """A target's place; where Slack does not say which, the target itself: it will say what is wrong with that."""
        channels, (kind, _, name) = self._directory.channels, target.partition(":")
        try:
            if kind == "user":
                return Place(await channels.direct(name))
            return Place(await channels.id_of(target))
        except SlackFailure:
            return Place(name or target)

    async def _people(self, operators: Sequence[Selector]) -> list[str]:
        """The ids of operators: those who are named as persons first, then those of groups."""
        people = [name for kind, _, name in (one.partition(":") for one in operators) if kind == "user"]
        try:
            people += sorted(await self._directory.able(operators, allow_public=True, allow_guests=False))
        except SlackFailure as failure:
            log.warning("operators are not known", problem=str(failure))
        return list(dict.fromkeys(people))[:MOST_OPERATORS]


def _standing(tx: Tx, alert_id: str) -> Place | None:
    """Where the message of an alert stands that is not over."""
    row, alert = messages.get(tx, message_key(alert_id)), alerts.get(tx, alert_id)
    goes_on = alert is not None and alert.resolved_at is None
    return Place(row.channel, row.ts) if row is not None and row.ts is not None and goes_on else None


def _leave(context: Context, alert_id: str, tx: Tx, row: Row) -> None:
    """The message stays where it is, with a delivery of its own."""
    key = f"{row.key}{_LEFT}{row.channel}:{row.ts}"
    messages.leave(tx, row.key, key, context.now)
    outbox.want(tx, key, Topic.ALERT, alert_id, Priority.ALERT, context.now, patience=_LEFT_FOR)


def _redraw_left(tx: Tx, context: Context, alert_id: str) -> None:
    """Messages that were left behind say that it is over, too."""
    for key in outbox.keys_about(tx, Topic.ALERT, alert_id):
        if _LEFT in key:
            outbox.want(tx, key, Topic.ALERT, alert_id, Priority.ALERT, context.now)
