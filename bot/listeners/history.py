"""`/approvals history` and what narrows it: a tool or an agent, a person, a day or a span."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.cards import history as replies
from bot.cards.blocks import Message
from bot.desk import Desk
from storage.history import Filter
from storage.types import Actor, ActorKind

MOST_LISTED = 20

PERSON = re.compile(r"<@([UW][A-Z0-9]{1,30})(?:\|[^<>]*)?>")
_SPAN = re.compile(r"([0-9]{1,4})(h|d|w)", re.IGNORECASE)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
HOURS = {"h": 1, "d": 24, "w": 168}
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class HistoryWords:
    """Understands what follows `history`."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def answer(self, text: str, actor: Actor) -> Message:
        """What was decided, as far as this person may read it."""
        wanted = read_filter(text, actor.team, self._desk.runtime.clock.now())
        views = await self._desk.history.readable(actor, wanted, MOST_LISTED)
        return replies.history(views, text, MOST_LISTED)


def read_filter(text: str, team: str, now: datetime) -> Filter:
    """What narrows the history, word by word: `@maria`, `7d`, `2027-01-15`, `today`, `friday` (the last one); any other
    word is the beginning of a tool's or an agent's name. Days are UTC's."""
    wanted = Filter()
    for word in text.split():
        person, since = PERSON.fullmatch(word), _times(word.lower(), now)
        if person is not None:
            wanted = replace(wanted, person_key=Actor(kind=ActorKind.SLACK, team=team, id=person[1]).key)
        elif since is not None:
            wanted = replace(wanted, since=since[0], until=since[1])
        else:
            wanted = replace(wanted, name=word)
    return wanted


def _times(word: str, now: datetime) -> tuple[datetime, datetime | None] | None:
    """From when, and until when, a word narrows; None where it does not."""
    if span := _SPAN.fullmatch(word):
        return now - timedelta(hours=int(span[1]) * HOURS[span[2]]), None
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if word in {"today", "yesterday"}:
        day = today - timedelta(days=word == "yesterday")
    elif word in WEEKDAYS:
        day = today - timedelta(days=(today.weekday() - WEEKDAYS.index(word)) % 7)
    elif _DAY.fullmatch(word):
        try:
            day = datetime.fromisoformat(word).replace(tzinfo=UTC)
        except ValueError:
            return None
    else:
        return None
    return day, day + timedelta(days=1)
