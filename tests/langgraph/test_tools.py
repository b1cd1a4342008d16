"""Kinds of tools and nodes: Commands, artifacts, threads, middleware, sends, and calls spread over nodes."""

from __future__ import annotations

import asyncio
import operator
from typing import Annotated, Any

import pytest
from langchain.agents.middleware import ToolRetryMiddleware
from langchain_core.messages import AIMessage, AnyMessage, ToolMessage
from langchain_core.tools import InjectedToolCallId, tool
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import InjectedState, ToolNode, create_react_agent
from langgraph.types import Command, Send
from typing_extensions import TypedDict

from agent_runtime.adapters.langgraph import LangGraphAgent
from agent_runtime.agents import ToolCall
from agent_runtime.errors import AgentError, LeaseLost
from tests.langgraph.bench import calls, script
from tests.langgraph.conftest import Start
from tests.langgraph.graphs import Effects, agent_graph, node_graph, tools

READ = ("c0", "read", {"path": "a"})
BUY = ("c1", "buy", {"item": "tea"})


class Noted(MessagesState, total=False):
    """Messages, and a note that a tool leaves."""

    note: str


def noting_graph(effects: Effects, *wanted: tuple[str, str, dict[str, Any]]) -> Any:
    """A graph whose tool `note` changes the state by a Command, beside `read`."""

    @tool
    async def note(text: str, call_id: Annotated[str, InjectedToolCallId]) -> Command[Any]:
        """Leave a note."""
        effects.append(f"note {text}")
        return Command(update={"note": text, "messages": [ToolMessage("noted", tool_call_id=call_id, name="note")]})

    model = script(calls(*wanted))

    async def ask(state: Noted) -> Any:
        return {"messages": [await model.ainvoke(state["messages"])]}

    builder = StateGraph(Noted)
    builder.add_node("model", ask)
    builder.add_node("tools", ToolNode([note, *tools(effects)]))
    builder.add_edge(START, "model")
    builder.add_conditional_edges(
        "model", lambda state: "tools" if state["messages"][-1].tool_calls else END, ["tools", END]
    )
    builder.add_edge("tools", "model")
    return builder.compile()


@pytest.mark.parametrize("alone", [True, False])
async def test_a_tool_that_returns_a_command_changes_the_state(alone: bool, start: Start) -> None:
    """Alone in its step or beside another call, the Command and the messages arrive."""
    effects = Effects()
    wanted = [("c5", "note", {"text": "hi"})] if alone else [("c5", "note", {"text": "hi"}), READ]
    bench = await start(noting_graph(effects, *wanted), allow={"note", "read"})
    assert await bench.completed() == "done"
    state = await bench.state()
    assert state["note"] == "hi"
    assert (await bench.told())["c5"].content == "noted"
    assert len(effects) == len(wanted)


async def test_a_command_is_replayed_after_a_crash(start: Start) -> None:
    """The tool ended, the checkpoint was lost: the new holder gets the same Command from the journal."""
    effects = Effects()

    def steal(step: str, _call: ToolCall) -> None:
        if step == "finish" and bench.attempt == 1:
            bench.steal_now()

    bench = await start(noting_graph(effects, ("c5", "note", {"text": "hi"})), allow={"note"}, on=steal)
    with pytest.raises(LeaseLost):
        await bench.advance()
    bench.attempt = 2
    assert await bench.completed() == "done"
    assert ((await bench.state())["note"], effects) == ("hi", ["note hi"])


async def test_an_artifact_that_cannot_be_kept_does_not_lose_the_outcome(start: Start) -> None:
    """The run fails, because its state cannot be kept; the journal has the result, and the tool does not run again."""
    ran: list[str] = []

    @tool(response_format="content_and_artifact")
    async def scan() -> tuple[str, Any]:
        """Scan."""
        ran.append("scan")
        return "scanned", object()

    graph = node_graph(script(calls(("c0", "scan", {}))), Effects(), node=ToolNode([scan]))
    bench = await start(graph, allow={"scan"})
    with pytest.raises(AgentError, match="cannot be kept"):
        await bench.advance()
    assert bench.people.statuses() == {"scan": "finished"}
    assert await bench.completed() == "done"
    assert (ran, (await bench.told())["c0"].content) == (["scan"], "scanned")


async def test_a_synchronous_tool_runs_in_its_thread_behind_the_gate(start: Start) -> None:
    """Ordinary `def` tools are gated like others, in parallel too."""
    ran: list[str] = []

    @tool
    def count(upto: int) -> int:
        """Count."""
        ran.append(f"count {upto}")
        return upto

    step = calls(("c0", "count", {"upto": 3}), ("c1", "count", {"upto": 4}))
    bench = await start(node_graph(script(step), Effects(), node=ToolNode([count])))
    three, four = await bench.paused()
    assert ran == []
    bench.people.approve(three)
    bench.people.reject(four)
    assert await bench.completed() == "done"
    assert ran == ["count 3"]


async def test_injected_state_reaches_the_tool_and_is_no_argument(start: Start) -> None:
    """What the node injects is not shown, not approved, and not lost in a task of its own."""
    seen: list[int] = []

    @tool
    async def look(what: str, state: Annotated[dict[str, Any], InjectedState]) -> str:
        """Look."""
        seen.append(len(state["messages"]))
        return what

    step = calls(("c0", "look", {"what": "a"}), ("c1", "look", {"what": "b"}))
    bench = await start(node_graph(script(step), Effects(), node=ToolNode([look])))
    asked = await bench.paused()
    assert [one.call and one.call.args for one in asked] == [{"what": "a"}, {"what": "b"}]
    for one in asked:
        bench.people.approve(one)
    assert await bench.completed() == "done"
    assert seen == [2, 2]


async def test_retry_middleware_does_not_run_a_tool_twice(start: Start) -> None:
    """A retry gets the recorded error: a tool that may have acted is not run again by itself."""
    effects = Effects()
    middleware = [ToolRetryMiddleware(max_retries=3, initial_delay=0.0)]
    graph = agent_graph(script(calls(("c0", "fail", {"why": "no fuel"}))), effects, middleware=middleware)
    bench = await start(graph, allow={"fail"})
    assert await bench.completed() == "done"
    assert effects == ["fail no fuel"]


@pytest.mark.filterwarnings("ignore:create_react_agent has been moved")
@pytest.mark.parametrize("version", ["v1", "v2"])
async def test_langgraphs_own_agent_is_gated(version: Any, start: Start) -> None:
    """Both versions of the older prebuilt agent: one task for all calls, and one for each."""
    effects = Effects()
    graph = create_react_agent(script(calls(READ, BUY)), tools(effects), version=version)
    bench = await start(graph, allow={"read"})
    (asked,) = await bench.paused()
    assert effects == []
    bench.people.approve(asked)
    assert await bench.completed() == "done"
    assert sorted(effects) == ["buy 1 tea", "read a"]


async def test_calls_sent_one_after_the_other_do_not_wait_for_ever(start: Start) -> None:
    """An allowed call whose gated sibling is routed only after it runs first: holding it would stop both."""
    effects = Effects()
    model = script(calls(READ, BUY))

    async def ask(state: MessagesState) -> Any:
        return {"messages": [await model.ainvoke(state["messages"])]}

    def route(state: MessagesState) -> Any:
        asking = next(one for one in reversed(state["messages"]) if isinstance(one, AIMessage))
        answered = {one.tool_call_id for one in state["messages"] if isinstance(one, ToolMessage)}
        rest = [call for call in asking.tool_calls if call["id"] not in answered]
        return [Send("tools", [rest[0]])] if rest else "model" if asking.tool_calls else END

    builder = StateGraph(MessagesState)
    builder.add_node("model", ask)
    builder.add_node("tools", ToolNode(tools(effects)))
    builder.add_edge(START, "model")
    builder.add_conditional_edges("model", route, ["tools", "model", END])
    builder.add_conditional_edges("tools", route, ["tools", "model", END])
    bench = await start(builder.compile(), allow={"read"})
    (asked,) = await bench.paused()
    assert effects == ["read a"]
    bench.people.approve(asked)
    assert await bench.completed() == "done"
    assert effects == ["read a", "buy 1 tea"]


class Anonymous(TypedDict):
    """Messages that nobody gives ids."""

    messages: Annotated[list[AnyMessage], operator.add]


@pytest.mark.parametrize("send", [True, False])
async def test_messages_without_ids_are_gated_by_their_task(send: bool, start: Start) -> None:
    """Without a message id the task names the step: the same on re-entry, another in the next round."""
    effects = Effects()
    step = calls(READ, BUY)

    async def ask(state: Anonymous) -> Any:
        rounds = sum(isinstance(one, AIMessage) for one in state["messages"])
        return {"messages": [AIMessage("", tool_calls=step if rounds < 2 else [])]}

    def route(state: Anonymous) -> Any:
        wanted = state["messages"][-1].tool_calls  # type: ignore[union-attr]
        return ([Send("tools", [call]) for call in wanted] if send else "tools") if wanted else END

    builder = StateGraph(Anonymous)
    builder.add_node("model", ask)
    builder.add_node("tools", ToolNode(tools(effects)))
    builder.add_edge(START, "model")
    builder.add_conditional_edges("model", route, ["tools", END])
    builder.add_edge("tools", "model")
    bench = await start(builder.compile(), allow={"read"})
    keys = []
    for done in (["buy 1 tea"], ["buy 1 tea", "buy 1 tea"]):
        (asked,) = await bench.paused()
        assert await bench.paused() == (asked,)
        keys.append(asked.key)
        bench.people.approve(asked)
        result = await bench.advance()
        assert [effect for effect in effects if effect.startswith("buy")] == done
        if len(keys) == 1:
            assert hasattr(result, "interrupts")
    assert len(set(keys)) == 2
    assert effects.count("read a") == 2


@pytest.mark.parametrize("runs", [50, pytest.param(400, marks=pytest.mark.slow)])
async def test_of_many_runs_no_decision_reaches_the_other_call(start: Start, runs: int) -> None:
    """Two parallel calls with jitter before and in them, one approved and one denied: always the approved one runs."""
    effects = Effects()
    turns = iter(range(100_000))

    async def jitter() -> None:
        for _ in range(next(turns) * 7919 % 11):
            await asyncio.sleep(0)

    @tool
    async def read_file(run: str) -> str:
        """Read."""
        await jitter()
        effects.append(f"read {run}")
        return "read"

    @tool
    async def drop_db(run: str) -> str:
        """Drop."""
        await jitter()
        effects.append(f"drop {run}")
        return "dropped"

    async def wrapped(request: Any, execute: Any) -> Any:
        await jitter()
        return await execute(request)

    async def ask(state: MessagesState) -> Any:
        run = state["messages"][0].text
        names = ["read_file", "drop_db"] if int(run[1:]) % 2 else ["drop_db", "read_file"]
        step = calls(*((f"c{place}", name, {"run": run}) for place, name in enumerate(names)))
        return {"messages": [AIMessage("done", tool_calls=[] if len(state["messages"]) > 1 else step)]}

    node = ToolNode([read_file, drop_db], awrap_tool_call=wrapped)
    agent = LangGraphAgent(node_graph(script(), effects, node=node, ask=ask))

    async def one(number: int) -> None:
        bench = await start(agent, run=f"R{number}", input=f"R{number}")
        for asked in await bench.paused():
            assert asked.call is not None
            decide = bench.people.approve if asked.call.tool == "read_file" else bench.people.reject
            decide(asked)
        assert await bench.completed() == "done"
        assert bench.people.statuses() == {"read_file": "finished"}

    for batch in range(0, runs, 50):
        await asyncio.gather(*(one(batch + number) for number in range(50)))
    assert sorted(effects) == sorted(f"read R{number}" for number in range(runs))


@pytest.mark.parametrize("alone", [True, False])
async def test_a_tool_hands_over_to_a_node_of_the_parent_graph(alone: bool, start: Start) -> None:
    """A hand-over by Command(graph=PARENT) passes the gate once, and the parent's node goes on."""
    effects = Effects()

    @tool
    async def hand_over(call_id: Annotated[str, InjectedToolCallId]) -> Command[Any]:
        """Hand over."""
        effects.append("hand over")
        message = ToolMessage("handed over", tool_call_id=call_id, name="hand_over")
        return Command(goto="other", graph=Command.PARENT, update={"messages": [message]})

    async def other(state: MessagesState) -> Any:
        return {"messages": [AIMessage("the other one")]}

    step = [("c5", "hand_over", {}), *([] if alone else [READ])]
    inner = node_graph(script(calls(*step)), effects, node=ToolNode([hand_over, *tools(effects)]))
    builder = StateGraph(MessagesState)
    builder.add_node("inner", inner)
    builder.add_node("other", other)
    builder.add_edge(START, "inner")
    bench = await start(builder.compile(), allow={"read"})
    (asked,) = await bench.paused()
    assert effects == []
    bench.people.approve(asked)
    assert await bench.completed() == "the other one"
    assert sorted(effects) == (["hand over"] if alone else ["hand over", "read a"])
    assert set(bench.people.statuses().values()) == {"finished"}
