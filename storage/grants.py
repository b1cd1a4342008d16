"""Rows of grants: approvals that count for further calls like the one that people saw. Using and revoking are guarded
by the seal that was read."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, update
from sqlmodel import Field, SQLModel, col, select

from storage.models import Json, Run, words
from storage.tx import Tx
from storage.types import GrantScope


class Grant(SQLModel, table=True):
    """One grant, sealed by `mac`. `likeness` is a digest over the arguments that further calls must share: those in
    `keys`, or all; `chain` one over who must agree by the policy's rules. `approvers` are the hands of everybody whose
    yes made it. `run_id` and `starter_key` are empty where its scope is wider than they."""

    __tablename__ = "approval_grant"
    __table_args__ = (Index("grant_look", "agent", "tool", "expires_at"),)

    id: str = Field(primary_key=True)
    agent: str
    tool: str
    scope: GrantScope = Field(sa_type=words(GrantScope, "grant_scope"))
    run_id: str = ""
    starter_key: str = ""
    keys: list[str] = Field(sa_type=Json)
    likeness: str
    chain: str
    request_id: str = Field(foreign_key="request.id", index=True)
    granted_by: dict[str, Any] = Field(sa_type=Json)
    approvers: list[str] = Field(sa_type=Json)
    max_uses: int
    uses: int = 0
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None
    revoked_by: dict[str, Any] | None = Field(default=None, sa_type=Json)
    mac: str


def insert(tx: Tx, grant: Grant) -> bool:
    """Add a grant. False where its id is taken."""
    return tx.insert_new(grant)


def get(tx: Tx, grant_id: str) -> Grant | None:
    """One grant."""
    return tx.one(Grant, select(Grant).where(col(Grant.id) == grant_id))


def of_request(tx: Tx, request_id: str) -> Grant | None:
    """The grant that an approved request left behind."""
    return tx.one(Grant, select(Grant).where(col(Grant.request_id) == request_id))


def standing(tx: Tx, run: Run, now: datetime) -> list[Grant]:
    """The grants for a run's agent that are neither used up, revoked nor past their end, the oldest first, without
    those of other runs and of what others start."""
    statement = select(Grant).where(
        col(Grant.agent) == run.agent,
        col(Grant.run_id).in_(("", run.id)),
        col(Grant.starter_key).in_(("", run.starter_key)),
        *_standing(now),
    )
    return tx.all(Grant, statement.order_by(col(Grant.created_at), col(Grant.id)))


def listed(tx: Tx, now: datetime, limit: int) -> list[Grant]:
    """Grants that still let calls through, the newest first."""
    statement = select(Grant).where(*_standing(now))
    return tx.all(Grant, statement.order_by(col(Grant.created_at).desc(), col(Grant.id)).limit(limit))


def replace(tx: Tx, before: Grant, after: Grant) -> bool:
    """Write what may change of a grant, if it is as it was read: its uses, its end, its seal."""
    statement = (
        update(Grant)
        .where(col(Grant.id) == before.id, col(Grant.mac) == before.mac)
        .values(uses=after.uses, revoked_at=after.revoked_at, revoked_by=after.revoked_by, mac=after.mac)
    )
    return tx.change(statement) == 1


def _standing(now: datetime) -> tuple[Any, ...]:
    return (col(Grant.revoked_at).is_(None), col(Grant.expires_at) > now, col(Grant.uses) < col(Grant.max_uses))
