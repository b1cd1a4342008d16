"""Makes the pictures of the documents: `make pictures`. Real screens of the demo, driven as a person would.

Each is taken from the running bot and workspace; the clock stands at one moment, so that they change only when the
screens do.
"""

from __future__ import annotations

import asyncio
import io
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from PIL import Image
from playwright.async_api import Browser, expect

from bot.demo.stage import Stage, open_stage
from tests.browser.window import Window
from tests.page.chromium import chromium

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "pictures"
WIDE = {"width": 1120, "height": 700}
PHONE = {"width": 390, "height": 844}
FRAME_MS = 1400
LAST_FRAME_MS = 3200
COLOURS = 96


@asynccontextmanager
async def stage_and_browser() -> AsyncIterator[tuple[Stage, Browser]]:
    """A fresh demo and a browser for it."""
    with tempfile.TemporaryDirectory() as folder:
        async with open_stage(Path(folder)) as stage, chromium() as browser:
            yield stage, browser


async def open_window(stage: Stage, browser: Browser, person: str, place: str, size: dict[str, int]) -> Window:
    """A window without the first-visit hint."""
    context = await browser.new_context(
        viewport={"width": size["width"], "height": size["height"]}, timezone_id="Europe/Berlin", locale="en-GB"
    )
    page = await context.new_page()
    await page.goto(f"{stage.workspace.url}/?as={person}&in={place}")
    await expect(page.locator("[data-person][aria-current]")).to_be_visible()
    close = page.locator("#hint").get_by_role("button", name="Close")
    if await close.is_visible():
        await close.click()
    return Window(page, stage.workspace.url)


async def from_approve_to_done() -> None:
    """Ana starts an agent, Maria approves, the mail is sent: an animation, and its best moment as a still."""
    frames: list[Image.Image] = []

    async def take(window: Window) -> bytes:
        await window.page.mouse.move(0, 0)
        await window.page.wait_for_timeout(250)  # for a picture, not for a test: fonts and scrolling come to rest
        shot = await window.page.screenshot()
        frames.append(Image.open(io.BytesIO(shot)).convert("RGB"))
        return shot

    async with stage_and_browser() as (stage, browser):
        window = await open_window(stage, browser, "ana", "general", WIDE)
        await window.page.locator("#composer-text").fill("/agent approval Send email to team about meeting")
        await take(window)
        await window.page.locator("#composer-text").press("Enter")
        await window.reads("Waiting for @managers")
        await take(window)
        await window.be("maria")
        await window.go("approvals")
        await window.reads("Approve send_email?")
        (FOLDER / "approve.png").write_bytes(await take(window))
        await window.button("Approve", "Approve send_email?").hover()
        await window.page.wait_for_timeout(100)
        await window.press("Approve", "Approve send_email?")
        await window.reads("Approved: send_email", "Ran in")
        await take(window)
        await window.be("ana")
        await window.go("general")
        await window.reads("Finished", "Sent")
        await take(window)
    write_animation(frames, FOLDER / "approve.gif")


async def on_a_phone() -> None:
    """The card on a phone, and the form that asks for a reason."""
    async with stage_and_browser() as (stage, browser):
        window = await open_window(stage, browser, "ana", "approvals", PHONE)
        await window.send("/agent approval Send email to team about meeting")
        await window.be("maria")
        await window.reads("Approve send_email?")
        await window.page.screenshot(path=FOLDER / "phone.png")
        await window.press("Reject", "Approve send_email?")
        await expect(window.modal).to_be_visible()
        await window.page.screenshot(path=FOLDER / "reject.png")


def write_animation(frames: list[Image.Image], path: Path) -> None:
    """A GIF with one palette, small enough for a page that people open on a train."""
    palette = frames[2].quantize(COLOURS)
    images = [frame.quantize(COLOURS, palette=palette, dither=Image.Dither.NONE) for frame in frames]
    durations = [FRAME_MS] * (len(images) - 1) + [LAST_FRAME_MS]
    images[0].save(path, save_all=True, append_images=images[1:], duration=durations, loop=0, optimize=True)


async def main() -> None:
    """All of them."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    await from_approve_to_done()
    await on_a_phone()
    for picture in sorted(FOLDER.iterdir()):
        print(f"{picture.relative_to(FOLDER.parents[1])}: {picture.stat().st_size // 1024} kB")  # noqa: T201


if __name__ == "__main__":
    asyncio.run(main())
