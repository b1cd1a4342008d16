"""Makes one Slack message match a rendering: posts it once, finds it again when the answer was lost, updates it.

Slack has no idempotent post. So a post is announced in the rows before it is sent and carries its key as metadata;
where no answer came, the message is looked up, and posted again only when it is not there and time has passed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from functools import partial

import structlog

from agent_runtime.clock import Clock
from bot.cards.blocks import Message
from bot.lookup import Lookup, mark
from bot.slack_calls import NotYet, SlackCalls
from bot.slack_client import Ambiguous, Identity, RateLimited, SlackClients, SlackRefused, Unsent
from storage import messages, outbox
from storage.database import Database
from storage.errors import LeaseLost, SignoffError
from storage.models import Delivery
from storage.models import Message as Row
from storage.tx import Tx
from storage.types import DeliveryStatus

log = structlog.get_logger("signoff")

POST_AGAIN_AFTER = timedelta(seconds=30)
"""A post whose answer was lost and that is not found is given so long to appear."""

TRIES_IN_A_PLACE = 3
"""So often a place may leave a post without an answer that somebody must see; then the next place is tried as well."""

PLACE_GONE = frozenset(
    {
        "cannot_reply_to_message", "cant_dm_bot", "cannot_dm_bot", "channel_not_found", "is_archived", "is_inactive",
        "messages_tab_disabled", "not_in_channel", "restricted_action", "restricted_action_non_threadable_channel",
        "restricted_action_read_only_channel", "restricted_action_thread_locked",
        "restricted_action_thread_only_channel", "thread_not_found", "user_disabled", "user_not_found",
        "user_not_visible",
    }
)  # fmt: skip
"""Nothing can be shown in this place; another one may do."""

_MESSAGE_GONE = frozenset({"message_not_found"})
_FIXED = frozenset({"cant_update_message", "edit_window_closed"})


@dataclass(frozen=True, slots=True)
class Place:
    """Where a message stands: a channel's id, and the thread's root where it is a reply."""

    channel: str
    thread_ts: str = ""


Places = Callable[[], AsyncIterator[Place]]
"""The places to try for a new message, the best first. Asked only when a message must be posted."""

Render = Callable[[Place], Awaitable[Message]]
"""What the message must show, were it in this place."""

Placed = Callable[[Tx], None]
"""Runs in the transaction that writes down where a new message stands."""


Left = Callable[[Tx, Row], None]
"""Takes note of a message that stays where it stands, because its place takes nothing, while another takes over."""


class NoPlace(SignoffError):
    """Every place refused the message. `refusals` says which and why."""

    def __init__(self, refusals: tuple[tuple[Place, str], ...]) -> None:
        super().__init__(
            "; ".join(f"{place.channel}: {code}" for place, code in refusals) or "there is no place for it"
        )
        self.refusals = refusals


class _Update(Enum):
    """What became of an update."""

    SHOWN = auto()
    MESSAGE_GONE = auto()
    FIXED = auto()
    PLACE_GONE = auto()


class Posting:
    """Posts and updates the messages of deliveries, within the budgets."""

    def __init__(
        self, db: Database, clients: SlackClients, calls: SlackCalls, clock: Clock, identity: Identity
    ) -> None:
        self._db = db
        self._slack = clients
        self._calls = calls
        self._clock = clock
        self._lookup = Lookup(clients, calls, identity)

    async def reconcile(
        self,
        delivery: Delivery,
        places: Places,
        render: Render,
        placed: Placed | None = None,
        *,
        anywhere: bool = False,
        left: Left | None = None,
    ) -> tuple[tuple[Place, str], ...]:
        """Make the delivery's message show its rendering; the places that refused it on the way. `anywhere`: somebody
        must see it, so a new one goes to the next place whatever is the matter with the first. Raises `NotYet`,
        `NoPlace`, `LeaseLost` and `SlackFailure`."""
        row = await self._db.read(messages.get, delivery.key)
        impatient = anywhere and delivery.failures >= TRIES_IN_A_PLACE
        if row is not None and row.ts is None and row.posting_since is not None:
            row = await self._find(delivery, row, placed, impatient)
        if row is None or row.ts is None:
            return await self._post_first(delivery, places, render, placed, anywhere=anywhere)
        match await self._update(delivery, row, render):
            case _Update.SHOWN:
                return ()
            case _Update.MESSAGE_GONE:
                return await self._post_first(delivery, places, render, placed, anywhere=anywhere)
            case _Update.PLACE_GONE:
                if left is not None:
                    await self._db.transact(left, row)
                return await self._post_first(delivery, places, render, placed, avoid=row.channel, anywhere=anywhere)
            case _Update.FIXED:
                below = Place(row.channel, row.thread_ts or row.ts)
                return await self._post_first(delivery, _first(below, places), render, placed, anywhere=anywhere)

    async def redraw(self, delivery: Delivery, render: Render) -> None:
        """Make a message that stands show its rendering, and never post one. Raises as `reconcile` does."""
        row = await self._db.read(messages.get, delivery.key)
        if row is not None and row.ts is not None and await self._update(delivery, row, render) is _Update.PLACE_GONE:
            raise NoPlace(((Place(row.channel), "is_inactive"),))

    async def _post_first(
        self,
        delivery: Delivery,
        places: Places,
        render: Render,
        placed: Placed | None,
        *,
        avoid: str = "",
        anywhere: bool,
    ) -> tuple[tuple[Place, str], ...]:
        """Post in the first place that takes the message."""
        refusals: list[tuple[Place, str]] = [(Place(avoid), "is_inactive")] if avoid else []
        async for place in places():
            if place.channel == avoid:
                continue
            try:
                await self._post(delivery, place, await render(place), placed)
            except SlackRefused as refused:
                if refused.code not in PLACE_GONE and not anywhere:
                    raise
                refusals.append((place, refused.code))
            except Ambiguous:
                if not anywhere or delivery.failures < TRIES_IN_A_PLACE:
                    raise
                refusals.append((place, "no_answer"))
            else:
                return tuple(refusals)
        raise NoPlace(tuple(refusals))

    async def _post(self, delivery: Delivery, place: Place, message: Message, placed: Placed | None) -> None:
        self._calls.take("chat.postMessage", delivery.priority, place.channel)
        post = await self._db.transact(_begin, delivery, place, self._clock.now())
        call = partial(
            self._slack.web.chat_postMessage,
            channel=place.channel,
            thread_ts=place.thread_ts or None,
            text=message.text,
            blocks=list(message.blocks),
            metadata=dict(mark(delivery.key, post)),
            parse="none",
            unfurl_links=False,
            unfurl_media=False,
        )
        try:
            said = await self._calls.send("chat.postMessage", call)
        except (SlackRefused, RateLimited, Unsent):
            await self._db.transact(messages.forget_post, delivery.key, self._clock.now())
            raise
        await self._stands(delivery, str(said["channel"]), str(said["ts"]), message.digest, placed)

    async def _update(self, delivery: Delivery, row: Row, render: Render) -> _Update:
        assert row.ts is not None
        message = await render(Place(row.channel, row.thread_ts))
        if message.digest == row.rendering:
            return _Update.SHOWN

        # Left out, `parse` would be `client` here, and names in the text would come alive.
        call = partial(
            self._slack.reads.chat_update,
            channel=row.channel, ts=row.ts, text=message.text, blocks=list(message.blocks), parse="none",
        )  # fmt: skip
        try:
            await self._calls.make("chat.update", call, delivery.priority)
        except SlackRefused as refused:
            if refused.code in _MESSAGE_GONE:
                return _Update.MESSAGE_GONE
            if refused.code in _FIXED:
                return _Update.FIXED
            if refused.code in PLACE_GONE:
                return _Update.PLACE_GONE
            raise
        await self._stands(delivery, row.channel, row.ts, message.digest, None)
        return _Update.SHOWN

    async def _find(self, delivery: Delivery, row: Row, placed: Placed | None, impatient: bool) -> Row | None:
        """The row of a post whose answer was lost: with its place when the message is there, None when it may be posted
        again. Raises `NotYet` while it may still appear."""
        assert row.posting_since is not None
        try:
            ts = await self._lookup.find(row, row.posting_since, delivery.priority)
        except (SlackRefused, Ambiguous) as failure:
            if isinstance(failure, Ambiguous) and not impatient:
                raise
            log.warning("history unreadable", key=delivery.key, channel=row.channel, problem=str(failure))
            ts = None
        if ts is not None:
            await self._stands(delivery, row.channel, ts, "", placed)
            return await self._db.read(messages.get, delivery.key)
        again = row.posting_since + POST_AGAIN_AFTER
        if self._clock.now() < again:
            raise NotYet(again)
        return None

    async def _stands(self, delivery: Delivery, channel: str, ts: str, rendering: str, placed: Placed | None) -> None:
        await self._db.transact(_stands, delivery.key, channel, ts, rendering, self._clock.now(), placed)


def shown_elsewhere(refusals: tuple[tuple[Place, str], ...]) -> str:
    """What people should know of the places that refused a message; empty where none did."""
    said = "; ".join(f"{place.channel}: {code}" for place, code in refusals)
    return f"shown elsewhere, because of {said}" if said else ""


def holds(tx: Tx, delivery: Delivery) -> bool:
    """Whether this claim of the delivery is still the newest."""
    row = outbox.get(tx, delivery.key)
    return (
        row is not None
        and (row.owner, row.attempt) == (delivery.owner, delivery.attempt)
        and row.status is DeliveryStatus.LEASED
    )


def _begin(tx: Tx, delivery: Delivery, place: Place, now: datetime) -> int:
    """Announce a post; its number. Raises `LeaseLost`."""
    if not holds(tx, delivery):
        raise LeaseLost(delivery.key)
    messages.begin_post(tx, delivery.key, place.channel, place.thread_ts, now)
    row = messages.get(tx, delivery.key)
    assert row is not None
    return row.posts


def _stands(tx: Tx, key: str, channel: str, ts: str, rendering: str, now: datetime, placed: Placed | None) -> None:
    messages.placed(tx, key, channel, ts, rendering, now)
    if placed is not None:
        placed(tx)


def _first(place: Place, places: Places) -> Places:
    async def both() -> AsyncIterator[Place]:
        yield place
        async for other in places():
            yield other

    return both
