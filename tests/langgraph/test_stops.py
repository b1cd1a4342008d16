"""Stopping in the middle: a lost lease, a cancellation, a ledger that breaks. Nothing more starts; nothing is lost."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from langchain_core.tools import tool
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode

from agent_runtime.agents import Outcome, Replay, ToolCall
from agent_runtime.errors import AgentError, LeaseLost
from storage.types import RequestKind
from tests.langgraph.bench import calls, script
from tests.langgraph.conftest import Start
from tests.langgraph.graphs import Effects, agent_graph, nested_graph, node_graph, tools

STEP = calls(("c0", "read", {"path": "a"}), ("c1", "buy", {"item": "tea"}))


def forgiving_graph(model: Any, effects: Effects) -> Any:
    """A node that makes a message of every error a tool raises."""
    return node_graph(model, effects, node=ToolNode(tools(effects), handle_tool_errors=True))


def wrapped_graph(model: Any, effects: Effects) -> Any:
    """The same, with a wrapper of the author's around every call."""

    async def wrap(request: Any, execute: Any) -> Any:
        return await execute(request)

    return node_graph(model, effects, node=ToolNode(tools(effects), handle_tool_errors=True, awrap_tool_call=wrap))


GRAPHS = {
    "agent": agent_graph,
    "node": node_graph,
    "nested": nested_graph,
    "forgiving": forgiving_graph,
    "wrapped": wrapped_graph,
}


@pytest.mark.parametrize("at", ["start", "started", "finish", "put"])
@pytest.mark.parametrize("kind", GRAPHS)
async def test_a_stolen_run_goes_on_only_with_its_new_holder(kind: str, at: str, start: Start) -> None:
    """Wherever the lease is lost, the old worker stops with LeaseLost, the new one ends the run, no tool runs twice."""
    effects, model = Effects(), script(STEP)
    stolen: list[str] = []

    def steal(step: str, _call: ToolCall) -> None:
        if step == at and not stolen:
            stolen.append(step)
            bench.steal_now()

    bench = await start(GRAPHS[kind](model, effects), allow={"read", "buy"}, on=steal)
    if at == "put":
        await bench.steal()
        bench.people.holder = 1  # the ledger has not noticed; the saver does
    with pytest.raises(LeaseLost):
        await bench.advance()
    assert len(model.asked) <= 1, "the old worker asked the model again"
    bench.people.holder = bench.attempt = 2
    bench.on = None
    output: Any = None
    for _ in range(3):
        result = await bench.advance()
        if not hasattr(result, "interrupts"):
            output = result.output
            break
        for asked in result.interrupts:
            assert asked.kind is RequestKind.OUTCOME
            bench.people.tell(asked, Replay(Outcome("text", b"it happened", "it happened")))
    assert output == "done"
    assert sorted(effects) == ["buy 1 tea", "read a"]
    assert set(bench.people.statuses().values()) == {"finished"}


@pytest.mark.parametrize("kind", GRAPHS)
async def test_a_ledger_that_breaks_stops_the_run_instead_of_misleading_the_model(kind: str, start: Start) -> None:
    """ "The store is down" while a result is recorded must not become a tool message; the next advance asks."""
    effects = Effects()

    def broken(step: str, _call: ToolCall) -> None:
        if step == "finish":
            raise OSError("the store is down")

    bench = await start(GRAPHS[kind](script(STEP[1:]), effects), allow={"buy"}, on=broken)
    with pytest.raises(OSError, match="the store is down"):
        await bench.advance()
    assert bench.people.statuses() == {"buy": "started"}
    bench.on = None
    (asked,) = await bench.paused()
    assert asked.kind is RequestKind.OUTCOME
    assert effects == ["buy 1 tea"]


def waiting(entered: asyncio.Event) -> ToolNode:
    """A node whose one tool never comes back."""

    @tool
    async def wait() -> str:
        """Wait for ever."""
        entered.set()
        await asyncio.Event().wait()
        return "never"

    return ToolNode([wait])


async def test_a_tool_cut_off_by_a_shutdown_is_unknown(start: Start) -> None:
    """A worker that is cancelled while a tool acts writes down that nobody knows, before it goes."""
    entered = asyncio.Event()
    graph = node_graph(script(calls(("c0", "wait", {}))), Effects(), node=waiting(entered))
    bench = await start(graph, allow={"wait"})
    running = asyncio.create_task(bench.advance())
    await entered.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert bench.people.statuses() == {"wait": "unknown"}
    (asked,) = await bench.paused()
    assert asked.kind is RequestKind.OUTCOME


async def test_a_node_that_times_out_leaves_its_call_unknown(start: Start) -> None:
    """A timeout of the author's cuts a tool off: nobody knows, so a person is asked."""
    builder = StateGraph(MessagesState)
    model = script(calls(("c0", "wait", {})))

    async def ask(state: MessagesState) -> Any:
        return {"messages": [await model.ainvoke(state["messages"])]}

    builder.add_node("model", ask)
    builder.add_node("tools", waiting(asyncio.Event()), timeout=0.5)
    builder.add_edge(START, "model")
    builder.add_edge("model", "tools")
    bench = await start(builder.compile(), allow={"wait"})
    with pytest.raises(AgentError, match="NodeTimeoutError"):
        await bench.advance()
    assert bench.people.statuses() == {"wait": "unknown"}
    (asked,) = await bench.paused()
    assert asked.kind is RequestKind.OUTCOME
