"""What a Web API method is: its name, scopes and function; and what it is called with."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from bot.workspace.channels import Channel
from bot.workspace.errors import ApiError
from bot.workspace.shapes import Json, as_bool
from bot.workspace.world import World

T = TypeVar("T")


@dataclass(frozen=True)
class Call:
    """One call by the app: the world it acts on and its merged arguments."""

    world: World
    args: Json

    def text(self, name: str) -> str:
        """A string argument; empty where absent."""
        value = self.args.get(name)
        return "" if value is None else str(value)

    def words(self, name: str) -> list[str]:
        """A list argument: a JSON list, or words with commas between them."""
        value = self.args.get(name)
        return [str(each) for each in value] if isinstance(value, list) else self.text(name).split(",")

    def needed(self, name: str) -> str:
        """A string argument that must be there."""
        value = self.text(name)
        if not value:
            messages = [f"[ERROR] missing required field: {name}"]
            raise ApiError("invalid_arguments", response_metadata={"messages": messages})
        return value

    def flag(self, name: str) -> bool:
        return as_bool(self.args.get(name))

    def limit(self, default: int, most: int) -> int:
        """The page size; unusable values are adjusted silently."""
        try:
            wanted = int(self.args.get("limit") or default)
        except (TypeError, ValueError):
            return default
        return min(max(wanted, 1), most)

    def require(self, scope: str) -> None:
        """Refuse the call with missing_scope unless the token has the scope."""
        require_scope(self.world, scope)

    def visible_channel(self, scope: str = "read") -> Channel:
        """The channel argument, seen with the bot's eyes; then the scope `<kind of channel>:<scope>`."""
        channel = self.world.channels.get(self.needed("channel"))
        if channel is None or not self.world.bot_sees(channel):
            raise ApiError("channel_not_found")
        self.require(f"{channel.scope_prefix}:{scope}")
        return channel


def require_scope(world: World, scope: str) -> None:
    """Raise missing_scope unless the app has the scope."""
    if scope not in world.app.scopes:
        raise ApiError("missing_scope", needed=scope, provided=",".join(sorted(world.app.scopes)))


Handler = Callable[[Call], Json]


@dataclass(frozen=True)
class Method:
    """`scopes` are all needed. `caller` is whose token it takes: `bot`, `app` (xapp-), or `anyone` without one."""

    name: str
    handler: Handler
    scopes: tuple[str, ...] = ()
    caller: str = "bot"


METHODS: dict[str, Method] = {}


def method(name: str, *scopes: str, caller: str = "bot") -> Callable[[Handler], Handler]:
    """Register a function as the Web API method of that name."""

    def register(handler: Handler) -> Handler:
        METHODS[name] = Method(name, handler, scopes, caller)
        return handler

    return register


def page(items: Sequence[T], call: Call, kind: str, default: int = 100, most: int = 999) -> tuple[list[T], str]:
    """One page of the items and the cursor of the next, `""` at the end. Cursors are base64 of `kind:offset`."""
    start = _offset(call.text("cursor"), kind)
    if start > len(items):
        raise ApiError("invalid_cursor")
    end = start + min(call.limit(default, most), call.world.page_size or most)
    following = base64.b64encode(f"{kind}:{end}".encode()).decode() if end < len(items) else ""
    return list(items[start:end]), following


def _offset(cursor: str, kind: str) -> int:
    if not cursor:
        return 0
    try:
        word, _, number = base64.b64decode(cursor, validate=True).decode().rpartition(":")
        if word == kind:
            return int(number)
    except (binascii.Error, UnicodeDecodeError, ValueError):
        pass
    raise ApiError("invalid_cursor")


def more(cursor: str) -> Any:
    """The response_metadata of a page."""
    return {"next_cursor": cursor}
