"""The control API: acts as people, looks at the workspace and breaks it, over JSON from this machine only.

Requests must come from loopback, name a loopback host, and be JSON, so that no web page elsewhere can send them.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from aiohttp import web

from agent_runtime.clock import MovableClock
from bot.workspace.acts import act_named
from bot.workspace.errors import Gone, NotFound, WorkspaceError
from bot.workspace.look import file_content, look
from bot.workspace.loopback import SAFE_HEADERS, only_from_here, only_json
from bot.workspace.shapes import Json
from bot.workspace.states import message_state, state_of, view_state
from bot.workspace.stream import Streams

if TYPE_CHECKING:
    from bot.workspace.server import Workspace

FURTHEST_MOVE = timedelta(days=366)
"""As far as the clock moves at a time."""


class Control:
    """The routes under `/control/`."""

    def __init__(self, ws: Workspace) -> None:
        self.ws = ws
        self._streams = Streams(ws.world.changes)

    def add_routes(self, app: web.Application) -> None:
        """Mount the control API in an aiohttp application."""
        reading: dict[str, Callable[[web.Request], Any]] = {
            "state": self._state,
            "calls": self._calls,
            "deliveries": self._deliveries,
            "problems": lambda _request: self.ws.problems,
            "look": lambda request: look(self.ws, request.query["person"], request.query.get("channel")),
        }
        for name, read in reading.items():
            app.router.add_get(f"/control/{name}", self._guarded_read(read))
        app.router.add_get("/control/stream", self._stream)
        app.router.add_get("/control/file", self._file)
        app.on_shutdown.append(self._streams.close)
        changing = {
            "act": self._act,
            "fail": self._fail,
            "heal": self._heal,
            "limit": self._limit,
            "app": self._app,
            "retries": self._retries,
            "channel": self._channel,
            "clock": self._clock,
        }
        for name, change in changing.items():
            app.router.add_post(f"/control/{name}", self._guarded_change(change))

    def _guarded_read(self, read: Callable[[web.Request], Any]) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            only_from_here(request)
            return await _answer(lambda: _later(read(request)))

        return handle

    def _guarded_change(
        self, change: Callable[[Json], Awaitable[Any]]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            only_from_here(request)
            only_json(request)
            try:
                body = await request.json()
            except ValueError:
                raise web.HTTPBadRequest(text="that is no JSON") from None
            if not isinstance(body, dict):
                raise web.HTTPBadRequest(text="send a JSON object")
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

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        only_from_here(request)
        return await self._streams.serve(request, SAFE_HEADERS)

    async def _file(self, request: web.Request) -> web.Response:
        only_from_here(request)
        try:
            content = file_content(self.ws, request.query.get("person", ""), request.query.get("file", ""))
        except NotFound as missing:
            raise web.HTTPNotFound(text=str(missing)) from None
        # Whatever is in it, the browser saves it and shows nothing.
        headers = {**SAFE_HEADERS, "Content-Disposition": "attachment"}
        return web.Response(body=content, content_type="application/octet-stream", headers=headers)

    # Acting

    async def _act(self, body: Json) -> Any:
        person = self.ws.person(str(body.get("person")))
        return state_of(await act_named(str(body.get("do")))(person, body))

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

    async def _clock(self, body: Json) -> Json:
        """Move time forward by so many `seconds`, for whoever lives by the workspace's clock."""
        clock, seconds = self.ws.world.clock, body["seconds"]
        if not isinstance(clock, MovableClock):
            raise NotFound("movable clock", "this workspace follows the machine's", [])
        if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not math.isfinite(seconds):
            raise web.HTTPBadRequest(text="seconds must be a number")
        if not 0 <= seconds <= FURTHEST_MOVE.total_seconds():
            raise web.HTTPBadRequest(text=f"the clock moves forward, by {FURTHEST_MOVE.days} days at most")
        clock.advance(timedelta(seconds=seconds))
        self.ws.world.changes.happened()
        return {"now": int(clock.now().timestamp() * 1000)}


async def _later(value: Any) -> Any:
    return value


async def _answer(work: Callable[[], Awaitable[Any]]) -> web.Response:
    try:
        return web.json_response(await work(), headers=SAFE_HEADERS)
    except WorkspaceError as error:
        refusal = {"error": str(error), "gone": isinstance(error, Gone)}
        return web.json_response(refusal, status=400, headers=SAFE_HEADERS)
    except KeyError as error:
        return web.json_response({"error": f"missing: {error.args[0]}"}, status=400, headers=SAFE_HEADERS)
