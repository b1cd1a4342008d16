"""The chat methods: post, update, delete, say privately, link."""

from __future__ import annotations

from typing import Any

from bot.workspace.channels import Channel
from bot.workspace.composing import (
    UPDATE_TEXT,
    checked_attachments,
    checked_blocks,
    checked_metadata,
    completion,
    compose,
    stored_text,
)
from bot.workspace.errors import ApiError
from bot.workspace.messages import StoredMessage, message_json
from bot.workspace.methods.registry import Call, method
from bot.workspace.people import User
from bot.workspace.posting import announce, announce_change, announce_deletion, bot_message, bot_profile
from bot.workspace.shapes import Json
from bot.workspace.world import World


def _target(call: Call) -> Channel:
    """The conversation to post to: by id, `#name`, bare name, or a user's id for their direct message."""
    world, wanted = call.world, call.needed("channel")
    if wanted in world.users:
        return _direct(world, world.users[wanted])
    name = wanted.removeprefix("#")
    for channel in world.channels.values():
        if wanted == channel.id or (channel.name == name and not channel.is_im):
            return _visible(world, channel)
    raise ApiError("channel_not_found")


def _direct(world: World, user: User) -> Channel:
    if user.deleted or user.is_bot or user.team_id != world.team.id:
        raise ApiError("channel_not_found")
    if not world.app.messages_tab:
        raise ApiError("messages_tab_disabled")
    return world.direct_message(user)


def _visible(world: World, channel: Channel) -> Channel:
    if not world.bot_sees(channel):
        raise ApiError("channel_not_found")
    if channel.is_im and not world.app.messages_tab:
        raise ApiError("messages_tab_disabled")
    return channel


def _may_post(call: Call, channel: Channel, *, public_scope_helps: bool) -> None:
    if channel.is_archived:
        raise ApiError("is_archived")
    if call.world.app.bot_user in channel.members:
        return
    if not (public_scope_helps and "chat:write.public" in call.world.app.scopes):
        raise ApiError("not_in_channel")


@method("chat.postMessage", "chat:write")
def post_message(call: Call) -> Json:
    """Post a message, in a thread where `thread_ts` says so."""
    call.needed("channel")
    content = compose(call.world, call.args)
    channel = _target(call)
    _may_post(call, channel, public_scope_helps=True)
    message = bot_message(call.world, channel, content, call.text("thread_ts") or None)
    message.broadcast = call.flag("reply_broadcast") and message.is_reply
    if message.broadcast:
        message.subtype = "thread_broadcast"
    if call.text("username") and "chat:write.customize" in call.world.app.scopes:
        message.username, message.subtype = call.text("username"), "bot_message"
    call.world.add_message(channel, message)
    announce(call.world, channel, message)
    shape = message_json(message, channel.thread(message)) | {"bot_profile": bot_profile(call.world)}
    return {"channel": channel.id, "ts": message.ts, "message": shape}


@method("chat.postEphemeral", "chat:write")
def post_ephemeral(call: Call) -> Json:
    """Show a message to one member of a channel."""
    call.needed("channel")
    user_id = call.needed("user")
    content = compose(call.world, call.args)
    channel = _target(call)
    _may_post(call, channel, public_scope_helps=False)
    user = call.world.users.get(user_id)
    if user is None or user.id not in channel.members or user.deleted:
        raise ApiError("user_not_in_channel")
    message = bot_message(call.world, channel, content, call.text("thread_ts") or None)
    message.ephemeral_for = user.id
    call.world.add_ephemeral(message)
    return {"message_ts": message.ts}


def _own_message(call: Call, refused: str) -> tuple[Channel, StoredMessage]:
    world = call.world
    channel, ts = world.channels.get(call.needed("channel")), call.needed("ts")
    if channel is None or not world.bot_sees(channel):
        raise ApiError("channel_not_found")
    message = channel.messages.get(ts)
    if message is None:
        raise ApiError("message_not_found")
    if message.bot_id != world.app.bot_id or message.subtype == "bot_message":
        raise ApiError(refused)
    return channel, message


@method("chat.update", "chat:write")
def update(call: Call) -> Json:
    """Change a message of the bot's own: what is not given stays, except blocks, which go when only text is given."""
    text = call.args.get("text")
    if text is not None and len(str(text)) > UPDATE_TEXT:
        raise ApiError("msg_too_long")
    blocks = checked_blocks(call.args.get("blocks"))
    attachments = checked_attachments(call.args.get("attachments"))
    metadata = checked_metadata(call.args.get("metadata"))
    if text is None and blocks is None and attachments is None and metadata is None:
        raise ApiError("no_text")
    channel, message = _own_message(call, "cant_update_message")
    if channel.is_archived:
        raise ApiError("is_inactive")
    before = message_json(message, channel.thread(message))
    _merge(call, message, text, blocks, attachments)
    if metadata is not None:
        message.metadata = metadata or None
    call.world.touch(message)
    announce_change(call.world, channel, message, before)
    shape = message_json(message, channel.thread(message))
    return {"channel": channel.id, "ts": message.ts, "text": message.text, "message": shape}


def _merge(
    call: Call, message: StoredMessage, text: Any, blocks: list[Json] | None, attachments: list[Json] | None
) -> None:
    world = call.world
    shown = attachments if attachments is not None else message.attachments
    new_text = message.text if text is None else stored_text(world, str(text), call.args, "client")
    if not blocks and not shown and not new_text:
        raise ApiError("no_text")
    done = completion(world)
    if blocks:
        brings = any(block.get("type") == "rich_text" for block in blocks)
        if message.brought_rich_text and not brings:
            raise ApiError("block_mismatch")
        message.blocks, message.brought_rich_text = done.blocks(blocks), brings
    elif blocks is not None or text is not None:
        message.blocks, message.brought_rich_text = [done.rich_text(new_text)], False
    if text is not None and not blocks:
        seconds = int(world.clock.now().timestamp())
        message.edited = {"user": world.app.bot_id, "ts": f"{seconds}.000000"}
    message.text = new_text
    message.attachments = [a | ({"blocks": done.blocks(a["blocks"])} if a.get("blocks") else {}) for a in shown]


@method("chat.delete", "chat:write")
def delete(call: Call) -> Json:
    """Remove a message of the bot's own."""
    channel, message = _own_message(call, "cant_delete_message")
    channel.remove(message)
    call.world.changes.happened()
    announce_deletion(call.world, channel, message)
    return {"channel": channel.id, "ts": message.ts}


@method("chat.getPermalink")
def get_permalink(call: Call) -> Json:
    """The address of a message."""
    world = call.world
    channel, ts = world.channels.get(call.needed("channel")), call.needed("message_ts")
    if channel is None or not world.bot_sees(channel):
        raise ApiError("channel_not_found")
    message = channel.messages.get(ts)
    if message is None:
        raise ApiError("message_not_found")
    return {"channel": channel.id, "permalink": permalink(world, message)}


def permalink(world: World, message: StoredMessage) -> str:
    """A message's address in the workspace."""
    link = f"{world.team.url}archives/{message.channel}/p{message.ts.replace('.', '')}"
    return f"{link}?thread_ts={message.thread_ts}&cid={message.channel}" if message.is_reply else link
