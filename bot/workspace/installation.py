"""The app as it is installed in the workspace: its identity, secrets, scopes, commands and event subscriptions."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

DEFAULT_SCOPES = (
    "app_mentions:read",
    "channels:history",
    "channels:join",
    "channels:read",
    "chat:write",
    "chat:write.public",
    "commands",
    "files:write",
    "groups:history",
    "groups:read",
    "im:history",
    "im:read",
    "im:write",
    "reactions:write",
    "team:read",
    "usergroups:read",
    "users:read",
    "users:read.email",
)

SOCKET_PATH = "/link/"
"""Where an app that has a ticket opens its connections."""

DEFAULT_EVENTS = ("app_home_opened", "app_mention", "member_joined_channel", "message.im")


@dataclass(frozen=True)
class Example:
    """A text that may follow a command, and a sentence about what comes of it."""

    text: str
    shows: str = ""


@dataclass
class SlashCommand:
    """A slash command of the app; with `should_escape`, typed @names and #channels arrive as ids.

    People see `description` and `usage_hint` while they type it. `examples` may follow it; Slack has no place for
    them, a page that wants to be understood at once does.
    """

    name: str
    should_escape: bool = True
    description: str = ""
    usage_hint: str = ""
    examples: tuple[Example, ...] = ()


@dataclass(frozen=True)
class Shortcut:
    """A shortcut of the app. `kind` is where people find it: `global` beside the composer, or `message`."""

    name: str
    kind: str
    callback_id: str
    description: str = ""


@dataclass
class Installation:
    """One installed app. `events` are subscription names: `app_mention`, `message.im`, `message.channels`, ..."""

    app_id: str
    bot_id: str
    bot_user: str
    name: str
    team_id: str
    bot_token: str
    app_token: str
    signing_secret: str
    verification_token: str
    scopes: set[str] = field(default_factory=lambda: set(DEFAULT_SCOPES))
    events: set[str] = field(default_factory=lambda: set(DEFAULT_EVENTS))
    commands: dict[str, SlashCommand] = field(default_factory=dict)
    shortcuts: tuple[Shortcut, ...] = ()
    socket_mode: bool = False
    """Whether the app is told over connections that it opens itself, and over nothing else."""
    app_scopes: set[str] = field(default_factory=lambda: {"connections:write"})
    """What the app-level token may do."""
    home_tab: bool = True
    messages_tab: bool = True
    messages_tab_read_only: bool = False
    """Whether people can read, but not write, in their direct message with the app."""
    revoked: str | None = None
    """The error code every call gets (`token_revoked`, `account_inactive`, `token_expired`), or None while it works."""


@dataclass
class Trigger:
    """The right to open one view, for three seconds after a person acted. `view_id`: it came from inside that modal."""

    id: str
    user: str
    at: datetime
    view_id: str | None = None
    used: bool = False


@dataclass
class ResponseUrl:
    """A response_url: five uses in thirty minutes. `message_ts` is the message whose element was used, if any."""

    path: str
    user: str
    channel: str
    at: datetime
    message_ts: str | None = None
    ephemeral: bool = False
    thread_ts: str | None = None
    uses: int = 0
    answers: list[tuple[int, str]] = field(default_factory=list)
