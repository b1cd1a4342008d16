"""Everything by keyboard: somebody who cannot, or will not, use a mouse decides as safely as everybody else."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Page, expect

from bot.demo.effects import list_effects
from bot.demo.stage import Stage
from tests.browser.conftest import Open

pytestmark = pytest.mark.asyncio(loop_scope="module")

MOST_TABS = 120
FOCUSED = """() => {
  const at = document.activeElement;
  const label = at.getAttribute("aria-label") || (at.labels?.[0]?.textContent ?? "") || at.textContent || "";
  return [at.tagName.toLowerCase(), at.dataset.person || at.dataset.channel || "", label.trim()];
}"""


SHOWS_FOCUS = """() => {
  const at = document.activeElement;
  const looks = () => [at, at.parentElement, at.closest("form")].filter(Boolean).map((node) => {
    const style = getComputedStyle(node);
    return [style.outline, style.boxShadow, style.borderColor, style.backgroundColor].join(" ");
  }).join("; ");
  const focused = looks();
  at.blur();
  const blurred = looks();
  at.focus({ preventScroll: true });
  return focused !== blurred;
}"""


async def tab_to(page: Page, *wanted: str, back: bool = False) -> None:
    """Press Tab until what has the focus is called like this; fails where Tab never gets there."""
    seen = []
    for _ in range(MOST_TABS):
        await page.keyboard.press("Shift+Tab" if back else "Tab")
        focused = await page.evaluate(FOCUSED)
        if all(word in " ".join(focused) for word in wanted):
            assert await page.evaluate(SHOWS_FOCUS), f"{focused} looks the same with and without the focus"
            return
        seen.append(focused)
    raise AssertionError(f"Tab does not reach {wanted}; it went through {seen}")


async def test_a_plan_is_rejected_and_its_revision_approved_by_keys_alone(stage: Stage, window: Open) -> None:
    """Type a command, change person and channel, fill in a form, press buttons: no mouse anywhere."""
    shown = await window("ana")
    page = shown.page
    await tab_to(page, "textarea", "Message #general")
    await page.keyboard.type("/agent approval Send email to team about meeting")
    await page.keyboard.press("Enter")
    await shown.reads("Waiting", "run R")
    await tab_to(page, "a", "maria", back=True)
    await page.keyboard.press("Enter")
    await tab_to(page, "a", "approvals")
    await page.keyboard.press("Enter")
    await shown.reads("Approve send_email?")
    await tab_to(page, "button", "Reject")
    await page.keyboard.press("Enter")
    await expect(shown.modal).to_be_visible()
    await page.keyboard.type("Say that it moved to Thursday")  # the form opens with its first field ready
    await tab_to(page, "button", "Reject")
    await page.keyboard.press("Enter")
    await shown.reads("Rejected", "moved to Thursday")
    await expect(shown.button("Approve", "Approve send_email?", "moved to Thursday")).to_be_visible()
    await tab_to(page, "button", "Approve")
    await page.keyboard.press("Space")
    await shown.reads("Approved: send_email", "Ran in")
    effects = list_effects(stage.data_dir)
    assert effects == ["mail to team@example.com: Meeting, revised: Say that it moved to Thursday"]


async def test_whoever_opens_a_thread_with_a_key_goes_on_in_it(window: Open) -> None:
    """Tab leads to the card in it, not through the rest of the channel; closing it leads back."""
    shown = await window("ana")
    page = shown.page
    await shown.send("/agent input Book a flight to Rome")
    replies = shown.message("Started the agent input").get_by_role("button", name=re.compile(r"^1 reply"))
    await replies.focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("#thread-title")).to_be_focused()
    await tab_to(page, "button", "Close the thread")
    await page.keyboard.press("Enter")
    await expect(replies).to_be_focused()


async def test_escape_leaves_a_form_and_nothing_is_decided(stage: Stage, window: Open) -> None:
    """Esc closes the form, the focus is where it was, and the card still asks."""
    shown = await window("ana")
    await shown.send("/agent approval Send email to team about meeting")
    await shown.be("maria")
    await shown.go("approvals")
    reject = shown.button("Reject", "Approve send_email?")
    await reject.focus()
    await shown.page.keyboard.press("Enter")
    await expect(shown.modal).to_be_visible()
    await shown.page.keyboard.type("half a thought")
    await shown.page.keyboard.press("Escape")
    await expect(shown.modal).to_have_count(0)
    await expect(reject).to_be_focused()
    await expect(shown.button("Approve", "Approve send_email?")).to_be_visible()
    assert list_effects(stage.data_dir) == []


async def test_a_command_is_completed_by_the_arrow_keys(window: Open) -> None:
    """Typing a slash offers what there is; arrows choose, Tab takes."""
    shown = await window("ana")
    page = shown.page
    await tab_to(page, "textarea", "Message #general")
    await page.keyboard.type("/agent ")
    options = page.get_by_role("option")
    await expect(options.first).to_be_visible()
    offered = await options.all_inner_texts()
    assert any("approval" in each for each in offered), offered
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Tab")
    assert (await page.locator("#composer-text").input_value()).startswith("/agent ")
    assert await page.locator("#composer-text").input_value() != "/agent "


async def test_the_guide_comes_into_sight_and_notices_stay_with_whom_they_were_for(window: Open) -> None:
    """The button brings back a guide that was scrolled away, and a notice to one person is not shown to the next."""
    shown = await window("ana")
    page = shown.page
    for number in range(8):
        await shown.send(f"Line {number}")
    await shown.reads("Line 7")
    await page.locator("#messages li").last.scroll_into_view_if_needed()
    await page.locator("#scroll").evaluate("at => { at.scrollTop = at.scrollHeight; }")
    await page.get_by_role("button", name="How to begin").click()
    await expect(page.locator("#hint")).to_be_in_viewport()
    await page.locator("#hint summary").click()
    await expect(page.locator("#hint")).to_contain_text("Books a flight after asking which airline.")
    await shown.send("/nothing")
    await expect(page.locator(".toast")).to_have_count(1)
    await shown.be("maria")
    await expect(page.locator(".toast")).to_have_count(0)
