"""A page that draws blocks with the real modules, under the real content security policy."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio
from aiohttp import web
from playwright.async_api import Browser, Page

from bot.workspace import page as workspace_page
from tests.page.chromium import browser

__all__ = ["browser"]

_FILES = Path(__file__).parent / "gallery"


class Gallery:
    """The gallery in a browser page, with what went wrong in it."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.address = address
        self.troubles: list[str] = []
        self.requested: list[str] = []
        page.on("pageerror", lambda error: self.troubles.append(str(error)))
        page.on("console", lambda message: self.troubles.append(message.text) if message.type == "error" else None)
        page.on("request", lambda request: self.requested.append(request.url))

    async def draw(self, *blocks: dict[str, Any], **context: Any) -> None:
        """Draw blocks afresh; `context` overrides parts of the drawing context."""
        await self.page.evaluate("([blocks, more]) => window.draw(blocks, more)", [list(blocks), context])

    async def text(self) -> str:
        """What can be read on the page."""
        return await self.page.inner_text("#stage")

    async def told(self, kind: str) -> list[Any]:
        """What the blocks told the page: `acts`, `entered`, `opened` or `confirmed`."""
        return list(await self.page.evaluate("kind => window.told[kind]", kind))

    async def until(self, kind: str, count: int = 1) -> None:
        """Wait until the page was told so much. Playwright's own waiting is script that the policy refuses."""
        await self.page.evaluate("([kind, count]) => window.until(kind, count)", [kind, count])

    @property
    def strangers(self) -> list[str]:
        """Requests to anywhere but the gallery's own server."""
        return [url for url in self.requested if not url.startswith(self.address)]

    async def overflow(self) -> int:
        """By how many pixels the page is wider than the window."""
        return int(await self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))


async def _index(_request: web.Request) -> web.FileResponse:
    return web.FileResponse(_FILES / "index.html", headers=workspace_page.HEADERS)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served() -> AsyncIterator[str]:
    """The address of a server with the gallery and the real page's files."""
    app = web.Application()
    workspace_page.add_routes(app)
    app.router.add_get("/gallery", _index)
    app.router.add_static("/", _FILES)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    await runner.cleanup()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def opened(browser: Browser, served: str) -> AsyncIterator[Gallery]:
    """The gallery in a window as narrow as a phone, opened once for a module."""
    context = await browser.new_context(viewport={"width": 375, "height": 700}, timezone_id="Europe/Berlin")
    page = await context.new_page()
    shown = Gallery(page, served)
    await page.goto(f"{served}gallery")
    await page.wait_for_selector("body[data-ready]")
    yield shown
    await context.close()


@pytest_asyncio.fixture(loop_scope="module")
async def gallery(opened: Gallery) -> AsyncIterator[Gallery]:
    """The gallery, for one test; whatever is drawn must cause no error and no request to anywhere else."""
    yield opened
    assert opened.troubles == []
    assert opened.strangers == []
    assert await opened.overflow() == 0
