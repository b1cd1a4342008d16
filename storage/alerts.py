"""Rows of alerts: what is stuck, since when, and what people said to that. One open alert for one thing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Index, delete, exists, func, or_, text, update
from sqlmodel import Field, SQLModel, col, select

from storage.models import Delivery, Json, Message
from storage.tx import Tx
from storage.types import DeliveryStatus


class Alert(SQLModel, table=True):
    """One stuck thing. `cause` is the kind of trouble and `thing` its natural key, such as a request's id; at most one
    open alert has both. `since` is when the trouble began, which may be before it was `raised_at`."""

    __tablename__ = "alert"
    __table_args__ = (
        Index("alert_open", "cause", "thing", unique=True, sqlite_where=text("resolved_at IS NULL"),
              postgresql_where=text("resolved_at IS NULL")),
        Index("alert_of_thing", "cause", "thing", "raised_at"),
    )  # fmt: skip

    id: str = Field(primary_key=True)
    cause: str
    thing: str
    agent: str = ""
    run_id: str = ""
    request_id: str = ""
    severity: str
    facts: dict[str, Any] = Field(sa_type=Json)
    since: datetime
    raised_at: datetime
    acknowledged_by: dict[str, Any] | None = Field(default=None, sa_type=Json)
    acknowledged_until: datetime | None = None
    muted_by: dict[str, Any] | None = Field(default=None, sa_type=Json)
    muted_until: datetime | None = None
    resolved_at: datetime | None = None
    resolved_why: str = ""


def insert(tx: Tx, alert: Alert) -> bool:
    """Add an alert. False where its id is taken, or one about the same thing is open."""
    return tx.insert_new(alert)


def get(tx: Tx, alert_id: str) -> Alert | None:
    """One alert."""
    return tx.one(Alert, select(Alert).where(col(Alert.id) == alert_id))


def find(tx: Tx, cause: str, thing: str) -> Alert | None:
    """The open alert about a thing."""
    return tx.one(Alert, select(Alert).where(col(Alert.cause) == cause, col(Alert.thing) == thing, _OPEN))


def all_open(tx: Tx) -> list[Alert]:
    """Every open alert, the oldest trouble first."""
    return tx.all(Alert, select(Alert).where(_OPEN).order_by(col(Alert.since), col(Alert.id)))


def of_cause(tx: Tx, cause: str) -> list[Alert]:
    """The open alerts of one cause."""
    return tx.all(Alert, select(Alert).where(col(Alert.cause) == cause, _OPEN))


def count_open(tx: Tx, cause: str, agent: str) -> int:
    """How many alerts of a cause are open about one agent."""
    counted = select(func.count()).where(col(Alert.cause) == cause, col(Alert.agent) == agent, _OPEN)
    return int(tx.scalar(counted))


def lapsed(tx: Tx, now: datetime) -> list[Alert]:
    """The open alerts of which an acknowledgement or a mute has run out."""
    over = or_(col(Alert.acknowledged_until) <= now, col(Alert.muted_until) <= now)
    return tx.all(Alert, select(Alert).where(over, _OPEN).order_by(col(Alert.id)))


def latest(tx: Tx, cause: str, thing: str) -> Alert | None:
    """The newest alert about a thing, open or not."""
    named = (col(Alert.cause) == cause, col(Alert.thing) == thing)
    return tx.one(Alert, select(Alert).where(*named).order_by(col(Alert.raised_at).desc()).limit(1))


def change(tx: Tx, alert_id: str, **values: Any) -> bool:
    """Change an alert that is still open."""
    return tx.change(update(Alert).where(col(Alert.id) == alert_id, _OPEN).values(**values)) == 1


def runs_of(tx: Tx, cause: str) -> Sequence[str]:
    """The runs that are the things of open alerts of a cause."""
    named = select(col(Alert.run_id)).where(col(Alert.cause) == cause, col(Alert.run_id) == col(Alert.thing), _OPEN)
    return [str(row["run_id"]) for row in tx.rows(named)]


def over(tx: Tx, before: datetime, most: int) -> list[str]:
    """The ids of alerts that were resolved by then and whose messages say so, at most so many."""
    return [str(row["id"]) for row in tx.rows(select(col(Alert.id)).where(*_is_over(before)).limit(most))]


def forget(tx: Tx, alert_ids: Sequence[str], before: datetime) -> None:
    """Delete those of these alerts that are still over, with their deliveries and where their messages stand."""
    found = tx.rows(select(col(Alert.id)).where(col(Alert.id).in_(alert_ids), *_is_over(before)))
    gone = [row["id"] for row in found]
    about = col(Delivery.subject).in_(gone)
    tx.change(delete(Message).where(col(Message.key).in_(select(col(Delivery.key)).where(about))))
    tx.change(delete(Delivery).where(about))
    tx.change(delete(Alert).where(col(Alert.id).in_(gone)))


def _is_over(before: datetime) -> tuple[Any, ...]:
    to_be_made = col(Delivery.status).in_((DeliveryStatus.DUE, DeliveryStatus.LEASED))
    unsaid = exists().where(col(Delivery.subject) == col(Alert.id), to_be_made)
    return col(Alert.resolved_at) <= before, ~unsaid


_OPEN = col(Alert.resolved_at).is_(None)
