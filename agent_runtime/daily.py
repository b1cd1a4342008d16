"""The daily digest: what waits for people, what is stuck, how fast people decide, and where a rule might do it. When it
was told is a row, so a restart neither loses nor doubles it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from agent_runtime.alert_reading import AlertView, read_open_alerts
from agent_runtime.alert_rules import AlertRules
from agent_runtime.context import Context
from agent_runtime.cron import latest, zone_of
from agent_runtime.outbound import Priority, Topic, card_key
from agent_runtime.pace import WEEK, Habit, Pace, read_habits, read_pace
from agent_runtime.reading import read_request
from agent_runtime.views import RequestView
from storage import messages, outbox, requests
from storage.tx import Tx

LATEST = timedelta(hours=6)
"""How late the digest is still told, where the server was down at its time."""

PREFIX = "digest:"
"""How the key of every digest begins; its time follows."""

LISTED = 15
MOST_SORTED = 1_000


@dataclass(frozen=True, slots=True)
class DigestView:
    """What a digest tells. `waiting` are the oldest of `count` open requests, with the keys of their cards. `lately`:
    another was posted in the days before, and told the habits of then."""

    waiting: tuple[tuple[RequestView, str], ...]
    count: int
    alerts: tuple[AlertView, ...]
    pace: Pace
    habits: tuple[Habit, ...]
    lately: bool = False

    @property
    def is_empty(self) -> bool:
        """Nothing waits and nothing is stuck: nobody needs to be told. Habits alone are told once a week: whoever
        approves everything at once has nothing waiting, and is who should hear of them."""
        return not self.count and not self.alerts and (self.lately or not self.habits)


def tell_when_due(tx: Tx, context: Context, rules: AlertRules) -> bool:
    """Have the digest told if its time has come, once for that time on the zone's clock; whether it was new."""
    due = latest(rules.digest, rules.zone, context.now, LATEST) if rules.digest else None
    if due is None:
        return False
    key = f"{PREFIX}{due.astimezone(zone_of(rules.zone)):%Y-%m-%dT%H:%M}"
    if outbox.get(tx, key) is not None:
        return False
    return outbox.tell_once(tx, key, Topic.DIGEST, key, {}, Priority.NOTE, context.now, due + LATEST)


def read_digest(tx: Tx, context: Context, rules: AlertRules) -> DigestView:
    """What there is to tell now."""
    count = requests.count_open(tx)
    oldest = sorted(requests.all_pending(tx, MOST_SORTED), key=lambda one: (one.opened_at, one.id))[:LISTED]
    views = ((read_request(tx, one.id), card_key(one)) for one in oldest)
    return DigestView(
        waiting=tuple((view, key) for view, key in views if view is not None),
        count=count,
        alerts=tuple(read_open_alerts(tx, rules)),
        pace=read_pace(tx, context.now),
        habits=tuple(read_habits(tx, context.now)),
        lately=messages.posted_since(tx, PREFIX, context.now - (WEEK - LATEST)),
    )
