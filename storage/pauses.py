"""Rows of the pause switch: it stops timers and executions, of everything or of one agent."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import CheckConstraint, text, update
from sqlmodel import Field, SQLModel, col, select

from storage.models import Json
from storage.tx import Tx


class Pause(SQLModel, table=True):
    """One row: while `since` is set no timer fires and nothing executes; `total_seconds` is how long that was so
    before. `stopped_by` stopped it, for the reason `why`."""

    __tablename__ = "pause"
    __table_args__ = (CheckConstraint("id = 1", name="one_pause"),)

    id: int = Field(default=1, primary_key=True)
    since: datetime | None = None
    total_seconds: float = 0.0
    stopped_by: dict[str, Any] | None = Field(default=None, sa_type=Json)
    why: str = Field(default="", sa_column_kwargs={"server_default": text("''")})


class AgentPause(SQLModel, table=True):
    """One agent whose timers and executions are stopped; the row goes when they go on."""

    __tablename__ = "agent_pause"

    agent: str = Field(primary_key=True)
    since: datetime
    stopped_by: dict[str, Any] = Field(sa_type=Json)
    why: str = ""


def paused(tx: Tx) -> bool:
    """Whether executions and timers are stopped."""
    return tx.scalar(select(col(Pause.since)).where(col(Pause.id) == 1)) is not None


def stop(tx: Tx, now: datetime) -> bool:
    """Stop executions and timers. False where they are stopped already."""
    if tx.insert_new(Pause(id=1, since=now)):
        return True
    return tx.change(update(Pause).where(col(Pause.since).is_(None)).values(since=now)) == 1


def go(tx: Tx, now: datetime) -> bool:
    """Let executions and timers go on; deadlines move by the time that was stopped. False where nothing was."""
    row = _pause(tx)
    if row is None or row.since is None:
        return False
    total = row.total_seconds + (now - row.since).total_seconds()
    tx.change(update(Pause).values(since=None, total_seconds=total))
    tx.wake("runs")
    return True


def unpaused(tx: Tx, now: datetime) -> datetime | None:
    """`now` in unpaused time, which due dates are compared with; None while paused."""
    row = _pause(tx)
    return None if row is not None and row.since is not None else _elapsed(row, now)


def elapsed(tx: Tx, now: datetime) -> datetime:
    """`now` in unpaused time, from which due dates are reckoned; it stands still while paused."""
    return _elapsed(_pause(tx), now)


def stopped_for(tx: Tx) -> timedelta:
    """How long everything was stopped in all, the present stop not counted: due date + this = time on the wall."""
    row = _pause(tx)
    return timedelta(0) if row is None else timedelta(seconds=row.total_seconds)


def _elapsed(row: Pause | None, now: datetime) -> datetime:
    return now if row is None else (row.since or now) - timedelta(seconds=row.total_seconds)


def _pause(tx: Tx) -> Pause | None:
    return tx.one(Pause, select(Pause).where(col(Pause.id) == 1))
