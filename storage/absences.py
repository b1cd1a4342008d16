"""Rows of absences: who handed over their approvals to whom, and until when. Ending one is guarded by its seal."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, text, update
from sqlmodel import Field, SQLModel, col, select

from storage.models import Json
from storage.tx import Tx


class Absence(SQLModel, table=True):
    """One hand-over, sealed by `mac`: until its end the delegate may decide where the person may."""

    __tablename__ = "absence"
    __table_args__ = (
        Index("absence_person", "person_key", sqlite_where=text("ended_at IS NULL"),
              postgresql_where=text("ended_at IS NULL")),
        Index("absence_delegate", "delegate_key", sqlite_where=text("ended_at IS NULL"),
              postgresql_where=text("ended_at IS NULL")),
    )  # fmt: skip

    id: str = Field(primary_key=True)
    person: dict[str, Any] = Field(sa_type=Json)
    person_key: str
    delegate: dict[str, Any] = Field(sa_type=Json)
    delegate_key: str
    began_at: datetime
    until: datetime
    ended_at: datetime | None = None
    mac: str


def insert(tx: Tx, absence: Absence) -> bool:
    """Add a hand-over. False where its id is taken."""
    return tx.insert_new(absence)


def of_person(tx: Tx, person_key: str, now: datetime) -> list[Absence]:
    """The hand-overs of one person that hold, the newest first."""
    statement = select(Absence).where(col(Absence.person_key) == person_key, *_holds(now))
    return tx.all(Absence, statement.order_by(col(Absence.began_at).desc(), col(Absence.id)))


def to_delegate(tx: Tx, delegate_key: str, now: datetime) -> list[Absence]:
    """The hand-overs to one person that hold, the oldest first."""
    statement = select(Absence).where(col(Absence.delegate_key) == delegate_key, *_holds(now))
    return tx.all(Absence, statement.order_by(col(Absence.began_at), col(Absence.id)))


def holding(tx: Tx, now: datetime, limit: int) -> list[Absence]:
    """Every hand-over that holds, the oldest first."""
    statement = select(Absence).where(*_holds(now))
    return tx.all(Absence, statement.order_by(col(Absence.began_at), col(Absence.id)).limit(limit))


def at(tx: Tx, person_key: str, delegate_key: str, moment: datetime) -> list[Absence]:
    """The hand-overs of one person to another that had begun by then and were to last longer."""
    statement = select(Absence).where(col(Absence.person_key) == person_key, col(Absence.delegate_key) == delegate_key)
    return tx.all(Absence, statement.where(col(Absence.began_at) <= moment, col(Absence.until) > moment))


def any_since(tx: Tx, moment: datetime) -> bool:
    """Whether a hand-over was to last past that moment."""
    return tx.scalar(select(col(Absence.id)).where(col(Absence.until) > moment).limit(1)) is not None


def end(tx: Tx, before: Absence, after: Absence) -> bool:
    """Write the end of a hand-over, if it is as it was read."""
    statement = (
        update(Absence)
        .where(col(Absence.id) == before.id, col(Absence.mac) == before.mac)
        .values(ended_at=after.ended_at, mac=after.mac)
    )
    return tx.change(statement) == 1


def _holds(now: datetime) -> tuple[Any, ...]:
    return (col(Absence.ended_at).is_(None), col(Absence.until) > now)
