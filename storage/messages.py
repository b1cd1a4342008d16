"""Where each delivered message stands in Slack: its channel and ts, or a post whose answer was never seen."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import String, and_, cast, literal, or_, update
from sqlmodel import col, select

from storage.models import Message, Request
from storage.tx import Tx
from storage.types import RequestKind, RequestStatus


def get(tx: Tx, key: str) -> Message | None:
    """The message of a delivery."""
    return tx.one(Message, select(Message).where(col(Message.key) == key))


def at(tx: Tx, channel: str, ts: str) -> Message | None:
    """The message that stands at this place in Slack."""
    return tx.one(Message, select(Message).where(col(Message.channel) == channel, col(Message.ts) == ts))


def posted_since(tx: Tx, beginning: str, since: datetime) -> bool:
    """Whether a message whose key begins like this was posted after that moment."""
    like = (col(Message.key) >= beginning, col(Message.key) < beginning[:-1] + chr(ord(beginning[-1]) + 1))
    posted = (col(Message.ts).is_not(None), col(Message.updated_at) > since)
    return tx.one(Message, select(Message).where(*like, *posted).limit(1)) is not None


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


def leave(tx: Tx, key: str, under: str, now: datetime) -> None:
    """The message stays where it stands, under another key; the next one of its own key is posted anew."""
    moved = update(Message).where(col(Message.key) == key)
    tx.change(moved.values(key=under, rendering="", updated_at=now))


def adopt(tx: Tx, key: str, channel: str, ts: str, now: datetime) -> bool:
    """A click came from this copy: if no row knows it, take it as the message whose post was never answered."""
    if at(tx, channel, ts) is not None:
        return False
    statement = (
        update(Message)
        .where(col(Message.key) == key, col(Message.ts).is_(None))
        .values(channel=channel, ts=ts, rendering="", posting_since=None, updated_at=now)
    )
    return tx.change(statement) == 1


def asked_in(tx: Tx, channel: str, thread_ts: str | None, kind: RequestKind) -> Sequence[str]:
    """The pending requests of a kind whose run's message, or whose own card, stands in this thread; None for any thread
    of the channel. Oldest first."""
    request, message, colon = col(Request.id), col(Message.key), literal(":")
    asked = cast(col(Request.asking), String) + colon + cast(col(Request.stage), String)
    shown = or_(message == literal("run:") + col(Request.run_id), message == literal("card:") + request + colon + asked)
    here = [col(Message.channel) == channel, col(Message.ts).is_not(None)]
    if thread_ts is not None:
        here.append(or_(col(Message.ts) == thread_ts, col(Message.thread_ts) == thread_ts))
    open_ = and_(col(Request.status) == RequestStatus.PENDING, col(Request.kind) == kind)
    statement = (
        select(request, col(Request.opened_at))
        .join(Message, shown)
        .where(open_, *here)
        .order_by(col(Request.opened_at), request)
        .distinct()
    )
    return [str(row["id"]) for row in tx.rows(statement)]
