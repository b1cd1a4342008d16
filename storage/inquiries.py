"""Rows of inquiries: what approvers asked whoever started a run about a request, and what was answered."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import literal, update
from sqlmodel import Field, SQLModel, col, select

from storage.models import Json, Message, Request
from storage.tx import Tx
from storage.types import RequestStatus


class Inquiry(SQLModel, table=True):
    """One question about a request; `answer` is None until it is answered, once."""

    __tablename__ = "inquiry"

    id: str = Field(primary_key=True)
    request_id: str = Field(foreign_key="request.id", index=True)
    asked_by: dict[str, Any] = Field(sa_type=Json)
    question: str
    asked_at: datetime
    answer: str | None = None
    answered_by: dict[str, Any] | None = Field(default=None, sa_type=Json)
    answered_at: datetime | None = None


def insert(tx: Tx, inquiry: Inquiry) -> bool:
    """Add a question. False where its id is taken."""
    return tx.insert_new(inquiry)


def get(tx: Tx, inquiry_id: str) -> Inquiry | None:
    """One question."""
    return tx.one(Inquiry, select(Inquiry).where(col(Inquiry.id) == inquiry_id))


def of_request(tx: Tx, request_id: str) -> list[Inquiry]:
    """The questions about a request, the oldest first."""
    statement = select(Inquiry).where(col(Inquiry.request_id) == request_id)
    return tx.all(Inquiry, statement.order_by(col(Inquiry.asked_at), col(Inquiry.id)))


def open_in(tx: Tx, channel: str, thread_ts: str | None, starter_key: str) -> list[Inquiry]:
    """The unanswered questions about open requests of this person's runs that stand in this thread; None for any thread
    of the channel. The oldest first."""
    here = [col(Message.channel) == channel, col(Message.ts).is_not(None)]
    if thread_ts is not None:
        here.append(col(Message.thread_ts) == thread_ts)
    statement = (
        select(Inquiry)
        .join(Message, col(Message.key) == literal("inquiry:") + col(Inquiry.id))
        .join(Request, col(Request.id) == col(Inquiry.request_id))
        .where(col(Inquiry.answered_at).is_(None), col(Request.status) == RequestStatus.PENDING)
        .where(col(Request.starter_key) == starter_key, *here)
    )
    return tx.all(Inquiry, statement.order_by(col(Inquiry.asked_at), col(Inquiry.id)))


def answer(tx: Tx, inquiry_id: str, text: str, by: dict[str, Any], now: datetime) -> bool:
    """Write the answer. False where there is one."""
    statement = update(Inquiry).where(col(Inquiry.id) == inquiry_id, col(Inquiry.answered_at).is_(None))
    return tx.change(statement.values(answer=text, answered_by=by, answered_at=now)) == 1
