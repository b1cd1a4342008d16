"""Lives of processes."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import update
from sqlmodel import col, select

from storage.models import Boot
from storage.tx import Tx


def register(tx: Tx, boot: Boot) -> None:
    """A process starts."""
    tx.insert(boot)


def get(tx: Tx, boot_id: str) -> Boot | None:
    """One life."""
    return tx.one(Boot, select(Boot).where(col(Boot.id) == boot_id))


def beat(tx: Tx, boot_id: str, now: datetime) -> None:
    """A process lives."""
    tx.change(update(Boot).where(col(Boot.id) == boot_id).values(heartbeat_at=now))
