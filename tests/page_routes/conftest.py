"""A served workspace with its recording app, and a browser's plain HTTP requests to the page."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from bot.workspace import Workspace
from tests.patience import PATIENCE
from tests.workspace.conftest import app, client, clock, ws

__all__ = ["app", "client", "clock", "ws"]


class Browser:
    """Requests as the page in a browser makes them."""

    def __init__(self, ws: Workspace, session: aiohttp.ClientSession) -> None:
        self.ws = ws
        self.session = session

    async def look(self, person: str, channel: str = "general") -> dict[str, Any]:
        """What the page draws for this person."""
        query = {"person": person, "channel": channel}
        async with self.session.get(f"{self.ws.url}/control/look", params=query) as answer:
            assert answer.status == 200
            found: dict[str, Any] = await answer.json()
            return found

    async def act(self, person: str, do: str, **details: Any) -> dict[str, Any]:
        """Do something as this person."""
        body = {"person": person, "do": do} | details
        async with self.session.post(f"{self.ws.url}/control/act", json=body) as answer:
            found: dict[str, Any] = await answer.json()
            return found

    async def get(self, path: str, **headers: str) -> tuple[int, aiohttp.typedefs.LooseHeaders, str]:
        """Status, headers and body of a GET."""
        async with self.session.get(self.ws.url + path, headers=headers) as answer:
            return answer.status, answer.headers, await answer.text()

    async def post(self, path: str, body: Any, **headers: str) -> int:
        """The status that a POST gets; JSON unless the headers say otherwise."""
        sent = {"Content-Type": "application/json"} | headers
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        async with self.session.post(self.ws.url + path, data=data, headers=sent) as answer:
            return answer.status

    async def waiting(self) -> dict[str, int]:
        """The number beside each person who has one."""
        return {each["name"]: each["waiting"] for each in (await self.look("ana"))["people"] if each["waiting"]}

    async def calls(self, person: str, channel: str) -> int:
        """The number beside a channel in this person's sidebar."""
        channels = (await self.look(person))["channels"]
        return next(int(each["for_me"]) for each in channels if each["name"] == channel)


@pytest.fixture
async def browser(ws: Workspace) -> AsyncIterator[Browser]:
    # A stream that is answered at all never ends by itself.
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE)) as session:
        yield Browser(ws, session)
