"""Blocks as a reader sees them."""

from __future__ import annotations

import copy
from typing import Any, Literal

import pytest

from bot.workspace.blockkit.completion import Completion
from bot.workspace.blockkit.elements import PICKERS, SELECTS, TYPED
from bot.workspace.blockkit.reading import visible_text
from bot.workspace.blockkit.surfaces import BLOCKS, message_issues, view_issues
from tests.page.blockkit import gallery_blocks as blocks
from tests.page.blockkit.conftest import Gallery
from tests.page.blockkit.gallery_blocks import button, element, input_block, mrkdwn, plain

pytestmark = pytest.mark.asyncio(loop_scope="module")

NAMES = {"U0ANA00001": "@ana", "U0MARIA001": "@maria", "C0GENERAL1": "#general", "S0FINANCE1": "@finance"}


def stored(drawn: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Blocks as the workspace keeps and shows them."""
    return Completion(lambda: "id", {"general": "C0GENERAL1"}).blocks(copy.deepcopy(drawn))


def section(text: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "section", "block_id": "s", "text": text, **more}


def actions(*elements: dict[str, Any]) -> dict[str, Any]:
    return {"type": "actions", "block_id": "a", "elements": list(elements)}


async def test_the_gallery_holds_every_block_and_every_element() -> None:
    """What the workspace takes is what these tests look at."""
    assert message_issues(blocks.MESSAGE) == []
    view = {"type": "modal", "title": plain("All"), "submit": plain("Send"), "blocks": blocks.MODAL}
    assert view_issues(view) == []
    assert {block["type"] for block in [*blocks.MESSAGE, *blocks.MODAL]} == {*BLOCKS, "alert"}
    assert set(blocks.ELEMENTS) == {*SELECTS, *PICKERS, *TYPED}


@pytest.mark.parametrize("width", [320, 375, 1280])
@pytest.mark.parametrize("name", ["MESSAGE", "MODAL"])
async def test_every_block_is_drawn(gallery: Gallery, name: str, width: int) -> None:
    """No block of the gallery ends as a note that it is not drawn, and nothing is wider than the window."""
    drawn = stored(getattr(blocks, name))
    await gallery.page.set_viewport_size({"width": width, "height": 700})
    await gallery.draw(*drawn)
    assert await gallery.overflow() == 0
    await gallery.page.set_viewport_size({"width": 375, "height": 700})
    assert await gallery.page.locator(".bk-not-drawn").count() == 0
    assert await gallery.page.locator(".bk-block").count() == len(drawn)


async def test_what_people_read_is_what_the_workspace_says_they_read(gallery: Gallery) -> None:
    """Every line of the server's own reading of the texts stands on the page."""
    drawn = stored(blocks.MESSAGE[:1] + blocks.MESSAGE[2:5])
    await gallery.draw(*drawn)
    shown = await gallery.page.text_content("#stage") or ""
    for line in visible_text(drawn, lambda each: NAMES.get(each, each)).splitlines():
        assert line.replace("*", "").replace("`", "") in shown


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("*bold* _it_ ~no~", "<b>bold</b> <i>it</i> <s>no</s>"),
        ("_*both*_", "<i><b>both</b></i>"),
        ("2*3*4 a_b_c * x * **", "2*3*4 a_b_c * x * **"),
        ("*one* two*", "<b>one</b> two*"),
        ("*<@U0MARIA001>*", "<b>@maria</b>"),
        ("`*code* &lt;b&gt;`", "<code>*code* &lt;b&gt;</code>"),
        ("a &amp;lt; b &amp; c", "a &amp;lt; b &amp; c"),
        ("&gt; one\n&gt; *two*\nthree", "<blockquote>one\n<b>two</b></blockquote>three"),
        ("one\n&gt;&gt;&gt; two\nthree", "one<blockquote>two\nthree</blockquote>"),
        ("```a\n  *b*```", "<pre>a\n  *b*</pre>"),
        ("x ```a``` y", "x <pre>a</pre> y"),
        (":tada: :nope: 10:30:45", "🎉 :nope: 10:30:45"),
        ("<#C0GENERAL1|spoof> <!here> <@U0NOBODY01|boss>", "#general @here @U0NOBODY01"),
        ("<!subteam^S0FINANCE1> 1 < 2 > 0", "@finance 1 &lt; 2 &gt; 0"),
        ("<!date^1795257000^{date_num} {time_secs}|then>", "2026-11-21 11:30:00 AM"),
        ("<!date^1795257000^{date_short} {date_pretty} {ago}|then>", "Nov 21, 2026 today 1 hour ago"),
        ("<!date^1795343400^{date_long_pretty} at {time}|then>", "tomorrow at 11:30 AM"),
        ("<!date^1895257000^{date_long}|then>", "Monday, January 21, 2030"),
        ("<!date^x^{date}|then> <!date^1^{bogus}|as written>", "then as written"),
    ],
)
async def test_markup_is_drawn_as_slack_draws_it(gallery: Gallery, typed: str, shown: str) -> None:
    """Styles, quotes, code, mentions, dates, emoji and entities, each as in Slack."""
    await gallery.page.evaluate("text => window.drawMrkdwn(text)", typed)
    assert await gallery.page.evaluate(_STRIPPED) == shown


_STRIPPED = """() => {
  const line = document.querySelector("#stage .bk-text").cloneNode(true);
  line.querySelectorAll("*").forEach((each) => [...each.attributes].forEach((one) => each.removeAttribute(one.name)));
  line.querySelectorAll("span, time").forEach((each) => each.replaceWith(...each.childNodes));
  line.normalize();
  return line.innerHTML.replaceAll("\\u202f", " ");
}"""


async def test_plain_text_keeps_its_letters(gallery: Gallery) -> None:
    """Markup in plain text is letters, lines are kept, and emoji are drawn only where they are asked for."""
    await gallery.draw(section(plain("*a* &lt;@U0ANA00001&gt; &amp;amp;\n  :tada:")))
    assert await gallery.text() == "*a* <@U0ANA00001> &amp;\n  🎉"
    await gallery.draw(section({"type": "plain_text", "text": ":tada:", "emoji": False}))
    assert await gallery.text() == ":tada:"


async def test_a_mention_of_me_stands_out(gallery: Gallery) -> None:
    """Me, a group of mine and everybody are marked; others are not."""
    await gallery.draw(
        section(mrkdwn("<@U0ANA00001> <@U0MARIA001> <!subteam^S0FINANCE1> <!subteam^S0BOARD001> <!channel>"))
    )
    assert await gallery.page.locator(".bk-mention-me").all_inner_texts() == ["@ana", "@finance", "@channel"]


async def test_lists_nest_and_count_on(gallery: Gallery) -> None:
    """A deeper list stands inside the last item of the one before; an offset is where an ordered one begins."""
    await gallery.draw(blocks.RICH_TEXT)
    assert await gallery.page.locator("ul > li > ul > li > ul > li").inner_text() == "deeper still"
    assert await gallery.page.locator("ol").get_attribute("start") == "3"


async def test_a_block_nobody_knows_says_so(gallery: Gallery) -> None:
    """A type that is not drawn, and a block that is broken, stand as a note with their texts; the rest is drawn."""
    unknown = {"type": "carousel", "block_id": "c", "elements": [{"type": "card", "title": plain("Paper &amp; ink")}]}
    broken = {"type": "input", "block_id": "i", "label": plain("Amount")}
    strange = actions({"type": "workflow_button", "action_id": "w"})
    await gallery.draw(unknown, broken, strange, section(plain("still here")))
    shown = await gallery.text()
    assert "A block of type carousel is not drawn here." in shown
    assert "Paper & ink" in shown
    assert "A block of type input could not be drawn" in shown
    assert "An element of type workflow_button is not drawn here." in shown
    assert shown.endswith("still here")


async def test_what_is_pressed_on_a_phone_is_large_enough(gallery: Gallery) -> None:
    """Whatever a finger must hit is at least 44 pixels high: buttons, fields, menu entries, choices."""
    menu = {"type": "overflow", "action_id": "o", "options": blocks.CITIES}
    fields = [input_block(kind, block={"block_id": kind}) for kind in blocks.ELEMENTS]
    await gallery.draw(*blocks.MESSAGE, actions(menu), *fields)
    await gallery.page.get_by_role("button", name="More actions").last.click()
    await gallery.page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    for target in await gallery.page.locator("button, a.bk-button, .bk-input, .bk-choice").all():
        box = await target.bounding_box()
        assert not box or not box["height"] or box["height"] >= 44, await target.evaluate("node => node.outerHTML")


async def test_a_pressed_button_is_busy_until_its_work_is_done(gallery: Gallery) -> None:
    """Two presses are one act while the first goes on; then it can be pressed again."""
    await gallery.draw(actions(button("Approve", "approve", value="7", style="primary")))
    pressed = gallery.page.get_by_role("button", name="Approve")
    await pressed.dblclick()
    assert await pressed.get_attribute("aria-busy") == "true"
    assert [(block, action, part["value"]) for block, action, part in await gallery.told("acts")] == [
        ("a", "approve", "7")
    ]
    await gallery.page.evaluate("window.release()")
    assert await pressed.get_attribute("aria-busy") is None
    await pressed.click()
    assert len(await gallery.told("acts")) == 2


async def test_a_button_asks_first_where_it_must(gallery: Gallery) -> None:
    """A confirmation that is denied means that nothing happened."""
    asking = actions(button("Ask first", "ask", confirm=blocks.QUESTION))
    await gallery.draw(asking, answer=False)
    await gallery.page.get_by_role("button").click()
    assert await gallery.told("confirmed") == [blocks.QUESTION]
    assert await gallery.told("acts") == []
    await gallery.draw(asking, answer=True)
    await gallery.page.get_by_role("button").click()
    assert len(await gallery.told("acts")) == 1


async def test_a_denied_choice_shows_the_old_one_again(gallery: Gallery) -> None:
    """A select that asks first stays what it was where the answer is no."""
    picking = actions(element("static_select", confirm=blocks.QUESTION, initial_option=blocks.CITIES[1]))
    await gallery.draw(picking, answer=False)
    select = gallery.page.get_by_role("combobox")
    await select.select_option(label="Lima")
    assert await select.evaluate("node => node.selectedOptions[0].textContent") == "Oslo"
    assert await gallery.told("entered") == []


async def test_a_select_describes_what_may_be_chosen(gallery: Gallery) -> None:
    """The list says what an option is; the one that is chosen stands there by its name."""
    await gallery.draw(actions(element("static_select")))
    select = gallery.page.get_by_role("combobox")
    assert "Oslo (cold in winter)" in await select.locator("option").all_inner_texts()
    await select.select_option(label="Oslo (cold in winter)")
    assert await select.evaluate("node => node.selectedOptions[0].textContent") == "Oslo"


async def test_a_button_for_others_is_not_shown(gallery: Gallery) -> None:
    """visible_to_user_ids hides a button from everyone else."""
    shown = actions(
        button("Mine", "m", visible_to_user_ids=["U0ANA00001"]), button("Hers", "h", visible_to_user_ids=["U0MARIA001"])
    )
    await gallery.draw(shown)
    assert await gallery.page.get_by_role("button").all_inner_texts() == ["Mine"]


async def test_links_go_through_the_page(gallery: Gallery) -> None:
    """A link, a button with an address and a menu entry with one are opened by the page, and name nothing to it."""
    menu = {
        "type": "overflow",
        "action_id": "o",
        "options": [{**blocks.option("Docs"), "url": "https://example.com/m"}],
    }
    await gallery.draw(
        section(mrkdwn("<https://example.com/a?b=1&amp;c=2|here>"), accessory=menu),
        actions(button("Docs", "d", url="https://example.com/d")),
    )
    link = gallery.page.get_by_role("link", name="here")
    assert await link.get_attribute("rel") == "noopener noreferrer"
    await link.click()
    await gallery.page.get_by_role("button", name="More actions").click()
    await gallery.page.get_by_role("menuitem", name="Docs").click()
    await gallery.page.get_by_role("link", name="Docs").click()
    await gallery.page.evaluate("window.release()")
    await gallery.until("opened", 3)
    opened = ["https://example.com/a?b=1&c=2", "https://example.com/m", "https://example.com/d"]
    assert await gallery.told("opened") == opened


async def test_an_input_tells_its_label_hint_and_error(gallery: Gallery) -> None:
    """The field is named by its label and described by error and hint, whatever its type."""
    about = {"hint": plain("In euros."), "optional": True, "label": plain("Amount")}
    for kind in blocks.ELEMENTS:
        await gallery.draw(input_block(kind, block=about), errors={kind: "Too much."})
        described = gallery.page.locator("[aria-describedby]").first
        ids = (await described.get_attribute("aria-describedby") or "").split()
        texts = [await gallery.page.locator(f"#{each}").inner_text() for each in ids]
        assert texts == ["⚠ Too much.", "In euros."], kind
        grouped = await gallery.page.get_by_role("group", name="Amount (optional)").count()
        labelled = await gallery.page.get_by_label("Amount (optional)", exact=True).count()
        assert grouped + labelled, kind


async def test_a_counter_shows_near_the_limit(gallery: Gallery) -> None:
    """Silent while there is room, then so many of so many, then how many are too many; emoji count as one."""
    await gallery.draw(input_block("plain_text_input"))
    box, note = gallery.page.get_by_role("textbox"), gallery.page.locator(".bk-count")
    for text, said in [
        ("abc", "3 of at least 4 characters"),
        ("a" * 20, ""),
        ("🎉" * 36, "36 of 40 characters"),
        ("a" * 43, "43 of 40 characters: 3 too many"),
    ]:
        await box.fill(text)
        assert await note.inner_text() == said


async def test_feedback_says_which_button(gallery: Gallery) -> None:
    """Thumbs up and down are one element; the act carries the value of the one pressed."""
    await gallery.draw(blocks.MESSAGE[-1])
    await gallery.page.get_by_role("button", name="This was good").click()
    await gallery.page.get_by_role("button", name="Bad").click()
    pressed = [(action, part["type"], part["value"]) for _, action, part in await gallery.told("acts")]
    assert pressed == [("rate", "feedback_buttons", "up"), ("rate", "feedback_buttons", "down")]


_CONTRASTS = """() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (color) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = (color) => {
    const [r, g, b] = rgba(color).slice(0, 3).map((part) => part / 255)
      .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (node) => {
    const color = node ? getComputedStyle(node).backgroundColor : "Canvas";
    return rgba(color)[3] === 255 ? color : behind(node.parentElement);
  };
  const low = [];
  for (const node of document.querySelectorAll("#stage *")) {
    const own = [...node.childNodes].some((each) => each.nodeType === Node.TEXT_NODE && each.data.trim());
    if (!own && !node.matches("input, textarea, select")) continue;
    const pair = [light(getComputedStyle(node).color), light(behind(node))].sort((a, b) => b - a);
    const contrast = (pair[0] + 0.05) / (pair[1] + 0.05);
    if (contrast < 4.5) low.push(`${node.tagName} ${node.className} ${contrast.toFixed(2)}`);
  }
  return low;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_text_can_be_read(gallery: Gallery, scheme: Literal["light", "dark"]) -> None:
    """Each text stands out from what is behind it by 4.5 to 1, in both colour schemes."""
    await gallery.page.emulate_media(color_scheme=scheme)
    unknown = {"type": "carousel", "block_id": "c", "title": plain("Paper")}
    over = input_block("plain_text_input", block={"block_id": "over"}, initial_value="x" * 50)
    await gallery.draw(*blocks.MESSAGE, *blocks.MODAL, over, unknown, errors={"wrong": "Too much."})
    assert await gallery.page.evaluate(_CONTRASTS) == []
    await gallery.page.emulate_media(color_scheme=None)
