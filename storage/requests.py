"""Rows of approval requests and decisions. A request closes by one guarded update; zero rows: somebody else won."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import update
from sqlmodel import col, select

from storage.models import Decision, KeptPolicies, Request, Run
from storage.runs import started_by
from storage.tx import Tx
from storage.types import Actor, ActorKind, RequestKind, RequestStatus


def insert(tx: Tx, request: Request) -> bool:
    """Add a request. False where its id or its (run, subject, generation) is taken."""
    return tx.insert_new(request)


def get(tx: Tx, request_id: str) -> Request | None:
    """One request."""
    return tx.one(Request, select(Request).where(col(Request.id) == request_id))


def of_run(tx: Tx, run_id: str) -> list[Request]:
    """Every request of a run, in the order they were opened."""
    statement = select(Request).where(col(Request.run_id) == run_id)
    return tx.all(Request, statement.order_by(col(Request.pause), col(Request.ordinal), col(Request.generation)))


def pending(tx: Tx, run_id: str) -> list[Request]:
    """The requests a run waits for, oldest first."""
    statement = select(Request).where(col(Request.run_id) == run_id, col(Request.status) == RequestStatus.PENDING)
    return tx.all(Request, statement.order_by(col(Request.pause), col(Request.ordinal)))


def all_pending(tx: Tx, limit: int) -> list[Request]:
    """Everything that waits, the next deadline first."""
    statement = select(Request).where(col(Request.status) == RequestStatus.PENDING)
    return tx.all(Request, statement.order_by(col(Request.due_at), col(Request.id)).limit(limit))


@dataclass(frozen=True, slots=True)
class Asking:
    """Which time a request asks its people: other people only where this is another."""

    request_id: str
    revision: int
    stage: int
    asking: int
    rung: int


def askings(tx: Tx, limit: int) -> list[Asking]:
    """How each waiting request asks now that is not held, the next deadline first."""
    names = ("id", "revision", "stage", "asking", "rung")
    waiting = (col(Request.status) == RequestStatus.PENDING, col(Request.held_until).is_(None))
    statement = sa.select(*(col(getattr(Request, name)) for name in names)).where(*waiting)
    return [
        Asking(row["id"], row["revision"], row["stage"], row["asking"], row["rung"])
        for row in tx.rows(statement.order_by(col(Request.due_at), col(Request.id)).limit(limit))
    ]


def count_open(tx: Tx) -> int:
    """How many requests wait."""
    statement = select(sa.func.count()).select_from(Request).where(col(Request.status) == RequestStatus.PENDING)
    return int(tx.scalar(statement) or 0)


def open_of_starter(tx: Tx, starter: Actor) -> int:
    """How many requests of one person's runs wait."""
    statement = select(sa.func.count()).select_from(Request).where(col(Request.status) == RequestStatus.PENDING)
    return int(tx.scalar(statement.join(Run).where(started_by(starter))) or 0)


def open_approvers(tx: Tx) -> list[frozenset[str]]:
    """Whom each waiting request asks, in its present stage or in one still to come."""
    statement = sa.select(col(Request.rules), col(Request.stage)).where(col(Request.status) == RequestStatus.PENDING)
    left = (row["rules"]["stages"][row["stage"] :] for row in tx.rows(statement))
    return [frozenset(who for stage in stages for who in stage["approvers"]) for stages in left]


@dataclass(frozen=True, slots=True)
class Closed:
    """What a closed request tells about how people decide. `by_people`: neither time nor Signoff itself closed it."""

    agent: str
    tool: str
    policy: str
    status: RequestStatus
    revision: int
    opened_at: datetime
    closed_at: datetime
    by_people: bool


def closed_since(tx: Tx, since: datetime, limit: int) -> list[Closed]:
    """The requests that were closed after that moment, the newest first."""
    names = ("agent", "tool", "status", "revision", "opened_at", "closed_at")
    statement = (
        sa.select(
            *(col(getattr(Request, name)) for name in names),
            col(Request.rules)["policy"].as_string().label("policy"),
            col(Request.closed_by)["kind"].as_string().label("closer"),
        )
        .where(col(Request.closed_at) > since)
        .order_by(col(Request.closed_at).desc(), col(Request.id))
        .limit(limit)
    )
    return [
        Closed(
            policy=row["policy"] or "", by_people=row["closer"] not in _NOBODY, **{name: row[name] for name in names}
        )
        for row in tx.rows(statement)
    ]


_NOBODY = frozenset({ActorKind.SCHEDULER.value, ActorKind.SYSTEM.value, ActorKind.POLICY.value})


def newest(tx: Tx, run_id: str, subject: str) -> Request | None:
    """The latest request about one subject of a run."""
    statement = select(Request).where(col(Request.run_id) == run_id, col(Request.subject) == subject)
    return tx.one(Request, statement.order_by(col(Request.generation).desc()).limit(1))


def next_due(tx: Tx) -> datetime | None:
    """When the next thing is to happen to a pending request: in unpaused time, which never passes the wall's."""
    found: datetime | None = tx.scalar(_NEXT_DUE)
    return found


_NEXT_DUE = select(sa.func.min(col(Request.next_at))).where(col(Request.status) == RequestStatus.PENDING)


def overdue(tx: Tx, due: datetime, limit: int, skip: Sequence[str], but: Sequence[str]) -> list[Request]:
    """Pending requests to which something is to happen by now, what should have happened first of all first; none that
    is named in `skip`, and of no agent named in `but`."""
    statement = (
        select(Request)
        .where(col(Request.status) == RequestStatus.PENDING, col(Request.next_at) <= due)
        .where(col(Request.id).not_in(skip), col(Request.agent).not_in(but))
        .order_by(col(Request.next_at), col(Request.id))
        .limit(limit)
    )
    return tx.all(Request, statement)


def change(tx: Tx, request: Request, expected: RequestStatus, **values: Any) -> bool:
    """Change a request that is still in the expected state, at the revision and stage this record shows."""
    statement = (
        update(Request)
        .where(
            col(Request.id) == request.id,
            col(Request.status) == expected,
            col(Request.revision) == request.revision,
            col(Request.stage) == request.stage,
        )
        .values(**values)
    )
    return tx.change(statement) == 1


def climb(tx: Tx, request: Request, **values: Any) -> bool:
    """Change the timers of an open request whose ladder still stands where this record shows: in the same asking, with
    the same steps behind it."""
    there = (col(Request.asking) == request.asking, col(Request.rung) == request.rung)
    statement = update(Request).where(col(Request.id) == request.id, col(Request.status) == RequestStatus.PENDING)
    return tx.change(statement.where(*there).values(**values)) == 1


def of_pause(tx: Tx, run_id: str, pause: int) -> list[Request]:
    """The requests that were opened together."""
    return tx.all(Request, select(Request).where(col(Request.run_id) == run_id, col(Request.pause) == pause))


def share_card(tx: Tx, card: str, request_ids: Sequence[str]) -> None:
    """Put these requests on the card of one of them."""
    tx.change(update(Request).where(col(Request.id).in_(request_ids)).values(card=card))


def on_card(tx: Tx, first: Request) -> list[Request]:
    """The requests that were put on the card of this one, itself included, in the order of their calls."""
    statement = select(Request).where(col(Request.run_id) == first.run_id, col(Request.card) == first.id)
    return tx.all(Request, statement.order_by(col(Request.ordinal)))


def keep_policies(tx: Tx, kept: KeptPolicies) -> None:
    """Keep a policy set; the same one again changes nothing."""
    tx.insert_new(kept)


def kept_policies(tx: Tx, digest: str) -> KeptPolicies | None:
    """A policy set that was kept."""
    return tx.one(KeptPolicies, select(KeptPolicies).where(col(KeptPolicies.digest) == digest))


def consume(tx: Tx, request_id: str, now: datetime) -> bool:
    """Take a verdict, once."""
    statement = (
        update(Request).where(col(Request.id) == request_id, col(Request.consumed_at).is_(None)).values(consumed_at=now)
    )
    return tx.change(statement) == 1


def set_aside_unused(tx: Tx, run_id: str) -> list[Request]:
    """A retry asks again about what the failure of its run closed: time-outs and cancellations nobody took. Those."""
    unused = (
        col(Request.run_id) == run_id,
        col(Request.status).in_((RequestStatus.EXPIRED, RequestStatus.CANCELLED)),
        col(Request.consumed_at).is_(None),
    )
    found = tx.all(Request, select(Request).where(*unused))
    tx.change(update(Request).where(*unused).values(status=RequestStatus.LAPSED))
    return [one.model_copy(update={"status": RequestStatus.LAPSED}) for one in found]


def open_outcome(tx: Tx, run_id: str, subject: str) -> Request | None:
    """The pending question about a call whose end nobody recorded."""
    statement = select(Request).where(
        col(Request.run_id) == run_id,
        col(Request.subject) == subject,
        col(Request.kind) == RequestKind.OUTCOME,
        col(Request.status) == RequestStatus.PENDING,
    )
    return tx.one(Request, statement)


def vote(tx: Tx, decision: Decision) -> bool:
    """Record a vote. False where this person already has a standing vote in this stage of this revision."""
    return tx.insert_new(decision)


def withdraw(tx: Tx, decision: Decision, now: datetime, mac: str) -> bool:
    """Mark a vote as taken back. False where it was already."""
    statement = (
        update(Decision)
        .where(col(Decision.id) == decision.id, col(Decision.withdrawn_at).is_(None))
        .values(withdrawn_at=now, mac=mac)
    )
    return tx.change(statement) == 1


def standing_votes(tx: Tx, request_id: str, revision: int, actor_key: str) -> list[Decision]:
    """The votes that a person gave on a revision, or that somebody gave in their stead, in the order they were made:
    one, or one for each stage."""
    statement = select(Decision).where(
        col(Decision.request_id) == request_id,
        col(Decision.revision) == revision,
        col(Decision.withdrawn_at).is_(None),
    )
    found = tx.all(Decision, statement.order_by(col(Decision.id)))
    return [decision for decision in found if actor_key in hands(decision)]


def hands(decision: Decision) -> frozenset[str]:
    """Whose word a vote is: the hands of its actor, and of the approver in whose stead they gave it."""
    behind = Actor.model_validate(decision.on_behalf_of).hands if decision.on_behalf_of else ()
    return frozenset((decision.actor_key, *Actor.model_validate(decision.actor).hands, *behind))


def votes(tx: Tx, request_ids: Sequence[str]) -> list[Decision]:
    """Every decision on these requests, in the order they were made."""
    return tx.all(
        Decision, select(Decision).where(col(Decision.request_id).in_(request_ids)).order_by(col(Decision.id))
    )
