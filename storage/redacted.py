"""Rows of what is redacted of calls that were judged without a request of their own. Written once, never changed."""

from __future__ import annotations

from typing import Any

from sqlmodel import Field, SQLModel, col, select

from storage.models import Json
from storage.tx import Tx


class RedactedCall(SQLModel, table=True):
    """One call's arguments and the redaction that applied to them; `digest` names both, so that one call may have
    several. It decides nothing, and so it has no seal."""

    __tablename__ = "redacted_call"

    run_id: str = Field(foreign_key="run.id", primary_key=True)
    call_key: str = Field(primary_key=True)
    digest: str = Field(primary_key=True)
    args: Any = Field(default=None, sa_type=Json, nullable=True)
    redaction: dict[str, Any] = Field(sa_type=Json)


def keep(tx: Tx, row: RedactedCall) -> None:
    """Keep a row, once."""
    tx.insert_new(row)


def of_run(tx: Tx, run_id: str, call_key: str | None = None) -> list[RedactedCall]:
    """The rows of a run, or of one call in it."""
    statement = select(RedactedCall).where(col(RedactedCall.run_id) == run_id)
    if call_key is not None:
        statement = statement.where(col(RedactedCall.call_key) == call_key)
    return tx.all(RedactedCall, statement.order_by(col(RedactedCall.call_key), col(RedactedCall.digest)))
