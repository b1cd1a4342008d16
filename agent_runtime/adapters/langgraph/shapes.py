"""The shapes in which other tools' agents ask, put into ours, and our answers put back into theirs.

Known: `interrupt(..., response_schema=...)`, LangChain's human-in-the-loop middleware, and Agent Inbox. Agents that
ask in our own shape, or in none, get the answer as it is. Approving something here is an answer to the agent's own
question; its tools pass the gate all the same.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from storage.types import Json, JsonValue

_PLAIN = {"question", "choices", "kind"}


def payload_of(value: JsonValue, schema: Any) -> JsonValue:
    """What people are shown: the agent's own payload, or a question made from a shape we know."""
    if isinstance(schema, Mapping):
        return _with_schema(value, schema)
    actions = _middleware_actions(value)
    if actions is not None:
        return {"question": _describe(actions), "choices": _middleware_choices(value)}
    inbox = _inbox_requests(value)
    if inbox is not None:
        choices = _inbox_choices(inbox)
        return {"question": _describe(inbox), **({"choices": choices} if choices else {})}
    return value


def resume_value(value: JsonValue, answer: JsonValue) -> JsonValue:
    """The agent's form of a person's answer to what it asked with `value`."""
    if not isinstance(answer, str):
        return answer
    actions = _middleware_actions(value)
    if actions is not None:
        return {"decisions": [{"type": answer} for _ in actions]}
    inbox = _inbox_requests(value)
    if inbox is None:
        return answer
    if answer in _inbox_choices(inbox):
        return [{"type": answer, "args": None} for _ in inbox]
    return [{"type": "response", "args": answer} for _ in inbox]


def _with_schema(value: JsonValue, schema: Json) -> JsonValue:
    if isinstance(value, Mapping) and "answer_schema" in value:
        return value
    if isinstance(value, Mapping) and "question" in value and value.keys() <= _PLAIN:
        return {**value, "answer_schema": schema}
    text = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
    return {"question": text, "answer_schema": schema}


def _middleware_actions(value: JsonValue) -> Sequence[Json] | None:
    if not isinstance(value, Mapping) or not {"action_requests", "review_configs"} <= value.keys():
        return None
    return _mappings(value["action_requests"])


def _middleware_choices(value: JsonValue) -> list[str]:
    """Decisions that every action of the request allows and that need no more than the word."""
    assert isinstance(value, Mapping)
    configs = _mappings(value["review_configs"]) or ()
    allowed = [set(words) for config in configs if isinstance(words := config.get("allowed_decisions"), Sequence)]
    return [word for word in ("approve", "reject") if all(word in words for words in allowed)]


def _inbox_requests(value: JsonValue) -> Sequence[Json] | None:
    requests = _mappings(value if isinstance(value, list) else [value])
    if requests and all({"action_request", "config"} <= request.keys() for request in requests):
        return requests
    return None


def _inbox_choices(requests: Sequence[Json]) -> list[str]:
    configs = [config for request in requests if isinstance(config := request["config"], Mapping)]
    words = {"accept": "allow_accept", "ignore": "allow_ignore"}
    return [word for word, key in words.items() if configs and all(config.get(key) for config in configs)]


def _describe(requests: Sequence[Json]) -> str:
    return "\n\n".join(_describe_one(request) for request in requests)


def _describe_one(request: Json) -> str:
    description = request.get("description")
    details = json.dumps({key: item for key, item in request.items() if key != "description"}, indent=2)
    return f"{description}\n{details}" if isinstance(description, str) and description else details


def _mappings(value: JsonValue) -> Sequence[Json] | None:
    if not isinstance(value, Sequence) or isinstance(value, str):
        return None
    found = [one for one in value if isinstance(one, Mapping)]
    return found if found and len(found) == len(value) else None
