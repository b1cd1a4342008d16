"""Reading what was said, and reacting to it: conversations.history, conversations.replies, reactions.add."""

from __future__ import annotations

import re

from bot.workspace.channels import Channel
from bot.workspace.errors import ApiError
from bot.workspace.messages import Reaction, StoredMessage, message_json
from bot.workspace.methods.registry import Call, method, more, page
from bot.workspace.shapes import Json

_TS = re.compile(r"\d{1,10}(\.\d{1,6})?")


def _bound(call: Call, name: str) -> str | None:
    value = call.text(name)
    if value in ("", "0", "now"):
        return None
    if not _TS.fullmatch(value):
        raise ApiError(f"invalid_ts_{name}")
    seconds, _, fraction = value.partition(".")
    return f"{int(seconds):010d}.{fraction.ljust(6, '0')}"


def _within(call: Call, messages: list[StoredMessage]) -> list[StoredMessage]:
    oldest, latest, inclusive = _bound(call, "oldest"), _bound(call, "latest"), call.flag("inclusive")
    kept = []
    for message in messages:
        if message.ts in (oldest, latest):
            if inclusive:
                kept.append(message)
        elif (oldest is None or message.ts > oldest) and (latest is None or message.ts < latest):
            kept.append(message)
    return kept


def _shapes(call: Call, channel: Channel, messages: list[StoredMessage]) -> list[Json]:
    full = call.flag("include_all_metadata")
    return [message_json(m, channel.thread(m), full_metadata=full) for m in messages]


@method("conversations.history")
def history(call: Call) -> Json:
    """A channel's messages, newest first, without the replies in threads."""
    channel = call.visible_channel("history")
    if call.world.app.bot_user not in channel.members:
        raise ApiError("not_in_channel")
    top = [m for m in channel.messages.values() if not m.is_reply or m.broadcast]
    found = _within(call, sorted(top, key=lambda m: m.ts, reverse=True))
    shown, cursor = page(found, call, "history")
    answer: Json = {"messages": _shapes(call, channel, shown), "has_more": bool(cursor), "pin_count": 0}
    answer |= {name: call.text(name) for name in ("oldest", "latest") if call.text(name)}
    answer |= {"channel_actions_ts": None, "channel_actions_count": 0}
    return answer | ({"response_metadata": more(cursor)} if cursor else {})


@method("conversations.replies")
def replies(call: Call) -> Json:
    """A thread, its root first; a message without replies alone."""
    channel = call.visible_channel("history")
    if call.world.app.bot_user not in channel.members:
        raise ApiError("channel_not_found")
    named = channel.messages.get(call.needed("ts"))
    if named is None:
        raise ApiError("thread_not_found")
    root_ts = named.thread_ts or named.ts
    root = channel.messages.get(root_ts)
    in_thread = _within(call, sorted(channel.replies(root_ts), key=lambda m: m.ts))
    shown, cursor = page([*([root] if root else []), *in_thread], call, "replies", default=1000, most=1000)
    answer: Json = {"messages": _shapes(call, channel, shown), "has_more": bool(cursor)}
    return answer | ({"response_metadata": more(cursor)} if cursor else {})


@method("reactions.add", "reactions:write")
def add_reaction(call: Call) -> Json:
    """Put an emoji under a message."""
    world = call.world
    channel = world.channels.get(call.needed("channel"))
    name, ts = call.text("name"), call.text("timestamp")
    if not re.fullmatch(r"[a-z0-9_+'-]+(::skin-tone-[2-6])?", name):
        raise ApiError("invalid_name")
    if not ts:
        raise ApiError("no_item_specified")
    if not re.fullmatch(r"\d{10}\.\d{6}", ts):
        raise ApiError("bad_timestamp")
    if channel is None or world.app.bot_user not in channel.members:
        raise ApiError("channel_not_found")
    if channel.is_archived:
        raise ApiError("is_archived")
    message = channel.messages.get(ts)
    if message is None:
        raise ApiError("message_not_found")
    _react(message, name, world.app.bot_user)
    world.touch(message)
    return {}


def _react(message: StoredMessage, name: str, user: str) -> None:
    for reaction in message.reactions:
        if reaction.name == name:
            if user in reaction.users:
                raise ApiError("already_reacted")
            reaction.users.append(user)
            return
    message.reactions.append(Reaction(name, [user]))
