"""Looks at requests that are closed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import exists, or_
from sqlmodel import col, select

from storage.models import Decision, Request
from storage.tx import Tx
from storage.types import RequestKind, RequestStatus

_DECIDED = (RequestStatus.APPROVED, RequestStatus.REJECTED, RequestStatus.SKIPPED, RequestStatus.EXPIRED)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which closed requests are wanted: of the tools and agents whose name is, or else begins with, `name`; started or
    decided on by the person of that key; closed from `since` on, before `until`. What is None or empty narrows
    nothing."""

    name: str = ""
    person_key: str = ""
    since: datetime | None = None
    until: datetime | None = None


def closed(tx: Tx, wanted: Filter, limit: int) -> list[Request]:
    """The closed requests that are wanted, the newest first."""
    statement = select(Request).where(col(Request.closed_at).is_not(None))
    if wanted.since is not None:
        statement = statement.where(col(Request.closed_at) >= wanted.since)
    if wanted.until is not None:
        statement = statement.where(col(Request.closed_at) < wanted.until)
    if wanted.person_key:
        voted = exists().where(
            col(Decision.request_id) == col(Request.id), col(Decision.actor_key) == wanted.person_key
        )
        statement = statement.where(or_(col(Request.starter_key) == wanted.person_key, voted))
    newest = statement.order_by(col(Request.closed_at).desc(), col(Request.id).desc()).limit(limit)
    if not wanted.name:
        return tx.all(Request, newest)
    exact = or_(col(Request.tool) == wanted.name, col(Request.agent) == wanted.name)
    begins = (one.startswith(wanted.name, autoescape=True) for one in (col(Request.tool), col(Request.agent)))
    return tx.all(Request, newest.where(exact)) or tx.all(Request, newest.where(or_(*begins)))


def decided_before(tx: Tx, run_id: str, pause: int, limit: int) -> list[Request]:
    """The calls that people were asked about in earlier pauses of a run, the latest first."""
    statement = select(Request).where(
        col(Request.run_id) == run_id,
        col(Request.pause) < pause,
        col(Request.kind) == RequestKind.TOOL,
        col(Request.status).in_(_DECIDED),
    )
    latest_first = (col(Request.pause).desc(), col(Request.ordinal).desc(), col(Request.generation).desc())
    return tx.all(Request, statement.order_by(*latest_first).limit(limit))
