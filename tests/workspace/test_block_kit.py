"""Block Kit is refused and completed as Slack's server does it, with Slack's limits and sentences."""

from __future__ import annotations

from typing import Any

import pytest

from bot.workspace.blockkit.completion import Completion, expand_markdown
from bot.workspace.blockkit.surfaces import message_issues, view_issues, view_too_large


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": text}


def button(action_id: str = "go", **more: Any) -> dict[str, Any]:
    return {"type": "button", "action_id": action_id, "text": plain("Go"), **more}


def option(text: str, value: str = "v") -> dict[str, Any]:
    return {"text": plain(text), "value": value}


def actions(*elements: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"type": "actions", "elements": list(elements)}]


def input_of(element: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "input", "label": plain("Label"), "element": element, **more}


def modal(*blocks: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "modal", "title": plain("T"), "submit": plain("S"), "blocks": list(blocks), **more}


SECTION = {"type": "section", "text": mrkdwn("x")}
CONFIRM = {"title": plain("Sure?"), "text": plain("Really"), "confirm": plain("Yes"), "deny": plain("No")}

GOOD = [
    [SECTION],
    [{"type": "section", "fields": [plain("a"), mrkdwn("b")]}],
    [{"type": "section", "text": plain("x"), "accessory": {"type": "overflow", "options": [option("a")]}}],
    [{"type": "header", "text": plain("x" * 150)}],
    [{"type": "context", "elements": [mrkdwn("x"), {"type": "image", "image_url": "http://x/y", "alt_text": "a"}]}],
    [{"type": "divider"}, {"type": "divider", "block_id": "b"}],
    actions(button(confirm=CONFIRM, style="danger", accessibility_label="Reject the request"), button("b")),
    actions(*({"type": f"{kind}_select"} for kind in ("users", "conversations", "channels"))),
    actions({"type": "datepicker", "initial_date": "2026-12-01"}, {"type": "timepicker"}, {"type": "datetimepicker"}),
    actions({"type": "radio_buttons", "options": [option("a")], "initial_option": option("a")}),
    [input_of({"type": "plain_text_input", "multiline": True, "max_length": 3000})],
    [{"type": "image", "image_url": "http://x/y", "alt_text": "a", "title": plain("t")}],
    [{"type": "markdown", "text": "# x"}],
    [
        {
            "type": "rich_text",
            "elements": [
                {"type": "rich_text_section", "elements": [{"type": "text", "text": "a", "style": {"bold": True}}]},
                {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "a"}], "border": 0},
                {
                    "type": "rich_text_list",
                    "style": "bullet",
                    "elements": [{"type": "rich_text_section", "elements": [{"type": "user", "user_id": "U1"}]}],
                },
            ],
        }
    ],
    [],
]

BAD = [
    ([{"type": "section"}], "must define either `text` or `fields`", "/blocks/0/type"),
    ([{"type": "section", "text": mrkdwn("x" * 3001)}], "must be less than 3001 characters", "/blocks/0/text/text"),
    ([{"type": "section", "text": mrkdwn("")}], "must be more than 0 characters", "/blocks/0/text/text"),
    ([{"type": "section", "text": mrkdwn("")}], "failed to match all allowed schemas", "/blocks/0/text"),
    (
        [{"type": "section", "fields": [plain("x" * 2001)]}],
        "must be less than 2001 characters",
        "/blocks/0/fields/0/text",
    ),
    ([{"type": "section", "fields": [plain("x")] * 11}], "no more than 10 items allowed", "/blocks/0/fields"),
    ([{"type": "header", "text": plain("x" * 151)}], "must be less than 151 characters", "/blocks/0/text/text"),
    ([{"type": "header", "text": mrkdwn("x")}], "unsupported type: mrkdwn", "/blocks/0/text/type"),
    ([{"type": "context", "elements": [plain("x")] * 11}], "no more than 10 items allowed", "/blocks/0/elements"),
    ([{"type": "context", "elements": []}], "must provide at least 1 items", "/blocks/0/elements"),
    ([{"type": "actions"}], "missing required field: elements", "/blocks/0"),
    (actions(*[button(str(i)) for i in range(26)]), "no more than 25 items allowed", "/blocks/0/elements"),
    (actions(button("a"), button("a")), '`action_id` "a" already exists', "/blocks/0/elements/1/action_id"),
    ([SECTION] * 51, "no more than 50 items allowed", "/blocks"),
    (
        [{"type": "divider", "block_id": "x"}, {"type": "divider", "block_id": "x"}],
        '`block_id` "x" already exists',
        "/blocks/1/block_id",
    ),
    (actions(button(value="x" * 2001)), "must be less than 2001 characters", "/blocks/0/elements/0/value"),
    (actions(button(action_id="x" * 256)), "must be less than 256 characters", "/blocks/0/elements/0/action_id"),
    (actions(button(colour="red")), "invalid additional property: colour", "/blocks/0/elements/0"),
    (
        actions({"type": "button", "text": plain("x" * 76)}),
        "must be less than 76 characters",
        "/blocks/0/elements/0/text/text",
    ),
    (
        actions(button(accessibility_label="x" * 76)),
        "must be less than 76 characters",
        "/blocks/0/elements/0/accessibility_label",
    ),
    (
        actions(button(confirm=CONFIRM | {"text": plain("x" * 301)})),
        "must be less than 301 characters",
        "/blocks/0/elements/0/confirm/text/text",
    ),
    (actions(button(confirm={})), "missing required field: title", "/blocks/0/elements/0/confirm"),
    (actions({"type": "plain_text_input"}), "unsupported type: plain_text_input", "/blocks/0/elements/0/type"),
    (
        actions({"type": "radio_buttons", "options": [option("a")] * 11}),
        "no more than 10 items allowed",
        "/blocks/0/elements/0/options",
    ),
    (
        actions({"type": "overflow", "options": [option("a")] * 6}),
        "no more than 5 items allowed",
        "/blocks/0/elements/0/options",
    ),
    (
        actions({"type": "static_select", "options": [option("a")] * 101}),
        "no more than 100 items allowed",
        "/blocks/0/elements/0/options",
    ),
    (
        actions({"type": "static_select", "options": [option("a", "x" * 151)]}),
        "must be less than 151 characters",
        "/blocks/0/elements/0/options/0/value",
    ),
    (
        actions({"type": "static_select", "options": [option("a")], "initial_option": option("b")}),
        "`initial_option` must match one of the options",
        "/blocks/0/elements/0/initial_option",
    ),
    (
        [input_of({"type": "plain_text_input", "max_length": 3001})],
        "must be less than 3001",
        "/blocks/0/element/max_length",
    ),
    ([input_of({"type": "number_input"})], "missing required field: is_decimal_allowed", "/blocks/0/element"),
    ([{"type": "image", "image_url": "http://x"}], "missing required field: alt_text", "/blocks/0"),
    ([{"type": "markdown", "text": "x" * 7000}] * 2, "must be less than 12001 characters", "/blocks"),
    (
        [
            {
                "type": "rich_text",
                "elements": [{"type": "rich_text_preformatted", "elements": [{"type": "emoji", "name": "x"}]}],
            }
        ],
        "unsupported type: emoji",
        "/blocks/0/elements/0/elements/0/type",
    ),
    (
        [
            {
                "type": "rich_text",
                "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": ""}]}],
            }
        ],
        "must be more than 0 characters",
        "/blocks/0/elements/0/elements/0/text",
    ),
]

BAD_VIEWS = [
    (modal(SECTION, title=plain("x" * 25)), "must be less than 25 characters", "/view/title/text"),
    (modal(SECTION, private_metadata="x" * 3001), "must be less than 3001 characters", "/view/private_metadata"),
    (modal(SECTION, submit=plain("x" * 25)), "must be less than 25 characters", "/view/submit/text"),
    (modal(*[SECTION] * 101), "no more than 100 items allowed", "/view/blocks"),
    (modal(), "must provide at least 1 items", "/view/blocks"),
    (modal(SECTION, colour="x"), "invalid additional property: colour", "/view"),
    ({"type": "modal", "blocks": [SECTION]}, "missing required field: title", "/view"),
    ({"type": "panel"}, "unsupported type: panel", "/view/type"),
    (modal(SECTION, callback_id="x" * 256), "must be less than 256 characters", "/view/callback_id"),
    (
        {"type": "modal", "title": plain("T"), "blocks": [SECTION, input_of({"type": "plain_text_input"})]},
        "must define `submit` to use an `input` block in modals",
        "/view/blocks/1/input",
    ),
]


@pytest.mark.parametrize("blocks", GOOD)
def test_what_slack_takes_is_taken(blocks: list[dict[str, Any]]) -> None:
    """Every block and element a bot would use passes."""
    assert [str(issue) for issue in message_issues(blocks)] == []


@pytest.mark.parametrize(("blocks", "text", "at"), BAD)
def test_what_slack_refuses_is_refused(blocks: list[dict[str, Any]], text: str, at: str) -> None:
    """A broken limit is named with Slack's sentence and pointer."""
    assert (text, at) in [(issue.text, issue.at) for issue in message_issues(blocks)]


@pytest.mark.parametrize(("view", "text", "at"), BAD_VIEWS)
def test_views_have_limits_of_their_own(view: dict[str, Any], text: str, at: str) -> None:
    """A broken limit of a view is named with Slack's sentence and pointer, after the general line."""
    issues = [(issue.text, issue.at) for issue in view_issues(view)]
    assert (text, at) in issues


def test_a_view_of_more_than_250_kb_is_too_large() -> None:
    """The whole view is measured as JSON."""
    assert not view_too_large(modal(SECTION))
    assert view_too_large(modal(*[{"type": "section", "text": mrkdwn("x" * 3000)}] * 90))


def test_completion_fills_in_what_slack_fills_in() -> None:
    """Ids, emoji, verbatim, optional and dispatch settings are added; what the app gave stays; rich text is literal."""
    done = Completion(iter(f"id{n}" for n in range(99)).__next__, {"general": "C1"})
    rich = {
        "type": "rich_text",
        "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": "<&>"}]}],
    }
    given = [
        {"type": "section", "block_id": "mine", "text": mrkdwn("#general http://x.example <@U1> <b> &amp;")},
        actions({"type": "button", "text": plain("A & B")})[0],
        input_of({"type": "plain_text_input"}),
        rich,
    ]
    section, act, inp, kept = done.blocks(given)
    assert section["block_id"] == "mine"
    assert section["text"]["text"] == "<#C1> <http://x.example> <@U1> &lt;b&gt; &amp;"
    assert section["text"]["verbatim"] is False
    assert act["elements"][0]["text"] == {"type": "plain_text", "text": "A &amp; B", "emoji": True}
    assert act["elements"][0]["action_id"].startswith("id")
    assert (inp["optional"], inp["dispatch_action"]) == (False, False)
    assert kept["elements"][0]["elements"][0]["text"] == "<&>"
    assert "block_id" not in given[1]


def test_markdown_is_expanded() -> None:
    """A markdown block becomes headings, dividers and rich text, which is what the limit of fifty counts."""
    blocks = expand_markdown([{"type": "markdown", "text": "# Title\nsome\ntext\n---\nmore"}])
    assert [b["type"] for b in blocks] == ["header", "rich_text", "divider", "rich_text"]
