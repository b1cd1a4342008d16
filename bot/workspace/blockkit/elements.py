"""The limits of Block Kit's composition objects (texts, options, confirmations) and interactive elements."""

from __future__ import annotations

from typing import Any

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
    integer,
    one_of,
    string,
)
from bot.workspace.shapes import Json

ID = string(255)
DATE = string(pattern=r"\d{4}-\d{2}-\d{2}")
TIME = string(pattern=r"\d{2}:\d{2}")


def plain(most: int, least: int = 1) -> Rule:
    """A plain_text object."""
    shape = Shape({"text": string(most, least), "emoji": boolean}, ("text",))
    return alternatives(ByType({"plain_text": shape}))


def any_text(most: int) -> Rule:
    """A plain_text or mrkdwn object."""
    return alternatives(
        ByType(
            {
                "plain_text": Shape({"text": string(most, 1), "emoji": boolean}, ("text",)),
                "mrkdwn": Shape({"text": string(most, 1), "verbatim": boolean}, ("text",)),
            }
        )
    )


CONFIRM = Shape(
    {
        "title": plain(100),
        "text": any_text(300),
        "confirm": plain(30),
        "deny": plain(30),
        "style": one_of("primary", "danger"),
    },
    ("title", "text", "confirm", "deny"),
)


def option(text: Rule) -> Shape:
    """An option of a select, of radio buttons, checkboxes or an overflow menu."""
    fields = {"text": text, "value": string(150, 1), "description": any_text(75), "url": string(3000, 1)}
    return Shape(fields, ("text", "value"))


OPTION = option(plain(75))
RICH_OPTION = option(any_text(75))
OPTION_GROUP = Shape({"label": plain(75), "options": array(OPTION, 100)}, ("label", "options"))
DISPATCH = Shape({"trigger_actions_on": array(one_of("on_enter_pressed", "on_character_entered"), 2)})


def _offered(value: Json) -> list[tuple[str, str]]:
    groups = [value, *(value.get("option_groups") or [])]
    return [_option_key(o) for group in groups if isinstance(group, dict) for o in group.get("options") or []]


def _option_key(option_: Any) -> tuple[str, str]:
    text = option_.get("text") if isinstance(option_, dict) else None
    return (str(text.get("text")) if isinstance(text, dict) else "", str(option_.get("value")))


def initial_is_offered(value: Json, at: str, into: Issues) -> None:
    """Across fields: what is chosen at first must be one of the options."""
    offered = _offered(value)
    chosen = [("initial_option", value.get("initial_option"))]
    chosen += [("initial_options", each) for each in value.get("initial_options") or []]
    for name, initial in chosen:
        if isinstance(initial, dict) and _option_key(initial) not in offered:
            into.append(Issue(f"`{name}` must match one of the options", f"{at}/{name}"))


def element(fields: dict[str, Rule], required: tuple[str, ...] = (), also: tuple[Rule, ...] = ()) -> Shape:
    """An interactive element: an action_id and its own fields."""
    return Shape({"action_id": ID, **fields}, required, also)


def _choice(fields: dict[str, Rule], also: tuple[Rule, ...] = ()) -> Shape:
    common: dict[str, Rule] = {"placeholder": plain(150), "confirm": CONFIRM, "focus_on_load": boolean}
    return element(common | fields, (), also)


def _typed(fields: dict[str, Rule], required: tuple[str, ...] = ()) -> Shape:
    common: dict[str, Rule] = {"placeholder": plain(150), "focus_on_load": boolean, "dispatch_action_config": DISPATCH}
    return element(common | fields, required)


_STATIC: dict[str, Rule] = {"options": array(OPTION, 100), "option_groups": array(OPTION_GROUP, 100)}
_STATIC_CHECKS = (exclusive("options", "option_groups"), initial_is_offered)
_MANY: dict[str, Rule] = {"max_selected_items": integer(1)}
_IDS = array(string(), 100, 0)
_CONVERSATION: dict[str, Rule] = {"default_to_current_conversation": boolean, "filter": anything}

BUTTON = element(
    {
        "text": plain(75),
        "value": string(2000),
        "url": string(3000, 1),
        "style": one_of("primary", "danger"),
        "confirm": CONFIRM,
        "accessibility_label": string(75),
        "visible_to_user_ids": array(string(), 100),
    },
    ("text",),
)
OVERFLOW = element({"options": array(OPTION, 5), "confirm": CONFIRM}, ("options",))
_RADIO_FIELDS: dict[str, Rule] = {
    "options": array(RICH_OPTION, 10),
    "initial_option": RICH_OPTION,
    "confirm": CONFIRM,
    "focus_on_load": boolean,
}
RADIO = element(
    _RADIO_FIELDS,
    ("options",),
    (initial_is_offered,),
)
_CHECKBOX_FIELDS: dict[str, Rule] = {
    "options": array(RICH_OPTION, 10),
    "initial_options": array(RICH_OPTION, 10),
    "confirm": CONFIRM,
    "focus_on_load": boolean,
}
CHECKBOXES = element(
    _CHECKBOX_FIELDS,
    ("options",),
    (initial_is_offered,),
)

SELECTS: dict[str, Rule] = {
    "static_select": _choice(_STATIC | {"initial_option": OPTION}, _STATIC_CHECKS),
    "external_select": _choice({"min_query_length": integer(0), "initial_option": OPTION}),
    "users_select": _choice({"initial_user": string()}),
    "conversations_select": _choice(
        _CONVERSATION | {"initial_conversation": string(), "response_url_enabled": boolean}
    ),
    "channels_select": _choice({"initial_channel": string(), "response_url_enabled": boolean}),
    "multi_static_select": _choice(_STATIC | _MANY | {"initial_options": array(OPTION, 100)}, _STATIC_CHECKS),
    "multi_external_select": _choice(_MANY | {"min_query_length": integer(0), "initial_options": array(OPTION, 100)}),
    "multi_users_select": _choice(_MANY | {"initial_users": _IDS}),
    "multi_conversations_select": _choice(_CONVERSATION | _MANY | {"initial_conversations": _IDS}),
    "multi_channels_select": _choice(_MANY | {"initial_channels": _IDS}),
}
PICKERS: dict[str, Rule] = {
    "datepicker": _choice({"initial_date": DATE}),
    "timepicker": _choice({"initial_time": TIME, "timezone": string()}),
    "datetimepicker": element(
        {"initial_date_time": integer(10**9, 10**10 - 1), "confirm": CONFIRM, "focus_on_load": boolean}
    ),
    "radio_buttons": RADIO,
    "checkboxes": CHECKBOXES,
}
TYPED: dict[str, Rule] = {
    "plain_text_input": _typed(
        {
            "multiline": boolean,
            "initial_value": string(3000),
            "min_length": integer(0, 3000),
            "max_length": integer(1, 3000),
        }
    ),
    "number_input": _typed(
        {"is_decimal_allowed": boolean, "initial_value": string(), "min_value": string(), "max_value": string()},
        ("is_decimal_allowed",),
    ),
    "email_text_input": _typed({"initial_value": string()}),
    "url_text_input": _typed({"initial_value": string()}),
    "rich_text_input": _typed({"initial_value": anything}),
    "file_input": element({"filetypes": array(string(), 100), "max_files": integer(1, 10)}),
}
SLACK_FILE = Shape({"id": string(), "url": string()}, (), (exclusive("id", "url"),))
IMAGE = Shape(
    {"image_url": string(3000, 1), "slack_file": SLACK_FILE, "alt_text": string(2000, 1)},
    ("alt_text",),
    (exclusive("image_url", "slack_file"),),
)

IN_ACTIONS = ByType({"button": BUTTON, "overflow": OVERFLOW, **SELECTS, **PICKERS})
IN_SECTION = alternatives(ByType({"button": BUTTON, "overflow": OVERFLOW, "image": IMAGE, **SELECTS, **PICKERS}))
IN_INPUT = alternatives(ByType({**SELECTS, **PICKERS, **TYPED}))
