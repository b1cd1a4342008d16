"""Texts made to deceive or to break out: they are shown as they are, and do nothing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.page.blockkit import gallery_blocks as blocks
from tests.page.blockkit.conftest import Gallery
from tests.page.blockkit.gallery_blocks import button, element, input_block, mrkdwn, option, plain

pytestmark = pytest.mark.asyncio(loop_scope="module")

HOSTILE = [
    "<script>document.title='broken'</script>",
    "<img src=https://elsewhere.example/x.png onerror=\"document.title='broken'\">",
    '"><svg onload=document.title=1><a href="javascript:document.title=1">x</a>',
    "&lt;img src=x onerror=document.title=1&gt; &#60;b&#62; &amp;lt;b&amp;gt;",
    "<javascript:document.title='broken'|Approve> <data:text/html,<b>x</b>|y> <vbscript:x|z> <file:///etc/passwd|f>",
    "<https://elsewhere.example/?a=1&quot;onclick=x|*bold* <@U0ANA00001>> <https://|x> <//elsewhere.example|y>",
    "[x](javascript:document.title=1) ![x](https://elsewhere.example/x.png) <!-- -->",
    "\u202eevorppA\u202c left\u200bright\u2066iso\u2069 \ufeff\u00ad a\u0301\u0301\u0301\u0301",
    "*_~`*_~` ```` ``` `` ` > &gt; \n&gt;&gt;&gt; <!channel <@ <|> <!date^9999999999999999^{date}|x>",
    "<!date^1795257000^{date}^javascript:alert(1)|x> <!date^1795257000^{constructor}|y> <@constructor> <#__proto__>",
    ":constructor: :__proto__: {{7*7}} ${7*7} <%= 7 %>",
    "x" * 2_900,
    "*a _b ~c " * 300,
]
_UNBROKEN = "https://elsewhere.example/" + "W" * 10_000


def everywhere(text: str) -> list[dict[str, Any]]:
    """A text in every place of a message and a form that may hold one."""
    rich = [
        {"type": "text", "text": text, "style": {"code": True}},
        {"type": "link", "url": text, "text": text},
        {"type": "link", "url": "javascript:document.title='broken'", "text": text},
        {"type": "emoji", "name": text, "unicode": "202e"},
        {"type": "user", "user_id": text},
        {"type": "color", "value": text},
        {"type": "date", "timestamp": 0, "format": text, "fallback": text, "url": text},
        {"type": text, "text": text},
    ]
    said = [{"type": "text", "text": text}]
    options = [option(text, "a"), option("b")]
    return [
        {"type": "header", "block_id": "h", "text": plain(text)},
        {"type": "section", "block_id": text, "text": mrkdwn(text), "accessory": button(text, "x", url=text)},
        {"type": "section", "block_id": "f", "fields": [plain(text), mrkdwn(text)], "accessory": _overflow(options)},
        {"type": "context", "block_id": "c", "elements": [plain(text), mrkdwn(text), _image(text)]},
        {"type": "rich_text", "block_id": "r", "elements": [{"type": "rich_text_section", "elements": rich}]},
        {"type": "rich_text", "block_id": "p", "elements": [{"type": "rich_text_preformatted", "elements": said}]},
        {"type": "rich_text", "block_id": "q", "elements": [{"type": "rich_text_quote", "elements": said}]},
        {"type": "markdown", "block_id": "m", "text": text},
        {"type": "table", "block_id": "t", "rows": [[{"type": "raw_text", "text": text}] * 2] * 2},
        {"type": "image", "block_id": "i", "title": plain(text), **_image(text)},
        {"type": "alert", "block_id": "al", "level": text, "text": mrkdwn(text)},
        {"type": "actions", "block_id": "a", "elements": [button(text, "y", accessibility_label=text)]},
        {"type": "input", "block_id": "in", "label": plain(text), "hint": plain(text), "element": _typed(text)},
        {"type": "input", "block_id": "ra", "label": plain(text), "element": _choices("radio_buttons", options)},
        {"type": "input", "block_id": "ss", "label": plain(text), "element": _choices("static_select", options)},
        {"type": "input", "block_id": "ms", "label": plain(text), "element": _several(options)},
        {"type": text, "block_id": "u", "anything": {"text": text}},
    ]


def _image(text: str) -> dict[str, Any]:
    return {"type": "image", "image_url": "https://elsewhere.example/tracker.png", "alt_text": text}


def _overflow(options: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "overflow", "action_id": "o", "options": options}


def _typed(text: str) -> dict[str, Any]:
    return {"type": "plain_text_input", "action_id": "t", "initial_value": text, "placeholder": plain(text)}


def _choices(kind: str, options: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": kind, "action_id": "c", "options": options, "initial_option": options[0]}


def _several(options: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "multi_static_select", "action_id": "m", "options": options, "initial_options": options}


_FOREIGN = """() => [...document.querySelectorAll("#stage *")].flatMap((node) => {
  const tags = ["SCRIPT", "IMG", "IFRAME", "SVG", "OBJECT", "STYLE", "FORM", "BASE"];
  const attributes = node.classList.contains("bk-swatch") ? [] : node.getAttributeNames();
  return [
    ...tags.filter((tag) => tag === node.tagName.toUpperCase()),
    ...attributes.filter((name) => name.startsWith("on") || ["src", "srcdoc", "style"].includes(name)),
    ...[node.href].filter((address) => address && !/^(https?|mailto):/.test(address)),
  ];
})"""

_WIDE = """() => [...document.querySelectorAll(".bk-block")]
  .filter((node) => node.scrollWidth > node.clientWidth + 1 && !node.classList.contains("bk-table-frame"))
  .map((node) => node.className)"""


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
async def test_no_text_becomes_anything_but_text(gallery: Gallery, text: str) -> None:
    """Wherever it stands: no element, attribute or address of its own, no request, no wider page, nothing run."""
    names = {"users": {"U0ANA00001": text}, "channels": {}, "groups": {}, "mine": []}
    await gallery.draw(*everywhere(text), errors={"in": text}, names=names, people=[{"id": "U1", "name": text}])
    for summary in await gallery.page.locator("summary").all():
        await summary.click()
    assert await gallery.page.evaluate(_FOREIGN) == []
    assert await gallery.page.evaluate(_WIDE) == []
    assert await gallery.page.title() == "Blocks"
    assert await gallery.page.locator(".bk-block").count() == len(everywhere(text))


@pytest.mark.parametrize("text", [each for each in HOSTILE if "&" not in each], ids=repr)
async def test_literal_places_show_every_letter(gallery: Gallery, text: str) -> None:
    """Rich text, preformatted text, plain text and typed values are shown letter by letter."""
    shown = [each for each in everywhere(text) if each["block_id"] in {"h", "p", "q"}]
    await gallery.draw(*shown)
    for selector in ("h3", "pre", "blockquote"):
        letters = await gallery.page.locator(f"#stage {selector}").text_content()
        assert letters == text if selector != "h3" else letters in {text, text.replace("\ufe0f", "")}
    await gallery.draw(input_block("plain_text_input", multiline=True, initial_value=text))
    assert await gallery.page.get_by_role("textbox").input_value() == text


async def test_ten_thousand_letters_without_a_gap_fit_a_phone(gallery: Gallery) -> None:
    """One endless word, as text, link, code, label, cell and value, makes nothing wider than the page."""
    await gallery.draw(*everywhere(_UNBROKEN))
    assert await gallery.page.evaluate(_WIDE) == []


async def test_a_turned_text_turns_no_other(gallery: Gallery) -> None:
    """Right-to-left letters and overrides stay within their own text: neighbours keep their places."""
    parts = [plain("\u202eone"), plain("two"), plain("\u05d0\u05d1"), plain("four")]
    await gallery.draw(
        {"type": "context", "block_id": "c", "elements": parts},
        {"type": "section", "block_id": "s", "text": mrkdwn("<@U1> approved <@U0ANA00001>")},
        names={"users": {"U1": "\u202emaria", "U0ANA00001": "ana"}},
    )
    boxes = [await each.bounding_box() for each in await gallery.page.locator(".bk-context > *").all()]
    lefts = [box["x"] for box in boxes if box]
    assert lefts == sorted(lefts)
    mentions = [await each.bounding_box() for each in await gallery.page.locator(".bk-mention").all()]
    assert mentions[0]
    assert mentions[1]
    assert mentions[0]["x"] + mentions[0]["width"] < mentions[1]["x"]


async def test_nothing_is_fetched_for_pictures(gallery: Gallery) -> None:
    """Images and videos from elsewhere, and pictures inside addresses, are frames with their description."""
    pixel = "data:image/svg+xml,<svg onload=alert(1)>"
    shown = [each for each in blocks.MESSAGE if each["type"] in {"image", "video", "context"}]
    inside = {"type": "image", "block_id": "d", "image_url": pixel, "alt_text": "A picture in its address"}
    await gallery.draw(*shown, inside)
    assert await gallery.page.locator("img").count() == 0
    named = gallery.page.get_by_role("img")
    descriptions = ["Ana's face", "Orders per month, rising", "A person pressing Approve", "A picture in its address"]
    assert [await each.get_attribute("aria-label") for each in await named.all()] == descriptions


async def test_a_block_called_like_an_object_is_an_ordinary_block(gallery: Gallery) -> None:
    """Ids and types that every JavaScript object knows find nothing but what was given for them."""
    for name in ("constructor", "__proto__", "toString"):
        asked = input_block("plain_text_input", block={"block_id": name})
        await gallery.draw(asked, {"type": name, "block_id": "x"}, _acts({"type": name, "action_id": name}))
        assert await gallery.page.locator(".bk-error").count() == 0
        assert await gallery.page.get_by_role("textbox").input_value() == ""
        assert await gallery.page.locator(".bk-not-drawn").count() == 2


def _acts(*elements: dict[str, Any]) -> dict[str, Any]:
    return {"type": "actions", "block_id": "a", "elements": list(elements)}


async def test_a_link_that_may_not_be_opened_is_text(gallery: Gallery) -> None:
    """Its label and its address are both read, and there is nothing to press."""
    await gallery.draw(
        {"type": "section", "block_id": "s", "text": mrkdwn("<javascript:alert(1)|Approve>")},
        _acts(button("Go", "g", url="javascript:alert(1)"), element("users_select")),
    )
    assert await gallery.page.get_by_role("link").count() == 0
    assert (await gallery.text()).startswith("Approve (javascript:alert(1))")
    assert "Go: a link of this kind is not opened here." in await gallery.text()
