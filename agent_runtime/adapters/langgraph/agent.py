"""LangGraph graphs as agents."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from agent_runtime.adapters.langgraph import reading
from agent_runtime.adapters.langgraph.advance import Advance, Plan
from agent_runtime.adapters.langgraph.graph import (
    Graph,
    fingerprint,
    gate_graph,
    has_breakpoints,
    report_nodes,
    types_of,
)
from agent_runtime.adapters.langgraph.private import TypeName
from agent_runtime.agents import AgentLevel, Completed, NodeReport, Paused, Turn
from storage.types import Json, JsonValue

logger = logging.getLogger(__name__)


class LangGraphAgent:
    """A compiled graph, unmodified, as an agent.

    `read_input` makes the graph's input from the run's; by default text becomes a message or the graph's one text
    field. `form` is what people fill in (an object whose fields are the graph's input); by default the graph's own
    input schema where a text would have no place in it. `allowed_types` (types, or `module.Name`) may come back from
    checkpoints besides those in the graph's schemas. An OBSERVED agent has no tripwire: tools outside its ToolNodes run
    as they please.
    """

    def __init__(
        self,
        graph: Graph,
        *,
        description: str = "",
        example: str = "",
        level: AgentLevel = AgentLevel.GATED,
        read_input: Callable[[JsonValue], Any] | None = None,
        form: Json | None = None,
        allowed_types: Iterable[type | str] = (),
    ) -> None:
        self.description = description
        self.example = example
        self.level = level
        self._schema = _input_schema(graph)
        self._form = form if form is not None or read_input is not None else reading.read_form(self._schema)
        self._fingerprint = fingerprint(graph)
        if isinstance(graph.checkpointer, BaseCheckpointSaver):
            logger.warning(
                "the graph %s carries a %s of its own; Signoff keeps its checkpoints instead",
                graph.name, type(graph.checkpointer).__name__,
            )  # fmt: skip
        types = frozenset(types_of(graph) | {_name(one) for one in allowed_types})
        gated = gate_graph(graph)
        self._report = report_nodes(gated)
        self._plan = Plan(
            graph=gated,
            serde=JsonPlusSerializer(pickle_fallback=False, allowed_msgpack_modules=sorted(types)),
            types=types,
            read_input=read_input or (lambda value: reading.read_input(value, self._schema)),
            tripwire=level is AgentLevel.GATED,
            breakpoints=has_breakpoints(gated),
        )

    @property
    def input_schema(self) -> Json:
        return self._schema

    @property
    def form(self) -> Json | None:
        return self._form

    @property
    def fingerprint(self) -> str:
        return self._fingerprint

    def report(self) -> tuple[NodeReport, ...]:
        return self._report

    async def advance(self, turn: Turn) -> Completed | Paused:
        return await Advance(self._plan, turn).run()


def _name(one: type | str) -> TypeName:
    if isinstance(one, str):
        module, _, name = one.rpartition(".")
        return (module, name)
    return (one.__module__, one.__name__)


def _input_schema(graph: Graph) -> Json:
    try:
        return graph.get_input_jsonschema()
    except Exception:  # noqa: BLE001 - pydantic raises many kinds for types that have no JSON schema
        names = graph.input_channels if isinstance(graph.input_channels, list) else []
        return {"type": "object", "properties": {name: {} for name in names}}
