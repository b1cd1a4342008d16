"""A served workspace, a Slack client on it, and a small app that records what it is told."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import pytest
from aiohttp import web
from slack_sdk.signature import SignatureVerifier
from slack_sdk.web.async_client import AsyncWebClient

from agent_runtime.clock import MovableClock
from bot.workspace import Workspace
from bot.workspace.demo_world import demo_world
from bot.workspace.installation import DEFAULT_EVENTS

Handler = Callable[[dict[str, Any]], Awaitable[web.Response]]


async def accept(_payload: dict[str, Any]) -> web.Response:
    return web.Response()


class RecordingApp:
    """An app that checks signatures with Slack's own verifier, keeps what it is told, and answers as `on` says."""

    def __init__(self, secret: str) -> None:
        self.verifier = SignatureVerifier(secret)
        self.told: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.on: Handler = accept

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.read()
        if not self.verifier.is_valid_request(body, dict(request.headers)):
            return web.json_response({"error": "invalid request"}, status=401)
        if request.content_type == "application/json":
            payload = json.loads(body)
        else:
            form = {key: values[0] for key, values in parse_qs(body.decode(), keep_blank_values=True).items()}
            payload = json.loads(form["payload"]) if "payload" in form else form
        self.told.append(payload)
        self.headers.append(dict(request.headers))
        return await self.on(payload)

    def answer(self, value: Any = None, *, status: int = 200) -> None:
        """Answer everything from now on with JSON (or text, or nothing)."""

        async def on(_payload: dict[str, Any]) -> web.Response:
            if value is None or isinstance(value, str):
                return web.Response(text=value or "", status=status)
            return web.json_response(value, status=status)

        self.on = on


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock(datetime(2026, 3, 2, 9, 0, tzinfo=UTC))


@pytest.fixture
async def ws(clock: MovableClock) -> AsyncIterator[Workspace]:
    world = demo_world(clock, seed="test")
    world.app.events = set(DEFAULT_EVENTS)  # what these tests count: our own app asks for more
    async with Workspace.serve(world) as served:
        yield served


@pytest.fixture
async def app(ws: Workspace) -> AsyncIterator[RecordingApp]:
    recording = RecordingApp(ws.signing_secret)
    web_app = web.Application()
    web_app.router.add_post("/slack/events", recording.handle)
    runner = web.AppRunner(web_app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=1024)
    await site.start()
    ws.app_url = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    yield recording
    await runner.cleanup()


@pytest.fixture
def client(ws: Workspace) -> AsyncWebClient:
    return AsyncWebClient(ws.bot_token, base_url=ws.api_url, retry_handlers=[])
