"""The forms: starting an agent from a command, the App Home and a message; errors that stand at their field."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from bot.demo.effects import list_effects
from bot.demo.stage import Stage
from tests.browser.conftest import Open
from tests.browser.window import DESK, PHONE, Window

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def choose_agent(shown: Window, name: str) -> None:
    """Choose an agent in the open form, and wait for its fields. Where it is chosen, only its name stands."""
    select = shown.modal.get_by_label("Agent")
    await expect(select).to_be_visible()
    labels = await select.locator("option").all_inner_texts()
    await select.select_option(label=next(label for label in labels if label.startswith(name)))
    await expect(shown.modal.locator("input, textarea").first).to_be_visible()
    await expect(select.locator("option:checked")).to_have_text(name)


@pytest.mark.parametrize("width", [DESK, PHONE])
async def test_a_command_alone_opens_the_form_and_the_form_starts_the_agent(
    stage: Stage, window: Open, width: int
) -> None:
    """The agent's own fields appear once it is chosen; what is wrong is said at its field; then it runs."""
    shown = await window("ana", width=width)
    await shown.send("/agent")
    await expect(shown.modal).to_be_visible()
    await shown.looks_right()
    await choose_agent(shown, "multi-step")
    await shown.looks_right()
    start = shown.modal.get_by_role("button", name="Start", exact=True)
    await shown.modal.get_by_label("What").fill("mouse")
    await start.click()  # without a price
    await expect(shown.modal.locator(".bk-error:visible")).to_have_count(1)
    await shown.looks_right()
    await expect(shown.modal.get_by_label("What")).to_have_value("mouse")
    await shown.modal.get_by_label("Price").fill("250")
    await start.click()
    await expect(shown.modal).to_have_count(0)
    await shown.reads("Finished", "Bought")
    assert list_effects(stage.data_dir) == ["purchase: buy_small mouse for USD 250"]


@pytest.mark.parametrize("width", [DESK, PHONE])
async def test_the_home_starts_an_agent_and_shows_what_waits(window: Open, width: int) -> None:
    """A button on the App Home opens the form; Maria's Home lists the request that waits for her, and
    is read from its beginning, however long."""
    shown = await window("ana", width=width)
    await shown.go("@signoff")
    await shown.page.get_by_role("tab", name="Home").click()
    await shown.page.get_by_role("button", name=re.compile("^Start an agent")).click()
    await choose_agent(shown, "multi-step")
    await shown.modal.get_by_label("What").fill("laptops")
    await shown.modal.get_by_label("Price").fill("4500")
    await shown.modal.get_by_role("button", name="Start", exact=True).click()
    await expect(shown.modal).to_have_count(0)
    await expect(shown.page.locator("#home")).to_contain_text("multi-step")
    await shown.looks_right()
    await shown.page.get_by_role("tab", name="Messages").click()
    field = await shown.page.get_by_placeholder("Message Signoff").bounding_box()
    assert field is not None
    assert field["height"] > 24  # a line of letters
    await shown.be("maria")
    await shown.go("@signoff")
    await shown.page.get_by_role("tab", name="Home").click()
    await expect(shown.page.locator("#home")).to_contain_text("manager_signoff")
    await shown.looks_right()
    await shown.page.set_viewport_size({"width": width, "height": 480})
    await shown.go("general")
    await shown.go("@signoff")
    await expect(shown.page.get_by_role("button", name=re.compile("^Start an agent"))).to_be_in_viewport(ratio=1)


async def test_a_message_is_handed_to_an_agent(window: Open) -> None:
    """The menu of a message offers it, the form holds its words, and the run lives in its thread."""
    shown = await window("ana")
    await shown.send("Write a report about lamps")
    message = shown.message("Write a report about lamps")
    await message.hover()
    await message.get_by_role("button", name=re.compile("More|shortcut", re.IGNORECASE)).click()
    await shown.page.get_by_role("menuitem", name=re.compile("Ask an agent")).click()
    await expect(shown.modal).to_be_visible()
    await choose_agent(shown, "feedback")
    await expect(shown.modal.locator("textarea, input").last).to_have_value("Write a report about lamps")
    await shown.modal.get_by_role("button", name="Start", exact=True).click()
    await expect(shown.modal).to_have_count(0)
    await shown.open_thread("Write a report about lamps")
    await shown.reads("Started the agent feedback")
    await shown.looks_right()


async def test_a_mended_field_loses_its_error_and_a_reload_loses_no_words(window: Open) -> None:
    """What was said to be wrong is taken back once it is changed; drafts and half a form are there after a reload."""
    shown = await window("ana")
    draft = shown.page.locator("#composer-text")
    await draft.fill("Half a thought")
    await shown.page.reload()
    await expect(draft).to_have_value("Half a thought")
    await shown.send("/agent")
    await shown.modal.get_by_role("button", name="Start", exact=True).click()  # without an agent
    await expect(shown.modal.locator(".bk-error")).to_have_count(1)
    await choose_agent(shown, "multi-step")
    await expect(shown.modal.locator(".bk-error")).to_have_count(0)
    await shown.modal.get_by_label("What").fill("lamps")
    await shown.page.reload()
    await expect(shown.modal.get_by_label("What")).to_have_value("lamps")
