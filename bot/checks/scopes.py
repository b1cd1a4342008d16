"""What the app must be allowed to do in Slack, and what for. `manifest.yml` asks for exactly these."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bot.checks.finding import Finding, fault, ok, warning

_HISTORY = ("channels:history", "groups:history", "im:history")
_READ = ("channels:read", "groups:read")

METHODS: Mapping[str, tuple[str, ...]] = {
    "auth.test": (),
    "bots.info": ("users:read",),
    "chat.getPermalink": (),
    "chat.postEphemeral": ("chat:write",),
    "chat.postMessage": ("chat:write", "chat:write.public"),
    "chat.update": ("chat:write",),
    "conversations.history": _HISTORY,
    "conversations.info": _READ,
    "conversations.list": _READ,
    "conversations.members": _READ,
    "conversations.open": ("im:write",),
    "conversations.replies": _HISTORY,
    "usergroups.list": ("usergroups:read",),
    "usergroups.users.list": ("usergroups:read",),
    "users.info": ("users:read",),
    "views.open": (),
    "views.publish": (),
    "views.push": (),
    "views.update": (),
}
"""Every method of Slack's Web API that is called with the bot token, and the scopes it takes for what we call it for.
The page of each, https://docs.slack.dev/reference/methods/chat.update and so on, names them. Messages between the bot
and one person are read (im:history), groups of people without a channel's name never."""

APP_LEVEL: Mapping[str, tuple[str, ...]] = {"apps.connections.open": ("connections:write",)}
"""The same for the app-level token, whose scopes no manifest asks for: they are chosen when it is made."""

SWITCHED_ON: Mapping[str, tuple[str, ...]] = {"users.lookupByEmail": ("users:read.email",)}
"""The same for what the policy file switches on, with `emails = true`: the manifest does not ask for it."""

EVENTS: Mapping[str, tuple[str, ...]] = {
    "app_home_opened": (),
    "app_mention": ("app_mentions:read",),
    "message.channels": ("channels:history",),
    "message.groups": ("groups:history",),
    "message.im": ("im:history",),
}
"""The scopes that Slack wants for each event, by the name under which an app subscribes to it."""

ENTRANCES = ("commands",)
"""The scope of slash commands and shortcuts."""

MEND = "Add it under OAuth & Permissions on the app's page, and install the app again. All of them: signoff manifest"

DROP = "Remove them under OAuth & Permissions on the app's page, and install the app again"


@dataclass(frozen=True, slots=True)
class Scope:
    """One OAuth scope of the bot token. `vital`: without it Signoff does not start."""

    name: str
    purpose: str
    vital: bool = True


SCOPES = (
    Scope("app_mentions:read", "be called by name in a channel", vital=False),
    Scope("channels:history", "look for unconfirmed messages, and hear replies, in public channels", vital=False),
    Scope("channels:read", "channel names, and members of approver channels"),
    Scope("chat:write", "cards, threads, private notices"),
    Scope("chat:write.public", "post where the bot was not invited", vital=False),
    Scope("commands", "slash commands and shortcuts", vital=False),
    Scope("groups:history", "look for unconfirmed messages, and hear replies, in private channels", vital=False),
    Scope("groups:read", "members of private approver channels"),
    Scope("im:history", "look for unconfirmed messages, and hear replies, in direct messages", vital=False),
    Scope("im:write", "write to a person directly"),
    Scope("usergroups:read", "who is in an approver group"),
    Scope("users:read", "names, guests, deactivated accounts"),
)


EMAILS = Scope("users:read.email", "e-mail addresses, because of emails = true in the policy file")


def check_scopes(granted: frozenset[str] | None, *, emails: bool = False) -> tuple[Finding, ...]:
    """What the token lacks, and what it has in vain. `granted` is None where Slack did not say; `emails`: whether the
    policy file wants addresses to be read."""
    scopes = (*SCOPES, EMAILS) if emails else SCOPES
    if granted is None:
        mend = "Compare them with the manifest by hand: signoff manifest"
        return (warning("Slack did not say which scopes the token has", mend),)
    found = tuple(_missing(granted, scopes)) or (ok(f"The token has all {len(scopes)} scopes that Signoff needs"),)
    return (*found, *_idle(granted, scopes))


def _missing(granted: frozenset[str], scopes: tuple[Scope, ...]) -> Iterator[Finding]:
    for scope in scopes:
        if scope.name not in granted:
            found = fault if scope.vital else warning
            yield found(f"The token lacks the scope {scope.name} ({scope.purpose})", MEND)


def _idle(granted: frozenset[str], scopes: tuple[Scope, ...]) -> Iterator[Finding]:
    """Whoever steals a token has all its scopes."""
    idle = granted - {scope.name for scope in scopes}
    if idle:
        yield warning(f"The token has scopes that Signoff does not use: {', '.join(sorted(idle))}", DROP)
