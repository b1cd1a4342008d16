"""The demo as `signoff demo` sets it up, in a folder of the test's own, and windows on its page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from bot.demo.stage import Stage, open_stage
from tests.browser.window import DESK, Window
from tests.page.chromium import browser
from tests.patience import PATIENCE

__all__ = ["browser"]

Open = Callable[..., Awaitable[Window]]


@pytest_asyncio.fixture(loop_scope="module")
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """The workspace and the bot."""
    async with open_stage(tmp_path) as opened:
        yield opened
        assert opened.workspace.problems == []


@pytest_asyncio.fixture(loop_scope="module")
async def window(browser: Browser, stage: Stage) -> AsyncIterator[Open]:
    """Opens a window as somebody; nothing in it may raise an error, or ask anybody but the workspace for anything. The
    page's clock can be moved `by_hand`."""
    opened: list[Window] = []

    async def open_window(
        person: str, *, width: int = DESK, scheme: str = "light", place: str = "general", by_hand: bool = False
    ) -> Window:
        context = await browser.new_context(
            viewport={"width": width, "height": 812 if width < 700 else 800},
            has_touch=width < 700,
            color_scheme="dark" if scheme == "dark" else "light",
            timezone_id="Europe/Berlin",
            locale="en-GB",
        )
        context.set_default_timeout(PATIENCE * 1_000)
        if by_hand:
            await context.clock.install()
        page = await context.new_page()
        shown = Window(page, stage.workspace.url)
        await page.goto(f"{stage.workspace.url}/?as={person}&in={place}")
        await expect(page.locator("[data-person][aria-current]")).to_be_visible()
        opened.append(shown)
        return shown

    yield open_window
    for one in opened:
        assert one.troubles == []
        assert one.strangers == []
        await one.page.context.close()


@pytest.fixture(scope="session", autouse=True)
def _patience() -> None:
    """The machine may be busy with other tests."""
    expect.set_options(timeout=PATIENCE * 1_000)
