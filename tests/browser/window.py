"""One person's browser window on the demo's page: what they type, press and read, and how it must look."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.async_api import Locator, Page, expect

LOOKS = Path(__file__).with_name("looks.js").read_text()
PHONE, DESK = 375, 1280
"""Widths in CSS pixels."""


class Window:
    """A window in which somebody looks at the workspace. Everything is found as a person finds it: by what it says."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self._address = address
        self.troubles: list[str] = []
        self.strangers: list[str] = []
        page.on("pageerror", lambda error: self.troubles.append(str(error)))
        page.on("console", lambda message: self.troubles.append(message.text) if message.type == "error" else None)
        page.on("request", lambda request: self._look_at(request.url))

    def _look_at(self, url: str) -> None:
        if not url.startswith((self._address, "data:")):
            self.strangers.append(url)

    @property
    def narrow(self) -> bool:
        size = self.page.viewport_size
        return size is not None and size["width"] < 700

    # Going places

    async def be(self, person: str) -> None:
        """Choose who one is, at the top of the page."""
        await self.page.locator(f"[data-person={person}]").click()
        await expect(self.page.locator(f"[data-person={person}][aria-current]")).to_be_visible()

    async def go(self, channel: str) -> None:
        """Open a conversation; on a phone from the list of them."""
        link = self.page.locator(f"[data-channel='{channel}']")
        while not await link.is_visible():
            await self.page.get_by_role("button", name=re.compile("^Back to")).locator("visible=true").click()
        await link.click()
        await expect(self.page.locator(f"[data-channel='{channel}'][aria-current]")).to_have_count(1)

    async def open_thread(self, root: str) -> None:
        """Open the thread below a message that says this."""
        await self.message(root).get_by_role("button", name=re.compile(r"^\d+ repl")).click()
        await expect(self.page.locator("#thread")).to_be_visible()

    # Reading

    def message(self, *words: str) -> Locator:
        """The newest message in sight that says all of these words."""
        found = self.page.locator("li.message").locator("visible=true")
        for each in words:
            found = found.filter(has_text=each)
        return found.last

    async def reads(self, *words: str) -> None:
        """Wait until a message says this."""
        await expect(self.message(*words)).to_be_visible()

    @property
    def modal(self) -> Locator:
        return self.page.locator("dialog#modal[open]")

    # Doing

    async def send(self, text: str) -> None:
        """Type into the field of the conversation and send it."""
        field = self.page.locator("#thread-text, #composer-text").locator("visible=true").last
        await field.fill(text)
        await field.press("Enter")

    def button(self, name: str, *words: str) -> Locator:
        """A button of the newest message that says these words."""
        card = self.page.locator("li.message").locator("visible=true")
        named = self.page.get_by_role("button", name=re.compile(f"^{re.escape(name)}"))
        for each in words:
            card = card.filter(has_text=each)
        return card.filter(has=named).last.get_by_role("button", name=re.compile(f"^{re.escape(name)}")).first

    async def press(self, name: str, *words: str) -> None:
        """Press that button; again, as the page asks, where it had only just come to its place."""
        told = self.page.locator(".toast", has_text="nothing was pressed")
        for _ in range(5):
            await self.button(name, *words).click()
            if not await told.count():
                return
            await told.get_by_role("button", name="Close this notice").click()
        raise AssertionError(f"{name} does not come to rest")

    async def fill(self, label: str, text: str, submit: str) -> None:
        """Fill in a field of the modal and submit it; it must be gone then."""
        await self.modal.get_by_label(re.compile(f"^{re.escape(label)}")).first.fill(text)
        await self.modal.get_by_role("button", name=submit, exact=True).click()
        await expect(self.modal).to_have_count(0)

    # How it looks

    async def looks_right(self) -> None:
        """Nothing is wider than the window, cut off, on top of something else, too faint or too small to be tapped."""
        found = await self.page.evaluate(LOOKS)
        assert found == [], "\n".join(found)
