"""Rows of the outbox that are a webhook's events: one for each audit entry and receiver, kept in order, replayed.

Their priority is one that only they have, so that the index over what is due serves them and Slack's rows apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from storage.models import Delivery
from storage.outbox import OWN_WORKER
from storage.tx import Tx
from storage.types import DeliveryStatus

KIND = "webhook"
QUEUE = "webhooks"
"""What wakes the workers of these rows."""

_OPEN = (DeliveryStatus.DUE, DeliveryStatus.LEASED)


@dataclass(frozen=True, slots=True)
class Tally:
    """How many events of one webhook stand so, and the newest sentence about why not delivered."""

    webhook: str
    status: DeliveryStatus
    count: int
    error: str = ""


def key_of(webhook: str, seq: int) -> str:
    """The key of one event for one webhook. Padded: keys of one webhook sort as their entries do."""
    return f"{KIND}:{webhook}:{seq:012}"


def seq_of(key: str) -> int:
    """The audit entry that a key names."""
    return int(key.rpartition(":")[2])


def name_of(key: str) -> str:
    """The webhook that a key names."""
    return key.split(":")[1]


def add(tx: Tx, webhook: str, seq: int, about: str, now: datetime) -> None:
    """One event for one webhook, after every earlier one about the same thing: while those wait, it waits, too."""
    subject = f"{webhook}:{about}"
    waits = select(sa.func.max(col(Delivery.due_at))).where(
        col(Delivery.subject) == subject, col(Delivery.status).in_(_OPEN)
    )
    until: datetime | None = tx.scalar(waits)
    tx.insert(
        Delivery(
            key=key_of(webhook, seq), kind=KIND, subject=subject, body={}, status=DeliveryStatus.DUE,
            priority=OWN_WORKER, due_at=max(now, until) if until else now, updated_at=now,
        )
    )  # fmt: skip
    tx.wake(QUEUE)


def claimable(tx: Tx, webhook: str, now: datetime, skip: Sequence[str]) -> Delivery | None:
    """The next event to send to a webhook: due, or its worker is gone, and nothing earlier about the same thing is
    still open."""
    earlier = aliased(Delivery)
    first = ~sa.exists().where(
        col(earlier.subject) == col(Delivery.subject), col(earlier.key) < col(Delivery.key),
        col(earlier.status).in_(_OPEN),
    )  # fmt: skip
    own = (*_of(webhook), col(Delivery.key).not_in(skip), first)
    due = (col(Delivery.status) == DeliveryStatus.DUE, col(Delivery.priority) == OWN_WORKER)
    lost = (col(Delivery.status) == DeliveryStatus.LEASED, col(Delivery.lease_until) <= now)
    return tx.one(
        Delivery,
        select(Delivery)
        .where(*due, col(Delivery.due_at) <= now, *own)
        .order_by(col(Delivery.due_at), col(Delivery.key))
        .limit(1),
    ) or tx.one(Delivery, select(Delivery).where(*lost, *own).order_by(col(Delivery.lease_until)).limit(1))


def next_due(tx: Tx, webhook: str) -> datetime | None:
    """When the next event of a webhook is due, or the next lease expires."""
    due = (sa.func.min(col(Delivery.due_at)), DeliveryStatus.DUE)
    lost = (sa.func.min(col(Delivery.lease_until)), DeliveryStatus.LEASED)
    found = (tx.scalar(select(at).where(col(Delivery.status) == status, *_of(webhook))) for at, status in (due, lost))
    return min((at for at in found if at is not None), default=None)


def hold_back(tx: Tx, delivery: Delivery, until: datetime) -> None:
    """What follows an event that failed waits as long: it would only be looked at in vain."""
    behind = (col(Delivery.subject) == delivery.subject, col(Delivery.status) == DeliveryStatus.DUE)
    tx.change(sa.update(Delivery).where(*behind, col(Delivery.due_at) < until).values(due_at=until))


def retire(tx: Tx, known: Sequence[str], now: datetime, error: str) -> int:
    """Give up what is still open for webhooks that are not known any more; how much."""
    open_ = (col(Delivery.priority) == OWN_WORKER, col(Delivery.kind) == KIND, col(Delivery.status).in_(_OPEN))
    others = [sa.not_(sa.and_(*_of(name))) for name in known]
    gone = sa.update(Delivery).where(*open_, *others)
    return tx.change(gone.values(status=DeliveryStatus.DEAD, error=error, lease_until=None, updated_at=now))


def replay(tx: Tx, webhook: str, now: datetime, since: int | None = None) -> int:
    """Send at once what was given up or waits for its next attempt, or with `since` every event from that audit entry
    on, what arrived, too; how many. The attempts are counted from the first again."""
    lacking = (DeliveryStatus.DEAD, DeliveryStatus.DUE)
    which = lacking if since is None else (*lacking, DeliveryStatus.DONE)
    again = sa.update(Delivery).where(
        *_of(webhook), col(Delivery.status).in_(which), col(Delivery.key) >= key_of(webhook, since or 0)
    )
    tx.wake(QUEUE)
    return tx.change(again.values(status=DeliveryStatus.DUE, due_at=now, failures=0, error="", updated_at=now))


def tallies(tx: Tx) -> list[Tally]:
    """How many events of each webhook stand how, by name and status, with the sentence of the one changed last."""
    around = len(key_of("", 0))
    name = sa.func.substr(col(Delivery.key), len(KIND) + 2, sa.func.length(col(Delivery.key)) - around)
    counted = (
        sa.select(name.label("webhook"), col(Delivery.status), sa.func.count().label("count"))
        .where(*_ANY)
        .group_by(name, col(Delivery.status))
        .order_by(name, col(Delivery.status))
    )
    return [
        Tally(row["webhook"], row["status"], row["count"], _last_error(tx, row["webhook"], row["status"]))
        for row in tx.rows(counted)
    ]


def undelivered(tx: Tx, webhook: str, limit: int) -> list[Delivery]:
    """The events of a webhook that were given up, the newest first."""
    dead = (*_of(webhook), col(Delivery.status) == DeliveryStatus.DEAD)
    return tx.all(Delivery, select(Delivery).where(*dead).order_by(col(Delivery.key).desc()).limit(limit))


def lacks(tx: Tx, webhook: str, since: datetime) -> bool:
    """Whether an event of a webhook was given up after that moment, and was not sent again."""
    dead = (*_of(webhook), col(Delivery.status) == DeliveryStatus.DEAD, col(Delivery.updated_at) > since)
    return tx.scalar(select(col(Delivery.key)).where(*dead).limit(1)) is not None


def over(tx: Tx, before: datetime, most: int) -> list[str]:
    """The keys of events that arrived by then, at most so many."""
    return [str(row["key"]) for row in tx.rows(select(col(Delivery.key)).where(*_has_arrived(before)).limit(most))]


def forget(tx: Tx, keys: Sequence[str], before: datetime) -> None:
    """Delete events that arrived, unless they are sent again meanwhile."""
    tx.change(sa.delete(Delivery).where(col(Delivery.key).in_(keys), *_has_arrived(before)))


def _has_arrived(before: datetime) -> tuple[Any, ...]:
    return *_ANY, col(Delivery.status) == DeliveryStatus.DONE, col(Delivery.updated_at) <= before


def _last_error(tx: Tx, webhook: str, status: DeliveryStatus) -> str:
    if status not in (DeliveryStatus.DUE, DeliveryStatus.DEAD):
        return ""
    said = select(col(Delivery.error)).where(*_of(webhook), col(Delivery.status) == status, col(Delivery.error) != "")
    return str(tx.scalar(said.order_by(col(Delivery.updated_at).desc()).limit(1)) or "")


def _of(webhook: str) -> tuple[Any, ...]:
    """The rows of one webhook, by its part of the primary key."""
    beginning = f"{KIND}:{webhook}:"
    return (col(Delivery.key) >= beginning, col(Delivery.key) < beginning[:-1] + ";")


_ANY = (col(Delivery.key) >= f"{KIND}:", col(Delivery.key) < f"{KIND};")
"""The rows of every webhook."""
