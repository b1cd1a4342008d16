"""Every kind of block and element that the workspace takes, with enough in them to see whether they are drawn well."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

QUESTION = {
    "title": {"type": "plain_text", "text": "Are you sure?"},
    "text": {"type": "plain_text", "text": "send_email will run with exactly the arguments shown."},
    "confirm": {"type": "plain_text", "text": "Approve"},
    "deny": {"type": "plain_text", "text": "Not yet"},
}


def plain(text: str) -> Json:
    """A plain_text object."""
    return {"type": "plain_text", "text": text, "emoji": True}


def mrkdwn(text: str) -> Json:
    """A mrkdwn object."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def option(text: str, value: str = "", description: str = "") -> Json:
    """An option; its value is its text in lower case unless given."""
    made: Json = {"text": plain(text), "value": value or text.lower()}
    return {**made, "description": plain(description)} if description else made


def button(text: str, action_id: str, **more: Any) -> Json:
    """A button."""
    return {"type": "button", "action_id": action_id, "text": plain(text), **more}


CITIES = [option("Lisbon"), option("Oslo", description="cold in winter"), option("Lima")]
GROUPS = [
    {"label": plain("Europe"), "options": CITIES[:2]},
    {"label": plain("South America"), "options": CITIES[2:]},
]

ELEMENTS: dict[str, Json] = {
    "static_select": {"options": CITIES, "placeholder": plain("Choose a city")},
    "external_select": {"min_query_length": 1, "placeholder": plain("Search a city")},
    "users_select": {"placeholder": plain("Choose a person")},
    "conversations_select": {"placeholder": plain("Choose a conversation")},
    "channels_select": {"placeholder": plain("Choose a channel")},
    "multi_static_select": {"option_groups": GROUPS, "max_selected_items": 2, "placeholder": plain("Choose cities")},
    "multi_external_select": {"min_query_length": 0, "placeholder": plain("Search cities")},
    "multi_users_select": {"placeholder": plain("Choose people")},
    "multi_conversations_select": {"placeholder": plain("Choose conversations")},
    "multi_channels_select": {"placeholder": plain("Choose channels")},
    "datepicker": {},
    "timepicker": {},
    "datetimepicker": {},
    "radio_buttons": {"options": CITIES},
    "checkboxes": {"options": [{"text": mrkdwn("*Lisbon*"), "value": "lisbon"}, *CITIES[1:]]},
    "plain_text_input": {"placeholder": plain("Why?"), "min_length": 4, "max_length": 40},
    "number_input": {"is_decimal_allowed": True},
    "email_text_input": {},
    "url_text_input": {},
    "rich_text_input": {},
    "file_input": {},
}
"""What an input block may hold, by type, without type and action_id."""


def element(kind: str, **more: Any) -> Json:
    """An element of the gallery; its action_id is `act`."""
    return {"type": kind, "action_id": "act", **ELEMENTS[kind], **more}


def input_block(kind: str, *, block: Json | None = None, **more: Any) -> Json:
    """An input block whose id and label are the element's type."""
    asked = {"type": "input", "block_id": kind, "label": plain(kind), "element": element(kind, **more)}
    return {**asked, "optional": False, "dispatch_action": False, **(block or {})}


def _text(text: str, **style: bool) -> Json:
    return {"type": "text", "text": text, **({"style": style} if style else {})}


def _section(*parts: Json) -> Json:
    return {"type": "rich_text_section", "elements": list(parts)}


def _list(style: str, *texts: str, **more: int) -> Json:
    return {"type": "rich_text_list", "style": style, "elements": [_section(_text(text)) for text in texts], **more}


RICH_TEXT: Json = {
    "type": "rich_text",
    "block_id": "rich",
    "elements": [
        _section(
            _text("Plain, "),
            _text("bold", bold=True),
            _text(", "),
            _text("italic", italic=True),
            _text(", "),
            _text("struck", strike=True),
            _text(", "),
            _text("code *not bold*", code=True),
            _text(", "),
            _text("bold and italic", bold=True, italic=True),
            _text(". "),
            {"type": "user", "user_id": "U0ANA00001"},
            _text(" "),
            {"type": "user", "user_id": "U0MARIA001"},
            _text(" "),
            {"type": "usergroup", "usergroup_id": "S0FINANCE1"},
            _text(" "),
            {"type": "channel", "channel_id": "C0GENERAL1"},
            _text(" "),
            {"type": "broadcast", "range": "here"},
            _text(" "),
            {"type": "emoji", "name": "tada", "unicode": "1f389"},
            _text(" "),
            {"type": "color", "value": "#C0FFEE"},
            _text(" "),
            {"type": "link", "url": "https://example.com/a?b=1&c=2", "text": "a link"},
            _text(" "),
            {
                "type": "date",
                "timestamp": 1795257000,
                "format": "{date_short_pretty} at {time}",
                "fallback": "2026-11-21",
            },
        ),
        _list("bullet", "one", "two"),
        _list("bullet", "inside two", indent=1),
        _list("bullet", "deeper still", indent=2),
        _list("ordered", "third", "fourth", offset=2),
        {"type": "rich_text_quote", "elements": [_text("Somebody else's words,\nin two lines.")]},
        {
            "type": "rich_text_preformatted",
            "elements": [_text('to: "ceo@example.com"\nbody:\n  │ Dear Ana,\n  │ <b>not bold</b>\namount: 1200')],
        },
    ],
}

MARKDOWN = """# A heading
Some **bold**, *italic*, ~~struck~~ and `code`, and [a link](https://example.com).

- first
- second

3. third
4. fourth

> quoted

---
```
fenced <b>text</b>
```"""

MRKDWN = """*Bold* _italic_ ~struck~ `code` and _*both*_, 2*3*4 and snake_case_name stay.
<@U0ANA00001> <@U0MARIA001> <#C0GENERAL1> <!subteam^S0FINANCE1> <!subteam^S0BOARD001> <!here>
<https://example.com/path|a link>, <https://example.com/>, <mailto:ana@example.com|write to Ana>
&lt;not a tag&gt; &amp;amp; :tada: :white_check_mark: :not_an_emoji:
&gt; quoted *text*
&gt; in two lines
<!date^1795257000^{date_short_pretty} at {time}|2026-11-21 10:30 UTC> ```preformatted
  text```after it"""

MESSAGE: list[Json] = [
    {"type": "header", "block_id": "header", "text": plain("Approve send_email?")},
    {"type": "section", "block_id": "section", "text": mrkdwn(MRKDWN)},
    {
        "type": "section",
        "block_id": "fields",
        "text": plain("A text with fields and a menu"),
        "fields": [mrkdwn("*Agent*\npurchasing"), mrkdwn("*Tool*\n`send_email`"), plain("third"), plain("fourth")],
        "accessory": {
            "type": "overflow",
            "action_id": "menu",
            "options": [option("Details"), option("History"), {**option("Docs"), "url": "https://example.com/docs"}],
        },
    },
    {
        "type": "section",
        "block_id": "pick",
        "text": plain("A select beside its text"),
        "accessory": element("users_select"),
    },
    {
        "type": "context",
        "block_id": "context",
        "elements": [
            {"type": "image", "image_url": "https://example.com/face.png", "alt_text": "Ana's face"},
            mrkdwn("Asked by <@U0ANA00001>"),
            plain("Stage 1 of 2: manager · 1 of 3 approvers"),
        ],
    },
    {"type": "divider", "block_id": "divider"},
    RICH_TEXT,
    {"type": "markdown", "block_id": "markdown", "text": MARKDOWN},
    {
        "type": "table",
        "block_id": "table",
        "column_settings": [{"align": "left"}, {"align": "right"}, {"is_wrapped": True}],
        "rows": [
            [{"type": "raw_text", "text": text} for text in ("Item", "Price", "Remark")],
            [{"type": "raw_text", "text": text} for text in ("Paper", "1,200.00", "ordered every month " * 4)],
            [
                {"type": "raw_text", "text": "Ink"},
                {"type": "raw_text", "text": "80.00"},
                {"type": "rich_text", "elements": [_section(_text("bold", bold=True))]},
            ],
        ],
    },
    {
        "type": "image",
        "block_id": "image",
        "title": plain("A chart"),
        "image_url": "https://example.com/chart.png",
        "alt_text": "Orders per month, rising",
    },
    {
        "type": "video",
        "block_id": "video",
        "title": plain("How approvals work"),
        "title_url": "https://example.com/video",
        "thumbnail_url": "https://example.com/thumb.png",
        "video_url": "https://example.com/embed",
        "author_name": "Lanternworks",
        "alt_text": "A person pressing Approve",
    },
    {
        "type": "actions",
        "block_id": "actions",
        "elements": [
            button("Approve", "approve", style="primary", value="1", accessibility_label="Approve: send_email"),
            button("Reject", "reject", style="danger"),
            button("Edit", "edit"),
            button("Ask first", "ask", confirm=QUESTION),
            button("Open the docs", "docs", url="https://example.com/docs"),
            button("For Maria only", "secret", visible_to_user_ids=["U0MARIA001"]),
            element("static_select"),
            element("multi_static_select", action_id="many"),
            {"type": "datepicker", "action_id": "day", "initial_date": "2026-11-21"},
        ],
    },
    {
        "type": "context_actions",
        "block_id": "feedback",
        "elements": [
            {
                "type": "feedback_buttons",
                "action_id": "rate",
                "positive_button": {"text": plain("Good"), "value": "up", "accessibility_label": "This was good"},
                "negative_button": {"text": plain("Bad"), "value": "down"},
            },
            {"type": "icon_button", "action_id": "bin", "icon": "trash", "text": plain("Delete"), "value": "x"},
        ],
    },
]

MODAL: list[Json] = [
    {"type": "alert", "block_id": "alert", "level": "warning", "text": mrkdwn("This request *closes* in 5 minutes.")},
    *(input_block(kind) for kind in ELEMENTS),
    input_block(
        "plain_text_input",
        block={
            "block_id": "long",
            "label": plain("Reason"),
            "optional": True,
            "hint": plain("The agent gets these words."),
        },
        multiline=True,
    ),
    input_block("number_input", block={"block_id": "wrong", "label": plain("Amount")}, initial_value="12a"),
]
