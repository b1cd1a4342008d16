"""Graphs that know nothing of Signoff, and the tools they use. Every tool writes down that it ran."""

from __future__ import annotations

from typing import Any

from langchain.agents import create_agent
from langchain_core.tools import BaseTool, tool
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, tools_condition
from langgraph.types import interrupt

from tests.langgraph.bench import Scripted


class Effects(list[str]):
    """What happened outside, in order."""


def tools(effects: Effects) -> list[BaseTool]:
    """read, buy, drop: effects. book: asks two questions of its own. fail: raises."""

    @tool
    async def read(path: str) -> str:
        """Read a file."""
        effects.append(f"read {path}")
        return f"contents of {path}"

    @tool
    async def buy(item: str, amount: int = 1) -> str:
        """Buy something."""
        effects.append(f"buy {amount} {item}")
        return f"bought {amount} {item}"

    @tool
    async def drop(table: str) -> str:
        """Drop a table."""
        effects.append(f"drop {table}")
        return f"dropped {table}"

    @tool
    async def book(city: str) -> str:
        """Book a flight."""
        airline = interrupt(f"Which airline to {city}?")
        seat = interrupt({"question": f"Which seat to {city}?", "choices": ["aisle", "window"]})
        effects.append(f"book {city} {airline} {seat}")
        return f"{city} with {airline}, {seat}"

    @tool
    async def fail(why: str) -> str:
        """Fail."""
        effects.append(f"fail {why}")
        raise RuntimeError(why)

    return [read, buy, drop, book, fail]


def agent_graph(model: Scripted, effects: Effects, **more: Any) -> Any:
    """LangChain's own agent: a task for each call."""
    return create_agent(model, tools(effects), **more)


def node_graph(model: Scripted, effects: Effects, *, node: Any = None, ask: Any = None, **compiled: Any) -> Any:
    """A hand-made loop around one ToolNode: all calls in one task. `node` and `ask` replace its two nodes."""

    async def ask_model(state: MessagesState) -> dict[str, Any]:
        return {"messages": [await model.ainvoke(state["messages"])]}

    builder = StateGraph(MessagesState)
    builder.add_node("model", ask or ask_model)
    builder.add_node("tools", node if node is not None else ToolNode(tools(effects)))
    builder.add_edge(START, "model")
    builder.add_conditional_edges("model", tools_condition, ["tools", END])
    builder.add_edge("tools", "model")
    return builder.compile(**compiled)


def nested(graph: Any) -> Any:
    """The graph as a node of another graph."""
    builder = StateGraph(MessagesState)
    builder.add_node("inner", graph)
    builder.add_edge(START, "inner")
    return builder.compile()


def nested_graph(model: Scripted, effects: Effects) -> Any:
    """Two graphs deep."""
    return nested(nested(node_graph(model, effects)))


KINDS = {"agent": agent_graph, "node": node_graph, "nested": nested_graph}
