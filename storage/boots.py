"""Lives of processes, and the pause switch that stops timers and executions."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import update
from sqlmodel import col, select

from storage.models import Boot, Pause
from storage.tx import Tx


def register(tx: Tx, boot: Boot) -> None:
    """A process starts."""
    tx.insert(boot)


def beat(tx: Tx, boot_id: str, now: datetime) -> None:
    """A process lives."""
    tx.change(update(Boot).where(col(Boot.id) == boot_id).values(heartbeat_at=now))


def newest(tx: Tx) -> Boot | None:
    """The process that beat last."""
    return tx.one(Boot, select(Boot).order_by(col(Boot.heartbeat_at).desc()).limit(1))


def paused(tx: Tx) -> bool:
    """Whether executions and timers are stopped."""
    return tx.scalar(select(col(Pause.since)).where(col(Pause.id) == 1)) is not None


def unpaused(tx: Tx, now: datetime) -> datetime | None:
    """`now` in unpaused time, which due dates are compared with; None while paused."""
    row = tx.one(Pause, select(Pause).where(col(Pause.id) == 1))
    if row is None:
        return now
    if row.since is not None:
        return None
    return now - timedelta(seconds=row.total_seconds)
