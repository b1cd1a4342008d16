"""Rows of requests that were decided before another of the same run was opened."""

from __future__ import annotations

from sqlmodel import col, select

from storage.models import Request
from storage.tx import Tx
from storage.types import RequestKind, RequestStatus

_DECIDED = (RequestStatus.APPROVED, RequestStatus.REJECTED, RequestStatus.SKIPPED, RequestStatus.EXPIRED)


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
