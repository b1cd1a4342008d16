"""Uploading files: an upload address, the bytes, and the sharing of what was uploaded."""

from __future__ import annotations

from typing import Any

from bot.workspace.composing import Content, completion, parsed, stored_text
from bot.workspace.errors import ApiError
from bot.workspace.methods.registry import Call, method
from bot.workspace.posting import announce, bot_message
from bot.workspace.shapes import Json
from bot.workspace.world import World


@method("files.getUploadURLExternal", "files:write")
def get_upload_url(call: Call) -> Json:
    """Where to send a file's bytes; the address is the credential."""
    try:
        length = int(call.needed("length"))
    except ValueError:
        length = 0
    if length <= 0:
        raise ApiError("missing_argument")
    file_id = call.world.mint.id("F0")
    name = call.needed("filename")
    call.world.files[file_id] = {"id": file_id, "name": name, "title": name, "size": length, "content": None}
    return {"upload_url": f"{call.world.origin}/upload/{file_id}", "file_id": file_id}


def receive(world: World, file_id: str, content: bytes) -> bool:
    """Keep uploaded bytes; False for an unknown address."""
    file = world.files.get(file_id)
    if file is None:
        return False
    file["content"] = content
    world.changes.happened()
    return True


def file_json(world: World, file: Json) -> Json:
    """A file object as completeUploadExternal answers it and messages carry it."""
    now = int(world.clock.now().timestamp())
    link = f"{world.team.url}files/{world.app.bot_user}/{file['id']}"
    return {
        "id": file["id"],
        "created": now,
        "timestamp": now,
        "name": file["name"],
        "title": file["title"],
        "mimetype": "",
        "filetype": file["name"].rpartition(".")[2],
        "user": world.app.bot_user,
        "user_team": world.team.id,
        "size": file["size"],
        "mode": "hosted",
        "is_external": False,
        "is_public": False,
        "url_private": link,
        "permalink": link,
        "file_access": "visible",
    }


@method("files.completeUploadExternal", "files:write")
def complete_upload(call: Call) -> Json:
    """Share uploaded files in a channel, or keep them private."""
    world = call.world
    wanted: Any = parsed(call.args.get("files"), "invalid_arguments")
    if not isinstance(wanted, list) or not wanted:
        raise ApiError("invalid_arguments", response_metadata={"messages": ["[ERROR] missing required field: files"]})
    shapes = []
    for each in wanted:
        file = world.files.get(str(each.get("id")) if isinstance(each, dict) else "")
        if file is None or file["content"] is None:
            raise ApiError("file_not_found")
        file["title"] = each.get("title") or file["title"]
        shapes.append(file_json(world, file))
    for channel_id in (call.text("channel_id") or call.text("channels")).split(","):
        if channel_id:
            _share(call, channel_id, shapes)
    return {"files": shapes}


def _share(call: Call, channel_id: str, files: list[Json]) -> None:
    world = call.world
    channel = world.channels.get(channel_id)
    if channel is None or not world.bot_sees(channel):
        raise ApiError("channel_not_found")
    if world.app.bot_user not in channel.members:
        raise ApiError("not_in_channel")
    text = stored_text(world, call.text("initial_comment"), call.args)
    blocks = [completion(world).rich_text(text)] if text else []
    message = bot_message(world, channel, Content(text, blocks, [], None, False), call.text("thread_ts") or None)
    message.files = files
    world.add_message(channel, message)
    announce(world, channel, message)
