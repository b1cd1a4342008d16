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


async def test_whoever_comes_where_something_waits_for_them_sees_it(window: Open, width: int) -> None:
    """Cards that ask others came below it: one comes to the card that waits for oneself, not to the end."""
    ana = await window("ana", place="approvals")
    await ana.send("/agent multi-step Buy 2 servers for 60000")
    await ana.reads("Approve director_signoff?")
    for subject in ("one", "two", "three"):
        await ana.send(f"/agent approval Send email to team about {subject}")
        await ana.reads("Approve send_email?", subject.capitalize())
    dora = await window("dora", width=width, place="approvals")
    await expect(dora.message("Approve director_signoff?")).to_be_in_viewport()


async def test_in_a_thread_no_message_has_a_row_for_its_menu_alone(window: Open, width: int) -> None:
    """Where nothing hovers the menu is always there: on the first line, which has room, and not below the words."""
    shown = await window("ana", width=width)
    await shown.send("/agent input Book a flight to Rome")
    await shown.open_thread("Started the agent input")
    await shown.reads("Answer needed")
    for message in await shown.page.locator("#thread li.message").all():
        height, words = await message.evaluate(
            "at => [at, at.querySelector('.message-body')].map((one) => one.offsetHeight)"
        )
        assert height - words <= 16, "more than the space above and below"
    if width == PHONE:
        menu = shown.page.locator("#thread .tools").last
        assert await menu.evaluate("at => getComputedStyle(at).opacity") == "1"
        byline = await shown.page.locator("#thread .byline").last.bounding_box()
        box = await menu.bounding_box()
        assert byline is not None
        assert box is not None
        assert box["x"] >= byline["x"]
        assert box["y"] <= byline["y"] + byline["height"]
