"""Rows of alerts: what is stuck, since when, and what people said to that. One open alert for one thing."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from storage.models import Json


class Alert(SQLModel, table=True):
    """One stuck thing. `cause` is the kind of trouble and `thing` its natural key, such as a request's id; at most one
    open alert has both. `since` is when the trouble began, which may be before it was `raised_at`."""

    __tablename__ = "alert"
    __table_args__ = (
        Index("alert_open", "cause", "thing", unique=True, sqlite_where=text("resolved_at IS NULL"),
              postgresql_where=text("resolved_at IS NULL")),
        Index("alert_recent", "raised_at"),
    )  # fmt: skip

    id: str = Field(primary_key=True)
    cause: str
    thing: str
    agent: str = ""
    run_id: str = ""
    request_id: str = ""
    severity: str
    facts: dict[str, Any] = Field(sa_type=Json)
    since: datetime
    raised_at: datetime
    acknowledged_by: dict[str, Any] | None = Field(default=None, sa_type=Json)
    acknowledged_until: datetime | None = None
    muted_by: dict[str, Any] | None = Field(default=None, sa_type=Json)
    muted_until: datetime | None = None
    resolved_at: datetime | None = None
    resolved_why: str = ""
