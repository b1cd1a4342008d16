"""What one person sees at one moment, as the page draws it: only what Slack would show them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent_runtime.clock import MovableClock
from bot.workspace import payloads
from bot.workspace.calling import requests_in
from bot.workspace.channels import Channel
from bot.workspace.errors import NotFound
from bot.workspace.handles import Message
from bot.workspace.people import SLACKBOT, User, UserGroup
from bot.workspace.person import Person
from bot.workspace.shapes import Json
from bot.workspace.states import message_state, view_state
from bot.workspace.world import World

if TYPE_CHECKING:
    from bot.workspace.server import Workspace

SHOWN_MESSAGES = 100
"""How many messages of a conversation are shown at most, the newest ones; the replies to them all."""


def look(ws: Workspace, name: str, channel: str | None = None) -> Json:
    """The workspace as this person sees it, with the messages of one conversation (an id, `#name`, or `@signoff`).

    Of the other conversations there is what their sidebar shows. Reading changes nothing. Raises NotFound, for bots and
    deactivated accounts too.
    """
    world, person = ws.world, ws.person(name)
    people = _people(world)
    if person.user not in people:
        raise NotFound("person who can sign in", name, [user.name for user in people])
    open_ = _open_channel(person, channel)
    return {
        "world": world.born,
        "count": world.changes.count,
        "now": int(world.clock.now().timestamp() * 1000),
        "clock_moves": isinstance(world.clock, MovableClock),
        "team": world.team.name,
        "team_url": world.team.url,
        "app": _app_state(world, person.user),
        "me": _user_state(world, person.user),
        "my_groups": [group.id for group in world.groups.values() if person.id in group.users],
        "people": [_waiting_state(world, user) for user in people],
        "users": {user.id: user.name for user in world.users.values()},
        "groups": {group.id: group.handle for group in world.groups.values()},
        "members": {group.id: _members(world, group) for group in world.groups.values()},
        "channels": [_channel_state(world, person.user, held) for held in _channels(person)],
        "open": open_.id if open_ else None,
        "messages": [_seen(person, message) for message in _messages(person, open_)] if open_ else [],
        "modals": [view_state(view) for view in person.modals],
        "home": view_state(person.home),
        "errors": [{"code": error.code, "about": error.about} for error in person.errors],
    }


def file_content(ws: Workspace, name: str, file_id: str) -> bytes:
    """The bytes of a file in a conversation that this person sees. Raises NotFound."""
    person = ws.person(name)
    for channel in _channels(person):
        for message in channel.messages.values():
            if any(file["id"] == file_id for file in message.files):
                content: bytes = ws.world.files[file_id]["content"]
                return content
    raise NotFound("file", file_id, [])


def _people(world: World) -> list[User]:
    return [user for user in world.users.values() if not (user.is_bot or user.deleted or user.id == SLACKBOT)]


def _channels(person: Person) -> list[Channel]:
    return [held for held in person.world.channels.values() if person.world.can_see(person.user, held)]


def _open_channel(person: Person, name: str | None) -> Channel | None:
    """The conversation to show, if they see it. Their direct message may not have begun yet."""
    wanted = (name or "").removeprefix("#")
    own = wanted == f"@{person.world.app.name}"
    for held in _channels(person):
        if (held.im_user == person.id) if own else (wanted in (held.id, held.name) and not held.is_im):
            return held
    return None


def _messages(person: Person, channel: Channel | None) -> list[Message]:
    """Those of the conversation and the private ones in it, oldest first."""
    if channel is None:
        return []
    world = person.world
    roots = [message for message in channel.messages.values() if not message.is_reply][-SHOWN_MESSAGES:]
    shown = {message.ts for message in roots}
    held = [message for message in channel.messages.values() if message.ts in shown or message.thread_ts in shown]
    private = [message for message in person.ephemerals if message.channel_id == channel.id]
    return sorted([Message.of(world, message) for message in held] + private, key=lambda message: message.ts)


def _seen(person: Person, message: Message) -> Json:
    world, stored = person.world, message.stored
    groups = list(world.groups.values())
    shape = message_state(message) | {"values": payloads.message_values(world, person.user, stored)}
    shape["unread"] = not message.ephemeral and world.read_marks.is_unread(person.user, stored)
    channel = world.channels[stored.channel]
    calls = world.read_marks.calls(stored, person.user, channel, groups)
    return shape | {"calls_me": calls, "asks_me": calls and bool(requests_in(stored))}


def _channel_state(world: World, user: User, channel: Channel) -> Json:
    unread = world.read_marks.unread(user, channel, list(world.groups.values()))
    return {
        "id": channel.id,
        "name": world.app.name if channel.is_im else channel.name,
        "kind": channel.kind,
        "purpose": channel.purpose,
        "archived": channel.is_archived,
        "shared_with": [world.teams[team].name for team in channel.shared_with if team in world.teams],
        "member": user.id in channel.members,
        "has_app": world.app.bot_user in channel.members,
        "unread": unread.messages,
        "for_me": unread.for_them,
    }


def _user_state(world: World, user: User) -> Json:
    kind = "Guest" if user.is_restricted else world.teams[user.team_id].name if user.is_stranger else ""
    return {"id": user.id, "name": user.name, "real_name": user.real_name, "title": user.title, "from": kind}


def _members(world: World, group: UserGroup) -> list[str]:
    """The names of those in a group who can still sign in."""
    return [world.users[user].real_name for user in group.users if not world.users[user].deleted]


def _waiting_state(world: World, user: User) -> Json:
    """A person in the switch, with the number of requests that are open for them."""
    groups = list(world.groups.values())
    waiting = {each for held in world.channels.values() for each in world.read_marks.requests(user, held, groups)}
    return _user_state(world, user) | {"waiting": len(waiting)}


def _app_state(world: World, user: User) -> Json:
    """The app, with what this person may use of it: people of other teams have none of its commands and shortcuts."""
    app, insider = world.app, user.team_id == world.team.id
    commands = [
        {
            "name": command.name,
            "description": command.description,
            "usage_hint": command.usage_hint,
            "examples": [{"text": each.text, "shows": each.shows} for each in command.examples],
        }
        for command in app.commands.values()
    ]
    shortcuts = [
        {"name": each.name, "kind": each.kind, "callback_id": each.callback_id, "description": each.description}
        for each in app.shortcuts
    ]
    return {
        "id": app.bot_user,
        "name": app.name,
        "real_name": world.users[app.bot_user].real_name,
        "commands": commands if insider else [],
        "shortcuts": shortcuts if insider else [],
        "home_tab": app.home_tab,
        "messages_tab": app.messages_tab,
        "read_only": app.messages_tab_read_only,
    }
