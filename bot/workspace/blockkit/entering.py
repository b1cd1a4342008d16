"""Values of input elements: what they hold at first, what a person may enter, and what a client refuses to send."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from bot.workspace.blockkit.reading import Field, text_of
from bot.workspace.errors import WrongChoice
from bot.workspace.markup import unescape
from bot.workspace.modals import Values
from bot.workspace.shapes import Json

Resolve = Callable[[str], str]
"""Turns `@maria` or `#general` into an id; an id stays itself."""

_TYPED = {"plain_text_input", "number_input", "email_text_input", "url_text_input"}
_ONE_ID = {"users_select": "user", "conversations_select": "conversation", "channels_select": "channel"}
_MANY_IDS = {f"multi_{name}": word + "s" for name, word in _ONE_ID.items()}
_ONE_OPTION = {"static_select", "external_select", "radio_buttons"}
_MANY_OPTIONS = {"multi_static_select", "multi_external_select", "checkboxes"}
_MOMENT = {"datepicker": "date", "timepicker": "time", "datetimepicker": "date_time"}

REQUIRED = "Please complete this required field."


def value_key(kind: str) -> str:
    """The key that holds an element's value: `value`, `selected_option`, `selected_users`, ..."""
    if kind in _TYPED:
        return "value"
    if kind in _ONE_ID or kind in _MANY_IDS:
        return "selected_" + (_ONE_ID.get(kind) or _MANY_IDS[kind])
    if kind in _MOMENT:
        return "selected_" + _MOMENT[kind]
    if kind == "rich_text_input":
        return "rich_text_value"
    if kind == "file_input":
        return "files"
    return "selected_option" if kind in _ONE_OPTION or kind == "overflow" else "selected_options"


def at_first(element: Json) -> Json:
    """The value object before anybody touched the element."""
    kind = element["type"]
    key = value_key(kind)
    value = element.get(key.replace("selected", "initial") if key.startswith("selected") else "initial_value")
    if value is None and (kind in _MANY_OPTIONS or kind in _MANY_IDS or kind == "file_input"):
        value = []
    return _value_object(element, value)


def _value_object(element: Json, value: Any) -> Json:
    kind = element["type"]
    shape: Json = {"type": kind}
    if element.get("response_url_enabled"):
        shape["response_url_enabled"] = True
    if kind == "timepicker" and element.get("timezone"):
        shape["timezone"] = element["timezone"]
    if kind in _TYPED - {"plain_text_input"} and value in (None, ""):
        return shape
    shape[value_key(kind)] = None if value == "" else value
    return shape


def holds_state(field: Field) -> bool:
    """Whether the element appears in state.values; overflow menus never do."""
    return field.type != "overflow"


def first_values(fields: list[Field], before: Values | None = None) -> Values:
    """state.values of freshly shown fields; what was entered before stays where block_id and action_id are the same."""
    values: Values = {}
    for field in filter(holds_state, fields):
        kept = (before or {}).get(field.block_id, {}).get(field.action_id)
        fresh = at_first(field.element)
        same = kept is not None and kept["type"] == fresh["type"]
        values.setdefault(field.block_id, {})[field.action_id] = kept if same and kept else fresh
    return values


def entered(element: Json, value: Any, resolve: Resolve) -> Json:
    """The value object after a person entered `value`: a string, an option's text or value, a name, or a list of these.

    None empties the element. Raises WrongChoice for what the element cannot hold.
    """
    kind = element["type"]
    if value is None:
        return _value_object(element, [] if kind in _MANY_OPTIONS or kind in _MANY_IDS else None)
    if kind in _ONE_OPTION or kind == "overflow":
        return _value_object(element, pick_option(element, value))
    if kind in _MANY_OPTIONS:
        return _value_object(element, [pick_option(element, each) for each in _list(value)])
    if kind in _ONE_ID:
        return _value_object(element, resolve(value))
    if kind in _MANY_IDS:
        return _value_object(element, [resolve(each) for each in _list(value)])
    if kind == "datetimepicker":
        return _value_object(element, int(value))
    if kind in {"rich_text_input", "file_input"}:
        return _value_object(element, value)
    return _value_object(element, str(value))


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def options_of(element: Json) -> list[Json]:
    """All options an element offers, those in groups too."""
    groups = element.get("option_groups") or []
    return [*(element.get("options") or []), *(o for group in groups for o in group["options"])]


def pick_option(element: Json, wanted: Any) -> Json:
    """The option with that value or that visible text."""
    if element["type"].endswith("external_select") and isinstance(wanted, dict):
        return wanted
    options = options_of(element)
    offered = [text_of(option["text"], lambda i: i) for option in options]
    # Values first: one option's text may be another's value.
    for named in ([option["value"] for option in options], offered):
        if wanted in named:
            return options[named.index(wanted)]
    raise WrongChoice(element["type"], wanted, f"it offers {offered}")


def is_empty(value: Json) -> bool:
    """Whether nothing was entered."""
    return value.get(value_key(value["type"])) in (None, "", [])


def refusal(field: Field, value: Json) -> str | None:
    """Why Slack's own client would not send this value, or None."""
    if is_empty(value):
        return None if field.optional else REQUIRED
    entered_text = value.get("value")
    if not isinstance(entered_text, str):
        return None
    return _text_refusal(field.element, entered_text)


def _text_refusal(element: Json, text: str) -> str | None:
    least, most = element.get("min_length", 0), element.get("max_length", 3000)
    if element["type"] == "number_input":
        return _number_refusal(element, text)
    if len(text) < least:
        return f"This must be at least {least} characters."
    if len(text) > most:
        return f"This must be at most {most} characters."
    if element["type"] == "email_text_input" and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", text):
        return "Please enter a valid email address."
    if element["type"] == "url_text_input" and not re.fullmatch(r"https?://\S+", text):
        return "Please enter a valid URL."
    return None


def _number_refusal(element: Json, text: str) -> str | None:
    decimal = element.get("is_decimal_allowed")
    if not re.fullmatch(r"-?\d+(\.\d+)?" if decimal else r"-?\d+", text):
        kind, example = ("number", "12000.50") if decimal else ("whole number", "12000")
        return f"Please enter a {kind}: digits without separators, such as {example}."
    if "min_value" in element and float(text) < float(element["min_value"]):
        return f"This must be at least {element['min_value']}."
    if "max_value" in element and float(text) > float(element["max_value"]):
        return f"This must be at most {element['max_value']}."
    return None


def shown(value: Json) -> str:
    """What a person reads in a filled field."""
    held = value.get(value_key(value["type"]))
    parts = held if isinstance(held, list) else [] if held is None else [held]
    return ", ".join(unescape(p["text"]["text"]) if isinstance(p, dict) and "text" in p else str(p) for p in parts)
