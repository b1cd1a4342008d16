"""The limits of blocks, and of the two places they stand in: messages and views. Refuses as Slack's server does.

Block types that no approval bot needs (cards, carousels, containers, calls, streams) are refused as unsupported.
"""

from __future__ import annotations

import json
from typing import Any

from bot.workspace.blockkit.elements import (
    ID,
    IMAGE,
    IN_ACTIONS,
    IN_INPUT,
    IN_SECTION,
    SLACK_FILE,
    any_text,
    plain,
)
from bot.workspace.blockkit.rich_text import RICH_TEXT
from bot.workspace.blockkit.rules import (
    ByType,
    Issue,
    Issues,
    Rule,
    Shape,
    alternatives,
    anything,
    array,
    boolean,
    exclusive,
    string,
    unique,
)
from bot.workspace.shapes import Json

MESSAGE_BLOCKS = 50
VIEW_BLOCKS = 100
VIEW_BYTES = 250_000
MARKDOWN_CHARACTERS = 12_000


def _block(fields: dict[str, Rule], required: tuple[str, ...] = (), also: tuple[Rule, ...] = ()) -> Shape:
    return Shape({"block_id": ID, **fields}, required, also)


def _text_or_fields(value: Json, at: str, into: Issues) -> None:
    if not value.get("text") and not value.get("fields"):
        into.append(Issue("must define either `text` or `fields`", f"{at}/type"))


def _actions_differ(value: Json, at: str, into: Issues) -> None:
    found = [
        (element["action_id"], f"{at}/elements/{index}/action_id")
        for index, element in enumerate(value.get("elements") or [])
        if isinstance(element, dict) and element.get("action_id")
    ]
    unique(found, "action_id", into)


_CELL = ByType({"raw_text": Shape({"text": string()}, ("text",)), "rich_text": RICH_TEXT})
_FEEDBACK = Shape({"text": plain(75), "value": string(2000), "accessibility_label": string(75)}, ("text", "value"))
_CONTEXT_ACTIONS = ByType(
    {
        "feedback_buttons": Shape(
            {"action_id": ID, "positive_button": _FEEDBACK, "negative_button": _FEEDBACK},
            ("positive_button", "negative_button"),
        ),
        "icon_button": Shape(
            {
                "action_id": ID,
                "icon": string(),
                "text": plain(75),
                "value": string(2000),
                "confirm": anything,
                "accessibility_label": string(75),
                "visible_to_user_ids": array(string(), 100),
            },
            ("icon", "text"),
        ),
    }
)
_CONTEXT_PART = ByType(
    {
        "image": IMAGE,
        "plain_text": Shape({"text": string(3000, 1), "emoji": boolean}, ("text",)),
        "mrkdwn": Shape({"text": string(3000, 1), "verbatim": boolean}, ("text",)),
    }
)

BLOCKS: dict[str, Rule] = {
    "section": _block(
        {"text": any_text(3000), "fields": array(any_text(2000), 10), "accessory": IN_SECTION, "expand": boolean},
        (),
        (_text_or_fields,),
    ),
    "header": _block({"text": plain(150)}, ("text",)),
    "divider": _block({}),
    "context": _block({"elements": array(alternatives(_CONTEXT_PART), 10)}, ("elements",)),
    "actions": _block({"elements": array(IN_ACTIONS, 25)}, ("elements",), (_actions_differ,)),
    "context_actions": _block({"elements": array(_CONTEXT_ACTIONS, 5)}, ("elements",), (_actions_differ,)),
    "image": _block(
        {
            "image_url": string(3000, 1),
            "slack_file": SLACK_FILE,
            "alt_text": string(2000, 1),
            "title": plain(2000),
        },
        ("alt_text",),
        (exclusive("image_url", "slack_file"),),
    ),
    "input": _block(
        {
            "label": plain(2000),
            "element": IN_INPUT,
            "hint": plain(2000),
            "optional": boolean,
            "dispatch_action": boolean,
        },
        ("label", "element"),
    ),
    "rich_text": RICH_TEXT,
    "markdown": _block({"text": string(MARKDOWN_CHARACTERS, 1)}, ("text",)),
    "table": _block(
        {"rows": array(array(_CELL, 20), 100), "column_settings": array(anything, 20)},
        ("rows",),
    ),
    "video": _block(
        {
            "alt_text": string(2000, 1),
            "title": plain(199),
            "thumbnail_url": string(3000, 1),
            "video_url": string(3000, 1),
            "author_name": string(50),
            "description": plain(200),
            "provider_icon_url": string(),
            "provider_name": string(),
            "title_url": string(),
        },
        ("alt_text", "title", "thumbnail_url", "video_url"),
    ),
}
_ALERT = _block({"text": any_text(200), "level": string()}, ("text",))
_IN_MODALS = {name: rule for name, rule in BLOCKS.items() if name not in {"markdown", "table", "context_actions"}}
_IN_MODALS["alert"] = _ALERT
_IN_HOME = {name: rule for name, rule in BLOCKS.items() if name not in {"table", "context_actions"}}


def _ids_differ(blocks: Any, at: str, into: Issues) -> None:
    if isinstance(blocks, list):
        found = [
            (block["block_id"], f"{at}/{index}/block_id")
            for index, block in enumerate(blocks)
            if isinstance(block, dict) and block.get("block_id")
        ]
        unique(found, "block_id", into)


def message_issues(blocks: Any, at: str = "/blocks") -> Issues:
    """What is wrong with the blocks of a message; empty when Slack would take them."""
    issues: Issues = []
    array(ByType(BLOCKS), MESSAGE_BLOCKS, 0)(blocks, at, issues)
    _ids_differ(blocks, at, issues)
    if isinstance(blocks, list):
        _message_totals([b for b in blocks if isinstance(b, dict)], at, issues)
    return issues


def _message_totals(blocks: list[Json], at: str, into: Issues) -> None:
    markdown = sum(len(str(b.get("text", ""))) for b in blocks if b.get("type") == "markdown")
    if markdown > MARKDOWN_CHARACTERS:
        into.append(Issue(f"must be less than {MARKDOWN_CHARACTERS + 1} characters", at))
    if sum(b.get("type") == "table" for b in blocks) > 1:
        into.append(Issue("only one table is allowed per message", at))


_VIEW_FIELDS: dict[str, Rule] = {
    "private_metadata": string(3000),
    "callback_id": string(255),
    "external_id": string(255),
}
_MODAL = Shape(
    {
        "title": plain(24),
        "submit": plain(24),
        "close": plain(24),
        "blocks": array(ByType(_IN_MODALS), VIEW_BLOCKS),
        "clear_on_close": boolean,
        "notify_on_close": boolean,
        "submit_disabled": boolean,
        **_VIEW_FIELDS,
    },
    ("title", "blocks"),
)
_HOME = Shape({"blocks": array(ByType(_IN_HOME), VIEW_BLOCKS, 0), **_VIEW_FIELDS}, ("blocks",))
_VIEW = alternatives(ByType({"modal": _MODAL, "home": _HOME}))


def view_issues(view: Any, at: str = "/view") -> Issues:
    """What is wrong with a view; empty when Slack would take it."""
    issues: Issues = []
    _VIEW(view, at, issues)
    if not isinstance(view, dict):
        return issues
    _ids_differ(view.get("blocks"), f"{at}/blocks", issues)
    if view.get("type") == "modal" and not view.get("submit") and isinstance(view.get("blocks"), list):
        issues += [
            Issue("must define `submit` to use an `input` block in modals", f"{at}/blocks/{index}/input")
            for index, block in enumerate(view["blocks"])
            if isinstance(block, dict) and block.get("type") == "input"
        ]
    return issues


def view_too_large(view: Any) -> bool:
    """Whether the view as JSON exceeds Slack's 250 kB."""
    return len(json.dumps(view, ensure_ascii=False).encode()) > VIEW_BYTES
