"""Where the messages of a run go: its own message, the root of its thread; its cards; the lines of its story."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

from agent_runtime.audit import Event
from agent_runtime.clock import Clock
from agent_runtime.inquiries import read_inquiry
from agent_runtime.outbound import Priority, Topic, card_key, cards_of, first_card, stage_of_card
from agent_runtime.policy import Rules, Stage
from agent_runtime.reading import read_request, read_run
from agent_runtime.views import InquiryView, RequestView, RunView
from bot.channels import Channels
from bot.posting import Place
from bot.slack_calls import NotYet
from bot.slack_client import SlackRefused
from storage import audit, messages, outbox, requests, runs
from storage.models import Delivery, Message, Request
from storage.tx import Tx
from storage.types import ActorKind, DeliveryStatus, Json, RequestStatus

ROOT_SOON = timedelta(seconds=5)
"""So long after its request was opened a card waits for the run's own message, to link to it."""

_LOOK_AGAIN = timedelta(seconds=2)
"""When something that waits for the run's own message is looked at, should nobody hurry it before."""

_OVER = frozenset({DeliveryStatus.DEAD, DeliveryStatus.EXPIRED})


@dataclass(frozen=True, slots=True)
class Root:
    """The run's own message, as far as it stands; `delivery` is what brings it there."""

    message: Message | None
    delivery: Delivery | None

    @property
    def thread(self) -> Place | None:
        """The run's thread; None while there is none."""
        if self.message is None or self.message.ts is None:
            return None
        # A root that had to be shown anew as a reply is no root: its thread is.
        return Place(self.message.channel, self.message.thread_ts or self.message.ts)

    @property
    def is_coming(self) -> bool:
        """Whether it does not stand yet, and may still."""
        return self.thread is None and self.delivery is not None and self.delivery.status not in _OVER

    @property
    def is_near(self) -> bool:
        """Whether it is coming and nothing has gone wrong so far."""
        return self.is_coming and self.delivery is not None and self.delivery.failures == 0


@dataclass(frozen=True, slots=True)
class Newer:
    """Another card of a request, on which it was asked later; no message until it stands."""

    message: Message | None


@dataclass(frozen=True, slots=True)
class OnCard:
    """A request on a card. `newer` is the card on which it is asked by now, where that is another one."""

    view: RequestView
    newer: Newer | None

    @property
    def is_outdated(self) -> bool:
        """Whether it waits, and is asked on another card."""
        return self.newer is not None and self.view.status is RequestStatus.PENDING


@dataclass(frozen=True, slots=True)
class CardRows:
    """Everything that says what a card shows and where: one snapshot. `shown` are its requests, most often one."""

    shown: tuple[OnCard, ...]
    stage: Stage
    root: Root

    @property
    def asked(self) -> RequestView:
        """The first request that is asked on this card; the first of all where none is."""
        here = (one for one in self.shown if one.view.status is RequestStatus.PENDING and not one.is_outdated)
        return next(here, self.shown[0]).view

    @property
    def is_outdated(self) -> bool:
        """Whether all of it is asked on other cards by now."""
        return all(one.is_outdated for one in self.shown)


@dataclass(frozen=True, slots=True)
class RunRows:
    """Everything that says what a run's own message shows and where: one snapshot."""

    view: RunView
    origin: Json
    asking: Stage | None = None
    """The stage that the oldest open request is in."""


@dataclass(frozen=True, slots=True)
class InquiryRows:
    """An approver's question, the request it is about, and where its thread is: one snapshot."""

    inquiry: InquiryView
    view: RequestView
    root: Root


@dataclass(frozen=True, slots=True)
class NoteRows:
    """Where a line of a run's story goes. `is_next`: every line before it is out, or was given up. `finished` is
    the run, where the line tells that it did. A failure is no end: a retry takes its reason from the run's own message,
    and the line keeps it."""

    root: Root
    is_next: bool
    finished: RunView | None = None


def read_root(tx: Tx, run_id: str) -> Root:
    """A run's own message."""
    return Root(messages.get(tx, run_key(run_id)), outbox.get(tx, run_key(run_id)))


def read_card(tx: Tx, request_id: str, key: str) -> CardRows | None:
    """What the card with this key is about."""
    request = requests.get(tx, request_id)
    if request is None:
        return None
    shares = request.card == request.id and key == first_card(request.id)
    shown = [_on_card(tx, one, key) for one in (requests.on_card(tx, request) if shares else [request])]
    return CardRows(tuple(shown), _stage(request, stage_of_card(key)), read_root(tx, request.run_id))


def _on_card(tx: Tx, request: Request, key: str) -> OnCard:
    view, newest = read_request(tx, request.id), card_key(request)
    assert view is not None, "read in this transaction"
    return OnCard(view, Newer(messages.get(tx, newest)) if key != newest else None)


def _stage(request: Request, number: int) -> Stage:
    """The stage with this number, or the last: an edit may have left fewer."""
    stages = Rules.model_validate(request.rules).stages
    return stages[min(number, len(stages) - 1)]


def read_run_rows(tx: Tx, run_id: str) -> RunRows | None:
    """What a run's own message is about."""
    view, run = read_run(tx, run_id), runs.get(tx, run_id)
    return None if view is None or run is None else RunRows(view, run.origin, _asking(tx, view))


def _asking(tx: Tx, view: RunView) -> Stage | None:
    oldest = requests.get(tx, view.waiting_on[0].id) if view.waiting_on else None
    return _stage(oldest, oldest.stage) if oldest is not None else None


def read_inquiry_rows(tx: Tx, request_id: str, inquiry_id: str) -> InquiryRows | None:
    """What an approver's question is about."""
    inquiry, view = read_inquiry(tx, inquiry_id), read_request(tx, request_id)
    return None if inquiry is None or view is None else InquiryRows(inquiry, view, read_root(tx, view.run_id))


def read_note(tx: Tx, run_id: str, number: int) -> NoteRows:
    """What the line with this number waits for."""
    others = outbox.unsettled(tx, Topic.NOTE, run_id)
    earlier = (other.key for other in others if note_number(other) < number)
    rows = (messages.get(tx, key) for key in earlier)
    is_next = all(row is not None and row.ts is not None for row in rows)
    return NoteRows(read_root(tx, run_id), is_next, _finished(tx, run_id, number))


def _finished(tx: Tx, run_id: str, number: int) -> RunView | None:
    entry = audit.get(tx, number)
    told = entry is not None and entry.run_id == run_id and entry.event == Event.RUN_SUCCEEDED.value
    return read_run(tx, run_id) if told else None


def note_number(delivery: Delivery) -> int:
    """The place of a line in its run's story."""
    return int(delivery.key.rpartition(":")[2])


def hurry_what_waited(tx: Tx, delivery: Delivery, clock: Clock) -> None:
    """The message of this delivery, a run's own or a line of its story, stands: what waited for it is due."""
    asked = (request.id for request in requests.of_run(tx, delivery.subject))
    outbox.hurry(tx, [delivery.subject, *asked], clock.now(), but=delivery.key)


def show_where_asked(tx: Tx, delivery: Delivery, clock: Clock) -> None:
    """The message of this delivery, a card, stands: the earlier cards of its request can link to it."""
    request = requests.get(tx, delivery.subject)
    for key, whose in cards_of(tx, request).items() if request else ():
        if key != delivery.key:
            outbox.want(tx, key, Topic.CARD, whose, Priority.VOTE, clock.now())


def doubt_root(tx: Tx, run_id: str, clock: Clock) -> None:
    """The run's thread took no reply: see whether its own message must go elsewhere."""
    row, now = messages.get(tx, run_key(run_id)), clock.now()
    if row is not None and row.ts is not None:
        messages.placed(tx, row.key, row.channel, row.ts, "", now)
    outbox.want(tx, run_key(run_id), Topic.RUN, run_id, Priority.RUN, now)


def run_key(run_id: str) -> str:
    """The key of the delivery of a run's own message."""
    return f"run:{run_id}"


class Placing:
    """The places for each kind of message, the best first."""

    def __init__(self, channels: Channels, clock: Clock, approvals_channel: str) -> None:
        self._channels = channels
        self._clock = clock
        self._approvals_channel = approvals_channel

    async def of_run(self, rows: RunRows) -> AsyncIterator[Place]:
        """Where it was started, in the thread where that was in one; else its starter's direct messages; else the
        approvals channel."""
        if channel := str(rows.origin.get("channel") or ""):
            yield Place(channel, str(rows.origin.get("thread_ts") or ""))
        starter = rows.view.starter
        if starter.kind is ActorKind.SLACK:
            try:
                yield Place(await self._channels.direct(starter.id))
            except SlackRefused:
                yield Place(starter.id)  # Slack takes a person's id, too, and says what is wrong with it.
        if self._approvals_channel:
            yield Place(await self._channels.id_of(self._approvals_channel))

    async def of_card(self, rows: CardRows) -> AsyncIterator[Place]:
        """Where its stage says, else the approvals channel; what is for the starter, and all else, in the run's thread.
        Nowhere where it is asked on another card by now: that one is enough. Raises `NotYet` while the run's own
        message is to be waited for."""
        if rows.is_outdated:
            return
        if wanted := self._wanted(rows.stage):
            if rows.root.is_near and self._clock.now() < rows.asked.opened_at + ROOT_SOON:
                raise NotYet(self._clock.now() + _LOOK_AGAIN)
            yield Place(await self._channels.id_of(wanted))
        async for place in self.of_reply(rows.root):
            yield place

    async def asked_in(self, rows: RunRows, place: Place) -> str:
        """The id of the channel in which a run's oldest open request is asked; empty where that is this place, and
        where it is not known."""
        wanted = self._wanted(rows.asking) if rows.asking is not None else ""
        channel = await self._channels.id_of(wanted) if wanted else ""
        return "" if channel == place.channel or channel.startswith("#") else channel

    def _wanted(self, stage: Stage) -> str:
        return stage.channel or ("" if stage.in_thread else self._approvals_channel)

    async def of_note(self, rows: NoteRows) -> AsyncIterator[Place]:
        """The run's thread, after the lines before. Raises `NotYet` until then."""
        if not rows.is_next:
            raise NotYet(self._clock.now() + _LOOK_AGAIN)
        async for place in self.of_reply(rows.root):
            yield place

    async def of_reply(self, root: Root) -> AsyncIterator[Place]:
        """The run's thread. Raises `NotYet` while its root is coming."""
        if root.is_coming:
            assert root.delivery is not None
            raise NotYet(max(self._clock.now() + _LOOK_AGAIN, root.delivery.due_at))
        if root.thread is not None:
            yield root.thread

    async def of_watcher(self, who: str) -> AsyncIterator[Place]:
        """Where a channel or a person that a policy names is told something."""
        kind, _, name = who.partition(":")
        yield Place(await (self._channels.id_of(name) if kind == "channel" else self._channels.direct(name)))

    async def link(self, rows: CardRows, place: Place) -> str:
        """The address of the run's thread, for a card that stands elsewhere; empty where it stands there, where there
        is none, and where it is between the bot and one person."""
        thread = rows.root.thread
        if thread is None or thread == place:
            return ""
        return await self._channels.link(thread.channel, thread.thread_ts)

    async def newer_link(self, one: OnCard) -> str | None:
        """The address of the card on which a request is asked now, where that is another one; empty where it does not
        stand yet, and where it is between the bot and one person."""
        if not one.is_outdated:
            return None
        message = one.newer.message if one.newer is not None else None
        if message is None or message.ts is None:
            return ""
        return await self._channels.link(message.channel, message.ts)
