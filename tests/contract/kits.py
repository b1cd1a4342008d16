"""How each adapter makes the agents that the contract is tested with. A new adapter adds its kit to KITS."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import interrupt

from agent_runtime.adapters.langgraph import LangGraphAgent
from agent_runtime.agents import Agent
from storage.types import Json, JsonValue
from tests.langgraph.bench import calls, script
from tests.langgraph.graphs import Effects, agent_graph, node_graph

Wanted = tuple[str, str, dict[str, Any]]
"""One call: id, tool, arguments. The tools are read(path), buy(item, amount) and fail(why), as in tests/langgraph."""


class Kit(Protocol):
    """What an adapter must be able to make."""

    name: str

    def calling(self, effects: Effects, *steps: Sequence[Wanted]) -> Agent:
        """An agent that makes these calls, one step after the other, then says "done"."""
        ...

    def asking(self, payload: JsonValue) -> Agent:
        """An agent that asks this and says what it was answered."""
        ...


@dataclass(frozen=True)
class GraphKit:
    """LangGraph: around LangChain's agent, or around a ToolNode."""

    name: str
    graph: Any

    def calling(self, effects: Effects, *steps: Sequence[Wanted]) -> Agent:
        return LangGraphAgent(self.graph(script(*(calls(*step) for step in steps)), effects))

    def asking(self, payload: JsonValue) -> Agent:
        async def ask(_state: MessagesState) -> Json:
            return {"messages": [("ai", str(interrupt(payload)))]}

        builder = StateGraph(MessagesState)
        builder.add_node("ask", ask)
        builder.add_edge(START, "ask")
        return LangGraphAgent(builder.compile())


KITS: dict[str, Kit] = {
    kit.name: kit for kit in (GraphKit("langchain agent", agent_graph), GraphKit("tool node", node_graph))
}
