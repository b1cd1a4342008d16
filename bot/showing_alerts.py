"""Shows alerts, the lines that call people again, and the daily digest: where they belong, or in the next place that
takes them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial

from agent_runtime.alert_reading import AlertView, read_alert
from agent_runtime.alerts import message_key, places_refused
from agent_runtime.daily import read_digest
from agent_runtime.outbound import Topic, card_key
from agent_runtime.runtime import Runtime
from bot.cards.alert import alert_card, call_line
from bot.cards.blocks import Message
from bot.cards.daily import digest
from bot.directory import Directory
from bot.placing import read_root
from bot.posting import Place, Posting
from bot.slack_calls import SlackCalls
from bot.slack_client import SlackClients, SlackRefused
from storage import messages
from storage.models import Delivery
from storage.tx import Tx

_NOWHERE = "the policy file names no channel for alerts, nor a person"


class AlertShowing:
    """Makes one delivery about alerts. What it returns is what people should know about a delivery that was made
    otherwise than wanted; empty where all is well."""

    def __init__(self, runtime: Runtime, clients: SlackClients, calls: SlackCalls, directory: Directory) -> None:
        self._runtime = runtime
        self._directory = directory
        self._posting = Posting(runtime.db, clients, calls, runtime.clock, directory.identity)

    async def show(self, delivery: Delivery) -> str:
        """Make the delivery. Raises `NotYet`, `NoPlace`, `LeaseLost`, `SlackFailure`."""
        match delivery.kind:
            case Topic.CALL.value:
                return await self._call(delivery)
            case Topic.DIGEST.value:
                return await self._digest(delivery)
            case _:
                return await self._alert(delivery)

    async def _alert(self, delivery: Delivery) -> str:
        db = self._runtime.db
        view = await db.read(read_alert, delivery.subject, self._runtime.alerts)
        row = await db.read(messages.get, delivery.key)
        stands = row is not None and (row.ts is not None or row.posting_since is not None)
        if view is None or not (view.is_told or stands):
            return ""

        async def render(_place: Place) -> Message:
            return await self._render(view)

        if not stands and not self._targets(view.channel):
            return _NOWHERE
        refusals = await self._posting.reconcile(delivery, partial(self._places, view.channel), render)
        if refusals:
            said = ", ".join(f"{place.channel}: {code}" for place, code in refusals)
            await db.transact(places_refused, self._runtime.context(), view.id, said)
            return f"shown elsewhere, because of {said}"
        return ""

    async def _render(self, view: AlertView) -> Message:
        asked: tuple[str, ...] = ()
        card = ""
        if view.request is not None:
            card = await self._card_link(card_key(view.request))
            stage = view.request.stages[min(view.request.stage, len(view.request.stages) - 1)]
            asked = await self._directory.resolve_mentions(stage.approvers, view.request.starter)
        operators, thread = await self._operators(), await self._thread(view)
        return alert_card(view, asked=asked, operators=operators, thread=thread, card=card)

    async def _thread(self, view: AlertView) -> str:
        """The address of the run's thread; empty where there is none that others can read."""
        root = await self._runtime.db.read(read_root, view.run_id) if view.run_id else None
        thread = root.thread if root is not None else None
        if thread is None or thread.channel.startswith("D"):
            return ""
        return await self._directory.channels.permalink(thread.channel, thread.thread_ts)

    async def _call(self, delivery: Delivery) -> str:
        """Below the alert's message, while it stands."""
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

        refusals = await self._posting.reconcile(delivery, partial(self._places, rules.channel), render)
        return "; ".join(f"{place.channel}: {code}" for place, code in refusals)

    async def _card_link(self, key: str) -> str:
        """The address of a card; empty where it does not stand, or between the bot and one person."""
        row = await self._runtime.db.read(messages.get, key)
        if row is None or row.ts is None or row.channel.startswith("D"):
            return ""
        return await self._directory.channels.permalink(row.channel, row.ts)

    async def _operators(self) -> tuple[str, ...]:
        return await self._directory.resolve_mentions(self._runtime.policies.operators)

    def _targets(self, channel: str) -> list[str]:
        """The channel, the fallbacks of the settings, and at last each operator who is named as a person."""
        people = (who for who in self._runtime.policies.operators if who.startswith("user:"))
        return [one for one in dict.fromkeys((channel, *self._runtime.alerts.fallback, *people)) if one]

    async def _places(self, channel: str) -> AsyncIterator[Place]:
        channels = self._directory.channels
        for target in self._targets(channel):
            kind, _, name = target.partition(":")
            if kind == "user":
                try:
                    yield Place(await channels.direct(name))
                except SlackRefused:
                    yield Place(name)  # Slack says what is wrong with it.
            else:
                found = (await channels.find(target)).value if target.startswith("#") else None
                yield Place(found.id if found else target)


def _standing(tx: Tx, alert_id: str) -> Place | None:
    row = messages.get(tx, message_key(alert_id))
    return Place(row.channel, row.ts) if row is not None and row.ts is not None else None
