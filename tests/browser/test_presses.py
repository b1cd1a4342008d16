"""A press counts though there is news while the finger is down; a finger that never comes up stops nothing."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from bot.demo.effects import list_effects
from bot.demo.stage import Stage
from bot.workspace import Message
from tests.browser.conftest import Open
from tests.browser.window import Window

pytestmark = pytest.mark.asyncio(loop_scope="module")

HELD_MS = 500
"""How long somebody tired presses a button."""


async def put_finger_down(shown: Window, name: str, *words: str) -> None:
    """Begin to press that button with the pointer, and leave it down."""
    button = shown.button(name, *words)
    await expect(button).to_be_enabled()
    await button.hover()
    await shown.page.mouse.down()


async def card_in(shown: Window, stage: Stage) -> Message:
    """Ana starts an agent; the card that asks Maria, once her window shows it."""
    await stage.workspace.person("ana").command("/agent", "approval Send email to team about meeting")
    await shown.reads("Approve send_email?")
    return next(one for one in stage.workspace.channel("#approvals").messages if "send_email" in one.text)


async def test_a_press_counts_though_the_card_is_drawn_anew_meanwhile(stage: Stage, window: Open) -> None:
    """Somebody replies below the card between the pointer's going down and up: Maria's Approve is carried out."""
    maria = await window("maria", place="approvals")
    card = await card_in(maria, stage)
    await put_finger_down(maria, "Approve", "Approve send_email?")
    await stage.workspace.person("ana").say("Is this the one for today?", "#approvals", thread=card)
    await maria.page.wait_for_timeout(HELD_MS)
    await maria.page.mouse.up()
    await maria.reads("Approved: send_email", "Ran in")
    assert list_effects(stage.data_dir) == ["mail to team@example.com: Meeting"]


async def test_whoever_presses_what_is_over_by_then_is_told(stage: Stage, window: Open) -> None:
    """Ana cancels while Maria's finger is on the space bar: Maria reads that the card changed, and nothing is sent."""
    maria = await window("maria", place="approvals")
    card = await card_in(maria, stage)
    await maria.button("Approve", "Approve send_email?").focus()
    await maria.page.keyboard.down("Space")
    run = next(one for one in stage.workspace.channel("#general").messages if "Cancel the run" in one.labels)
    await stage.workspace.person("ana").click(run, "Cancel the run")
    await stage.workspace.wait_for(lambda: not card.now().labels)
    await maria.page.wait_for_timeout(HELD_MS)
    await maria.page.keyboard.up("Space")
    await expect(maria.page.locator(".toast")).to_contain_text("it changed while you clicked")
    maria.troubles.clear()  # the browser notes down that the press was refused
    await maria.reads("Cancelled: send_email")
    assert list_effects(stage.data_dir) == []


async def test_a_finger_that_never_comes_up_does_not_stop_the_page(stage: Stage, window: Open) -> None:
    """News waits for it for seconds, not for ever."""
    maria = await window("maria", place="random")
    await maria.page.clock.install()
    await stage.workspace.person("ana").say("Lunch?", "#random")
    await maria.message("Lunch?").hover()
    await put_finger_down(maria, "Reply", "Lunch?")
    await stage.workspace.person("ana").say("At noon?", "#random")
    await maria.page.wait_for_timeout(HELD_MS)
    await expect(maria.message("At noon?")).to_have_count(0)
    await maria.page.clock.fast_forward(10_000)
    await maria.reads("At noon?")
    await maria.page.mouse.up()


async def test_the_bar_below_moves_nothing_under_the_finger(stage: Stage, window: Open) -> None:
    """Whoever scrolls and presses at once hits what they aimed at: the bar that leads on comes afterwards."""
    maria = await window("maria", place="random")
    for number in range(20):
        await stage.workspace.person("ana").say(f"Line {number}", "#random")
    await maria.reads("Line 19")
    below = maria.page.locator("#below")
    await expect(below).to_be_hidden()
    await maria.message("Line 18").hover()
    await put_finger_down(maria, "Reply", "Line 18")
    await maria.page.locator("#scroll").evaluate("at => { at.scrollTop -= 100; }")
    await maria.page.wait_for_timeout(HELD_MS)
    await expect(below).to_be_hidden()
    await maria.page.mouse.up()
    await expect(below).to_be_visible()
