"""Shows the steps of ladders: below the card that still waits, in the channel of a rung or that for alerts, and to each
person directly. A request that was decided before its step is told says nothing any more."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from agent_runtime.outbound import card_key, tell_each
from agent_runtime.reading import read_request
from agent_runtime.rules import Rules
from agent_runtime.runtime import Runtime
from agent_runtime.views import RequestView
from bot.cards.blocks import Message
from bot.cards.reminder import step_message
from bot.directory import Directory
from bot.placing import Root, read_root
from bot.posting import Place, Posting, shown_elsewhere
from bot.slack_calls import NotYet, SlackCalls
from bot.slack_client import SlackClients
from bot.standing_in import StandIns
from storage import messages, outbox, requests
from storage.models import Delivery
from storage.models import Message as Row
from storage.tx import Tx
from storage.types import DeliveryStatus, RequestStatus

_LOOK_AGAIN = timedelta(seconds=2)
"""When a step is looked at again whose card is still coming."""

MOST_DIRECT = 10
"""A step is told to each person of a group that is no larger; for others the mention in the channel has to do."""


@dataclass(frozen=True, slots=True)
class StepRows:
    """The requests of one card that wait at this step, and where the card and the run's own message stand: one
    snapshot. `card` is None where it never will stand; `rules` are those of the first."""

    views: tuple[RequestView, ...]
    rules: Rules
    card: Row | None
    is_coming: bool
    root: Root


def read_step(tx: Tx, delivery: Delivery) -> StepRows | None:
    """What a step is about; None where nothing waits there any more."""
    first = requests.get(tx, delivery.subject)
    if first is None:
        return None
    together = requests.on_card(tx, first) if first.card == first.id and delivery.body.get("asking") == 1 else [first]
    views = tuple(view for one in together if (view := read_request(tx, one.id)) and _waits_there(view, delivery))
    if not views:
        return None
    key = card_key(views[0])
    card, brings = messages.get(tx, key), outbox.get(tx, key)
    stands = card is not None and card.ts is not None
    over = brings is None or brings.status in {DeliveryStatus.DEAD, DeliveryStatus.EXPIRED}
    rules = Rules.model_validate(first.rules)
    return StepRows(views, rules, card if stands else None, not stands and not over, read_root(tx, first.run_id))


class StepShowing:
    """Makes one delivery about a step. What it returns is what people should know about a delivery that was made
    otherwise than wanted; empty where all is well."""

    def __init__(self, runtime: Runtime, clients: SlackClients, calls: SlackCalls, directory: Directory) -> None:
        self._runtime = runtime
        self._db = runtime.db
        self._clock = runtime.clock
        self._directory = directory
        self._stand_ins = StandIns(runtime, directory)
        self._posting = Posting(runtime.db, clients, calls, runtime.clock, directory.identity)

    async def show(self, delivery: Delivery) -> str:
        """Make the delivery. Raises `NotYet`, `NoPlace`, `LeaseLost`, `SlackFailure`."""
        rows = await self._db.read(read_step, delivery)
        if rows is None:
            return ""
        if rows.is_coming:
            raise NotYet(self._clock.now() + _LOOK_AGAIN)
        channel, user, group = (str(delivery.body.get(name) or "") for name in ("channel", "user", "group"))
        if group:
            return await self._each(delivery, rows, group)
        if delivery.body.get("alerts"):
            channel = self._runtime.alerts.channel_for(rows.views[0].agent)
            if not channel or await self._is_beside(rows.card, channel):
                return ""

        async def render(_place: Place) -> Message:
            mentions = () if user else await self._mentions(rows.views[0])
            link = await self._link(rows.card) if channel or user else ""
            return step_message(
                rows.views, now=self._clock.now(), mentions=mentions, card=link, apart=bool(channel or user),
                to=user,
            )  # fmt: skip

        return shown_elsewhere(
            await self._posting.reconcile(delivery, partial(self._places, rows, channel, user), render)
        )

    async def _each(self, delivery: Delivery, rows: StepRows, group: str) -> str:
        """Have everybody of a group told who may decide, and is asked to."""
        view, rules = rows.views[0], rows.rules
        public, guests = rules.stages[view.stage].allow_public, rules.allow_guests
        people = await self._directory.able((group,), allow_public=public, allow_guests=guests)
        if not rules.allow_self_approval:
            people -= {view.starter.id}
        if len(people) <= MOST_DIRECT:
            await self._db.transact(tell_each, self._runtime.context(), delivery, people)
        return ""

    async def _is_beside(self, card: Row | None, channel: str) -> bool:
        """Whether the card stands in this channel, so that what is said below it is said there."""
        found = await self._directory.channels.id_of(channel)
        return card is not None and card.channel == found

    async def _places(self, rows: StepRows, channel: str, user: str) -> AsyncIterator[Place]:
        """Where it was wanted; a reminder below its card, else in the run's thread."""
        if user:
            yield Place(await self._directory.channels.direct(user))
            return
        if channel:
            yield Place(await self._directory.channels.id_of(channel))
        if rows.card is not None and rows.card.ts is not None:
            yield Place(rows.card.channel, rows.card.thread_ts or rows.card.ts)
        if rows.root.thread is not None:
            yield rows.root.thread

    async def _mentions(self, view: RequestView) -> tuple[str, ...]:
        approvers = view.asked_stage.approvers
        named = await self._directory.resolve_mentions(approvers, view.starter)
        return (*named, *await self._stand_ins.mentions(approvers, view.starter, self._directory.named))

    async def _link(self, card: Row | None) -> str:
        """The address of the card; empty where it is between the bot and one person."""
        if card is None or card.ts is None:
            return ""
        return await self._directory.channels.link(card.channel, card.ts)


def _waits_there(view: RequestView, delivery: Delivery) -> bool:
    """Whether the request still waits in this asking, and no later step has been told meanwhile."""
    asking, rung = delivery.body.get("asking"), delivery.body.get("rung")
    if view.status is not RequestStatus.PENDING or view.held_until is not None or view.asking != asking:
        return False
    alone = delivery.body.get("user") or delivery.body.get("group")
    return bool(alone) or view.ladder.rung == int(str(rung)) + 1
