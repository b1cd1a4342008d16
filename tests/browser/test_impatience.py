"""Somebody impatient: clicks that come before anybody could have read what they would hit decide nothing."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from bot.demo.effects import list_effects
from bot.demo.stage import Stage
from tests.browser.conftest import Open
from tests.browser.window import DESK, PHONE, Window

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.parametrize("width", [DESK, PHONE]),
]

HURRY_MS = 150
"""Between two clicks of an impatient person."""


async def hammer(shown: Window, name: str, *words: str, clicks: int = 3) -> None:
    """Click where that button is, again and again, whatever comes to stand there meanwhile. The page's clock goes no
    further from click to click than an impatient person's does, however busy the machine is."""
    button, clock = shown.button(name, *words), shown.page.clock
    await button.hover()  # waits until it can be pressed
    box = await button.bounding_box()
    assert box is not None
    await clock.pause_at(await shown.page.evaluate("Date.now() + 1000"))
    for _ in range(clicks):
        await shown.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        await shown.page.wait_for_timeout(HURRY_MS)  # in which Slack answers
        await clock.run_for(HURRY_MS)
    await clock.resume()


async def test_three_quick_clicks_sign_once_though_the_next_card_follows(
    stage: Stage, window: Open, width: int
) -> None:
    """The card of the next checkpoint comes to the same place, and waits to be read."""
    ana = await window("ana", place="approvals")
    await ana.send("/agent multi-step Buy 3 laptops for 4500")
    await ana.reads("manager_signoff")
    maria = await window("maria", width=width, place="approvals", by_hand=True)
    await expect(maria.button("Approve", "manager_signoff")).to_be_enabled()
    await hammer(maria, "Approve", "manager_signoff", clicks=6)
    await expect(maria.button("Approve", "finance_purchase")).to_be_visible()
    await expect(maria.page.get_by_text("Only visible to you")).to_have_count(0)
    assert list_effects(stage.data_dir) == ["signoff: manager_signoff laptops for USD 4500"]


async def test_what_one_has_decided_stays_and_what_answers_a_press_comes_into_sight(window: Open, width: int) -> None:
    """A refusal is shown to whoever was refused, though other cards lie between. After a decision the next card comes
    below, out of sight, and a bar leads there, page by page, for as long as there is more."""
    ana = await window("ana", width=width, place="approvals")
    for subject in ("one", "two", "three"):
        await ana.send(f"/agent approval Send email to team about {subject}")
        await ana.reads("Approve send_email?", subject.capitalize())
    await ana.press("Approve", "Approve send_email?", "One")
    refusal = ana.page.locator("li.message.private", has_text="nobody approves their own")
    await expect(refusal).to_be_in_viewport(ratio=1)
    maria = await window("maria", width=width, place="approvals")
    decided = maria.message("send_email?", "Two")
    await maria.press("Reject", "send_email?", "Two")
    before = await decided.bounding_box()
    await maria.fill("Reason", "Say why", "Reject")
    await maria.reads("Asked again after Maria Lindqvist rejected the earlier one", "Say why")
    after = await maria.message("Rejected: send_email", "Two").bounding_box()
    assert before is not None
    assert after is not None
    assert abs(before["y"] - after["y"]) < 2
    below = maria.page.locator("#below")
    revised = maria.button("Approve", "Approve send_email?", "Asked again")
    await expect(revised).not_to_be_in_viewport()
    while await below.is_visible():
        await below.click()
    await expect(revised).to_be_in_viewport(ratio=1)
