"""Runs a demo graph the way its users do, with a stand-in for the gate that answers each tool call as a test says."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from langchain_core.messages import AIMessage, ToolMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.prebuilt import ToolNode
from langgraph.types import Command

from agent_runtime.demo import agents
from agent_runtime.demo.conversation import Graph, tell

STRICT = JsonPlusSerializer(pickle_fallback=False, allowed_msgpack_modules=None)
"""As strict as a saver should be: a state that needs more than messages and JSON would fail."""


@dataclass(frozen=True)
class Refused:
    """The gate's answer to a call that must not run."""

    decision: str
    reason: str = ""


@dataclass(frozen=True)
class Edited:
    """The gate's answer to a call that was approved with some arguments changed."""

    changes: dict[str, Any]


class Play:
    """One run of one graph. `verdicts` answer the tool calls in the order they come; where they end, calls run."""

    def __init__(self, graph: Graph, verdicts: Sequence[Refused | Edited | None] = (), run: str = "R1") -> None:
        self._verdicts = list(verdicts)
        self.broken: Exception | None = None
        node = graph.nodes["tools"]
        bound: Any = node.bound
        gate = ToolNode(list(bound.tools_by_name.values()), handle_tool_errors=tell, awrap_tool_call=self._answered)
        nodes = {**graph.nodes, "tools": node.copy({"bound": gate})}
        self.graph = graph.copy(update={"nodes": nodes, "checkpointer": InMemorySaver(serde=STRICT)})
        self.config: Any = {"configurable": {"thread_id": run}}

    async def start(self, text: str) -> Ending:
        return await self._go({"input": text})

    async def answer(self, value: Any) -> Ending:
        """Answers the one open question, by its id."""
        state = await self.graph.aget_state(self.config)
        [asked] = state.interrupts
        return await self._go(Command(resume={asked.id: value}))

    async def calls(self) -> list[tuple[str, str, str, dict[str, Any]]]:
        """Every call made so far: message id, call id, tool, arguments."""
        state = await self.graph.aget_state(self.config)
        messages = [message for message in state.values.get("messages", []) if isinstance(message, AIMessage)]
        return [(str(m.id), str(c["id"]), c["name"], c["args"]) for m in messages for c in m.tool_calls]

    async def _go(self, given: Any) -> Ending:
        out = await self.graph.ainvoke(given, self.config, durability="sync")
        asked = out.get("__interrupt__", ())
        return Ending(out.get("result", ""), [i.value for i in asked], [i.id for i in asked])

    async def _answered(self, request: Any, execute: Any) -> Any:
        verdict = self._verdicts.pop(0) if self._verdicts else None
        call = request.tool_call
        if self.broken:
            raise self.broken
        match verdict:
            case Refused(decision, reason):
                return ToolMessage(
                    f"Not run: {decision}.",
                    name=call["name"],
                    tool_call_id=call["id"],
                    status="error",
                    artifact={"signoff": {"decision": decision, "reason": reason}},
                )
            case Edited(changes):
                edited = {**call, "args": {**call["args"], **changes}}
                return await execute(request.override(tool_call=edited))
            case _:
                return await execute(request)


@dataclass
class Ending:
    """Where a run stopped: its result, or what it asks."""

    result: str
    questions: list[Any] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)


def play(data_dir: Path, name: str, *verdicts: Refused | Edited | None, run: str = "R1") -> Play:
    return Play(agents(data_dir)[name].graph, verdicts, run)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
