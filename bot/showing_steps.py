"""Shows the steps of ladders: below the card that still waits, in the channel of a rung, and to one person directly. A
request that was decided before its step is told says nothing any more."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from agent_runtime.clock import Clock
from agent_runtime.outbound import card_key
from agent_runtime.reading import read_request
from agent_runtime.views import RequestView
from bot.cards.blocks import Message
from bot.cards.reminder import step_message
from bot.directory import Directory
from bot.placing import Root, read_root
from bot.posting import Place, Posting
from bot.slack_calls import NotYet, SlackCalls
from bot.slack_client import SlackClients
from bot.standing_in import StandIns
from storage import messages, outbox, requests
from storage.database import Database
from storage.models import Delivery
from storage.models import Message as Row
from storage.tx import Tx
from storage.types import DeliveryStatus, RequestStatus

_LOOK_AGAIN = timedelta(seconds=2)
"""When a step is looked at again whose card is still coming."""


@dataclass(frozen=True, slots=True)
class StepRows:
    """The requests of one card that wait at this step, and where the card and the run's own message stand: one
    snapshot. `card` is None where it never will stand."""

    views: tuple[RequestView, ...]
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
    return StepRows(views, card if stands else None, not stands and not over, read_root(tx, first.run_id))


class StepShowing:
    """Makes one delivery about a step. What it returns is what people should know about a delivery that was made
    otherwise than wanted; empty where all is well."""

    def __init__(
        self,
        db: Database,
        clients: SlackClients,
        calls: SlackCalls,
        clock: Clock,
        directory: Directory,
        stand_ins: StandIns,
    ) -> None:
        self._db = db
        self._clock = clock
        self._directory = directory
        self._stand_ins = stand_ins
        self._posting = Posting(db, clients, calls, clock, directory.identity)

    async def show(self, delivery: Delivery) -> str:
        """Make the delivery. Raises `NotYet`, `NoPlace`, `LeaseLost`, `SlackFailure`."""
        rows = await self._db.read(read_step, delivery)
        if rows is None:
            return ""
        if rows.is_coming:
            raise NotYet(self._clock.now() + _LOOK_AGAIN)
        channel, user = (str(delivery.body.get(name) or "") for name in ("channel", "user"))

        async def render(_place: Place) -> Message:
            mentions = () if user else await self._mentions(rows.views[0])
            link = await self._link(rows.card) if channel or user else ""
            return step_message(
                rows.views, now=self._clock.now(), mentions=mentions, card=link, apart=bool(channel or user),
                to=user,
            )  # fmt: skip

        refusals = await self._posting.reconcile(delivery, partial(self._places, rows, channel, user), render)
        said = "; ".join(f"{place.channel}: {code}" for place, code in refusals)
        return f"shown elsewhere, because of {said}" if said else ""

    async def _places(self, rows: StepRows, channel: str, user: str) -> AsyncIterator[Place]:
        """Where it was wanted; a reminder below its card, else in the run's thread."""
        if user:
            yield Place(await self._directory.channels.direct(user))
            return
        if channel:
            found = (await self._directory.channels.find(channel)).value if channel.startswith("#") else None
            yield Place(found.id if found else channel)
        if rows.card is not None and rows.card.ts is not None:
            yield Place(rows.card.channel, rows.card.thread_ts or rows.card.ts)
        if rows.root.thread is not None:
            yield rows.root.thread

    async def _mentions(self, view: RequestView) -> tuple[str, ...]:
        approvers = view.stages[min(view.stage, len(view.stages) - 1)].approvers
        named = await self._directory.resolve_mentions(approvers, view.starter)
        return (*named, *await self._stand_ins.mentions(approvers, view.starter, self._directory.named))

    async def _link(self, card: Row | None) -> str:
        """The address of the card; empty where it is between the bot and one person."""
        if card is None or card.ts is None or card.channel.startswith("D"):
            return ""
        return await self._directory.channels.permalink(card.channel, card.ts)


def _waits_there(view: RequestView, delivery: Delivery) -> bool:
    """Whether the request still waits in this asking, and no later step has been told meanwhile."""
    asking, rung = delivery.body.get("asking"), delivery.body.get("rung")
    if view.status is not RequestStatus.PENDING or view.held_until is not None or view.asking != asking:
        return False
    return bool(delivery.body.get("user")) or view.ladder.rung == int(str(rung)) + 1
