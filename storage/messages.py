"""Where each delivered message stands in Slack: its channel and ts, or a post whose answer was never seen."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import update
from sqlmodel import col, select

from storage.models import Message
from storage.tx import Tx


def get(tx: Tx, key: str) -> Message | None:
    """The message of a delivery."""
    return tx.one(Message, select(Message).where(col(Message.key) == key))


def at(tx: Tx, channel: str, ts: str) -> Message | None:
    """The message that stands at this place in Slack."""
    return tx.one(Message, select(Message).where(col(Message.channel) == channel, col(Message.ts) == ts))


def begin_post(tx: Tx, key: str, channel: str, thread_ts: str, now: datetime) -> None:
    """About to post: if no answer comes, this row says that a copy may exist, and since when."""
    row = Message(key=key, channel=channel, thread_ts=thread_ts, posting_since=now, posts=1, updated_at=now)
    if not tx.insert_new(row):
        statement = update(Message).where(col(Message.key) == key)
        tx.change(
            statement.values(
                channel=channel, thread_ts=thread_ts, ts=None, rendering="", posting_since=now,
                posts=col(Message.posts) + 1, updated_at=now,
            )
        )  # fmt: skip


def forget_post(tx: Tx, key: str, now: datetime) -> None:
    """Slack refused the post: no copy exists."""
    tx.change(update(Message).where(col(Message.key) == key).values(posting_since=None, updated_at=now))


def placed(tx: Tx, key: str, channel: str, ts: str, rendering: str, now: datetime) -> None:
    """The message stands at this place and shows this rendering."""
    statement = update(Message).where(col(Message.key) == key)
    tx.change(statement.values(channel=channel, ts=ts, rendering=rendering, posting_since=None, updated_at=now))


def adopt(tx: Tx, key: str, channel: str, ts: str, now: datetime) -> bool:
    """A click came from a copy that no row knows: take it as the message, if the answer to its post was never seen."""
    statement = (
        update(Message)
        .where(col(Message.key) == key, col(Message.ts).is_(None))
        .values(channel=channel, ts=ts, rendering="", posting_since=None, updated_at=now)
    )
    return tx.change(statement) == 1
