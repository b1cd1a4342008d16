"""What somebody has just done comes into sight, and a bar leads to whole messages."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Open
from tests.browser.test_forms import choose_agent
from tests.browser.window import DESK, PHONE

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.parametrize("width", [DESK, PHONE]),
]


async def test_what_one_starts_comes_into_sight_below_an_unfolded_guide(window: Open, width: int) -> None:
    """The guide fills the window and nobody has written yet: the run's message is what one sees after sending."""
    shown = await window("ana", width=width)
    await shown.page.locator("#hint summary").click()
    await expect(shown.page.locator("#below")).to_be_visible()
    await shown.send("/agent approval Send email to team about meeting")
    await shown.reads("Waiting for @managers")
    await expect(shown.message("Waiting for @managers")).to_be_in_viewport(ratio=1)


async def test_the_bar_below_leads_to_the_buttons_of_a_card_that_is_higher_than_the_window(
    window: Open, width: int
) -> None:
    """Of a card that is a little too high, and begins in sight, one press shows the end: no button is cut in half."""
    maria = await window("maria", width=width, place="approvals")
    ana = await window("ana", place="approvals")
    for subject in ("none", "one", "two"):
        await ana.send(f"/agent approval Send email to team about {subject}")
        await maria.reads("Approve send_email?", subject.capitalize())
    card = maria.message("Approve send_email?", "One")
    excess = await card.evaluate("at => at.offsetHeight - document.getElementById('scroll').clientHeight")
    size = maria.page.viewport_size
    assert size is not None
    await maria.page.set_viewport_size({"width": width, "height": size["height"] + excess - 60})
    await card.evaluate("at => { at.scrollIntoView(); document.getElementById('scroll').scrollTop -= 200; }")
    await maria.page.locator("#below").click()
    await expect(maria.button("Approve", "Approve send_email?", "One")).to_be_in_viewport(ratio=1)


async def test_what_came_of_the_home_is_marked_at_its_tab(window: Open, width: int) -> None:
    """Before the app has written it says so; the message of a run that was started from the Home marks the tab it is
    in."""
    shown = await window("ana", width=width, place="@signoff")
    await shown.page.get_by_role("tab", name="Messages").click()
    await expect(shown.page.locator("#log")).to_have_text("Signoff has not written to you yet.")
    await shown.page.get_by_role("tab", name="Home").click()
    await shown.page.get_by_role("button", name="Start an agent").click()
    await choose_agent(shown, "feedback")
    await shown.modal.locator("textarea, input").last.fill("Write a report about lamps")
    await shown.modal.get_by_role("button", name="Start", exact=True).click()
    # "unread" at first, "1 unread for you" as soon as the agent's draft asks.
    marked = shown.page.get_by_role("tab", name=re.compile("Messages.*unread"))
    await marked.click()
    await shown.reads("Started the agent feedback")
