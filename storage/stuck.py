"""What may be stuck, found by queries that look at open rows only: cheap enough to be asked every few seconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import and_, or_
from sqlmodel import col, select

from storage.models import Boot, Delivery, Request, Run
from storage.tx import Tx
from storage.types import DeliveryStatus, OnTimeout, RequestKind, RequestStatus, RunStatus


@dataclass(frozen=True, slots=True)
class Waiting:
    """An open request, without what it asks. `overdue`: nobody decided in time and the policy keeps it open."""

    id: str
    run_id: str
    agent: str
    kind: RequestKind
    tool: str
    opened_at: datetime
    stage_opened_at: datetime
    overdue: bool
    moves: str
    """Differs whenever something else comes next for it."""


def waiting(tx: Tx, opened_before: datetime) -> list[Waiting]:
    """Requests that have been open since then or longer, and all about unknown outcomes; the oldest first."""
    names = ("id", "run_id", "agent", "kind", "tool", "opened_at", "stage_opened_at")
    moving = ("asking", "stage", "rung", "due_at", "quiet_until")
    overdue = and_(
        col(Request.on_timeout) == OnTimeout.KEEP, col(Request.due_at).is_(None), col(Request.held_until).is_(None)
    )
    found = (
        sa.select(*(col(getattr(Request, name)) for name in (*names, *moving)), overdue.label("overdue"))
        .where(
            col(Request.status) == RequestStatus.PENDING,
            or_(col(Request.opened_at) <= opened_before, overdue, col(Request.kind) == RequestKind.OUTCOME),
        )
        .order_by(col(Request.opened_at), col(Request.id))
    )
    return [
        Waiting(
            overdue=bool(row["overdue"]),
            moves=" ".join(str(row[name]) for name in moving),
            **{name: row[name] for name in names},
        )
        for row in tx.rows(found)
    ]


@dataclass(frozen=True, slots=True)
class Standing:
    """A run that should move. `since` is when it was ready, or when its worker's lease ended."""

    id: str
    agent: str
    status: RunStatus
    since: datetime
    failures: int
    error: str
    owner: str | None


def unclaimed(tx: Tx, before: datetime) -> list[Standing]:
    """Runs that have been ready for a worker since then or longer; the longest first."""
    queued = and_(col(Run.status) == RunStatus.QUEUED, col(Run.due_at) <= before)
    lost = and_(col(Run.status) == RunStatus.RUNNING, col(Run.lease_until) <= before)
    return sorted((*_standing(tx, queued), *_standing(tx, lost)), key=lambda run: run.since)


def failing(tx: Tx, fewest: int, known: Sequence[str]) -> list[Standing]:
    """Runs that failed so often in a row and are tried again, by themselves or by the next worker; of those `known`
    also the ones that have failed for good."""
    often = col(Run.failures) + col(Run.crashes) >= fewest
    # Each status by itself: for both at once no index serves, and every run would be read.
    tried = [run for status in (RunStatus.QUEUED, RunStatus.RUNNING) for run in _standing(tx, _is(status, often))]
    given_up = _standing(tx, _is(RunStatus.FAILED, col(Run.id).in_(known))) if known else []
    return [*tried, *given_up]


def _is(status: RunStatus, more: Any) -> Any:
    return and_(col(Run.status) == status, more)


def _standing(tx: Tx, which: Any) -> list[Standing]:
    names = ("id", "agent", "status", "failures", "crashes", "error", "owner", "due_at", "lease_until", "updated_at")
    found = sa.select(*(col(getattr(Run, name)) for name in names)).where(which)
    return [
        Standing(
            id=row["id"], agent=row["agent"], status=row["status"], since=_since(row),
            failures=row["failures"] + row["crashes"], error=row["error"], owner=row["owner"],
        )
        for row in tx.rows(found)
    ]  # fmt: skip


def _since(row: Any) -> datetime:
    if row["status"] is RunStatus.RUNNING and row["lease_until"] is not None:
        return row["lease_until"]  # type: ignore[no-any-return]
    return row["due_at"] if row["status"] is RunStatus.QUEUED else row["updated_at"]  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class Ended:
    """How one run of an agent ended."""

    id: str
    agent: str
    failed: bool
    at: datetime
    error: str


def ended(tx: Tx, started_after: datetime, limit: int) -> list[Ended]:
    """How the latest runs ended, those started last first; of at most so many runs."""
    names = ("id", "agent", "status", "updated_at", "error")
    latest = sa.select(*(col(getattr(Run, name)) for name in names)).where(col(Run.created_at) > started_after)
    rows = tx.rows(latest.order_by(col(Run.created_at).desc()).limit(limit))
    over = (RunStatus.SUCCEEDED, RunStatus.FAILED)
    return [
        Ended(row["id"], row["agent"], row["status"] is RunStatus.FAILED, row["updated_at"], row["error"])
        for row in rows
        if row["status"] in over
    ]


def silent(tx: Tx, own: str, before: datetime) -> list[Boot]:
    """Processes that last said before then that they live: this one, and others that still hold work."""
    holders = (
        select(col(Run.owner)).where(col(Run.status) == RunStatus.RUNNING, col(Run.lease_until) > before),
        select(col(Delivery.owner)).where(
            col(Delivery.status) == DeliveryStatus.LEASED, col(Delivery.lease_until) > before
        ),
    )
    lives = or_(col(Boot.id) == own, *(col(Boot.id).in_(one) for one in holders))
    return tx.all(Boot, select(Boot).where(col(Boot.heartbeat_at) <= before, lives).order_by(col(Boot.id)))
