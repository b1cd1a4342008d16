"""One field's element: which kind suits a property and its value, and how it looks.

A value is entered exactly or not at all: where the kind that suits the schema could not give the same value back, the
field takes JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from bot.cards.blocks import Part, data, plain
from bot.cards.ids import ActionId
from bot.cards.text import clip, line, visible
from storage.types import Json, JsonValue

LONGEST = 3_000
"""What a text field takes, counted in UTF-16 units to be safe."""

MOST_CHOICES = 100
_OPTION = 75
_PLACEHOLDER = 150
_ONE_LINE = 80
_EXACT = 2**53
"""Beyond this a client that counts in floats may change a number."""

_NUMBER = re.compile(r"-?\d+(\.\d+)?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Entry:
    """An input element with what it must say below itself."""

    element: Part
    hint: str = ""


def entry_for(one: Json, value: JsonValue, exact: bool) -> Entry:
    """The element for a property, holding `value`; None is an empty one."""
    kind = _kind(one, value, exact)
    element = _ELEMENTS[kind](one, value)
    hint = 'Written as JSON, such as ["a", "b"] or {"key": 1}.' if kind is ActionId.FIELD_JSON else ""
    return Entry({**element, "action_id": kind.value}, hint)


def fits(one: Json, value: JsonValue, exact: bool) -> bool:
    """Whether any element can hold the value."""
    return _kind(one, value, exact) is not ActionId.FIELD_JSON or value is None or _length(_as_json(value)) <= LONGEST


def _kind(one: Json, value: JsonValue, exact: bool) -> ActionId:
    """The element whose value comes back exactly; JSON where none does."""
    wanted = _suited(one)
    if value is None:
        return wanted
    return wanted if _HOLDS[wanted](one, value, exact) else ActionId.FIELD_JSON


def _suited(one: Json) -> ActionId:
    if choices(one):
        return ActionId.FIELD_CHOICE
    match one.get("type"):
        case "string" if one.get("format") == "date":
            return ActionId.FIELD_DATE
        case "string":
            return ActionId.FIELD_TEXT
        case "integer" | "number":
            return ActionId.FIELD_NUMBER
        case "boolean":
            return ActionId.FIELD_FLAG
    return ActionId.FIELD_JSON


def choices(one: Json) -> Sequence[JsonValue]:
    """What a select offers, in its order: the schema's scalars, where they are few enough."""
    listed = [one["const"]] if "const" in one else one.get("enum")
    if not isinstance(listed, list | tuple) or not 0 < len(listed) <= MOST_CHOICES:
        return ()
    scalars = [choice for choice in listed if choice is None or isinstance(choice, str | int | float)]
    return [choice for choice in scalars if choice is not None] if len(scalars) == len(listed) else ()


# What each kind can hold, so that the very same value comes back.


def _holds_text(_one: Json, value: JsonValue, exact: bool) -> bool:
    if not isinstance(value, str) or _length(value) > LONGEST or "\r" in value or not _is_unicode(value):
        return False
    return not exact or visible(value, lines=True).text == value


def _holds_number(one: Json, value: JsonValue, _exact: bool) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < _EXACT:
        return False
    return isinstance(value, int) or (one.get("type") == "number" and (value == 0 or abs(value) > 1e-6))


def _holds_flag(_one: Json, value: JsonValue, _exact: bool) -> bool:
    return isinstance(value, bool)


def _holds_anything(_one: Json, _value: JsonValue, _exact: bool) -> bool:
    return True


def _holds_date(_one: Json, value: JsonValue, _exact: bool) -> bool:
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def _holds_choice(one: Json, value: JsonValue, _exact: bool) -> bool:
    return _number_of(one, value) is not None


_HOLDS = {
    ActionId.FIELD_TEXT: _holds_text,
    ActionId.FIELD_NUMBER: _holds_number,
    ActionId.FIELD_FLAG: _holds_flag,
    ActionId.FIELD_CHOICE: _holds_choice,
    ActionId.FIELD_DATE: _holds_date,
    ActionId.FIELD_JSON: _holds_anything,
}


def _number_of(one: Json, value: JsonValue) -> int | None:
    """Which choice a value is: 1, 1.0, true and "1" are four values."""
    written = [_written(choice) for choice in choices(one)]
    return written.index(_written(value)) if _written(value) in written else None


def _written(value: JsonValue) -> str:
    return json.dumps(value, sort_keys=True)


# How each kind looks.


def _text(one: Json, value: JsonValue) -> Part:
    most = one.get("maxLength")
    held = value if isinstance(value, str) else ""
    wide = "\n" in held or len(held) > _ONE_LINE or (isinstance(most, int) and most > 200)
    element: Part = {"type": "plain_text_input", "multiline": wide or "contentMediaType" in one, "max_length": LONGEST}
    if isinstance(most, int) and max(len(held), 1) <= most < LONGEST:
        element["max_length"] = most
    return {**element, **({"initial_value": held} if held else {}), **_example(one)}


def _number(one: Json, value: JsonValue) -> Part:
    element: Part = {"type": "number_input", "is_decimal_allowed": one.get("type") != "integer", **_example(one)}
    low, high = _bound(one, "minimum"), _bound(one, "maximum")
    held = isinstance(value, int | float)
    if low is not None and not (held and value < low):  # type: ignore[operator]
        element["min_value"] = _digits(low)
    if high is not None and not (held and value > high):  # type: ignore[operator]
        element["max_value"] = _digits(high)
    return {**element, **({"initial_value": _digits(value)} if isinstance(value, int | float) else {})}


def _bound(one: Json, name: str) -> int | float | None:
    limit = one.get(name)
    usable = isinstance(limit, int | float) and not isinstance(limit, bool) and abs(limit) < _EXACT
    return limit if usable and isinstance(limit, int | float) and _NUMBER.fullmatch(_digits(limit)) else None


def _digits(value: int | float) -> str:
    """A number without an exponent. Below `_EXACT` a float's digits have a point, so that it comes back as a float."""
    return str(value) if isinstance(value, int) else format(Decimal(repr(value)), "f")


def _flag(_one: Json, value: JsonValue) -> Part:
    options = [{"text": plain(label), "value": said} for said, label in (("true", "Yes"), ("false", "No"))]
    chosen = {"initial_option": options[0 if value else 1]} if isinstance(value, bool) else {}
    return {"type": "radio_buttons", "options": options, **chosen}


def _choice(one: Json, value: JsonValue) -> Part:
    """Options carry their number, not their text: a text may be longer than an option's value."""
    texts = [line(choice if isinstance(choice, str) else _written(choice)) for choice in choices(one)]
    alike = len({text[: _OPTION - 1].strip() or "-" for text in texts}) < len(texts)
    options = [
        {"text": plain(clip(f"{number + 1}. {text}" if alike else text, _OPTION)), "value": str(number)}
        for number, text in enumerate(texts)
    ]
    at = _number_of(one, value) if value is not None else None
    return {"type": "static_select", "options": options, **({"initial_option": options[at]} if at is not None else {})}


def _date(_one: Json, value: JsonValue) -> Part:
    return {"type": "datepicker", **({"initial_date": value} if value is not None else {})}


def _json(one: Json, value: JsonValue) -> Part:
    element: Part = {"type": "plain_text_input", "multiline": True, "max_length": LONGEST, **_example(one)}
    return {**element, **({"initial_value": _as_json(value)} if value is not None else {})}


_ELEMENTS = {
    ActionId.FIELD_TEXT: _text,
    ActionId.FIELD_NUMBER: _number,
    ActionId.FIELD_FLAG: _flag,
    ActionId.FIELD_CHOICE: _choice,
    ActionId.FIELD_DATE: _date,
    ActionId.FIELD_JSON: _json,
}


def _example(one: Json) -> Part:
    listed = one.get("examples")
    first = listed[0] if isinstance(listed, list | tuple) and listed else None
    text = first if isinstance(first, str) else "" if first is None else _written(first)
    return {"placeholder": data(f"For example: {text}", _PLACEHOLDER)} if text.strip() else {}


def _as_json(value: JsonValue) -> str:
    """JSON on lines, its characters as they are where all of them can be seen, else escaped."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    return text if visible(text, lines=True).text == text else json.dumps(value, indent=2)


def _length(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= char <= "\udfff" for char in text)
