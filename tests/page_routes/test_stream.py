"""The stream that tells pages of changes, and the clock that they can move."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import aiohttp
import pytest

from agent_runtime.clock import MovableClock, SystemClock
from bot.workspace import Workspace
from bot.workspace.demo_world import demo_world
from tests.page_routes.conftest import Browser
from tests.patience import PATIENCE


async def next_count(answer: aiohttp.ClientResponse) -> int:
    """The data of the stream's next event."""
    async with asyncio.timeout(PATIENCE):
        while True:
            line = (await answer.content.readline()).decode().strip()
            if line.startswith("data: "):
                return int(line.removeprefix("data: "))


async def test_a_page_hears_of_every_change(browser: Browser, ws: Workspace) -> None:
    """A stream says at once where things stand, and says more after each change."""
    async with browser.session.get(f"{ws.url}/control/stream") as answer:
        assert answer.content_type == "text/event-stream"
        first = await next_count(answer)
        assert first == ws.world.changes.count
        await browser.act("ana", "post", channel="#general", text="hi")
        while (count := await next_count(answer)) < ws.world.changes.count:
            pass
        assert count > first


async def test_two_pages_hear_of_the_same_change(browser: Browser, ws: Workspace) -> None:
    """Each open page has its own stream."""
    async with (
        browser.session.get(f"{ws.url}/control/stream") as one,
        browser.session.get(f"{ws.url}/control/stream") as other,
    ):
        before = [await next_count(one), await next_count(other)]
        await browser.act("ana", "post", channel="#general", text="hi")
        assert await next_count(one) > before[0]
        assert await next_count(other) > before[1]


async def test_streams_end_when_the_workspace_stops() -> None:
    """An open page does not keep a workspace from stopping, and sees that its stream has ended."""
    async with asyncio.timeout(PATIENCE), aiohttp.ClientSession() as session:
        async with Workspace.serve() as ws:
            assert ws._runner is not None
            ws._runner._shutdown_timeout = 3600  # it is not waited for requests that are open
            answer = await session.get(f"{ws.url}/control/stream")
            await next_count(answer)
        with pytest.raises(aiohttp.ClientPayloadError):
            await answer.content.read()
        answer.close()


async def test_the_clock_moves_forward_for_everybody(browser: Browser, ws: Workspace, clock: MovableClock) -> None:
    """Moving the clock moves the workspace's time, and every page hears of it."""
    before, count = clock.now(), ws.world.changes.count
    assert await browser.post("/control/clock", {"seconds": 900}) == 200
    assert clock.now() - before == timedelta(minutes=15)
    assert ws.world.changes.count > count
    assert (await browser.look("ana"))["now"] == clock.now().timestamp() * 1000


@pytest.mark.parametrize(
    "seconds", [-1, "60", None, True, 10**12, float("nan"), float("inf"), [60]], ids=lambda value: repr(value)
)
async def test_the_clock_refuses_what_is_no_step_forward(
    browser: Browser, clock: MovableClock, seconds: object
) -> None:
    """Backwards, beyond a year, or no number at all: the time stays as it is."""
    before = clock.now()
    assert await browser.post("/control/clock", {"seconds": seconds}) == 400
    assert clock.now() == before


async def test_a_clock_that_follows_the_machine_is_not_offered() -> None:
    """Where the workspace lives by the machine's clock, the page shows no clock to move, and moving is refused."""
    async with Workspace.serve(demo_world(SystemClock())) as ws, aiohttp.ClientSession() as session:
        browser = Browser(ws, session)
        assert (await browser.look("ana"))["clock_moves"] is False
        assert await browser.post("/control/clock", {"seconds": 60}) == 400
