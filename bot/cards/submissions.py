"""What a submitted modal says: the other half of `modals`, reading what their fields were filled with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agent_runtime.prompts import Prompt, Question
from bot.cards.blocks import Part
from bot.cards.ids import ActionId, FieldId, Metadata
from bot.cards.modals import SELECT_OPTIONS
from bot.cards.text import clip

_ERROR_LIMIT = 2_000


def metadata_in(view: Mapping[str, Any]) -> Metadata | None:
    """What the modal is about; None where it is not one of ours."""
    return Metadata.parse(view.get("private_metadata"))


def state_in(view: Mapping[str, Any]) -> Mapping[str, Any]:
    """What was entered in every field, by block id."""
    state = view.get("state")
    values = state.get("values") if isinstance(state, Mapping) else None
    return values if isinstance(values, Mapping) else {}


def text_in(view: Mapping[str, Any], field: FieldId) -> str:
    """What was typed into `field`, without blanks around it; empty where nothing was."""
    value = _field(view, field).get("value")
    return value.strip() if isinstance(value, str) else ""


def answer_in(view: Mapping[str, Any], prompt: Prompt) -> str:
    """The typed answer, or the chosen choice in full; empty where there is none."""
    if not isinstance(prompt, Question) or not 0 < len(prompt.choices) <= SELECT_OPTIONS:
        return text_in(view, FieldId.ANSWER)
    option = _field(view, FieldId.ANSWER).get("selected_option")
    number = option.get("value") if isinstance(option, Mapping) else None
    numbered = {str(at): choice for at, choice in enumerate(prompt.choices)}
    return numbered.get(number, "") if isinstance(number, str) else ""


def field_error(field: FieldId, sentence: str) -> Part:
    """The acknowledgement that shows an error on a field and keeps the modal open."""
    return {"response_action": "errors", "errors": {field.value: clip(sentence, _ERROR_LIMIT)}}


def _field(view: Mapping[str, Any], field: FieldId) -> Mapping[str, Any]:
    """The state of a field; empty where the payload has none of that shape."""
    found: Any = view
    for key in ("state", "values", field.value, ActionId.FIELD.value):
        found = found.get(key) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else {}
