"""What a person can be made to do through the control API, each act under the name that requests give it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from bot.workspace.errors import Gone, NotFound
from bot.workspace.handles import Message, View
from bot.workspace.person import Person
from bot.workspace.shapes import Json

Act = Callable[[Person, Json], Awaitable[Any]]


def act_named(name: str) -> Act:
    """The act with that name; NotFound names those there are."""
    act = _ACTS.get(name)
    if act is None:
        raise NotFound("action", name, sorted(_ACTS))
    return act


def _target(person: Person, body: Json) -> Message | View:
    """What an action is aimed at: `view`, `home`, `ephemeral` (a ts), or `channel` and `ts`."""
    if body.get("home") and person.home:
        return person.home
    if body.get("view"):
        return _modal(person, body)
    for message in person.ephemerals:
        if message.ts == body.get("ephemeral"):
            return message
    if "channel" not in body:
        raise Gone("target", str({key: body.get(key) for key in ("home", "view", "ephemeral", "channel")}), [])
    return _message(person, body)


def _message(person: Person, body: Json, key: str = "ts") -> Message:
    return person.message(_channel(body), str(body.get(key)))


def _modal(person: Person, body: Json) -> View:
    """The modal in front of them. A page that shows an older one names its own in `view`, and is refused."""
    view, wanted = person.view, body.get("view")
    if view is None or (isinstance(wanted, str) and wanted != view.id):
        raise Gone("modal", "in front of " + person.name, [])
    return view


def _channel(body: Json) -> str:
    return str(body.get("channel", "#general"))


async def _post(person: Person, body: Json) -> Message:
    """Post what was typed into the page's composer. Only names become markup: a typed `<!channel>` calls nobody."""
    text = str(body["text"]).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    thread = _message(person, body, "thread") if body.get("thread") else None
    return await person.say(text, _channel(body), thread=thread)


def _value(value: Any) -> Any:
    """What a field holds. One that was emptied holds nothing."""
    return None if value == "" else value


def _enter(person: Person, target: Message | View, body: Json) -> None:
    """Take over what a page held back: values by block_id and action_id."""
    values = {
        block: {field: _value(value) for field, value in fields.items()}
        for block, fields in (body.get("entered") or {}).items()
    }
    person.enter(target, values)


async def _hold(person: Person, body: Json) -> None:
    _enter(person, _target(person, body), body)


async def _click(person: Person, body: Json) -> Any:
    target = _target(person, body)
    _enter(person, target, body)
    return await person.click(target, body["button"], block=body.get("block"), confirm=body.get("confirm", True))


async def _choose(person: Person, body: Json) -> Any:
    target = _target(person, body)
    _enter(person, target, body)
    return await person.choose(target, body["field"], _value(body.get("value")), block=body.get("block"))


async def _submit(person: Person, body: Json) -> Any:
    view = _modal(person, body)
    _enter(person, view, body)
    return await person.fill_and_submit(view, body.get("values", {}))


async def _dismiss(person: Person, body: Json) -> None:
    """Put a private message away."""
    target = _target(person, body)
    if isinstance(target, Message) and target.ephemeral:
        person.world.ephemerals.remove(target.stored)
        person.world.changes.happened()


async def _read(person: Person, body: Json) -> None:
    person.read(_channel(body), str(body["ts"]), str(body.get("thread") or ""))


_ACTS: dict[str, Act] = {
    "command": lambda p, b: p.command(b["command"], b.get("text", ""), channel=_channel(b)),
    "say": lambda p, b: p.say(b["text"], _channel(b)),
    "post": _post,
    "mention": lambda p, b: p.mention(b["text"], _channel(b)),
    "dm": lambda p, b: p.dm(b["text"]),
    "dismiss": _dismiss,
    "read": _read,
    "home": lambda p, b: p.open_home(b.get("tab", "home")),
    "click": _click,
    "choose": _choose,
    "enter": _hold,
    "submit": _submit,
    "close": lambda p, b: p.close(_modal(p, b), everything=bool(b.get("everything"))),
    "shortcut": lambda p, b: p.shortcut(b["callback_id"]),
    "message_shortcut": lambda p, b: p.message_shortcut(b["callback_id"], _message(p, b)),
}
