"""Puts messages into channels, the bot's and people's, and announces them as Slack's message events."""

from __future__ import annotations

from bot.workspace.channels import Channel
from bot.workspace.composing import Content, completion
from bot.workspace.markup import stored
from bot.workspace.messages import StoredMessage, message_json
from bot.workspace.people import User
from bot.workspace.shapes import Json
from bot.workspace.world import World

_CHANNEL_TYPE = {"im": "im", "mpim": "mpim", "private_channel": "group", "public_channel": "channel"}


def bot_profile(world: World) -> Json:
    """The bot_profile that accompanies a bot's message."""
    app = world.app
    icon = f"{world.team.url}icon/{app.app_id}"
    return {
        "id": app.bot_id,
        "app_id": app.app_id,
        "user_id": app.bot_user,
        "name": app.name,
        "icons": {f"image_{size}": f"{icon}_{size}.png" for size in (36, 48, 72)},
        "deleted": False,
        "updated": 1_790_000_000,
        "team_id": world.team.id,
    }


def _root_ts(channel: Channel, thread_ts: str | None) -> str | None:
    """The root of a thread: naming a reply means its thread."""
    named = channel.messages.get(thread_ts or "")
    return named.thread_ts if named and named.thread_ts else thread_ts


def bot_message(world: World, channel: Channel, content: Content, thread_ts: str | None) -> StoredMessage:
    """A message of the bot's, not yet in the channel."""
    app = world.app
    message = StoredMessage(
        channel.id, channel.next_ts(world.clock.now()), app.bot_user, content.text, content.blocks, world.team.id
    )
    message.bot_id, message.app_id = app.bot_id, app.app_id
    message.attachments, message.metadata = content.attachments, content.metadata
    message.brought_rich_text = content.brought_rich_text
    message.thread_ts = _root_ts(channel, thread_ts)
    return message


def person_message(
    world: World, channel: Channel, user: User, text: str, thread_ts: str | None = None
) -> StoredMessage:
    """Post what a person typed; their client has turned names into ids and links into markup already."""
    kept = stored(text)
    block = completion(world).rich_text(kept)
    message = StoredMessage(channel.id, channel.next_ts(world.clock.now()), user.id, kept, [block], user.team_id)
    message.client_msg_id = world.mint.client_msg_id()
    message.thread_ts = _root_ts(channel, thread_ts)
    world.add_message(channel, message)
    announce(world, channel, message)
    if world.app.bot_user in channel.members and not channel.is_im and f"<@{world.app.bot_user}" in kept:
        world.on_event(_mention_event(world, channel, message), channel)
    return message


def _mention_event(world: World, channel: Channel, message: StoredMessage) -> Json:
    event = message_json(message, channel.thread(message)) | {"type": "app_mention"}
    event |= {"channel": channel.id, "event_ts": message.ts}
    if message.team != world.team.id:
        event |= {"user_team": message.team, "source_team": message.team, "team": world.team.id}
    return event


def announce(world: World, channel: Channel, message: StoredMessage) -> None:
    """Send the message event."""
    event = message_json(message, channel.thread(message))
    if message.bot_id:
        event["bot_profile"] = bot_profile(world)
    event |= {"channel": channel.id, "event_ts": message.ts, "channel_type": _CHANNEL_TYPE[channel.kind]}
    world.on_event(event, channel)


def announce_change(world: World, channel: Channel, message: StoredMessage, before: Json) -> None:
    """Send the message_changed event of an update."""
    after = message_json(message, channel.thread(message))
    _hidden(world, channel, {"subtype": "message_changed", "message": after, "previous_message": before})


def announce_deletion(world: World, channel: Channel, message: StoredMessage) -> None:
    """Send the message_deleted event."""
    before = message_json(message, channel.thread(message))
    _hidden(world, channel, {"subtype": "message_deleted", "previous_message": before, "deleted_ts": message.ts})


def _hidden(world: World, channel: Channel, parts: Json) -> None:
    ts = channel.next_ts(world.clock.now())
    event: Json = {"type": "message", **parts, "channel": channel.id, "hidden": True, "ts": ts, "event_ts": ts}
    world.on_event(event | {"channel_type": _CHANNEL_TYPE[channel.kind]}, channel)
