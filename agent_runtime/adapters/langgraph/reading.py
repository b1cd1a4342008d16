"""What goes into a graph and what comes out: a person's text as the graph's input, its last state as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from langchain_core.messages import BaseMessage, HumanMessage
from pydantic_core import to_jsonable_python

from agent_runtime.errors import AgentError
from storage.types import Json, JsonValue

_OUTPUTS = ("result", "output")


def read_input(value: JsonValue, schema: Json) -> Any:
    """The graph's input. Text becomes the graph's next message, or its one text field; a mapping is the input itself.
    Raises AgentError where a text has no place to go."""
    if not isinstance(value, str):
        return value
    fields = schema.get("properties")
    if not isinstance(fields, Mapping):
        return value
    if "messages" in fields:
        return {"messages": [HumanMessage(value)]}
    field = _text_field(fields, schema.get("required", ()))
    if field is None:
        raise AgentError(f"this agent takes no plain text; give it JSON with {', '.join(fields) or 'its fields'}")
    return {field: value}


def read_form(schema: Json) -> Json | None:
    """What people fill in for a graph with this input schema: its fields. None where their text has a place of its own,
    as the next message or in the one text field."""
    fields = schema.get("properties")
    if not isinstance(fields, Mapping) or not fields or "messages" in fields:
        return None
    return None if _text_field(fields, schema.get("required", ())) is not None else schema


def read_output(state: Any) -> JsonValue:
    """What a finished graph has to say, as JSON: its `result` or `output`, or its last message's text, or its state."""
    if isinstance(state, Mapping):
        for name in _OUTPUTS:
            if name in state:
                return _json(state[name])
        messages = state.get("messages")
        if isinstance(messages, list) and messages and isinstance(messages[-1], BaseMessage):
            return str(messages[-1].text)
    return _json(state)


def _text_field(fields: Mapping[str, Any], required: Any) -> str | None:
    texts = [name for name, field in fields.items() if isinstance(field, Mapping) and field.get("type") == "string"]
    if "input" in texts:
        return "input"
    wanted = [name for name in texts if name in required]
    candidates = wanted if len(wanted) == 1 else texts
    return candidates[0] if len(candidates) == 1 else None


def _json(value: Any) -> JsonValue:
    plain = to_jsonable_python(value, fallback=str, bytes_mode="base64")
    # JSON knows no infinities and no NaN: they go by their names.
    result: JsonValue = json.loads(json.dumps(plain), parse_constant=str)
    return result
