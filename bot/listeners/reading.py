"""Reads who did what, and where, out of Slack's payloads. Nothing below the listeners sees a raw payload."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from agent_runtime.audit import Origin
from agent_runtime.clean_text import clean
from bot.desk_work import Place
from storage.types import Actor, ActorKind

Payload = Mapping[str, Any]
Ack = Callable[..., Awaitable[Any]]
"""Bolt's acknowledgement: called last, with what the listener answers."""

LONGEST_TYPED = 40_000
"""Characters of a message: Slack's own limit."""

_LINK = re.compile(r"<((?:https?|mailto|tel|ftp):[^<>|]*)(?:\|([^<>]*))?>")


def actor_of(body: Payload) -> Actor:
    """Who acted. The team is the person's own, from the body: the context's is where the app is installed."""
    user = body.get("user")
    if isinstance(user, Mapping):
        name = str(user.get("name") or user.get("username") or "")
        return Actor(kind=ActorKind.SLACK, team=str(user.get("team_id") or ""), id=str(user.get("id") or ""), name=name)
    return Actor(
        kind=ActorKind.SLACK,
        team=str(body.get("team_id") or ""),
        id=str(body.get("user_id") or ""),
        name=str(body.get("user_name") or ""),
    )


def author_of(body: Payload) -> Actor:
    """Whose event this is. In a shared channel an author's team is their own, not the one the event was sent to."""
    event = _mapping(body.get("event"))
    team = event.get("user_team") or event.get("source_team") or event.get("team") or body.get("team_id")
    return Actor(kind=ActorKind.SLACK, team=str(team or ""), id=str(event.get("user") or ""))


def place_of(body: Payload) -> Place:
    """The message a button stood on; nowhere for a modal."""
    container = _mapping(body.get("container"))
    if container.get("type") != "message" or container.get("is_ephemeral"):
        return Place()
    return Place(
        channel=str(container.get("channel_id") or ""),
        thread_ts=str(container.get("thread_ts") or ""),
        message_ts=str(container.get("message_ts") or ""),
    )


def origin_of(body: Payload) -> Origin:
    """What the audit keeps of a delivery: ids and timestamps, never names."""
    action = first_action(body)
    container = _mapping(body.get("container"))
    evidence = {
        "team": _id(body.get("team")) or body.get("team_id"),
        "user": _id(body.get("user")) or body.get("user_id"),
        "user_team": _mapping(body.get("user")).get("team_id"),
        "app": body.get("api_app_id"),
        "channel": _id(body.get("channel")) or body.get("channel_id"),
        "message_ts": container.get("message_ts"),
        "action_ts": action.get("action_ts"),
        "view": _id(body.get("view")),
        "trigger": body.get("trigger_id"),
    }
    return Origin("slack", {name: str(value) for name, value in evidence.items() if value})


def first_action(body: Payload) -> Payload:
    """The button that was pressed. Slack sends exactly one."""
    actions = body.get("actions")
    return _mapping(actions[0]) if isinstance(actions, list) and actions else {}


def is_in_modal(body: Payload) -> bool:
    """Whether a button stood in a modal."""
    return _mapping(body.get("view")).get("type") == "modal"


def typed_text(text: object) -> str:
    """What a person typed, from a message's text: links as they were written, entities as their characters. A mention
    stays `<@U123>`, because a name would have to be looked up."""
    if not isinstance(text, str):
        return ""
    links = _LINK.sub(lambda found: found[2] or found[1].removeprefix("mailto:"), text)
    whole = links.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return clean("".join(char for char in whole if char in "\n\t" or ord(char) >= 32), LONGEST_TYPED)


def _id(value: object) -> str | None:
    return str(value["id"]) if isinstance(value, Mapping) and value.get("id") else None


def _mapping(value: object) -> Payload:
    return value if isinstance(value, Mapping) else {}
