"""Up to where each person has read, and so what still waits for their eyes."""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

from bot.workspace.calling import called_by, requests_in
from bot.workspace.channels import Channel
from bot.workspace.messages import StoredMessage
from bot.workspace.people import User, UserGroup

EVERYONE = {"here", "channel", "everyone"}


@dataclass(frozen=True)
class Unread:
    """What a person has not read in one conversation. `for_them` are those that call them: they get a number."""

    messages: int = 0
    for_them: int = 0


class ReadMarks:
    """Remembers the last timestamp each person read, for each conversation and each thread in it."""

    def __init__(self) -> None:
        self._read: dict[tuple[str, str, str], str] = {}
        self._notified: WeakKeyDictionary[StoredMessage, tuple[int, set[str]]] = WeakKeyDictionary()

    def mark(self, user: User, channel: Channel, ts: str, thread: str = "") -> bool:
        """Take everything up to `ts` as read, in the conversation itself or in a thread; whether that is news."""
        key = (user.id, channel.id, thread)
        if ts <= self._read.get(key, ""):
            return False
        self._read[key] = ts
        return True

    def is_unread(self, user: User, message: StoredMessage) -> bool:
        thread = message.thread_ts or "" if message.is_reply else ""
        return message.author != user.id and message.ts > self._read.get((user.id, message.channel, thread), "")

    def unread(self, user: User, channel: Channel, groups: list[UserGroup]) -> Unread:
        """What waits for a member; nothing for somebody who is not one, for Slack does not call them either."""
        if user.id not in channel.members:
            return Unread()
        new = [message for message in channel.messages.values() if self.is_unread(user, message)]
        called = sum(self.calls(message, user, channel, groups) for message in new)
        return Unread(sum(not message.is_reply for message in new), called)

    def requests(self, user: User, channel: Channel, groups: list[UserGroup]) -> set[str]:
        """The open requests that ask a member, read or not."""
        if user.id not in channel.members:
            return set()
        asking = [(message, requests_in(message)) for message in channel.messages.values()]
        return {each for message, asked in asking if self.calls(message, user, channel, groups) for each in asked}

    def calls(self, message: StoredMessage, user: User, channel: Channel, groups: list[UserGroup]) -> bool:
        """Whether a message calls this person: by name, by a user group of theirs, or with everybody; and in their
        direct messages whatever asks for something, though it names nobody."""
        names = EVERYONE | {user.id} | {group.id for group in groups if user.id in group.users}
        return (channel.is_im and bool(requests_in(message))) or not names.isdisjoint(self._notified_by(message))

    def _notified_by(self, message: StoredMessage) -> set[str]:
        # Blocks are deep, and the question is asked for every person after every change.
        known = self._notified.get(message)
        if known is None or known[0] != message.changed:
            known = (message.changed, called_by(message))
            self._notified[message] = known
        return known[1]
