"""What an agent may give back: the store and the people must be able to take it, or the run fails with the reason."""

from __future__ import annotations

import json

from agent_runtime.agents import Completed, Interrupt, Paused
from agent_runtime.digest import NotJson, canonical
from agent_runtime.errors import AgentError
from storage.types import JsonValue, RequestKind

LARGEST_PAYLOAD = 200_000
"""Bytes of one question or draft in canonical form: more than this nobody could read."""

OF_CALLS = frozenset({RequestKind.TOOL, RequestKind.OUTCOME})


def require_usable(result: Completed | Paused) -> None:
    """Raise AgentError for a result that could not be kept or shown."""
    if isinstance(result, Completed):
        _require_json("the agent's output", result.output)
        return
    for interrupt in result.interrupts:
        _require_askable(interrupt)
    try:
        json.dumps(result.checkpoint, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise AgentError(f"the agent's checkpoint is not JSON: {error}") from None


def _require_askable(interrupt: Interrupt) -> None:
    if (interrupt.kind in OF_CALLS) != (interrupt.call is not None):
        lack = "carries no call" if interrupt.call is None else "carries a call"
        raise AgentError(f"the agent's interrupt {interrupt.key} is a {interrupt.kind.value} and {lack}")
    size = _require_json(f"what the agent asks ({interrupt.key})", interrupt.payload)
    if size > LARGEST_PAYLOAD:
        raise AgentError(f"what the agent asks is {size:,} bytes; nobody could read more than {LARGEST_PAYLOAD:,}")


def _require_json(what: str, value: JsonValue) -> int:
    try:
        return len(canonical(value))
    except NotJson as fault:
        raise AgentError(f"{what} is not JSON: {fault}") from None
