"""Rows of what is redacted of calls that were judged without a request of their own. Written once, never changed."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
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


_OF_RUN = select(RedactedCall).where(col(RedactedCall.run_id) == sa.bindparam("run_id"))
"""Built once: it is asked for every line that is said of a run."""


def of_run(tx: Tx, run_id: str) -> list[RedactedCall]:
    """The rows of a run's calls."""
    return tx.all(RedactedCall, _OF_RUN, run_id=run_id)


def of_call(tx: Tx, run_id: str, call_key: str) -> list[RedactedCall]:
    """The rows of one call."""
    return tx.all(RedactedCall, _OF_RUN.where(col(RedactedCall.call_key) == call_key), run_id=run_id)
