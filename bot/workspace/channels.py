"""A conversation (public, private, direct), its members and messages, and how Slack describes it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from bot.workspace.messages import StoredMessage, ThreadSummary
from bot.workspace.mint import micros, ts
from bot.workspace.shapes import Json


@dataclass(eq=False)
class Channel:
    """One conversation. A direct message has `is_im` and its human in `im_user`; its other member is the bot."""

    id: str
    name: str
    team_id: str
    members: list[str] = field(default_factory=list)
    is_private: bool = False
    is_im: bool = False
    is_mpim: bool = False
    im_user: str | None = None
    is_general: bool = False
    is_archived: bool = False
    shared_with: list[str] = field(default_factory=list)
    topic: str = ""
    purpose: str = ""
    creator: str = ""
    created: int = 1_790_000_000
    messages: dict[str, StoredMessage] = field(default_factory=dict)
    last_ts: int = 0
    _replies: dict[str, list[StoredMessage]] = field(default_factory=dict)

    def next_ts(self, now: datetime) -> str:
        """A timestamp later than every one given before in this conversation."""
        self.last_ts = max(micros(now), self.last_ts + 1)
        return ts(self.last_ts)

    @property
    def kind(self) -> str:
        """`im`, `mpim`, `private_channel` or `public_channel`: the words of conversations.list."""
        if self.is_im:
            return "im"
        if self.is_mpim:
            return "mpim"
        return "private_channel" if self.is_private else "public_channel"

    @property
    def scope_prefix(self) -> str:
        """The first half of the scopes that read it: `channels`, `groups`, `im` or `mpim`."""
        return {"im": "im", "mpim": "mpim", "private_channel": "groups", "public_channel": "channels"}[self.kind]

    @property
    def payload_name(self) -> str:
        """The name that slash commands and interactions carry."""
        if self.is_im:
            return "directmessage"
        return "privategroup" if self.is_private and not self.is_mpim else self.name

    def add(self, message: StoredMessage) -> None:
        self.messages[message.ts] = message
        if message.is_reply:
            self._replies.setdefault(message.thread_ts or "", []).append(message)

    def remove(self, message: StoredMessage) -> None:
        del self.messages[message.ts]
        if message.is_reply:
            self._replies[message.thread_ts or ""].remove(message)

    def replies(self, root_ts: str) -> list[StoredMessage]:
        """The replies in a thread, oldest first."""
        return list(self._replies.get(root_ts, []))

    def thread(self, message: StoredMessage) -> ThreadSummary:
        """The summary of the thread that the message starts or belongs to."""
        root_ts = message.thread_ts or message.ts
        root = self.messages.get(root_ts)
        replies = self.replies(root_ts)
        users = list(dict.fromkeys(reply.author for reply in replies))
        return ThreadSummary(root.author if root else "", len(replies), users, replies[-1].ts if replies else None)


def channel_json(channel: Channel, *, bot_user: str, num_members: bool = False) -> Json:
    """A channel object, or Slack's quite different object for a direct message."""
    if channel.is_im:
        return _im_json(channel)
    shape: Json = {
        "id": channel.id,
        "name": channel.name,
        "is_channel": not channel.is_mpim,
        "is_group": False,
        "is_im": False,
        "is_mpim": channel.is_mpim,
        "is_private": channel.is_private,
        "created": channel.created,
        "is_archived": channel.is_archived,
        "is_general": channel.is_general,
        "unlinked": 0,
        "name_normalized": channel.name,
        "is_shared": bool(channel.shared_with),
        "is_frozen": False,
        "is_org_shared": False,
        "is_pending_ext_shared": False,
        "pending_shared": [],
        "context_team_id": channel.team_id,
        "updated": channel.created * 1000,
        "parent_conversation": None,
        "creator": channel.creator,
        "is_ext_shared": bool(channel.shared_with),
        "shared_team_ids": [channel.team_id, *channel.shared_with],
        "pending_connected_team_ids": [],
        "is_member": bot_user in channel.members,
        "topic": {"value": channel.topic, "creator": "", "last_set": 0},
        "purpose": {"value": channel.purpose, "creator": "", "last_set": 0},
        "previous_names": [],
    }
    if num_members:
        shape["num_members"] = len(channel.members)
    return shape


def _im_json(channel: Channel) -> Json:
    return {
        "id": channel.id,
        "created": channel.created,
        "is_archived": False,
        "is_im": True,
        "is_org_shared": False,
        "context_team_id": channel.team_id,
        "updated": channel.created * 1000,
        "user": channel.im_user,
        "is_user_deleted": False,
        "is_open": True,
        "priority": 0.0,
    }
