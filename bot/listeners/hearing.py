"""What somebody wrote, read out of an event: only what a person wrote themselves, and only as it was first written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from agent_runtime.audit import Origin
from bot.listeners.reading import Payload, author_of, typed_text
from storage.types import Actor, Json

_WRITTEN = frozenset({"", "file_share", "thread_broadcast"})
"""Subtypes of messages in which a person says something."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One message of a person's. `thread_ts` is empty where it stands in no thread; `addressed` says that it begins
    with a mention of us, or is between us and one person; `text` is what they typed, after the mention where there is
    one."""

    actor: Actor
    channel: str
    ts: str
    thread_ts: str
    text: str
    direct: bool
    mentions_us: bool
    addressed: bool
    evidence: Origin

    @property
    def key(self) -> str:
        """Names the message, however often and in however many events it is delivered."""
        return f"{self.channel}:{self.ts}"

    @property
    def reply_thread(self) -> str:
        """The thread in which it is answered: its own; between us and one person, where it was written."""
        return self.thread_ts if self.direct else self.thread_ts or self.ts

    @property
    def origin(self) -> Json:
        """Where a run that it starts lives."""
        places = {"channel": self.channel, "thread_ts": self.reply_thread, "user": self.actor.id}
        return {name: value for name, value in places.items() if value}

    @classmethod
    def of(cls, body: Payload, us: str) -> Self | None:
        """Reads an event; `us` is the bot's user. None for bots, edits, deletions and everything else that is no
        message of a person's."""
        event = body.get("event")
        if not isinstance(event, Mapping) or not _is_written(event, us):
            return None
        before, mentioned, after = _around_mention(str(event.get("text") or ""), us)
        direct = event.get("channel_type") == "im" or str(event.get("channel") or "").startswith("D")
        return cls(
            actor=author_of(body),
            channel=str(event.get("channel") or ""),
            ts=str(event.get("ts") or ""),
            thread_ts=str(event.get("thread_ts") or ""),
            text=typed_text(after if mentioned else before).strip(),
            direct=direct,
            mentions_us=mentioned,
            addressed=direct or (mentioned and not before.strip()),
            evidence=_evidence(body, event),
        )


def _is_written(event: Payload, us: str) -> bool:
    by_person = event.get("user") not in (None, "", us) and not event.get("bot_id") and not event.get("hidden")
    first_time = str(event.get("subtype") or "") in _WRITTEN and not event.get("edited")
    return bool(by_person and first_time and event.get("channel") and event.get("ts"))


def _around_mention(text: str, us: str) -> tuple[str, bool, str]:
    found = re.search(rf"<@{re.escape(us)}(?:\|[^>]*)?>", text)
    return (text, False, "") if found is None else (text[: found.start()], True, text[found.end() :])


def _evidence(body: Payload, event: Payload) -> Origin:
    kept = {
        "team": body.get("team_id"),
        "user": event.get("user"),
        "app": body.get("api_app_id"),
        "channel": event.get("channel"),
        "message_ts": event.get("ts"),
        "event": body.get("event_id"),
    }
    return Origin("slack", {name: str(value) for name, value in kept.items() if value})
