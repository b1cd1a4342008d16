"""Every element worked by the keyboard alone; what it tells the page is what the workspace takes, and shows again."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from bot.workspace.blockkit.entering import at_first, entered, value_key
from tests.page.blockkit import gallery_blocks as blocks
from tests.page.blockkit.conftest import Gallery
from tests.page.blockkit.gallery_blocks import CITIES, input_block

pytestmark = pytest.mark.asyncio(loop_scope="module")

LISBON, OSLO, LIMA = CITIES
FOUND = {"text": {"type": "plain_text", "text": "Lisbon"}, "value": "lisbon"}
RICH = {
    "type": "rich_text",
    "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": "a\n<b>*c*"}]}],
}
NOON_AND_A_HALF = 1795264200
"""2026-11-21 13:30 in Berlin."""


class Case(NamedTuple):
    """Keys to press after Tab reached the element, what the page is told, what the workspace keeps, what is shown."""

    kind: str
    keys: list[str]
    told: Any
    kept: Any
    shown: str


def type_(text: str) -> str:
    """A text to type, among the names of keys."""
    return "type:" + text


OPEN_AND_TICK_TWO = ["Enter", "Tab", "Space", "Tab", "Space"]
CASES = [
    Case("static_select", ["ArrowDown", "ArrowDown"], "oslo", OSLO, "Oslo"),
    Case("users_select", ["ArrowDown"], "U0ANA00001", "U0ANA00001", "Ana Duarte (@ana)"),
    Case("conversations_select", ["ArrowDown"], "C0GENERAL1", "C0GENERAL1", "#general"),
    Case("channels_select", ["ArrowDown"], "C0GENERAL1", "C0GENERAL1", "#general"),
    Case("external_select", [type_("Li"), "list", "ArrowDown", "Enter"], FOUND, FOUND, "Lisbon"),
    Case("multi_external_select", ["list", "ArrowDown", "Enter"], [FOUND], [FOUND], "Lisbon"),
    Case("multi_static_select", OPEN_AND_TICK_TWO, ["lisbon", "oslo"], [LISBON, OSLO], "Lisbon, Oslo"),
    Case(
        "multi_users_select",
        OPEN_AND_TICK_TWO,
        ["U0ANA00001", "U0MARIA001"],
        ["U0ANA00001", "U0MARIA001"],
        "Ana Duarte (@ana), Maria Lindqvist (@maria)",
    ),
    Case(
        "multi_conversations_select",
        OPEN_AND_TICK_TWO,
        ["C0GENERAL1", "C0FINANCE1"],
        ["C0GENERAL1", "C0FINANCE1"],
        "#general, #finance",
    ),
    Case("multi_channels_select", ["Enter", "Tab", "Space"], ["C0GENERAL1"], ["C0GENERAL1"], "#general"),
    Case("datepicker", [type_("11212026")], "2026-11-21", "2026-11-21", "2026-11-21"),
    Case("timepicker", [type_("0130PM")], "13:30", "13:30", "13:30"),
    Case(
        "datetimepicker",
        [type_("11212026"), "Tab", type_("0130PM")],
        NOON_AND_A_HALF,
        NOON_AND_A_HALF,
        "2026-11-21T13:30",
    ),
    Case("radio_buttons", ["Space", "ArrowDown"], "oslo", OSLO, "Oslo"),
    Case("checkboxes", ["Space", "Tab", "Tab", "Space"], ["lisbon", "lima"], None, "Lisbon, Lima"),
    Case("plain_text_input", [type_(" *a* <b> ")], " *a* <b> ", " *a* <b> ", " *a* <b> "),
    Case("number_input", [type_("12.5x")], "12.5x", "12.5x", "12.5x"),
    Case(
        "email_text_input",
        [type_("ana@bücher.example")],
        "ana@bücher.example",
        "ana@bücher.example",
        "ana@bücher.example",
    ),
    Case(
        "url_text_input",
        [type_("https://a.example/?b")],
        "https://a.example/?b",
        "https://a.example/?b",
        "https://a.example/?b",
    ),
    Case("rich_text_input", [type_("a"), "Enter", type_("<b>*c*")], RICH, RICH, "a\n<b>*c*"),
]

_SHOWN = """() => {
  const stage = document.getElementById("stage");
  const texts = (nodes) => [...nodes].map((node) => node.textContent).join(", ");
  const select = stage.querySelector("select");
  if (select) return select.value === "" ? "" : texts(select.selectedOptions);
  if (stage.querySelector("summary")) return stage.querySelector("summary").lastChild.textContent;
  const firstTexts = (nodes) => texts([...nodes].map((node) => node.firstChild));
  if (stage.querySelector(".bk-chips")) return firstTexts(stage.querySelectorAll(".bk-chip"));
  const choices = stage.querySelectorAll(".bk-choices input");
  if (choices.length) return firstTexts([...choices].filter((each) => each.checked).map((each) => each.nextSibling));
  return stage.querySelector("input, textarea").value;
}"""


async def press(gallery: Gallery, keys: list[str]) -> None:
    """Press keys one after the other; `list` waits for a list of choices."""
    for key in keys:
        if key == "list":
            await gallery.page.locator(".bk-option").first.wait_for()
        elif key.startswith("type:"):
            await gallery.page.keyboard.type(key.removeprefix("type:"))
        else:
            await gallery.page.keyboard.press(key)


async def reach(gallery: Gallery) -> None:
    """Tab to the first element on the page."""
    await gallery.page.focus("#stage")
    await gallery.page.keyboard.press("Tab")


async def test_every_element_has_a_case() -> None:
    """All that can be entered is tried; files cannot."""
    assert {case.kind for case in CASES} == set(blocks.ELEMENTS) - {"file_input"}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.kind)
async def test_what_is_entered_is_taken_and_shown_again(gallery: Gallery, case: Case) -> None:
    """Entered by keys, taken by the workspace as a person's choice, drawn again from what the workspace keeps."""
    asked = input_block(case.kind)
    await gallery.draw(asked)
    await reach(gallery)
    await press(gallery, case.keys)
    await gallery.until("entered")
    block_id, action_id, told, dispatches = (await gallery.told("entered"))[-1]
    assert (block_id, action_id, told, dispatches) == (case.kind, "act", case.told, False)
    assert await gallery.page.evaluate(_SHOWN) == case.shown

    kept = entered(asked["element"], told, lambda name: name)
    if case.kept is not None:
        assert kept[value_key(case.kind)] == case.kept
    await gallery.draw(asked, values={case.kind: {"act": kept}})
    assert await gallery.page.evaluate(_SHOWN) == case.shown
    assert await gallery.told("entered") == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.kind)
async def test_what_an_element_holds_at_first_is_shown(gallery: Gallery, case: Case) -> None:
    """The element's own initial value is drawn where nothing was entered, and gives way to an emptied field."""
    element = input_block(case.kind)["element"]
    kept = entered(element, case.told, lambda name: name)
    key = value_key(case.kind)
    name = key.replace("selected", "initial") if key.startswith("selected") else "initial_value"
    asked = input_block(case.kind, **{name: kept[key]})
    await gallery.draw(asked)
    assert await gallery.page.evaluate(_SHOWN) == case.shown
    await gallery.draw(asked, values={case.kind: {"act": at_first(asked["element"])}})
    assert await gallery.page.evaluate(_SHOWN) == case.shown
    emptied = entered(element, None, lambda name: name)
    await gallery.draw(asked, values={case.kind: {"act": emptied}})
    assert await gallery.page.evaluate(_SHOWN) in {"", *_PLACEHOLDERS}


_PLACEHOLDERS = {each["placeholder"]["text"] for each in blocks.ELEMENTS.values() if "placeholder" in each}


EMPTYING: dict[str, tuple[list[str], Any]] = {
    "static_select": (["Home"], None),
    "users_select": (["Home"], None),
    "external_select": (["ControlOrMeta+a", "Delete", "Tab"], None),
    "multi_external_select": (["Enter"], []),
    "multi_channels_select": (["Enter", "Tab", "Space"], []),
    "datepicker": (["Delete"], None),
    "checkboxes": (["Space", "Tab", "Tab", "Space"], []),
    "plain_text_input": (["ControlOrMeta+a", "Delete"], ""),
    "rich_text_input": (["ControlOrMeta+a", "Delete"], None),
}


@pytest.mark.parametrize("kind", EMPTYING)
async def test_a_field_can_be_emptied(gallery: Gallery, kind: str) -> None:
    """Emptied by keys, an element tells the page so in a way that the workspace takes for empty."""
    case = next(each for each in CASES if each.kind == kind)
    asked = input_block(kind)
    values = {kind: {"act": entered(asked["element"], case.told, lambda name: name)}}
    await gallery.draw(asked, values=values)
    keys, empty = EMPTYING[kind]
    await reach(gallery)
    await press(gallery, keys)
    await gallery.until("entered")
    told = (await gallery.told("entered"))[-1][2]
    assert told == empty
    assert entered(asked["element"], told, lambda name: name) == at_first(asked["element"])


async def test_a_field_that_sends_at_once_says_so(gallery: Gallery) -> None:
    """Outside input blocks a choice is sent at once; a typed text where its block says so: on Enter or each letter."""
    await gallery.draw({"type": "actions", "block_id": "a", "elements": [blocks.element("channels_select")]})
    await reach(gallery)
    await press(gallery, ["ArrowDown"])
    assert await gallery.told("entered") == [["a", "act", "C0GENERAL1", True]]
    sending = {"dispatch_action": True}
    await gallery.draw(input_block("plain_text_input", block=sending))
    await reach(gallery)
    await press(gallery, [type_("ab"), "Enter"])
    told = [(value, at_once) for _, _, value, at_once in await gallery.told("entered")]
    assert told == [("a", False), ("ab", False), ("ab", True)]
    each_letter = {"trigger_actions_on": ["on_character_entered"]}
    await gallery.draw(input_block("plain_text_input", block=sending, dispatch_action_config=each_letter))
    await reach(gallery)
    await press(gallery, [type_("ab"), "Enter"])
    told = [(value, at_once) for _, _, value, at_once in await gallery.told("entered")]
    assert told == [("a", True), ("ab", True)]


async def test_an_overflow_menu_is_worked_by_keys(gallery: Gallery) -> None:
    """Enter opens it on the first entry, arrows move round, Escape closes it, and choosing tells the page."""
    menu = {"type": "overflow", "action_id": "act", "options": CITIES}
    await gallery.draw({"type": "actions", "block_id": "a", "elements": [menu]})
    await reach(gallery)
    await press(gallery, ["Enter", "ArrowDown", "Escape"])
    assert await gallery.page.get_by_role("menu").count() == 0
    assert await gallery.page.evaluate("document.activeElement.getAttribute('aria-label')") == "More actions"
    await press(gallery, ["Enter", "ArrowUp", "Enter"])
    assert await gallery.told("entered") == [["a", "act", "lima", True]]
    assert entered(menu, "lima", lambda name: name)["selected_option"] == LIMA


async def test_a_select_of_several_stops_at_its_most(gallery: Gallery) -> None:
    """Once as many are chosen as may be, the rest cannot be ticked."""
    await gallery.draw(input_block("multi_static_select"))
    await reach(gallery)
    await press(gallery, OPEN_AND_TICK_TWO)
    assert await gallery.page.get_by_label("Lima").is_disabled()
    await press(gallery, ["Space"])
    assert await gallery.page.get_by_label("Lima").is_enabled()


async def test_many_choices_can_be_searched(gallery: Gallery) -> None:
    """A long box of ticks has a field that leaves only what matches."""
    options = [blocks.option(f"City {number}") for number in range(30)]
    asked = input_block("multi_static_select")
    asked["element"] = {"type": "multi_static_select", "action_id": "act", "options": options}
    await gallery.draw(asked)
    await reach(gallery)
    await press(gallery, ["Enter", "Tab", type_("y 17"), "Tab", "Space"])
    assert (await gallery.told("entered"))[-1][2] == ["city 17"]


async def test_a_choice_that_is_offered_no_more_is_still_shown(gallery: Gallery) -> None:
    """Whoever is chosen but not among the people stands there by id, and is not lost."""
    asked = input_block("users_select", initial_user="U0STRANGER")
    await gallery.draw(asked)
    assert await gallery.page.evaluate(_SHOWN) == "U0STRANGER"


async def test_buttons_are_pressed_by_enter_and_space(gallery: Gallery) -> None:
    """Tab reaches each button in order; Enter and Space press it, and the focus stays on it."""
    pair = [blocks.button("Approve", "yes"), blocks.button("Reject", "no")]
    await gallery.draw({"type": "actions", "block_id": "a", "elements": pair})
    await reach(gallery)
    await press(gallery, ["Enter", "Tab", "Space"])
    assert [action for _, action, _ in await gallery.told("acts")] == ["yes", "no"]
    assert await gallery.page.evaluate("document.activeElement.textContent") == "Reject"


async def test_an_option_called_like_another_ones_value_is_not_mistaken_for_it(gallery: Gallery) -> None:
    """The page tells an option's value, and the workspace takes it for a value before it takes it for a text."""
    options = [blocks.option("two", "one"), blocks.option("one", "two")]
    asked = input_block("radio_buttons", options=options)
    await gallery.draw(asked)
    await gallery.page.get_by_label("one", exact=True).check()
    told = (await gallery.told("entered"))[-1][2]
    assert entered(asked["element"], told, lambda name: name)["selected_option"] == options[1]
