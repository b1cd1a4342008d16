"""Rows of the outbox: what must be shown outside, at which version, and who is delivering it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import and_, case, inspect, literal, or_, update
from sqlmodel import col, select

from storage.models import Delivery
from storage.tx import Tx
from storage.types import DeliveryStatus, Json

REPEAT_NOTICE = timedelta(seconds=60)
OWN_WORKER = 100
"""The priority from which on rows have workers of their own, which claim them by other rules (webhooks.py)."""
_STATUS, _DUE_AT = (inspect(Delivery).local_table.c[name].type for name in ("status", "due_at"))


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a claim ends. `due_at` belongs to what is due again."""

    status: DeliveryStatus
    error: str = ""
    failures: int = 0
    due_at: datetime | None = None

    def values(self) -> dict[str, Any]:
        """The columns that `settle` changes."""
        values: dict[str, Any] = {"status": self.status, "error": self.error, "failures": self.failures}
        return values if self.due_at is None else values | {"due_at": self.due_at}


def want(
    tx: Tx, key: str, kind: str, subject: str, priority: int, now: datetime, *, patience: timedelta = timedelta(0)
) -> None:
    """Something shown outside must match the rows again. Asking twice before a delivery is one delivery; `patience` is
    how long a change of what is already shown may wait for the next one."""
    values = {"of": key, "urgent": priority, "at": now, "by": now + patience}
    if not tx.change(_AGAIN, **values):
        tx.insert_new(_new(key, kind, subject, {}, priority, now, None))
    tx.wake("outbox")


def _want_again() -> Any:
    """Built once: it is asked for with every change of what is shown."""
    by = sa.bindparam("by", type_=_DUE_AT)
    ended = col(Delivery.status).in_((DeliveryStatus.DONE, DeliveryStatus.DEAD, DeliveryStatus.EXPIRED))
    # One that only waits its turn is looked at anew, too: it may be more urgent than it was.
    anew = or_(ended, and_(*_waiting_its_turn(by)))
    return (
        update(Delivery)
        .where(col(Delivery.key) == sa.bindparam("of"))
        .values(
            wanted=col(Delivery.wanted) + 1,
            priority=sa.bindparam("urgent"),
            updated_at=sa.bindparam("at", type_=_DUE_AT),
            status=case((ended, literal(DeliveryStatus.DUE, _STATUS)), else_=col(Delivery.status)),
            failures=case((ended, 0), else_=col(Delivery.failures)),
            due_at=case((anew, by), else_=col(Delivery.due_at)),
        )
    )


def hurry(tx: Tx, subjects: Sequence[str], now: datetime, *, but: str = "") -> None:
    """What these deliveries waited for has come: they are due now, unless they wait after a failure. One that is being
    made may have looked too early: it is made once more. `but` is the key of the one that brought it."""
    named = (col(Delivery.subject).in_(subjects), col(Delivery.key) != but)
    held = col(Delivery.status) == DeliveryStatus.LEASED
    tx.change(update(Delivery).where(*named, held).values(wanted=col(Delivery.wanted) + 1))
    if tx.change(update(Delivery).where(*named, *_waiting_its_turn(now)).values(due_at=now)):
        tx.wake("outbox")


def tell(
    tx: Tx, key: str, kind: str, subject: str, body: Json, priority: int, now: datetime, expires_at: datetime | None
) -> None:
    """Send something once. The same key again within a minute, or still unsent, adds nothing."""
    row = _new(key, kind, subject, body, priority, now, expires_at)
    if not tx.insert_new(row):
        tx.change(
            update(Delivery)
            .where(
                col(Delivery.key) == key,
                col(Delivery.status).in_((DeliveryStatus.DONE, DeliveryStatus.EXPIRED)),
                col(Delivery.updated_at) <= now - REPEAT_NOTICE,
            )
            .values(
                body=dict(body), status=DeliveryStatus.DUE, due_at=now, wanted=col(Delivery.wanted) + 1,
                expires_at=expires_at, failures=0, updated_at=now,
            )
        )  # fmt: skip
    tx.wake("outbox")


def tell_once(
    tx: Tx, key: str, kind: str, subject: str, body: Json, priority: int, now: datetime, expires_at: datetime | None
) -> bool:
    """Send something once and never again under this key; whether it was new."""
    new = tx.insert_new(_new(key, kind, subject, body, priority, now, expires_at))
    tx.wake("outbox")
    return new


def get(tx: Tx, key: str) -> Delivery | None:
    """One delivery."""
    return tx.one(Delivery, select(Delivery).where(col(Delivery.key) == key))


def keys_about(tx: Tx, kind: str, subject: str) -> list[str]:
    """The keys of all deliveries of one kind about one subject, made or not, in order."""
    statement = select(col(Delivery.key)).where(col(Delivery.subject) == subject, col(Delivery.kind) == kind)
    return [str(row["key"]) for row in tx.rows(statement.order_by(col(Delivery.key)))]


def claimable(tx: Tx, now: datetime, skip: Sequence[str]) -> Delivery | None:
    """The delivery to make next: the most urgent that is due, or one whose worker is gone."""
    values = {"now": now, "skip": list(skip)}
    return tx.one(Delivery, _DUE, **values) or tx.one(Delivery, _LOST, **values)


def next_due(tx: Tx) -> datetime | None:
    """When the next delivery is due, or the next lease expires."""
    return min((at for at in (tx.scalar(_NEXT_DUE), tx.scalar(_NEXT_LOST)) if at is not None), default=None)


_NOW = sa.bindparam("now", type_=_DUE_AT)
_SKIP: sa.BindParameter[Any] = sa.bindparam("skip", expanding=True)
_OF_SLACK = col(Delivery.priority) < OWN_WORKER
_IS_DUE = and_(col(Delivery.status) == DeliveryStatus.DUE, _OF_SLACK)
_IS_LEASED = and_(col(Delivery.status) == DeliveryStatus.LEASED, _OF_SLACK)
_DUE = (
    select(Delivery)
    .where(_IS_DUE, col(Delivery.due_at) <= _NOW, col(Delivery.key).not_in(_SKIP))
    .order_by(col(Delivery.priority), col(Delivery.due_at), col(Delivery.key))
    .limit(1)
)
_LOST = (
    select(Delivery)
    .where(_IS_LEASED, col(Delivery.lease_until) <= _NOW, col(Delivery.key).not_in(_SKIP))
    .order_by(col(Delivery.lease_until))
    .limit(1)
)
_NEXT_DUE = select(sa.func.min(col(Delivery.due_at))).where(_IS_DUE)
_NEXT_LOST = select(sa.func.min(col(Delivery.lease_until))).where(_IS_LEASED)


def unsettled(tx: Tx, kind: str, subject: str) -> list[Delivery]:
    """The deliveries of one kind about one subject that are still to be made, or being made."""
    open_ = (DeliveryStatus.DUE, DeliveryStatus.LEASED)
    return tx.all(
        Delivery,
        select(Delivery).where(
            col(Delivery.status).in_(open_), col(Delivery.kind) == kind, col(Delivery.subject) == subject
        ),
    )


def lease(tx: Tx, delivery: Delivery, owner: str, until: datetime) -> bool:
    """Claim a delivery; its attempt number rises, so that an earlier holder's settle finds nothing."""
    statement = (
        update(Delivery)
        .where(col(Delivery.key) == delivery.key, col(Delivery.attempt) == delivery.attempt)
        .values(status=DeliveryStatus.LEASED, owner=owner, attempt=delivery.attempt + 1, lease_until=until)
    )
    return tx.change(statement) == 1


def settle(tx: Tx, delivery: Delivery, owner: str, now: datetime, **values: Any) -> bool:
    """End a claim. What was asked for meanwhile is due again at once."""
    held = (
        col(Delivery.key) == delivery.key,
        col(Delivery.owner) == owner,
        col(Delivery.attempt) == delivery.attempt,
        col(Delivery.status) == DeliveryStatus.LEASED,
    )
    changed = tx.change(update(Delivery).where(*held).values(lease_until=None, updated_at=now, **values))
    if values.get("status") is DeliveryStatus.DONE:
        again = (col(Delivery.key) == delivery.key, col(Delivery.wanted) > delivery.wanted)
        done = (col(Delivery.attempt) == delivery.attempt, col(Delivery.status) == DeliveryStatus.DONE)
        if tx.change(update(Delivery).where(*again, *done).values(status=DeliveryStatus.DUE, due_at=now)):
            tx.wake("outbox")
    return changed == 1


def extend_leases(tx: Tx, owner: str, held: Sequence[str], until: datetime) -> int:
    """Push out the leases of the deliveries that this process is making."""
    statement = (
        update(Delivery)
        .where(col(Delivery.owner) == owner, col(Delivery.status) == DeliveryStatus.LEASED, col(Delivery.key).in_(held))
        .values(lease_until=until)
    )
    return tx.change(statement)


def expire_other_leases(tx: Tx, owner: str, now: datetime) -> int:
    """At start: leases of other boots belong to the dead."""
    statement = update(Delivery).where(col(Delivery.status) == DeliveryStatus.LEASED, col(Delivery.owner) != owner)
    return tx.change(statement.values(lease_until=now))


def _waiting_its_turn(now: Any) -> tuple[Any, ...]:
    return col(Delivery.status) == DeliveryStatus.DUE, col(Delivery.failures) == 0, col(Delivery.due_at) > now


_AGAIN = _want_again()


def _new(
    key: str, kind: str, subject: str, body: Json, priority: int, now: datetime, expires_at: datetime | None
) -> Delivery:
    return Delivery(
        key=key, kind=kind, subject=subject, body=dict(body), status=DeliveryStatus.DUE, priority=priority,
        due_at=now, expires_at=expires_at, updated_at=now,
    )  # fmt: skip
