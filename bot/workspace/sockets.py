"""Socket Mode as Slack serves it: the connections the app opens, the envelopes it is sent, its acknowledgements.

An envelope goes to any one of the open connections. Its acknowledgement counts on whichever of them it comes back,
because an app that is told to leave a connection may answer on the next one.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aiohttp import WSMsgType, web

from bot.workspace.attempts import TIMEOUT, UNREACHABLE, Attempt, Reply, Retried
from bot.workspace.installation import SOCKET_PATH
from bot.workspace.shapes import Json, slack_json
from bot.workspace.world import World

MOST_SOCKETS = 10
LIFE_SECONDS = 18060
HOST = "applink-lanternworks"
ANSWERED = frozenset({"view_submission", "block_suggestion"})
"""The interactions whose acknowledgement may carry something; a slash command's may, too."""


class Socket:
    """One connection of the app. `silent` makes it dead without being closed: nothing it is sent is heard, pings
    neither."""

    def __init__(self, ws: web.WebSocketResponse, request: web.Request) -> None:
        self.silent = False
        self._ws = ws
        self._request = request

    async def send(self, frame: str) -> bool:
        """Whether the frame went out."""
        try:
            await self._ws.send_str(frame)
        except ConnectionError:
            return False
        return True

    async def heard(self) -> str | None:
        """The next text of the app, its pings answered meanwhile; None at the end."""
        async for message in self._ws:
            if self.silent:
                continue
            if message.type is WSMsgType.PING:
                await self._ws.pong(message.data)
            elif message.type is WSMsgType.TEXT:
                return str(message.data)
        return None

    async def ping(self) -> None:
        await self._ws.ping(f"Ping from {HOST}".encode())

    async def close(self) -> None:
        """End it as Slack does, with a closing frame."""
        await self._ws.close()

    def drop(self) -> None:
        """Lose the connection: no closing frame, nothing."""
        if self._request.transport is not None:
            self._request.transport.abort()


class Sockets:
    """All connections of the app. `open` holds them, the oldest first."""

    def __init__(self, world: World) -> None:
        self.open: list[Socket] = []
        self.last: Socket | None = None
        """The connection that took the latest envelope."""
        self.late: list[str] = []
        """Envelopes acknowledged after Slack had stopped waiting."""
        self._world = world
        self._sent: set[str] = set()
        self._waiting: dict[str, list[asyncio.Future[Any]]] = {}
        self._turn = 0
        self._may_send = asyncio.Event()
        self._may_send.set()

    def __len__(self) -> int:
        return len(self.open)

    @property
    def unanswered(self) -> list[str]:
        """The envelopes whose acknowledgement is waited for."""
        return [envelope for envelope, waiting in self._waiting.items() if waiting]

    # The app's side

    def add_routes(self, app: web.Application) -> None:
        """Mount the address that tickets are for."""
        app.router.add_get(SOCKET_PATH, self._handle)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        if not self._world.use_ticket(request.query.get("ticket", "")):
            return web.Response(status=403, text="the ticket is unknown, used or too old")
        ws = web.WebSocketResponse(autoping=False)
        await ws.prepare(request)
        socket = Socket(ws, request)
        if len(self.open) >= MOST_SOCKETS:
            await socket.send(self._farewell("too_many_websockets"))
            await socket.close()
            return ws
        with self._among_the_open(socket):
            await socket.send(self._hello())
            await socket.ping()
            while (text := await socket.heard()) is not None:
                self._take(text)
        return ws

    @contextmanager
    def _among_the_open(self, socket: Socket) -> Iterator[None]:
        self.open.append(socket)
        self._world.changes.happened()
        try:
            yield
        finally:
            self.open.remove(socket)
            self._world.changes.happened()

    def _take(self, text: str) -> None:
        """An acknowledgement."""
        try:
            said = json.loads(text)
        except ValueError:
            said = None
        envelope = said.get("envelope_id") if isinstance(said, dict) else None
        if envelope not in self._sent or not isinstance(said, dict):
            self._world.problem(f"what the app said over its socket acknowledges nothing: {text[:200]}")
            return
        waiting = [future for future in self._waiting.get(str(envelope), []) if not future.done()]
        for future in waiting:
            future.set_result(said.get("payload"))
        if not waiting:
            self.late.append(str(envelope))
        self._world.changes.happened()

    # Slack's side

    async def deliver(
        self, kind: str, payload: Json, retried: Retried, seconds: float, envelope: str | None = None
    ) -> Attempt:
        """Send an envelope, a known one where its id is given, and wait for its acknowledgement."""
        envelope = envelope or self._world.mint.client_msg_id()
        answered = kind == "slash_commands" or payload.get("type") in ANSWERED
        frame: Json = {"envelope_id": envelope, "type": kind, "payload": payload}
        frame["accepts_response_payload"] = answered
        if kind == "events_api":
            frame |= {"retry_attempt": retried.number, "retry_reason": retried.reason and "timeout"}
        text = slack_json(frame)
        self._world.changes.happened()
        await self._may_send.wait()
        reply = await self._exchange(envelope, text, seconds)
        if reply.body and not answered:
            self._world.problem(f"Slack ignores what acknowledges a {payload.get('type', kind)}: {reply.text[:200]}")
            reply = Reply(200)
        return Attempt({}, text.encode(), reply, envelope)

    async def _exchange(self, envelope: str, text: str, seconds: float) -> Reply:
        future = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(envelope, []).append(future)
        self._sent.add(envelope)
        self._world.changes.happened()
        try:
            async with asyncio.timeout(seconds):
                if not await self._send_to_one(text):
                    return Reply(None, error=UNREACHABLE)
                payload = await future
        except TimeoutError:
            return Reply(None, error=TIMEOUT)
        finally:
            self._waiting[envelope].remove(future)
        return Reply(200, "application/json", json.dumps(payload).encode()) if payload else Reply(200)

    async def _send_to_one(self, text: str) -> bool:
        """Whether a connection took the frame; each in its turn."""
        for _ in range(len(self.open)):
            self._turn += 1
            self.last = self.open[self._turn % len(self.open)] if self.open else None
            if self.last is not None and await self.last.send(text):
                return True
        return False

    def _hello(self) -> str:
        debug = {"host": HOST, "build_number": 1, "approximate_connection_time": LIFE_SECONDS}
        info = {"app_id": self._world.app.app_id}
        return slack_json(
            {"type": "hello", "num_connections": len(self.open), "debug_info": debug, "connection_info": info}
        )

    def _farewell(self, reason: str) -> str:
        return slack_json({"type": "disconnect", "reason": reason, "debug_info": {"host": HOST}})

    # Making things go wrong

    async def disconnect(self, reason: str = "refresh_requested", socket: Socket | None = None) -> None:
        """Tell the app to leave a connection (all of them by default): `warning`, `refresh_requested` or
        `link_disabled`. It stays open for the app to leave, but for `link_disabled`."""
        for one in [socket] if socket else list(self.open):
            await one.send(self._farewell(reason))
            if reason == "link_disabled":
                await one.close()

    def drop(self, socket: Socket | None = None) -> None:
        """Lose a connection, or all of them."""
        for one in [socket] if socket else list(self.open):
            one.drop()

    def hold(self) -> None:
        """Keep envelopes back until `release`."""
        self._may_send.clear()

    def release(self) -> None:
        self._may_send.set()
