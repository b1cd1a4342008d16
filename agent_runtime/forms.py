"""What a person fills in to start an agent: the schema of its fields, and what is wrong with what was filled in."""

from __future__ import annotations

from collections.abc import Mapping

from jsonschema.exceptions import ValidationError

from agent_runtime.agents import Agent
from agent_runtime.answer_schema import NotFollowed, faults
from storage.types import Json, JsonValue

TEXT = "input"
TEXT_FORM: Json = {
    "type": "object",
    "properties": {
        TEXT: {"type": "string", "title": "What should it do?", "contentMediaType": "text/plain", "minLength": 1}
    },
    "required": [TEXT],
    "additionalProperties": False,
}
"""The form of an agent that takes one text."""

MOST_FAULTS = 50
NO_FIELD = ""
"""Where a fault stands that belongs to no field of its own."""

_LONGEST = 300


def form_of(agent: Agent) -> Json:
    """The schema of an agent's fields. Agents that were written without a form have none."""
    form: Json | None = getattr(agent, "form", None)
    return form if form is not None else TEXT_FORM


def input_of(form: Json, values: Json) -> JsonValue:
    """A run's input from a form that was filled in without faults."""
    return values[TEXT] if form is TEXT_FORM else values


def form_faults(form: Json, values: Json) -> Mapping[str, str]:
    """What is wrong with each field, as a sentence for whoever filled it in. Empty: nothing."""
    try:
        found = faults(form, values, MOST_FAULTS)
    except NotFollowed:
        return {NO_FIELD: "The agent's own rules for its input cannot be followed; its author has to mend them."}
    said: dict[str, str] = {}
    for fault in found:
        for field in _fields(fault):
            said.setdefault(field, _sentence(fault))
    return said


def _fields(fault: ValidationError) -> list[str]:
    """The fields that a fault is about."""
    if fault.absolute_path:
        return [str(fault.absolute_path[0])]
    if fault.validator == "required" and isinstance(fault.validator_value, list):
        return [name for name in fault.validator_value if isinstance(fault.instance, Mapping)
                and name not in fault.instance]  # fmt: skip
    return [NO_FIELD]


def _sentence(fault: ValidationError) -> str:
    limit = fault.validator_value
    match fault.validator:
        case "required" if not fault.absolute_path:
            return "Please fill this in."
        case "minLength" if limit == 1:
            return "Please fill this in."
        case "minLength":
            return f"At least {limit} characters, please."
        case "maxLength":
            return f"At most {limit} characters, please."
        case "minimum":
            return f"{limit} or more, please."
        case "maximum":
            return f"{limit} or less, please."
        case "exclusiveMinimum":
            return f"More than {limit}, please."
        case "exclusiveMaximum":
            return f"Less than {limit}, please."
        case "pattern":
            return f"This must match the pattern {str(limit)[:_LONGEST]}"
    inside = "" if len(fault.absolute_path) <= 1 else f"{fault.json_path.removeprefix('$.')}: "
    return f"{inside}{fault.message}"[:_LONGEST]
