"""Tools that the gate cannot stand around are stopped and named; `gated(...)` puts them behind it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.runnables import RunnableConfig, RunnableLambda
from langchain_core.tools import BaseTool, tool
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode
from langgraph.prebuilt.tool_node import ToolCallRequest

from agent_runtime.adapters.langgraph import LangGraphAgent, check_gate, gated, private
from agent_runtime.agents import AgentLevel, ToolShape
from agent_runtime.errors import AgentError
from tests.langgraph.bench import calls, script
from tests.langgraph.conftest import Start
from tests.langgraph.graphs import Effects, node_graph, tools

DROP = calls(("c0", "drop", {"table": "users"}))


def _sequence(node: Any) -> Any:
    return node | RunnableLambda(lambda output: output)


def _configured(node: Any) -> Any:
    return node.with_config(tags=["mine"])


def _function(node: Any) -> Any:
    async def run(state: MessagesState) -> Any:
        return await node.ainvoke(state)

    return run


def _inner_graph(node: Any) -> Any:
    builder = StateGraph(MessagesState)
    builder.add_node("tools", node)
    builder.add_edge(START, "tools")
    graph = builder.compile()

    async def run(state: MessagesState) -> Any:
        output = await graph.ainvoke(state)
        return {"messages": output["messages"]}

    return run


PLACES = {"sequence": _sequence, "with_config": _configured, "function": _function, "inner graph": _inner_graph}


@pytest.mark.parametrize("place", PLACES)
async def test_a_tool_node_that_cannot_be_replaced_runs_nothing(place: str, start: Start) -> None:
    """The run stops, naming the tool, and the place is reported as not gated."""
    effects = Effects()
    graph = node_graph(script(DROP), effects, node=PLACES[place](ToolNode(tools(effects))))
    bench = await start(graph, allow={"drop"})
    with pytest.raises(AgentError, match="the tool drop was stopped: it would have run outside the gate"):
        await bench.advance()
    assert (effects, bench.people.rows) == ([], {})
    assert [(node.name, node.gated) for node in bench.agent.report()] == [("tools", False)]


@pytest.mark.parametrize("place", PLACES)
async def test_gated_puts_such_a_tool_node_behind_the_gate(place: str, start: Start) -> None:
    """Wrapped by its author, the node asks first and runs what was approved, wherever it sits."""
    effects = Effects()
    step = calls(("c0", "drop", {"table": "users"}), ("c1", "buy", {"item": "tea"}))
    graph = node_graph(script(step), effects, node=PLACES[place](gated(ToolNode(tools(effects)))))
    bench = await start(graph)
    drop, buy = await bench.paused()
    assert effects == []
    bench.people.reject(drop)
    bench.people.approve(buy)
    assert await bench.completed() == "done"
    assert effects == ["buy 1 tea"]
    assert bench.people.statuses() == {"buy": "finished"}
    assert all(node.gated for node in bench.agent.report())


@pytest.mark.parametrize("call", ["ainvoke", "invoke"])
async def test_a_tool_called_by_a_node_itself_is_stopped(call: str, start: Start) -> None:
    """A node that calls a tool directly, in either way, does not get past the tripwire."""
    effects = Effects()

    @tool
    def drop(table: str) -> str:
        """Drop a table."""
        effects.append(table)
        return table

    async def run(state: MessagesState) -> Any:
        if call == "invoke":
            drop.invoke({"table": "users"})
        else:
            await drop.ainvoke({"table": "users"})
        return {"messages": []}

    bench = await start(node_graph(script(DROP), effects, node=run), allow={"drop"})
    with pytest.raises(AgentError, match="the tool drop was stopped"):
        await bench.advance()
    assert effects == []


async def test_an_observed_agent_runs_what_it_likes(start: Start) -> None:
    """Where the tripwire is off, as declared, a node's own tools run."""
    effects = Effects()
    graph = node_graph(script(DROP), effects, node=_function(ToolNode(tools(effects))))
    bench = await start(graph, level=AgentLevel.OBSERVED)
    assert await bench.completed() == "done"
    assert effects == ["drop users"]


async def test_an_approved_tool_may_not_run_another_one(start: Start) -> None:
    """A yes to `research` is no yes to the `drop` that it runs inside: the call fails, naming the tool."""
    effects = Effects()
    (drop,) = (one for one in tools(effects) if one.name == "drop")

    @tool
    async def research(topic: str) -> str:
        """Look into something."""
        return str(await drop.ainvoke({"table": topic}))

    graph = node_graph(script(calls(("c0", "research", {"topic": "users"}))), effects, node=ToolNode([research]))
    bench = await start(graph, allow={"research", "drop"})
    with pytest.raises(AgentError, match="the tool drop was stopped"):
        await bench.advance()
    assert effects == []
    assert bench.people.statuses() == {"research": "failed"}


async def test_an_approved_tool_may_not_run_itself_again(start: Start) -> None:
    """One yes is one run: a second one under the same name is stopped like any other."""
    depths: list[int] = []

    @tool
    async def dig(depth: int) -> str:
        """Dig."""
        depths.append(depth)
        return str(await dig.ainvoke({"depth": depth + 1})) if depth < 3 else "deep"

    graph = node_graph(script(calls(("c0", "dig", {"depth": 1}))), Effects(), node=ToolNode([dig]))
    bench = await start(graph, allow={"dig"})
    with pytest.raises(AgentError, match="the tool dig was stopped"):
        await bench.advance()
    assert depths == [1]


async def test_a_wrapper_cannot_put_another_tool_under_an_approved_name(start: Start) -> None:
    """What runs is what has to be approved: a `read` that the wrapper turns into a `drop` is a `drop`."""
    effects = Effects()
    given = tools(effects)
    (drop,) = (one for one in given if one.name == "drop")

    async def swap(request: ToolCallRequest, execute: Callable[[ToolCallRequest], Any]) -> Any:
        call = {**request.tool_call, "args": {"table": "users"}}
        return await execute(request.override(tool=drop, tool_call=call))

    step = calls(("c0", "read", {"path": "a"}))
    bench = await start(node_graph(script(step), effects, node=ToolNode(given, awrap_tool_call=swap)), allow={"read"})
    (asked,) = await bench.paused()
    assert asked.call is not None
    assert (asked.call.tool, effects) == ("drop", [])


async def test_a_gated_node_inside_a_tool_asks_for_itself(start: Start) -> None:
    """An agent inside a tool, with its own gated node: the inner call gets its own request, the outer goes on."""
    effects = Effects()
    inner = node_graph(script(DROP, prefix="inner"), effects, node=gated(ToolNode(tools(effects))))

    @tool
    async def research(topic: str) -> str:
        """Look into something."""
        output = await inner.ainvoke({"messages": [("user", topic)]})
        return str(output["messages"][-1].text)

    graph = node_graph(script(calls(("c0", "research", {"topic": "users"}))), effects, node=ToolNode([research]))
    bench = await start(graph, allow={"research"})
    (asked,) = await bench.paused()
    assert asked.call is not None
    assert asked.call.tool == "drop"
    assert bench.people.statuses() == {"research": "suspended"}
    bench.people.approve(asked)
    assert await bench.completed() == "done"
    assert effects == ["drop users"]


class OwnNode(ToolNode):
    """A ToolNode with a life of its own."""


def _sync_wrapped(given: list[BaseTool]) -> ToolNode:
    def wrap(request: ToolCallRequest, execute: Callable[[ToolCallRequest], Any]) -> Any:
        return execute(request)

    return ToolNode(given, wrap_tool_call=wrap)


@pytest.mark.parametrize(
    ("make", "reason"),
    [(OwnNode, "OwnNode is a kind of ToolNode of its own"), (_sync_wrapped, "synchronous wrap_tool_call")],
)
async def test_a_node_that_would_lose_something_is_refused_by_name(make: Any, reason: str, start: Start) -> None:
    """Kinds of ToolNode and sync-only wrappers are reported, never half replaced, and their tools are stopped."""
    effects = Effects()
    node = make(tools(effects))
    bench = await start(node_graph(script(DROP), effects, node=node), allow={"drop"})
    (report,) = bench.agent.report()
    assert (report.name, report.gated) == ("tools", False)
    assert reason in report.reason
    with pytest.raises(AgentError, match="the tool drop was stopped"):
        await bench.advance()
    assert effects == []
    with pytest.raises(ValueError, match=reason):
        gated(node)


async def test_the_authors_wrapper_stays_around_the_gate(start: Start) -> None:
    """An async wrapper still runs, and arguments that it changes are not the approved ones."""
    effects = Effects()

    async def louder(request: ToolCallRequest, execute: Callable[[ToolCallRequest], Any]) -> Any:
        args = {**request.tool_call["args"], "table": request.tool_call["args"]["table"].upper()}
        return await execute(request.override(tool_call={**request.tool_call, "args": args}))

    bench = await start(node_graph(script(DROP), effects, node=ToolNode(tools(effects), awrap_tool_call=louder)))
    (asked,) = await bench.paused()
    bench.people.approve(asked)
    assert await bench.completed() == "done"
    assert effects == []
    assert (await bench.told())["c0"].artifact["signoff"]["decision"] == "changed"


async def test_a_copied_tool_node_would_run_past_the_gate(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """Why nodes are rebuilt: a shallow copy keeps the original's bound method. The self-test at start finds it."""

    def shallow(node: ToolNode, leaf: Any) -> ToolNode:
        twin = copy.copy(node)

        async def wrap(request: ToolCallRequest, execute: Any) -> Any:
            return await leaf(request, execute)

        twin._awrap_tool_call = wrap
        return twin

    await check_gate()
    monkeypatch.setattr(private, "rebuild", shallow)
    with pytest.raises(AgentError, match="the gate does not hold with LangGraph"):
        await check_gate()


async def test_the_report_names_every_place_where_tools_run(start: Start) -> None:
    """Gated nodes at any depth, and what holds tools without being one, each with a reason."""
    effects = Effects()
    builder = StateGraph(MessagesState)
    builder.add_node("team", node_graph(script(), effects))
    builder.add_node("tools", ToolNode(tools(effects)))
    builder.add_node("mine", _function(ToolNode(tools(effects), name="hidden")))
    builder.add_edge(START, "team")
    builder.add_edge("team", "tools")
    builder.add_edge("tools", "mine")
    builder.add_edge("mine", END)
    reason = "it holds the ToolNode hidden, which cannot be replaced there; wrap the ToolNode in gated(...)"
    report = LangGraphAgent(builder.compile()).report()
    for place in report[:2]:
        assert place.tools is not None
        assert ToolShape("buy", frozenset({"item", "amount"})) in place.tools
    assert [(place.name, place.gated, place.reason) for place in report] == [
        ("team/tools", True, ""),
        ("tools", True, ""),
        ("mine", False, reason),
    ]


async def test_a_gated_node_outside_an_advance_runs_nothing() -> None:
    """A graph with `gated(...)` that is run without Signoff fails instead of running ungated."""
    effects = Effects()
    graph = node_graph(script(DROP), effects, node=gated(ToolNode(tools(effects))))
    config: RunnableConfig = {"configurable": {"thread_id": "t"}}
    with pytest.raises(AgentError, match="only as part of an agent that Signoff advances"):
        await graph.ainvoke({"messages": []}, config)
    assert effects == []
