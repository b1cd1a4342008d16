"""Rows of what is to happen in time to open requests: moved together when a stop of their agent ends."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import col

from storage.models import Request
from storage.tx import Tx
from storage.types import RequestStatus

TIMERS = ("due_at", "next_at", "ladder_from", "held_until", "quiet_until")
"""The columns of a request that are in unpaused time."""

_IS_PENDING = col(Request.status) == RequestStatus.PENDING
_HAS_HOURS = sa.cast(col(Request.rules), sa.Text).contains('"zone"')
"""Whether the rules may have working hours: cheap to ask of thousands of rows, and never missing any."""


def in_hours(tx: Tx, agent: str = "") -> list[Request]:
    """The open requests (of one agent) whose rules may have working hours: what tells how they stand in time, and
    nothing else, of thousands."""
    columns = [col(getattr(Request, name)) for name in ("id", "agent", "stage", "rung", "rules", *TIMERS)]
    statement = sa.select(*columns).where(_IS_PENDING, _HAS_HOURS)
    return tx.all(Request, statement.where(col(Request.agent) == agent) if agent else statement)


def move_all(tx: Tx, agent: str, by: timedelta) -> None:
    """Move the timers of an agent's open requests whose rules have no working hours."""
    columns = [col(getattr(Request, name)) for name in ("id", *TIMERS)]
    found = tx.rows(sa.select(*columns).where(_IS_PENDING, ~_HAS_HOURS, col(Request.agent) == agent))
    moved = [{name: row[name] and row[name] + by for name in TIMERS} | {"request_id": row["id"]} for row in found]
    _write(tx, moved)


def move(tx: Tx, moved: Sequence[tuple[str, dict[str, datetime | None]]]) -> None:
    """Set the timers of these requests."""
    _write(tx, [{**timers, "request_id": request_id} for request_id, timers in moved])


def _write(tx: Tx, moved: Sequence[dict[str, object]]) -> None:
    tx.change_each(_MOVE, moved)


_MOVE = (
    sa.update(Request)
    .where(col(Request.id) == sa.bindparam("request_id"))
    .values({name: sa.bindparam(name) for name in TIMERS})
)
