"""The control API: acts as people, looks at the workspace and breaks it, over JSON from this machine only.

Requests must come from loopback, name a loopback host, and be JSON, so that no web page elsewhere can send them.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from aiohttp import web

from bot.workspace.errors import NotFound, WorkspaceError
from bot.workspace.handles import Message, View
from bot.workspace.outcomes import CommandAnswer, Outcome, SubmitAnswer
from bot.workspace.person import Person
from bot.workspace.shapes import Json

if TYPE_CHECKING:
    from bot.workspace.server import Workspace

Act = Callable[[Person, Json], Awaitable[Any]]


def message_state(message: Message) -> Json:
    """A message as the control API shows it."""
    return {
        "channel": message.channel,
        "channel_id": message.channel_id,
        "ts": message.ts,
        "thread_ts": message.thread_ts,
        "author": message.author,
        "text": message.text,
        "blocks": message.blocks,
        "plain": message.plain(),
        "buttons": message.labels,
        "ephemeral": message.ephemeral,
        "edited": bool(message.edited),
        "metadata": message.metadata,
    }


def view_state(view: View | None) -> Json | None:
    """A view as the control API shows it."""
    if view is None:
        return None
    return {
        "id": view.id,
        "type": view.type,
        "title": view.title,
        "callback_id": view.callback_id,
        "blocks": view.blocks,
        "values": view.values,
        "errors": view.errors,
        "submit": view.submit_label,
        "plain": view.plain(),
        "buttons": view.labels,
    }


def outcome_state(outcome: Outcome) -> Json:
    """What came of an action, as the control API shows it."""
    shape: Json = {"delivered": outcome.delivered, "status": outcome.status, "error": outcome.error}
    shape |= {"view": view_state(outcome.view), "ephemerals": [message_state(m) for m in outcome.ephemerals]}
    if isinstance(outcome, CommandAnswer):
        shape |= {"text": outcome.text, "refused": outcome.refused}
    if isinstance(outcome, SubmitAnswer):
        shape |= {"errors": outcome.errors, "closed": outcome.closed}
    return shape


def _is_loopback(host: str | None) -> bool:
    if host is None or host == "localhost":
        return host is not None
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Control:
    """The routes under `/control/`."""

    def __init__(self, ws: Workspace) -> None:
        self.ws = ws

    def add_routes(self, app: web.Application) -> None:
        """Mount the control API in an aiohttp application."""
        reading: dict[str, Callable[[web.Request], Any]] = {
            "state": self._state,
            "calls": self._calls,
            "deliveries": self._deliveries,
            "problems": lambda _request: self.ws.problems,
        }
        for name, read in reading.items():
            app.router.add_get(f"/control/{name}", self._guarded_read(read))
        changing = {
            "act": self._act,
            "fail": self._fail,
            "heal": self._heal,
            "limit": self._limit,
            "app": self._app,
            "retries": self._retries,
            "channel": self._channel,
        }
        for name, change in changing.items():
            app.router.add_post(f"/control/{name}", self._guarded_change(change))

    def _guarded_read(self, read: Callable[[web.Request], Any]) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            _from_here(request)
            return await _answer(lambda: _later(read(request)))

        return handle

    def _guarded_change(
        self, change: Callable[[Json], Awaitable[Any]]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            _from_here(request)
            if request.content_type != "application/json":
                raise web.HTTPUnsupportedMediaType(text="send JSON")
            body = await request.json()
            return await _answer(lambda: change(body))

        return handle

    # Looking

    def _state(self, request: web.Request) -> Json:
        world = self.ws.world
        name = request.query.get("person")
        person = self.ws.person(name) if name else None
        seen = [c for c in world.channels.values() if person is None or world.can_see(person.user, c)]
        windows = [self.ws.channel(c.id) for c in seen]
        people = [u.name for u in world.users.values() if not u.is_bot and u.id != "USLACKBOT"]
        shape: Json = {"team": world.team.name, "people": people, "app_url": self.ws.app_url}
        shape["channels"] = [
            {"id": w.id, "name": w.name, "messages": [message_state(m) for m in w.everything]} for w in windows
        ]
        if person is not None:
            shape |= {"view": view_state(person.view), "home": view_state(person.home)}
            shape["ephemerals"] = [message_state(m) for m in person.ephemerals]
            shape["errors"] = [{"code": e.code, "about": e.about} for e in person.errors]
        return shape

    def _calls(self, _request: web.Request) -> list[Json]:
        return [
            {"method": c.method, "args": c.args, "status": c.status, "answer": c.answer, "committed": c.committed}
            for c in self.ws.calls
        ]

    def _deliveries(self, _request: web.Request) -> list[Json]:
        return [
            {
                "kind": d.kind,
                "payload": d.payload,
                "attempts": [
                    {"headers": a.headers, "status": a.reply.status, "error": a.reply.error} for a in d.attempts
                ],
            }
            for d in self.ws.deliveries
        ]

    # Acting

    async def _act(self, body: Json) -> Any:
        person = self.ws.person(str(body.get("person")))
        act = _ACTS.get(str(body.get("do")))
        if act is None:
            raise NotFound("action", str(body.get("do")), sorted(_ACTS))
        done = await act(person, body)
        if isinstance(done, Outcome):
            return outcome_state(done)
        return message_state(done) if isinstance(done, Message) else view_state(done)

    # Breaking and arranging

    async def _fail(self, body: Json) -> Json:
        allowed = ("error", "status", "retry_after", "when", "drop", "hang", "delay", "times", "channel")
        self.ws.fail(body["method"], **{key: body[key] for key in allowed if key in body})
        return {"ok": True}

    async def _heal(self, body: Json) -> Json:
        self.ws.heal(body.get("method"))
        return {"ok": True}

    async def _limit(self, body: Json) -> Json:
        per = timedelta(seconds=float(body.get("seconds", 60)))
        self.ws.limit(body["method"], int(body["calls"]), per, by_channel=bool(body.get("by_channel")))
        return {"ok": True}

    async def _app(self, body: Json) -> Json:
        self.ws.app_url = str(body["url"])
        return {"ok": True, "verified": await self.ws.verify_url()}

    async def _retries(self, _body: Json) -> Json:
        return {"ran": await self.ws.run_due_retries()}

    async def _channel(self, body: Json) -> Json:
        window = self.ws.channel(body["name"])
        person = str(body.get("person", ""))
        changes: dict[str, Callable[[], None]] = {
            "invite": lambda: window.invite(person),
            "remove": lambda: window.remove(person),
            "archive": window.archive,
            "unarchive": lambda: window.archive(False),
        }
        wanted = str(body.get("do"))
        if wanted not in changes:
            raise NotFound("change", wanted, list(changes))
        changes[wanted]()
        return {"ok": True}


def _target(person: Person, body: Json) -> Message | View:
    """What an action is aimed at: `view`, `home`, `ephemeral` (a ts), or `channel` and `ts`."""
    if body.get("home") and person.home:
        return person.home
    if body.get("view"):
        return _modal(person)
    for message in person.ephemerals:
        if message.ts == body.get("ephemeral"):
            return message
    held = person.world.channel_named(body["channel"]).messages.get(str(body.get("ts"))) if "channel" in body else None
    if held is None:
        raise NotFound("target", str({k: body.get(k) for k in ("home", "view", "ephemeral", "channel", "ts")}), [])
    return Message.of(person.world, held)


def _modal(person: Person) -> View:
    if person.view is None:
        raise NotFound("modal", "in front of " + person.name, [])
    return person.view


_ACTS: dict[str, Act] = {
    "command": lambda p, b: p.command(b["command"], b.get("text", ""), channel=b.get("channel", "#general")),
    "say": lambda p, b: p.say(b["text"], b.get("channel", "#general")),
    "mention": lambda p, b: p.mention(b["text"], b.get("channel", "#general")),
    "dm": lambda p, b: p.dm(b["text"]),
    "home": lambda p, b: p.open_home(b.get("tab", "home")),
    "click": lambda p, b: p.click(_target(p, b), b["button"], confirm=b.get("confirm", True)),
    "choose": lambda p, b: p.choose(_target(p, b), b["field"], b.get("value")),
    "submit": lambda p, b: p.fill_and_submit(_modal(p), b.get("values", {})),
    "close": lambda p, b: p.close(_modal(p), everything=bool(b.get("everything"))),
    "shortcut": lambda p, b: p.shortcut(b["callback_id"]),
}


def _from_here(request: web.Request) -> None:
    peer = request.transport.get_extra_info("peername") if request.transport else None
    if not _is_loopback(peer[0] if peer else None) or not _is_loopback(request.url.host):
        raise web.HTTPForbidden(text="the control API is for this machine only")


async def _later(value: Any) -> Any:
    return value


async def _answer(work: Callable[[], Awaitable[Any]]) -> web.Response:
    try:
        return web.json_response(await work())
    except WorkspaceError as error:
        return web.json_response({"error": str(error)}, status=400)
    except KeyError as error:
        return web.json_response({"error": f"missing: {error.args[0]}"}, status=400)
