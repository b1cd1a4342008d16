"""`/approvals`: what waits, what was granted, and who decides while somebody is away. Answered privately."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from agent_runtime.audit import Origin
from agent_runtime.refusals import RefusalReason
from bot.alert_desk import AlertDesk
from bot.cards import approvals as replies
from bot.cards import modals, notices
from bot.cards.alert import alert_list
from bot.cards.blocks import Message
from bot.cards.ids import ActionId, grant_id_of
from bot.desk import Desk
from bot.listeners.history import HOURS, PERSON, WEEKDAYS, HistoryWords
from bot.listeners.opening import bounded
from bot.listeners.pausing import PauseWords
from bot.listeners.reading import Ack, Payload, actor_of, first_action, origin_of
from bot.listeners.webhooks import WebhookWords
from storage.types import Actor, ActorKind

MOST_LISTED = 50

_SPAN = re.compile(r"([0-9]{1,4})\s*(h|d|w)", re.IGNORECASE)
_DAY = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[ T]([0-9]{2}:[0-9]{2}))?")
_BACK = frozenset({"end", "back", "off"})


@dataclass(frozen=True, slots=True)
class Typed:
    """What one person typed after a word of `/approvals`."""

    rest: str
    actor: Actor
    origin: Origin


def register(app: AsyncApp, desk: Desk, alerts: AlertDesk) -> None:
    """Attach `/approvals` and the buttons of its answers."""
    words = Words(desk, alerts)

    @app.command("/approvals")
    async def approvals(ack: Ack, body: Payload) -> None:
        reply = await words.answer(str(body.get("text") or ""), actor_of(body), origin_of(body))
        await ack(text=reply.text, blocks=list(reply.blocks))

    @app.action(ActionId.REVOKE_GRANT.value)
    async def revoke(ack: Ack, body: Payload, client: AsyncWebClient) -> None:
        grant_id = grant_id_of(first_action(body).get("value"))
        if grant_id is not None:
            ended = await desk.revoke_grant(grant_id, actor_of(body), origin_of(body))
            refused = isinstance(ended, RefusalReason)
            said = notices.refusal(ended) if isinstance(ended, RefusalReason) else replies.grant_line(ended)
            await _show(client, body, "Nothing was changed" if refused else "Ended", said)
        await ack()

    @app.action(ActionId.END_ABSENCE.value)
    async def end(ack: Ack, body: Payload, client: AsyncWebClient) -> None:
        ended = await desk.end_absence(actor_of(body), origin_of(body))
        refused = isinstance(ended, RefusalReason)
        said = notices.refusal(ended) if isinstance(ended, RefusalReason) else "Nobody decides in your stead any more."
        await _show(client, body, "Nothing was changed" if refused else "Welcome back", said)
        await ack()


async def _show(client: AsyncWebClient, body: Payload, title: str, said: str) -> None:
    view = modals.notice(title, said)
    await bounded(client.views_open(trigger_id=str(body.get("trigger_id") or ""), view=view))


class Words:
    """Understands what people type after `/approvals`."""

    def __init__(self, desk: Desk, alerts: AlertDesk) -> None:
        self._desk = desk
        self._alert_desk = alerts
        pausing, history, webhooks = PauseWords(desk), HistoryWords(desk), WebhookWords(desk.webhooks)
        self._words: dict[str, Callable[[Typed], Awaitable[Message]]] = {
            "": self._waiting,
            "all": self._all,
            "show": self._show,
            "alerts": self._alerts,
            "grants": self._grants,
            "away": self._away,
            "history": lambda typed: history.answer(typed.rest, typed.actor),
            "pause": lambda typed: pausing.pause(typed.rest, typed.actor, typed.origin),
            "resume": lambda typed: pausing.resume(typed.rest, typed.actor, typed.origin),
            "webhooks": lambda typed: webhooks.answer(typed.rest, typed.actor, typed.origin),
            "help": self._help,
        }

    async def answer(self, text: str, actor: Actor, origin: Origin) -> Message:
        """The reply to one line."""
        word, _, rest = text.strip().partition(" ")
        found = self._words.get(word.lower())
        return replies.unknown_word(word) if found is None else await found(Typed(rest.strip(), actor, origin))

    async def _help(self, _typed: Typed) -> Message:
        return replies.help_text()

    async def _waiting(self, typed: Typed) -> Message:
        offers = self._desk.offers
        views = await offers.decidable(typed.actor, await offers.open_requests(), MOST_LISTED)
        return replies.waiting(views, self._now())

    async def _all(self, typed: Typed) -> Message:
        return replies.waiting(await self._desk.readable(typed.actor, MOST_LISTED), self._now(), everything=True)

    async def _show(self, typed: Typed) -> Message:
        if not typed.rest:
            return replies.which_request()
        view = await self._desk.request(typed.rest.upper())
        if view is None or not await self._desk.may_read_request(view, typed.actor):
            return replies.no_such_request(typed.rest)
        return replies.shown(view, self._now())

    async def _alerts(self, typed: Typed) -> Message:
        found = await self._alert_desk.open_alerts(typed.actor)
        return await self._unseen(found) if isinstance(found, RefusalReason) else alert_list(found)

    async def _grants(self, typed: Typed) -> Message:
        if typed.rest.lower() != "all":
            return replies.grants(await self._desk.grants_of(typed.actor, MOST_LISTED))
        found = await self._desk.all_grants(typed.actor, MOST_LISTED)
        return await self._unseen(found) if isinstance(found, RefusalReason) else replies.grants(found)

    async def _unseen(self, reason: RefusalReason) -> Message:
        """Why nothing is listed: it is for operators, and who they are."""
        if reason is not RefusalReason.NOT_AN_OPERATOR:
            return _refused(reason)
        return replies.operators_only(await self._desk.operators())

    async def _away(self, typed: Typed) -> Message:
        if not typed.rest:
            absence = await self._desk.absence_of(typed.actor)
            return replies.absence(absence, await self._desk.stands_in_for(typed.actor))
        if typed.rest.lower() in _BACK:
            ended = await self._desk.end_absence(typed.actor, typed.origin)
            return _refused(ended) if isinstance(ended, RefusalReason) else replies.absence(None)
        named = PERSON.search(typed.rest)
        said = PERSON.sub(" ", typed.rest).strip()
        until = moment_in(said, self._now())
        if until is None:
            return replies.not_a_moment(said)
        if named is None:
            return replies.no_delegate()
        delegate = Actor(kind=ActorKind.SLACK, team=typed.actor.team, id=named[1])
        view = await self._desk.hand_over(typed.actor, delegate, until, typed.origin)
        return _refused(view) if isinstance(view, RefusalReason) else replies.absence(view)

    def _now(self) -> datetime:
        return self._desk.runtime.clock.now()


def moment_in(text: str, now: datetime) -> datetime | None:
    """The moment that somebody typed: `8h`, `3d`, `2w`, `friday`, `2027-01-15` (its end), `2027-01-15 18:00`, in UTC;
    None for anything else."""
    words = " ".join(text.lower().removeprefix("until ").split())
    if span := _SPAN.fullmatch(words):
        return now + timedelta(hours=int(span[1]) * HOURS[span[2]])
    if words in {*WEEKDAYS, "tomorrow"}:
        ahead = 1 if words == "tomorrow" else (WEEKDAYS.index(words) - now.weekday() - 1) % 7 + 1
        return _end_of(now + timedelta(days=ahead))
    if day := _DAY.fullmatch(words):
        try:
            moment = datetime.fromisoformat(f"{day[1]}T{day[2] or '00:00'}").replace(tzinfo=UTC)
        except ValueError:
            return None
        return moment if day[2] else _end_of(moment)
    return None


def _end_of(day: datetime) -> datetime:
    return datetime.combine(day.astimezone(UTC).date(), time(23, 59), UTC)


def _refused(reason: RefusalReason) -> Message:
    return replies.refused(notices.refusal(reason))
