"""The conversations methods about channels and their members."""

from __future__ import annotations

from bot.workspace.channels import Channel, channel_json
from bot.workspace.errors import ApiError
from bot.workspace.methods.registry import Call, method, more, page
from bot.workspace.people import User
from bot.workspace.shapes import Json

_PREFIX = {"public_channel": "channels", "private_channel": "groups", "im": "im", "mpim": "mpim"}


@method("conversations.info")
def info(call: Call) -> Json:
    """One channel."""
    channel = call.visible_channel()
    bot = call.world.app.bot_user
    return {"channel": channel_json(channel, bot_user=bot, num_members=call.flag("include_num_members"))}


@method("conversations.list")
def list_(call: Call) -> Json:
    """The channels of the given types: public ones, and those the bot is a member of."""
    world = call.world
    types = [t.strip() for t in (call.text("types") or "public_channel").split(",") if t.strip()]
    if not set(types) <= set(_PREFIX):
        raise ApiError("invalid_types")
    for type_ in types:
        call.require(f"{_PREFIX[type_]}:read")
    found = [c for c in world.channels.values() if c.kind in types and world.bot_sees(c)]
    if call.flag("exclude_archived"):
        found = [c for c in found if not c.is_archived]
    shown, cursor = page(found, call, "channels")
    bot = world.app.bot_user
    channels = [channel_json(c, bot_user=bot, num_members=True) for c in shown]
    return {"channels": channels, "response_metadata": more(cursor)}


@method("conversations.members")
def members(call: Call) -> Json:
    """The ids of a channel's members, the bot among them."""
    channel = call.visible_channel()
    shown, cursor = page(channel.members, call, "members")
    return {"members": shown, "response_metadata": more(cursor)}


@method("conversations.open")
def open_(call: Call) -> Json:
    """Open the direct message with one person, or find a conversation that is open already."""
    call.require("im:write")
    named = call.text("channel")
    if named:
        channel = call.world.channels.get(named)
        if channel is None:
            raise ApiError("channel_not_found")
        return _opened(call, channel, already=True)
    users = [u.strip() for u in call.words("users") if u.strip()]
    if not users:
        raise ApiError("users_list_not_supplied")
    if len(users) > 8:
        raise ApiError("too_many_users")
    if len(users) > 1:
        call.require("mpim:write")
        return _group_message(call, users)
    user = _reachable(call, users[0])
    already = any(c.im_user == user.id for c in call.world.channels.values())
    if not already and call.flag("prevent_creation"):
        raise ApiError("channel_not_found")
    return _opened(call, call.world.direct_message(user), already=already)


def _reachable(call: Call, user_id: str) -> User:
    user = call.world.users.get(user_id)
    if user is None:
        raise ApiError("user_not_found")
    if user.deleted:
        raise ApiError("user_disabled")
    if user.is_bot:
        raise ApiError("cannot_dm_bot")
    if user.team_id != call.world.team.id:
        raise ApiError("user_not_visible")
    return user


def _group_message(call: Call, users: list[str]) -> Json:
    world = call.world
    ids = sorted({_reachable(call, user).id for user in users} | {world.app.bot_user})
    for channel in world.channels.values():
        if channel.is_mpim and sorted(channel.members) == ids:
            return _opened(call, channel, already=True)
    name = "mpdm-" + "--".join(world.users[i].name for i in ids) + "-1"
    channel = Channel(world.mint.id("C0"), name, world.team.id, ids, is_private=True, is_mpim=True)
    world.channels[channel.id] = channel
    world.changes.happened()
    return _opened(call, channel, already=False)


def _opened(call: Call, channel: Channel, *, already: bool) -> Json:
    full = call.flag("return_im")
    shape = channel_json(channel, bot_user=call.world.app.bot_user) if full else {"id": channel.id}
    return ({"no_op": True, "already_open": True} if already else {}) | {"channel": shape}


@method("conversations.join", "channels:join")
def join(call: Call) -> Json:
    """Make the bot a member of a public channel."""
    world = call.world
    channel = world.channels.get(call.needed("channel"))
    if channel is None or not world.bot_sees(channel):
        raise ApiError("channel_not_found")
    if channel.kind != "public_channel":
        raise ApiError("method_not_supported_for_channel_type")
    if channel.is_archived:
        raise ApiError("is_archived")
    bot = world.users[world.app.bot_user]
    already = bot.id in channel.members
    world.join(channel, bot)
    answer: Json = {"channel": channel_json(channel, bot_user=bot.id)}
    if already:
        answer |= {"warning": "already_in_channel", "response_metadata": {"warnings": ["already_in_channel"]}}
    return answer
