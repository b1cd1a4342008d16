"""LangGraph's interrupts and the seam's: which are the gate's, which are the agent's own, and what those carry.

The gate's own pauses have ids that LangGraph never makes, so that no resume value can be meant for them.
"""

from __future__ import annotations

import hashlib
import string
from typing import Any

from langgraph.types import Interrupt as GraphInterruptValue
from pydantic_core import PydanticSerializationError, to_jsonable_python

from agent_runtime.adapters.langgraph import shapes
from agent_runtime.agents import Interrupt, ToolCall
from agent_runtime.digest import NotJson, canonical
from agent_runtime.errors import AgentError
from agent_runtime.prompts import kind_of
from storage.types import JsonValue, RequestKind

GATE_PREFIX = "gate-"
_OWN_ID_LENGTH = 32


def raised(asks: Interrupt) -> GraphInterruptValue[Any]:
    """What the gate raises in LangGraph for something that people must decide."""
    digest = hashlib.sha256(asks.key.encode()).hexdigest()[:_OWN_ID_LENGTH]
    return GraphInterruptValue(value=_packed(asks), id=GATE_PREFIX + digest)


def is_own(interrupt: GraphInterruptValue[Any]) -> bool:
    """Whether the agent itself asks, rather than the gate."""
    return not interrupt.id.startswith(GATE_PREFIX)


def read(interrupt: GraphInterruptValue[Any]) -> Interrupt:
    """The seam's interrupt behind a pending one. Raises AgentError where the agent's own is nothing that can be
    shown, kept and answered."""
    if not is_own(interrupt):
        return _unpacked(interrupt.value)
    if len(interrupt.id) != _OWN_ID_LENGTH or not set(interrupt.id) <= set(string.hexdigits):
        raise AgentError(f"the interrupt id {interrupt.id!r} is not one of LangGraph's: no answer could find its way")
    payload = shapes.payload_of(_json(interrupt.value), interrupt.response_schema)
    return Interrupt(key=interrupt.id, kind=kind_of(payload), payload=payload)


def resume_value(interrupt: GraphInterruptValue[Any], answer: JsonValue) -> JsonValue:
    """What the agent expects to be resumed with, from the answer a person gave."""
    return shapes.resume_value(_json(interrupt.value), answer)


def _json(value: Any) -> JsonValue:
    """The JSON form of an agent's payload: models, dataclasses, dates, enums and sets become what pydantic makes of
    them; anything else must be JSON already."""
    try:
        payload: JsonValue = to_jsonable_python(value)
        canonical(payload)
    except (PydanticSerializationError, ValueError, RecursionError, NotJson) as error:
        raise AgentError(
            f"the agent asked with a {type(value).__name__} that has no JSON form ({error}); "
            "interrupt() needs text, or a mapping of JSON values"
        ) from error
    return payload


def _packed(asks: Interrupt) -> dict[str, Any]:
    call = asks.call
    return {
        "key": asks.key,
        "kind": asks.kind.value,
        "payload": asks.payload,
        "call": call
        and {"step": call.step, "id": call.id, "tool": call.tool, "args": dict(call.args), "reason": call.reason},
    }


def _unpacked(value: dict[str, Any]) -> Interrupt:
    call = value["call"]
    return Interrupt(
        key=value["key"],
        kind=RequestKind(value["kind"]),
        call=None if call is None else ToolCall(**call),
        payload=value["payload"],
    )
