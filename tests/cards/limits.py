"""Slack's limits on what we send, checked independently of the code that keeps them, and our own rules on top."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View

from bot.cards.blocks import Message, Part

OUR_MARKUP = re.compile(
    r"<@[UW][A-Z0-9]+>|<!subteam\^S[A-Z0-9]+>|<#[CGD][A-Z0-9]+>"
    r"|<!date\^\d+\^(?:\{date_short_pretty\} at )?\{time\}\|[0-9: UTC-]+>|<https?://[^<>| ]+\|[\w ]+>"
)
"""Every construct between angle brackets that we write ourselves."""

BLOCKS = {"header", "context", "section", "rich_text", "actions", "input", "divider"}
RICH_PARTS = {"rich_text_section", "rich_text_quote", "rich_text_preformatted"}
RICH_LEAVES = {"text", "user", "date"}


def check_message(message: Message) -> None:
    """Raises AssertionError where Slack, or a rule of ours, would refuse the message."""
    assert 1 <= len(message.text) <= 4_000
    assert not re.search(r"[<>]", OUR_MARKUP.sub("", message.text))
    check_blocks(message.blocks, most=50)
    ids = [block["block_id"] for block in message.blocks]
    assert len(set(ids)) == len(ids)
    assert all(1 <= len(one) <= 255 for one in ids)
    json.dumps([message.text, message.blocks], ensure_ascii=False).encode()


def check_view(view: Part) -> None:
    """Raises AssertionError where Slack, or a rule of ours, would refuse the modal."""
    assert view["type"] == "modal"
    assert len(json.dumps(view)) <= 250_000
    check_blocks(view["blocks"], most=100)
    for key in ("title", "submit", "close"):
        assert key not in view or 1 <= len(view[key]["text"]) <= 24
    assert 1 <= len(view["callback_id"]) <= 255
    assert len(view["private_metadata"]) <= 3_000
    assert "submit" in view or not any(block["type"] == "input" for block in view["blocks"])
    View(**view).to_dict()


def check_blocks(blocks: Any, most: int) -> None:
    assert 1 <= len(blocks) <= most
    for block in blocks:
        assert block["type"] in BLOCKS
        _CHECKS[block["type"]](block)
    for block in Block.parse_all(list(blocks)):
        assert block is not None
        block.to_dict()
    for row in blocks:
        assert sum(one.get("style") == "primary" for one in elements([row])) <= 1


def elements(blocks: Any) -> list[Part]:
    """Every button."""
    return [one for block in blocks if block["type"] == "actions" for one in block["elements"]]


def mrkdwn(value: Any) -> Iterator[str]:
    """Every mrkdwn text anywhere inside."""
    if isinstance(value, dict):
        if value.get("type") == "mrkdwn":
            yield value["text"]
        value = list(value.values())
    if isinstance(value, list | tuple):
        for one in value:
            yield from mrkdwn(one)


def texts(value: Any) -> Iterator[str]:
    """Every text anywhere inside, of any kind, in order."""
    if isinstance(value, dict):
        if isinstance(value.get("text"), str):
            yield value["text"]
        value = list(value.values())
    if isinstance(value, list | tuple):
        for one in value:
            yield from texts(one)


def _check_text(text: Part, most: int = 3_000) -> None:
    assert text["type"] in {"mrkdwn", "plain_text"}
    assert 1 <= len(text["text"]) <= most
    assert text["text"].strip()
    if text["type"] == "mrkdwn":
        assert text["verbatim"] is True
        assert not re.search(r"[<>]", OUR_MARKUP.sub("", text["text"]))
    else:
        assert text["emoji"] is False


def _check_plain(text: Part, most: int) -> None:
    assert text["type"] == "plain_text"
    _check_text(text, most)


def _check_header(block: Part) -> None:
    _check_plain(block["text"], 150)


def _check_context(block: Part) -> None:
    assert 1 <= len(block["elements"]) <= 10
    for text in block["elements"]:
        _check_text(text)


def _check_divider(block: Part) -> None:
    assert block.keys() <= {"type", "block_id"}


def _check_section(block: Part) -> None:
    _check_text(block["text"])


def _check_actions(block: Part) -> None:
    assert 1 <= len(block["elements"]) <= 25
    ids = [one["action_id"] for one in block["elements"]]
    assert len(set(ids)) == len(ids)
    for one in block["elements"]:
        _check_button(one)


def _check_button(one: Part) -> None:
    assert one["type"] == "button"
    _check_plain(one["text"], 75)
    assert 1 <= len(one["action_id"]) <= 255
    assert 1 <= len(one["value"]) <= 150
    assert 1 <= len(one["accessibility_label"]) <= 75
    assert one.get("style") in {None, "primary", "danger"}
    if "confirm" in one:
        for key, most in (("title", 100), ("text", 300), ("confirm", 30), ("deny", 30)):
            _check_plain(one["confirm"][key], most)


def _check_input(block: Part) -> None:
    assert 1 <= len(block["block_id"]) <= 255
    _check_plain(block["label"], 2_000)
    if "hint" in block:
        _check_plain(block["hint"], 2_000)
    element = block["element"]
    if "placeholder" in element:
        _check_plain(element["placeholder"], 150)
    if element["type"] in ("number_input", "datepicker", "users_select"):
        return
    if element["type"] == "plain_text_input":
        assert len(element.get("initial_value", "")) <= element["max_length"] <= 3_000
        return
    assert 1 <= len(element["options"]) <= (10 if element["type"] == "radio_buttons" else 100)
    values = [option["value"] for option in element["options"]]
    assert len(set(values)) == len(values)
    for option in element["options"]:
        _check_plain(option["text"], 75)
        assert 1 <= len(option["value"]) <= 150


def _check_rich(block: Part) -> None:
    assert block["elements"]
    for part in block["elements"]:
        assert part["type"] in RICH_PARTS
        assert part["elements"]
        for leaf in part["elements"]:
            assert leaf["type"] in (RICH_LEAVES if part["type"] != "rich_text_preformatted" else {"text"})
            assert leaf["type"] != "text" or 1 <= len(leaf["text"]) <= 3_000


_CHECKS = {
    "header": _check_header,
    "context": _check_context,
    "divider": _check_divider,
    "section": _check_section,
    "rich_text": _check_rich,
    "actions": _check_actions,
    "input": _check_input,
}
