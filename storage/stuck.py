"""What may be stuck, found by queries that look at open rows only, and give no more of them than people can read."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import and_, inspect, or_
from sqlmodel import col, select

from storage.models import Boot, Delivery, Request, Run
from storage.outbox import OWN_WORKER
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


def waiting(tx: Tx, opened_before: datetime, most: int) -> list[Waiting]:
    """Requests that have been open since then or longer, those that are overdue, and those about unknown outcomes; of
    each sort those of the `most` runs of an agent that wait longest. The oldest first."""
    return [
        Waiting(
            overdue=row["sort"] == "overdue",
            moves=" ".join(str(row[name]) for name in _MOVING),
            **{name: row[name] for name in _NAMES},
        )
        for row in tx.rows(_WAITING, before=opened_before, most=most)
    ]


_NAMES = ("id", "run_id", "agent", "kind", "tool", "opened_at", "stage_opened_at")
_MOVING = ("asking", "stage", "rung", "due_at", "quiet_until")


def _waiting_longest() -> sa.Select[Any]:
    """Ranked in the store: ten thousand rows would take longer to be carried out of it than to be ranked."""
    overdue = and_(
        col(Request.on_timeout) == OnTimeout.KEEP, col(Request.due_at).is_(None), col(Request.held_until).is_(None)
    )
    outcome = col(Request.kind) == RequestKind.OUTCOME
    before = sa.bindparam("before", type_=inspect(Request).local_table.c.opened_at.type)
    stuck = (
        sa.select(
            *(col(getattr(Request, name)) for name in (*_NAMES, *_MOVING)),
            sa.case((outcome, "outcome"), (overdue, "overdue"), else_="waiting").label("sort"),
        )
        .where(
            col(Request.status) == RequestStatus.PENDING, or_(col(Request.opened_at) <= before, overdue, outcome)
        )
        .cte("stuck")
    )  # fmt: skip
    one = stuck.c.agent, stuck.c.sort
    since = sa.func.min(stuck.c.opened_at)
    place = sa.func.row_number().over(partition_by=one, order_by=(since, stuck.c.run_id)).label("place")
    ranked = sa.select(stuck.c.run_id, stuck.c.sort, place).group_by(stuck.c.run_id, *one).subquery()
    return (
        sa.select(stuck)
        .join(ranked, and_(ranked.c.run_id == stuck.c.run_id, ranked.c.sort == stuck.c.sort))
        .where(ranked.c.place <= sa.bindparam("most"))
        .order_by(stuck.c.opened_at, stuck.c.id)
    )


_WAITING = _waiting_longest()


@dataclass(frozen=True, slots=True)
class Standing:
    """A run that should move. `since` is when it was ready, when its worker's lease ended, or when that took it."""

    id: str
    agent: str
    status: RunStatus
    since: datetime
    failures: int
    error: str
    owner: str | None


def unclaimed(tx: Tx, before: datetime, most: int) -> list[Standing]:
    """Runs that have been ready for a worker since then or longer, at most so many of an agent; the longest first."""
    queued = and_(col(Run.status) == RunStatus.QUEUED, col(Run.due_at) <= before)
    lost = and_(col(Run.status) == RunStatus.RUNNING, col(Run.lease_until) <= before)
    found = (*_standing(tx, queued, col(Run.due_at), most), *_standing(tx, lost, col(Run.lease_until), most))
    return sorted(found, key=lambda run: run.since)


def at_work(tx: Tx, before: datetime, now: datetime, most: int) -> list[Standing]:
    """Runs that a worker has held since then or longer and still holds, at most so many of an agent; the longest
    first."""
    held = _is(RunStatus.RUNNING, and_(col(Run.lease_until) > now, col(Run.updated_at) <= before))
    return sorted(_standing(tx, held, col(Run.updated_at), most), key=lambda run: run.since)


def failing(tx: Tx, fewest: int, known: Sequence[str], most: int) -> list[Standing]:
    """Runs that failed so often in a row and are tried again, by themselves or by the next worker, at most so many of
    an agent; of those `known` also the ones that have failed for good."""
    often = col(Run.failures) + col(Run.crashes) >= fewest
    # Each status by itself: for both at once no index serves, and every run would be read.
    tried = [
        run
        for status in (RunStatus.QUEUED, RunStatus.RUNNING)
        for run in _standing(tx, _is(status, often), col(Run.created_at), most)
    ]
    given_up = _is(RunStatus.FAILED, col(Run.id).in_(known))
    return [*tried, *(_standing(tx, given_up, col(Run.updated_at), len(known)) if known else ())]


def _is(status: RunStatus, more: Any) -> Any:
    return and_(col(Run.status) == status, more)


def _standing(tx: Tx, which: Any, since: Any, most: int) -> list[Standing]:
    names = ("id", "agent", "status", "failures", "crashes", "error", "owner")
    place = sa.func.row_number().over(partition_by=col(Run.agent), order_by=(since, col(Run.id))).label("place")
    columns = (*(col(getattr(Run, name)) for name in names), since.label("since"), place)
    ranked = sa.select(*columns).where(which).subquery()
    return [
        Standing(
            id=row["id"], agent=row["agent"], status=row["status"], since=row["since"],
            failures=row["failures"] + row["crashes"], error=row["error"], owner=row["owner"],
        )
        for row in tx.rows(sa.select(ranked).where(ranked.c.place <= most))
    ]  # fmt: skip


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


def undelivered(tx: Tx, after: datetime, most: int, *, card: str, but: Collection[str]) -> list[Delivery]:
    """What Slack did not take: messages that were given up after that moment, or that an open request waits for, and
    cards (of this kind) of open requests that stand elsewhere than they should. At most so many about one agent, the
    longest so first, and none of these kinds `but`."""
    asks = col(Request.status) == RequestStatus.PENDING
    dead = col(Delivery.status) == DeliveryStatus.DEAD, or_(col(Delivery.updated_at) > after, asks)
    asking = col(Delivery.subject).in_(select(col(Request.id)).where(asks))  # few, and found by the subject
    elsewhere = (
        col(Delivery.status) == DeliveryStatus.DONE,
        col(Delivery.kind) == card,
        col(Delivery.error) != "",
        asking,
    )
    order = col(Delivery.updated_at), col(Delivery.key)
    place = sa.func.row_number().over(partition_by=col(Run.agent), order_by=order).label("place")
    # Each by itself: for both at once no index serves, and every delivery would be read.
    ranked = sa.union_all(
        *(
            sa.select(col(Delivery.key), place)
            .outerjoin(Request, col(Request.id) == col(Delivery.subject))
            .outerjoin(Run, col(Run.id) == sa.func.coalesce(col(Request.run_id), col(Delivery.subject)))
            .where(*which, col(Delivery.priority) < OWN_WORKER, col(Delivery.kind).not_in(but))
            for which in (dead, elsewhere)
        )
    ).subquery()
    found = select(Delivery).join(ranked, ranked.c.key == col(Delivery.key)).where(ranked.c.place <= most)
    return tx.all(Delivery, found.order_by(*order))


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
