"""Builds what Slack tells an app, field for field: commands, actions, submissions, closings, shortcuts, events."""

from __future__ import annotations

import base64
import json
from typing import Any

from bot.workspace.blockkit.entering import first_values, holds_state
from bot.workspace.blockkit.reading import Field, fields_in
from bot.workspace.channels import Channel
from bot.workspace.messages import StoredMessage, message_json
from bot.workspace.mint import micros, ts
from bot.workspace.modals import StoredView, Values, view_json
from bot.workspace.people import Team, User
from bot.workspace.shapes import Json
from bot.workspace.world import World

_ECHOED = (
    "text",
    "value",
    "style",
    "url",
    "confirm",
    "icon",
    "placeholder",
    "min_query_length",
    "timezone",
    "initial_option",
    "initial_options",
    "initial_user",
    "initial_users",
    "initial_conversation",
    "initial_conversations",
    "initial_channel",
    "initial_channels",
    "initial_date",
    "initial_time",
    "initial_date_time",
)


def slash_command(world: World, user: User, channel: Channel, command: str, text: str) -> Json:
    """The form fields of a slash command, all strings."""
    hook = world.response_url("commands", user.id, channel.id)
    return {
        "token": world.app.verification_token,
        "team_id": world.team.id,
        "team_domain": world.team.domain,
        "channel_id": channel.id,
        "channel_name": channel.payload_name,
        "user_id": user.id,
        "user_name": user.name,
        "command": command,
        "text": text,
        "api_app_id": world.app.app_id,
        "is_enterprise_install": "false",
        "response_url": world.origin + hook.path,
        "trigger_id": world.trigger(user.id).id,
    }


def _user(user: User) -> Json:
    return {"id": user.id, "username": user.name, "name": user.name, "team_id": user.team_id}


def _team(team: Team) -> Json:
    return {"id": team.id, "domain": team.domain}


def now_ts(world: World) -> str:
    """The present moment as a Slack timestamp."""
    return ts(micros(world.clock.now()))


def action(world: World, block_id: str, element: Json, value: Json | None = None) -> Json:
    """One entry of `actions`: the element as the person sees it and, where it holds a value, that value."""
    echo = {key: element[key] for key in _ECHOED if key in element}
    held = {key: part for key, part in (value or {}).items() if key != "type"}
    ids = {"action_id": element["action_id"], "block_id": block_id}
    return {**ids, **echo, **held, "type": element["type"], "action_ts": now_ts(world)}


def message_values(world: World, user: User, message: StoredMessage) -> Values:
    """state.values of a message for one person."""
    before = world.entered.get((user.id, message.channel, message.ts))
    return first_values([f for f in fields_in(message.blocks) if holds_state(f)], before)


def _interaction(world: World, user: User, kind: str) -> Json:
    app = world.app
    return {"type": kind, "user": _user(user), "api_app_id": app.app_id, "token": app.verification_token}


_NO_ORG: Json = {"enterprise": None, "is_enterprise_install": False}


def message_action(world: World, user: User, message: StoredMessage, actions: list[Json]) -> Json:
    """block_actions from a message. `message` may be an older copy of what the channel holds now."""
    channel = world.channels[message.channel]
    ephemeral = message.ephemeral_for is not None
    container: Json = {"type": "message", "message_ts": message.ts, "channel_id": channel.id, "is_ephemeral": ephemeral}
    if message.thread_ts:
        container["thread_ts"] = message.thread_ts
    payload = _interaction(world, user, "block_actions")
    payload |= {"container": container, "trigger_id": world.trigger(user.id).id, "team": _team(world.team)}
    payload |= _NO_ORG | {"channel": {"id": channel.id, "name": channel.payload_name}}
    if not ephemeral:
        shape = message_json(message, channel.thread(message))
        shape.pop("metadata", None)
        payload["message"] = shape
    payload["state"] = {"values": message_values(world, user, message)}
    hook = world.response_url("actions", user.id, channel.id, message)
    payload["response_url"] = world.origin + hook.path
    return payload | {"actions": actions}


def view_action(world: World, user: User, view: StoredView, actions: list[Json]) -> Json:
    """block_actions from a modal or App Home."""
    trigger = world.trigger(user.id, view.id if view.type == "modal" else None)
    payload = _interaction(world, user, "block_actions")
    payload |= {"container": {"type": "view", "view_id": view.id}, "trigger_id": trigger.id}
    payload |= {"team": _team(world.team), **_NO_ORG, "view": view_json(view)}
    return payload | {"actions": actions}


def _response_urls(world: World, user: User, view: StoredView) -> list[Json]:
    found = []
    for field in fields_in(view.blocks):
        held = view.values.get(field.block_id, {}).get(field.action_id, {})
        channel_id = held.get("selected_conversation") or held.get("selected_channel")
        if field.element.get("response_url_enabled") and channel_id:
            hook = world.response_url("app", user.id, channel_id)
            entry = {"block_id": field.block_id, "action_id": field.action_id, "channel_id": channel_id}
            found.append(entry | {"response_url": world.origin + hook.path})
    return found


def view_submission(world: World, user: User, view: StoredView) -> Json:
    """A submitted modal. `team` and `view.team_id` are the submitter's own workspace."""
    home = world.teams[user.team_id]
    shape = view_json(view) | {"team_id": home.id}
    payload = {"type": "view_submission", "team": _team(home), "user": _user(user), "api_app_id": world.app.app_id}
    payload |= {"token": world.app.verification_token, "trigger_id": world.trigger(user.id, view.id).id}
    return payload | {"view": shape, "response_urls": _response_urls(world, user, view), **_NO_ORG}


def view_closed(world: World, user: User, view: StoredView, *, is_cleared: bool) -> Json:
    """A closed modal: no trigger and no response_url come with it."""
    home = world.teams[user.team_id]
    shape = view_json(view) | {"team_id": home.id, "state": {"values": _given_at_first(fields_in(view.blocks))}}
    payload: Json = {"type": "view_closed", "team": _team(home), "user": _user(user), "api_app_id": world.app.app_id}
    payload |= {"token": world.app.verification_token, "view": shape, "is_cleared": is_cleared}
    return payload | _NO_ORG


def _given_at_first(fields: list[Field]) -> Values:
    """What recordings of view_closed hold: elements with initial values only."""
    initial = [f for f in fields if any(key.startswith("initial_") for key in f.element)]
    return first_values(initial)


def shortcut(world: World, user: User, callback_id: str) -> Json:
    """A global shortcut: no channel, no response_url."""
    return {
        "type": "shortcut",
        "token": world.app.verification_token,
        "action_ts": now_ts(world),
        "team": _team(world.team),
        "user": {"id": user.id, "username": user.name, "team_id": user.team_id},
        **_NO_ORG,
        "callback_id": callback_id,
        "trigger_id": world.trigger(user.id).id,
    }


def message_shortcut(world: World, user: User, callback_id: str, message: StoredMessage) -> Json:
    """A shortcut on a message of any author."""
    channel = world.channels[message.channel]
    shape: dict[str, Any] = message_json(message, channel.thread(message))
    return {
        "type": "message_action",
        "token": world.app.verification_token,
        "action_ts": now_ts(world),
        "team": _team(world.team),
        "user": {"id": user.id, "username": user.name, "team_id": user.team_id, "name": user.name},
        "channel": {"id": channel.id, "name": channel.payload_name},
        **_NO_ORG,
        "callback_id": callback_id,
        "trigger_id": world.trigger(user.id).id,
        "response_url": world.origin + world.response_url("app", user.id, channel.id, message).path,
        "message_ts": message.ts,
        "message": shape,
    }


def event_callback(world: World, event: Json, channel: Channel | None) -> Json:
    """The envelope around an event."""
    app, team = world.app, world.team.id
    payload: Json = {"token": app.verification_token, "team_id": team}
    if event["type"] != "app_mention":
        payload |= {"context_team_id": team, "context_enterprise_id": None}
    if event["type"] == "message" and event.get("team"):
        payload["team_id"] = event["team"]
    payload |= {"api_app_id": app.app_id, "event": event, "type": "event_callback"}
    payload |= {"event_id": world.mint.event_id(), "event_time": int(world.clock.now().timestamp())}
    if event["type"] in {"app_uninstalled", "tokens_revoked"}:
        return payload
    authorization: Json = {"enterprise_id": None, "team_id": team, "user_id": app.bot_user, "is_bot": True}
    payload["authorizations"] = [authorization | {"is_enterprise_install": False}]
    payload["is_ext_shared_channel"] = bool(channel and channel.shared_with)
    payload["event_context"] = _event_context(world, event, channel)
    return payload


def _event_context(world: World, event: Json, channel: Channel | None) -> str:
    parts = {"et": event["type"], "tid": world.team.id, "aid": world.app.app_id}
    if channel:
        parts["cid"] = channel.id
    packed = base64.urlsafe_b64encode(json.dumps(parts, separators=(",", ":")).encode()).decode().rstrip("=")
    return "4-" + packed
