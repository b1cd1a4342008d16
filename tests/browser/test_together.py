"""Several people at once, the clock, and what a state looks like to somebody who sees no colours."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from bot.demo.effects import list_effects
from bot.demo.stage import Stage
from tests.browser.conftest import Open
from tests.browser.window import DESK, PHONE

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_two_people_in_two_windows_see_each_other_act(stage: Stage, window: Open) -> None:
    """Maria's window shows the card without being touched, and Ana's shows whom it asks and the end of it."""
    ana, maria = await window("ana"), await window("maria", width=PHONE, place="approvals")
    await ana.send("/agent approval Send email to team about meeting")
    await maria.reads("Approve send_email?")
    whose = ana.page.locator("[data-person=maria]")
    await expect(whose).to_have_attribute("title", re.compile("1 thing waits for them"))
    await ana.reads("Waiting for @managers")
    await ana.message("Waiting for").get_by_role("button", name="@managers").click()
    await expect(ana.page.get_by_role("dialog", name="@managers")).to_contain_text("Maria Lindqvist")
    await ana.page.keyboard.press("Escape")
    await maria.press("Approve", "Approve send_email?")
    await ana.reads("Finished", "Sent")
    await maria.reads("Approved: send_email", "Ran in")
    await ana.looks_right()
    await maria.looks_right()
    assert list_effects(stage.data_dir) == ["mail to team@example.com: Meeting"]


async def test_whoever_is_second_or_may_not_is_told_privately(window: Open) -> None:
    """The requester cannot approve; a stale window's click is refused; each is told in one plain sentence."""
    ana, maria = await window("ana", place="approvals"), await window("maria", place="approvals")
    await ana.send("/agent approval Send email to team about meeting")
    await ana.press("Approve", "Approve send_email?")
    await ana.reads("Only visible to you", "nobody approves their own")
    await maria.press("Approve", "Approve send_email?")
    await maria.reads("Approved: send_email")
    await expect(maria.page.get_by_text("nobody approves their own")).to_have_count(0)


async def test_half_typed_words_survive_what_others_do(window: Open) -> None:
    """A message field and an open form keep their text and the caret while the page redraws around them."""
    ana, maria = await window("ana"), await window("maria", place="approvals")
    await ana.send("/agent approval Send email to team about meeting")
    await maria.press("Reject", "Approve send_email?")
    reason = maria.modal.get_by_label(re.compile("^Reason"))
    await reason.press_sequentially("Not before")
    await ana.page.locator("#composer-text").press_sequentially("I was just")
    await ana.page.locator("#composer-text").press("Home")
    fred = await window("fred")
    await fred.send("Lunch, anybody?")
    await ana.reads("Lunch, anybody?")
    await reason.press_sequentially(" Thursday")
    await expect(reason).to_have_value("Not before Thursday")
    await ana.page.keyboard.type("> ")
    await expect(ana.page.locator("#composer-text")).to_have_value("> I was just")


@pytest.mark.parametrize("width", [DESK, PHONE])
async def test_nobody_answers_and_the_moved_clock_shows_the_time_out(stage: Stage, window: Open, width: int) -> None:
    """Four hours and a bit later the card says so, in words, without buttons, and nothing was sent."""
    page = await window("ana", width=width, place="approvals")
    await page.send("/agent approval Send email to team about budget")
    await page.reads("Approve send_email?")
    for step in ("+4 hours", "+15 minutes"):
        await page.page.get_by_role("button", name=re.compile("^Time")).click()
        await page.page.get_by_role("button", name=step).click()
    await page.reads("Timed out, rejected")
    await page.looks_right()
    await expect(page.page.get_by_role("button", name=re.compile("^Approve"))).to_have_count(0)
    assert list_effects(stage.data_dir) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_states_differ_in_words_and_are_readable_in_both_schemes(window: Open, scheme: str) -> None:
    """Open, approved and rejected cards say what they are in their first line; every text has enough contrast."""
    page = await window("ana", scheme=scheme, place="approvals")
    for subject in ("meeting", "budget", "party"):
        await page.send(f"/agent approval Send email to team about {subject}")
        await page.reads("Approve send_email?", subject.capitalize())
    await page.be("maria")
    await page.press("Approve", "Approve send_email?", "Meeting")
    await page.reads("Approved: send_email", "Meeting", "Ran in")
    await page.press("More...", "Approve send_email?", "Budget")
    await page.looks_right()
    await page.modal.get_by_role("button", name=re.compile("^Skip")).click()
    await expect(page.modal).to_contain_text("Recorded")
    await page.modal.get_by_role("button", name="Close", exact=True).last.click()
    await page.reads("Skipped", "Budget")
    await expect(page.button("Approve", "Party")).to_be_visible()
    for place in ("approvals", "general", "@signoff"):
        await page.go(place)
        await page.looks_right()
