"""Serves a workspace: the Web API, response_urls and uploads over HTTP, and everything tests hold in their hands."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, TypeVar
from urllib.parse import parse_qs

from aiohttp import web

from agent_runtime.clock import Clock, SystemClock
from bot.workspace import page
from bot.workspace.admin import Admin
from bot.workspace.attempts import Delivery, Reply
from bot.workspace.control import Control
from bot.workspace.deliveries import Deliveries
from bot.workspace.demo_world import demo_world
from bot.workspace.events import Events
from bot.workspace.faults import Fault, Faults, When
from bot.workspace.handles import ChannelWindow, Message
from bot.workspace.methods.files import receive
from bot.workspace.person import Person
from bot.workspace.replies import use_response_url
from bot.workspace.shapes import Json
from bot.workspace.sockets import Sockets
from bot.workspace.web_api import BODY_LIMIT, ApiCall, WebApi
from bot.workspace.world import World

T = TypeVar("T")
PATIENCE = 120.0
"""Seconds that waiting for something to happen takes at most, unless told otherwise: the machine may be busy."""


class Workspace:
    """A served workspace. Get one from `Workspace.serve`."""

    def __init__(self, world: World, signing_clock: Clock, app_url: str) -> None:
        self.world = world
        self.faults = Faults()
        self.api = WebApi(world, self.faults)
        self.sender = Deliveries(world, signing_clock, app_url)
        self.events = Events(world, self.sender)
        self.admin = Admin(world)
        self.replace_by_default = False
        """What a response_url does when `replace_original` is left out; Slack's documents contradict each other."""
        self._runner: web.AppRunner | None = None

    @classmethod
    @asynccontextmanager
    async def serve(
        cls,
        world: World | None = None,
        *,
        clock: Clock | None = None,
        signing_clock: Clock | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        app_url: str = "http://127.0.0.1:3000/slack/events",
    ) -> AsyncIterator[Workspace]:
        """Serve a world (the demo's by default) for the length of the block.

        `clock` rules the workspace; signatures carry the machine's time, because that is what verifiers read.
        """
        ws = cls(world or demo_world(clock), signing_clock or SystemClock(), app_url)
        await ws.start(host, port)
        try:
            yield ws
        finally:
            await ws.stop()

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen; port 0 takes a free one. `serve` does this for you."""
        await self.sender.open()
        await self.listen(host, port)

    async def listen(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Answer on this address: at first, or again on the same port after `vanish`."""
        app = web.Application(client_max_size=BODY_LIMIT)
        self.add_routes(app)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port, backlog=1024)
        await site.start()
        bound = self._runner.addresses[0]
        self.world.origin = f"http://{bound[0]}:{bound[1]}"

    async def vanish(self) -> None:
        """Be unreachable: nothing listens any more, and every connection is lost."""
        self.sockets.drop()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def stop(self) -> None:
        """Stop listening; hanging calls are let go."""
        self.faults.heal()
        self.sockets.release()
        await self.events.close()
        await self.sender.close()
        await self.vanish()

    def add_routes(self, app: web.Application) -> None:
        """Mount the workspace in an aiohttp application."""
        app.router.add_route("*", "/api/{method}", self.api.handle)
        Control(self).add_routes(app)
        page.add_routes(app)
        self.sockets.add_routes(app)
        app.router.add_post("/upload/{file}", self._upload)
        for kind in ("commands", "actions", "app"):
            app.router.add_post(f"/{kind}/{{team}}/{{number}}/{{secret}}", self._response_url)

    async def _upload(self, request: web.Request) -> web.Response:
        content = await request.read()
        known = receive(self.world, request.match_info["file"], content)
        return web.Response(text=f"OK - {len(content)}") if known else web.Response(status=404, text="not found")

    async def _response_url(self, request: web.Request) -> web.Response:
        text = (await request.read()).decode("utf-8", "replace")
        if request.content_type == "application/x-www-form-urlencoded":
            text = parse_qs(text).get("payload", [""])[0]
        try:
            body: Any = json.loads(text)
        except ValueError:
            body = None
        status, answer = use_response_url(self.world, request.path, body, replace_by_default=self.replace_by_default)
        if status == 200:
            return web.Response(text=answer)
        return web.json_response({"ok": False, "error": answer}, status=status)

    # Addresses and secrets

    @property
    def url(self) -> str:
        """`http://127.0.0.1:PORT`"""
        return self.world.origin

    @property
    def api_url(self) -> str:
        """The base_url for Slack's clients; ends with `/api/`."""
        return self.world.origin + "/api/"

    @property
    def bot_token(self) -> str:
        return self.world.app.bot_token

    @property
    def app_token(self) -> str:
        return self.world.app.app_token

    @property
    def signing_secret(self) -> str:
        return self.world.app.signing_secret

    @property
    def app_url(self) -> str:
        """Where deliveries go."""
        return self.sender.app_url

    @app_url.setter
    def app_url(self, url: str) -> None:
        self.sender.app_url = url

    @property
    def socket_mode(self) -> bool:
        """Whether the app is told over the connections that it opens; nothing comes over HTTP then."""
        return self.world.app.socket_mode

    @socket_mode.setter
    def socket_mode(self, on: bool) -> None:
        self.world.app.socket_mode = on

    @property
    def sockets(self) -> Sockets:
        """The app's connections in Socket Mode, and what can go wrong with them."""
        return self.sender.sockets

    # People and places

    def person(self, name: str) -> Person:
        """Someone to act as; NotFound for an unknown name."""
        return Person(self.world, self.sender, self.events, self.world.user_named(name))

    def channel(self, name: str) -> ChannelWindow:
        """A channel by `#name` or id; `@ana` is her direct message with the bot."""
        return ChannelWindow(self.world, self.world.channel_named(name))

    def message(self, channel: str, ts: str) -> Message | None:
        """The message with that timestamp."""
        held = self.world.channel_named(channel).messages.get(ts)
        return Message.of(self.world, held) if held else None

    # What happened

    @property
    def calls(self) -> list[ApiCall]:
        """Every Web API call, in order of arrival."""
        return self.api.calls

    @property
    def refusals(self) -> list[ApiCall]:
        """The calls that were answered with an error."""
        return [call for call in self.calls if call.answer is not None and not call.ok]

    def calls_to(self, method: str) -> list[ApiCall]:
        return [call for call in self.calls if call.method == method]

    @property
    def deliveries(self) -> list[Delivery]:
        """Everything the app was told, in order."""
        return self.sender.log

    @property
    def problems(self) -> list[str]:
        """What the app said that Slack would not have understood; empty for a good app."""
        return self.world.problems

    async def wait_for(self, predicate: Callable[[], T], timeout: float = PATIENCE) -> T:  # noqa: ASYNC109
        """Wait until the predicate is truthy, asked after every change, and return its value; TimeoutError."""
        return await self.world.changes.until(predicate, timeout)

    async def appears(self, channel: str, text: str, timeout: float = PATIENCE) -> Message:  # noqa: ASYNC109
        """Wait for a message or reply in which a person reads that text, and return the latest one."""
        window = self.channel(channel)
        try:
            return (await self.wait_for(lambda: window.saying(text), timeout))[-1]
        except TimeoutError:
            there = "\n---\n".join(m.plain() for m in window.everything) or "nothing"
            raise TimeoutError(f"{channel} does not say {text!r} after {timeout} s; it says:\n{there}") from None

    # Making things go wrong

    def fail(
        self,
        method: str,
        *,
        error: str | None = None,
        status: int | None = None,
        retry_after: int | None = None,
        when: When = "before",
        drop: When | None = None,
        hang: When | None = None,
        delay: float = 0.0,
        times: int | None = 1,
        channel: str | None = None,
    ) -> Fault:
        """Make the next calls of a method (`*`: of any) fail: an error code, a status, a lost or stuck connection.

        `when`, `drop` and `hang` are `before` or `after` the call took effect; `times=None` lasts until `heal`.
        """
        found = self.world.channel_named(channel) if channel else None
        names = (found.id, found.name, f"#{found.name}", found.im_user or found.id) if found else ()
        fault = Fault(method, error, status, retry_after, when, drop, hang, delay, times, names)
        return self.faults.add(fault)

    def heal(self, method: str | None = None) -> None:
        """End the faults and limits of a method, or all of them."""
        self.faults.heal(method)

    def limit(
        self, method: str, calls: int, per: timedelta = timedelta(minutes=1), *, by_channel: bool = False
    ) -> None:
        """Answer 429 beyond so many calls of a method per window of the workspace's clock."""
        self.faults.limit(method, calls, per, by_channel=by_channel)

    # Deliveries by hand

    async def replay(self, delivery: Delivery | None = None) -> Reply:
        """Send the latest attempt of a delivery (of the last one) again: byte for byte, or the same envelope."""
        return await self.sender.again(delivery or self.deliveries[-1])

    async def send(self, body: bytes, headers: dict[str, str]) -> Reply:
        """POST any bytes with any headers to the app: unsigned, forged or malformed requests."""
        return await self.sender.raw(body, headers)

    def sign(self, body: bytes, *, timestamp: int | None = None, secret: str | None = None) -> dict[str, str]:
        """The signature headers for a body."""
        return self.sender.sign(body, timestamp=timestamp, secret=secret)

    async def deliver(self, kind: str, payload: Json) -> Reply:
        """Send a payload of your own, properly signed: `slash_commands`, `interactive` or `events_api`."""
        return await self.sender.send(Delivery(kind, payload))

    async def verify_url(self) -> bool:
        """Ask the app to prove that its address is its own, as Slack does when the address is set."""
        challenge = self.world.mint.client_msg_id()
        payload = {"token": self.world.app.verification_token, "challenge": challenge, "type": "url_verification"}
        reply = await self.deliver("events_api", payload)
        return reply.status == 200 and challenge in reply.text

    async def run_due_retries(self) -> int:
        """Make the event retries that are due on the workspace's clock; how many there were."""
        return await self.events.run_due()

    async def idle(self) -> None:
        """Wait until the app has answered every event sent so far."""
        await self.events.idle()


async def serve(
    port: int,
    *,
    app_url: str,
    host: str = "127.0.0.1",
    world: World | None = None,
    ready: Callable[[Workspace], None] = lambda _ws: None,
) -> None:
    """Serve a workspace on its own until cancelled, retrying events as they fall due; `ready` gets it once it is up."""
    async with Workspace.serve(world, host=host, port=port, app_url=app_url) as ws:
        ready(ws)
        while True:
            await asyncio.sleep(1)
            await ws.run_due_retries()
