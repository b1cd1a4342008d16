"""What was entered in one field, read back as the value it stands for."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from bot.cards.entries import choices
from bot.cards.ids import ActionId
from storage.types import Json, JsonValue

_LONGEST_NUMBER = 400
_NUMBER = re.compile(r"-?\d+(\.\d+)?", re.ASCII)
_WHOLE = re.compile(r"-?\d+", re.ASCII)


class NotRead(Exception):
    """What was entered cannot be read; the text says what to do."""


def read_entry(state: Any, one: Json) -> JsonValue:
    """The value entered in a field, from its block's state; None where it is empty. Raises NotRead."""
    if not isinstance(state, Mapping):
        return None
    for action, entered in state.items():
        if action in _READERS and isinstance(entered, Mapping):
            return _READERS[ActionId(action)](entered, one)
    return None


def _read_text(entered: Mapping[str, Any], _one: Json) -> JsonValue:
    text = entered.get("value")
    return text if isinstance(text, str) and text.strip() else None


def _read_number(entered: Mapping[str, Any], _one: Json) -> JsonValue:
    text = str(entered.get("value") or "").strip()
    if not text:
        return None
    if not _NUMBER.fullmatch(text) or len(text) > _LONGEST_NUMBER:
        raise NotRead("This must be a number, such as 12 or 12.5.")
    return int(text) if _WHOLE.fullmatch(text) else float(text)


def _read_flag(entered: Mapping[str, Any], _one: Json) -> JsonValue:
    return {"true": True, "false": False}.get(_selected(entered))


def _read_choice(entered: Mapping[str, Any], one: Json) -> JsonValue:
    numbered = {str(number): choice for number, choice in enumerate(choices(one))}
    return numbered.get(_selected(entered))


def _selected(entered: Mapping[str, Any]) -> str:
    option = entered.get("selected_option")
    return str(option.get("value")) if isinstance(option, Mapping) else ""


def _read_date(entered: Mapping[str, Any], _one: Json) -> JsonValue:
    day = entered.get("selected_date")
    return day if isinstance(day, str) and day else None


def _read_json(entered: Mapping[str, Any], _one: Json) -> JsonValue:
    text = entered.get("value")
    if not isinstance(text, str) or not text.strip():
        return None
    try:
        value: JsonValue = json.loads(text, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise NotRead(f'This is not JSON ({place}: {error.msg}). Texts need quotes: "like this".') from None
    except (RecursionError, ValueError):
        raise NotRead("This cannot be read as JSON: it is nested too deeply, or holds no number.") from None
    return value


def _no_number(word: str) -> JsonValue:
    raise ValueError(word)


_READERS = {
    ActionId.FIELD_TEXT: _read_text,
    ActionId.FIELD_NUMBER: _read_number,
    ActionId.FIELD_FLAG: _read_flag,
    ActionId.FIELD_CHOICE: _read_choice,
    ActionId.FIELD_DATE: _read_date,
    ActionId.FIELD_JSON: _read_json,
}
