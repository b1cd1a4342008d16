"""A message as the workspace keeps it, and the shapes in which Slack shows it."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.workspace.shapes import Json

NOTHING_TO_SHOW = "This content can't be displayed."
"""What Slack puts into `text` when an app posts blocks without any."""


@dataclass
class Reaction:
    """One emoji under a message and who put it there."""

    name: str
    users: list[str] = field(default_factory=list)


@dataclass(eq=False)
class StoredMessage:
    """One message, changed in place by updates. `author` is a user id; `bot_id` tells that an app wrote it."""

    channel: str
    ts: str
    author: str
    text: str
    blocks: list[Json]
    team: str
    bot_id: str | None = None
    app_id: str | None = None
    attachments: list[Json] = field(default_factory=list)
    thread_ts: str | None = None
    broadcast: bool = False
    metadata: Json | None = None
    edited: Json | None = None
    client_msg_id: str | None = None
    subtype: str | None = None
    username: str | None = None
    brought_rich_text: bool = False
    ephemeral_for: str | None = None
    files: list[Json] = field(default_factory=list)
    reactions: list[Reaction] = field(default_factory=list)
    changed: int = 0
    """The workspace's change count when this message was last written."""

    @property
    def is_reply(self) -> bool:
        return self.thread_ts is not None and self.thread_ts != self.ts


@dataclass(frozen=True)
class ThreadSummary:
    """What a thread's root tells about its replies."""

    root_author: str
    reply_count: int
    reply_users: list[str]
    latest_reply: str | None


def message_json(message: StoredMessage, thread: ThreadSummary | None = None, *, full_metadata: bool = True) -> Json:
    """The message as it stands in answers, events and interaction payloads."""
    shape: Json = {"user": message.author, "type": "message", "ts": message.ts}
    if message.client_msg_id:
        shape["client_msg_id"] = message.client_msg_id
    if message.subtype:
        shape["subtype"] = message.subtype
    if message.bot_id:
        shape |= {"bot_id": message.bot_id, "app_id": message.app_id}
    if message.username:
        shape["username"] = message.username
    shape |= {"text": message.text, "team": message.team}
    _add_thread(shape, message, thread)
    for key in ("edited", "attachments", "blocks", "files"):
        if getattr(message, key):
            shape[key] = getattr(message, key)
    if message.reactions:
        shape["reactions"] = [
            {"name": r.name, "users": list(r.users), "count": len(r.users)} for r in message.reactions
        ]
    if message.metadata:
        shape["metadata"] = message.metadata if full_metadata else {"event_type": message.metadata["event_type"]}
    return shape


def _add_thread(shape: Json, message: StoredMessage, thread: ThreadSummary | None) -> None:
    if message.is_reply:
        shape["thread_ts"] = message.thread_ts
        if thread and thread.root_author:
            shape["parent_user_id"] = thread.root_author
    elif thread and thread.reply_count:
        shape |= {
            "thread_ts": message.ts,
            "reply_count": thread.reply_count,
            "reply_users_count": len(thread.reply_users),
            "latest_reply": thread.latest_reply,
            "reply_users": thread.reply_users,
            "is_locked": False,
            "subscribed": False,
        }
