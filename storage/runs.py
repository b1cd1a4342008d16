"""Rows of runs, their leases, and the barrier that queues a run again. Every write names the state it expects."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, func, inspect, or_, update
from sqlmodel import col, select

from storage.errors import LeaseLost
from storage.models import Request, Run
from storage.tx import Tx
from storage.types import Actor, RequestStatus, RunStatus


def insert(tx: Tx, run: Run) -> bool:
    """Add a run. False where its id or its dedupe key is taken."""
    return tx.insert_new(run)


def get(tx: Tx, run_id: str) -> Run | None:
    """One run."""
    return tx.one(Run, select(Run).where(col(Run.id) == run_id))


def find_dedupe(tx: Tx, dedupe: str) -> Run | None:
    """The run that an earlier delivery of the same start made."""
    return tx.one(Run, select(Run).where(col(Run.dedupe) == dedupe))


def recent(tx: Tx, limit: int, *, starter_key: str | None = None) -> list[Run]:
    """Newest runs first."""
    statement = select(Run).order_by(col(Run.created_at).desc(), col(Run.id)).limit(limit)
    if starter_key is not None:
        statement = statement.where(col(Run.starter_key) == starter_key)
    return tx.all(Run, statement)


def started_since(tx: Tx, starter: Actor, since: datetime) -> int:
    """How many runs a person started after that moment, with whatever account."""
    statement = select(func.count()).select_from(Run)
    return int(tx.scalar(statement.where(col(Run.created_at) > since, started_by(starter))) or 0)


def started_by(starter: Actor) -> ColumnElement[bool]:
    """Which runs are a person's: those of this account, and of every other that is known to be theirs."""
    own = col(Run.starter_key) == starter.key
    return or_(own, col(Run.starter)["person"].as_string() == starter.person) if starter.person else own


def with_prefix(tx: Tx, prefix: str, limit: int = 5) -> list[Run]:
    """Runs whose id begins like this."""
    return tx.all(Run, select(Run).where(col(Run.id).startswith(prefix, autoescape=True)).limit(limit))


def open_(tx: Tx, limit: int, agent: str = "") -> list[Run]:
    """The runs that have not ended, of this agent where one is named; the newest first."""
    statement = select(Run).where(col(Run.status).in_((RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.WAITING)))
    if agent:
        statement = statement.where(col(Run.agent) == agent)
    return tx.all(Run, statement.order_by(col(Run.created_at).desc(), col(Run.id)).limit(limit))


def claimable(tx: Tx, now: datetime, skip: Sequence[str], but: Sequence[str] = ()) -> Run | None:
    """The run to advance next: due and queued, or running under an expired lease; of no agent named in `but`."""
    values = {"now": now, "skip": list(skip), "but": list(but)}
    return tx.one(Run, _QUEUED, **values) or tx.one(Run, _LOST, **values)


def lost(tx: Tx, now: datetime, skip: Sequence[str], agents: Sequence[str] | None) -> list[Run]:
    """The runs under an expired lease, of these agents, or of all: their workers are gone. The longest first."""
    statement = select(Run).where(_IS_RUNNING, col(Run.lease_until) <= now, col(Run.id).not_in(skip))
    if agents is not None:
        statement = statement.where(col(Run.agent).in_(agents))
    return tx.all(Run, statement.order_by(col(Run.lease_until)))


def next_due(tx: Tx) -> datetime | None:
    """When the next queued run is due, or the next lease expires."""
    return min((at for at in (tx.scalar(_NEXT_QUEUED), tx.scalar(_NEXT_LOST)) if at is not None), default=None)


_IS_QUEUED, _IS_RUNNING = col(Run.status) == RunStatus.QUEUED, col(Run.status) == RunStatus.RUNNING
_NOW = sa.bindparam("now", type_=inspect(Run).local_table.c.due_at.type)
_OTHERS = (
    col(Run.id).not_in(sa.bindparam("skip", expanding=True)),
    col(Run.agent).not_in(sa.bindparam("but", expanding=True)),
)
_QUEUED = select(Run).where(_IS_QUEUED, col(Run.due_at) <= _NOW, *_OTHERS).order_by(col(Run.due_at)).limit(1)
_LOST = select(Run).where(_IS_RUNNING, col(Run.lease_until) <= _NOW, *_OTHERS).order_by(col(Run.lease_until)).limit(1)
_NEXT_QUEUED = select(sa.func.min(col(Run.due_at))).where(_IS_QUEUED)
_NEXT_LOST = select(sa.func.min(col(Run.lease_until))).where(_IS_RUNNING)


def change(tx: Tx, run_id: str, expected: RunStatus, **values: Any) -> bool:
    """Change a run that is still in the expected state."""
    statement = update(Run).where(col(Run.id) == run_id, col(Run.status) == expected).values(**values)
    return tx.change(statement) == 1


def change_held(tx: Tx, run_id: str, owner: str, attempt: int, **values: Any) -> bool:
    """Change a running run, as the holder of its lease."""
    statement = update(Run).where(*_held(run_id, owner, attempt)).values(**values)
    return tx.change(statement) == 1


def require_lease(tx: Tx, run_id: str, owner: str, attempt: int) -> None:
    """Raise LeaseLost unless this owner and attempt still hold the run."""
    if tx.scalar(select(col(Run.id)).where(*_held(run_id, owner, attempt))) is None:
        raise LeaseLost(f"run {run_id}")


def extend_leases(tx: Tx, owner: str, held: Sequence[str], until: datetime) -> int:
    """Push out the leases of the runs that this process is advancing; how many."""
    statement = (
        update(Run)
        .where(col(Run.owner) == owner, col(Run.status) == RunStatus.RUNNING, col(Run.id).in_(held))
        .values(lease_until=until)
    )
    return tx.change(statement)


def expire_other_leases(tx: Tx, owner: str, now: datetime) -> int:
    """At start: with one process to a file, a lease of any other boot belongs to the dead."""
    statement = (
        update(Run)
        .where(col(Run.status) == RunStatus.RUNNING, or_(col(Run.owner) != owner, col(Run.owner).is_(None)))
        .values(lease_until=now)
    )
    return tx.change(statement)


def queue_if_pause_closed(tx: Tx, run_id: str, now: datetime) -> bool:
    """The barrier: the decision that closes the last request of a pause queues the run again."""
    still_open = (
        select(func.count())
        .select_from(Request)
        .where(col(Request.run_id) == run_id, col(Request.status) == RequestStatus.PENDING)
    )
    if tx.scalar(still_open):
        return False
    queued = change(tx, run_id, RunStatus.WAITING, status=RunStatus.QUEUED, due_at=now, updated_at=now)
    if queued:
        tx.wake("runs")
    return queued


def _held(run_id: str, owner: str, attempt: int) -> tuple[Any, ...]:
    return (
        col(Run.id) == run_id,
        col(Run.status) == RunStatus.RUNNING,
        col(Run.owner) == owner,
        col(Run.attempt) == attempt,
    )
