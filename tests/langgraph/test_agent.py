"""Graphs as agents: what goes in, what comes out, and what the agent says of itself."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
from langchain_core.messages import AIMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from typing_extensions import TypedDict

from agent_runtime.adapters.langgraph import LangGraphAgent
from agent_runtime.agents import Agent
from agent_runtime.errors import AgentError
from tests.langgraph.bench import calls, script
from tests.langgraph.conftest import Start
from tests.langgraph.graphs import Effects, agent_graph, nested, node_graph


class Words(TypedDict, total=False):
    """Some text fields, a number, and what came of them."""

    input: str
    topic: str
    size: int
    result: Any


class Only(TypedDict, total=False):
    """One text field."""

    topic: str
    size: int


class Numbers(TypedDict, total=False):
    """No text field."""

    size: int
    weight: int


def echo(schema: Any, *, give: str = "", value: Any = None) -> Any:
    """A graph of one node that returns `value` under `give`, or nothing."""

    async def node(state: Any) -> Any:
        return {give: value} if give else {key: state[key] for key in list(state)[:1]}

    builder = StateGraph(schema)
    builder.add_node("node", node)
    builder.add_edge(START, "node")
    return builder.compile()


@pytest.mark.parametrize(
    ("schema", "given", "seen"),
    [
        (Words, "tea", {"input": "tea"}),
        (Words, {"topic": "tea", "size": 3}, {"topic": "tea", "size": 3}),
        (Only, "tea", {"topic": "tea"}),
    ],
)
async def test_what_a_person_typed_becomes_the_graphs_input(schema: Any, given: Any, seen: Any, start: Start) -> None:
    """Text goes to the field called input, or to the only text field; a mapping is the input itself."""
    bench = await start(echo(schema), input=given)
    assert await bench.completed() == seen


async def test_text_becomes_a_message(start: Start) -> None:
    """A graph that keeps messages gets the text as a person's message."""
    model = script()
    bench = await start(node_graph(model, Effects()), input="hello")
    await bench.completed()
    assert [(message.type, message.text) for message in (await bench.state())["messages"]] == [
        ("human", "hello"), ("ai", "done"),
    ]  # fmt: skip


async def test_text_with_no_place_to_go_fails_saying_what_to_give(start: Start) -> None:
    """The person is told which fields the agent takes."""
    bench = await start(echo(Numbers), input="tea")
    with pytest.raises(AgentError, match="give it JSON with size, weight"):
        await bench.advance()


async def test_an_author_may_read_the_input(start: Start) -> None:
    """`read_input` makes what the graph needs from what was typed."""
    bench = await start(echo(Only), input="a b c", read_input=lambda text: {"size": len(str(text).split())})
    assert await bench.completed() == {"size": 3}


@dataclass
class Thing:
    """Something that is not JSON."""

    day: date


@pytest.mark.parametrize(
    ("graph", "said"),
    [
        (echo(Words, give="result", value=["a", 1]), ["a", 1]),
        (echo(MessagesState, give="messages", value=[AIMessage([{"type": "text", "text": "hi"}])]), "hi"),
        (echo(Only, give="size", value=float("inf")), {"topic": "go", "size": "Infinity"}),
        (echo(Words, give="result", value=Thing(date(2026, 11, 20))), {"day": "2026-11-20"}),
    ],
)
async def test_a_finished_graph_says_its_result(graph: Any, said: Any, start: Start) -> None:
    """`result`, or the last message's text, or the state; always as JSON."""
    bench = await start(graph)
    assert await bench.completed() == said


async def test_a_node_that_raises_fails_the_run(start: Start) -> None:
    """The error is named; one that a second try may heal says so."""

    async def node(state: Words) -> Words:
        if state["input"] == "net":
            raise ConnectionError("no route")
        raise KeyError("nothing here")

    builder = StateGraph(Words)
    builder.add_node("node", node)
    builder.add_edge(START, "node")
    bench = await start(builder.compile(), input="net")
    with pytest.raises(AgentError, match="ConnectionError: no route") as raised:
        await bench.advance()
    assert raised.value.retryable
    bench = await start(builder.compile(), input="other", run="R2")
    with pytest.raises(AgentError, match="KeyError: 'nothing here'") as raised:
        await bench.advance()
    assert not raised.value.retryable


def test_the_fingerprint_changes_with_the_shape_of_the_graph() -> None:
    """The same code gives the same fingerprint; another edge, tool or breakpoint gives another."""
    effects = Effects()
    prints = [
        LangGraphAgent(graph).fingerprint
        for graph in (
            node_graph(script(), effects),
            node_graph(script(), effects, interrupt_before=["tools"]),
            nested(node_graph(script(), effects)),
            agent_graph(script(), effects),
            echo(Words),
        )
    ]
    assert len(set(prints)) == len(prints)
    assert LangGraphAgent(node_graph(script(), effects)).fingerprint == prints[0]


def test_it_is_an_agent_and_says_what_it_takes() -> None:
    """The seam's protocol holds, and the input's schema is the graph's."""
    agent: Agent = LangGraphAgent(echo(Words), description="Echoes.", example="tea")
    assert (agent.description, agent.example) == ("Echoes.", "tea")
    properties = agent.input_schema["properties"]
    assert isinstance(properties, dict)
    assert list(properties) == ["input", "topic", "size", "result"]


async def test_a_graph_with_a_checkpointer_of_its_own_is_told_once(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    """Its checkpoints go to our store, its own saver stays empty, and the log says so."""
    theirs, effects = InMemorySaver(), Effects()
    with caplog.at_level(logging.WARNING, logger="agent_runtime"):
        bench = await start(
            node_graph(script(calls(("c0", "buy", {"item": "tea"}))), effects, checkpointer=theirs), run="R1"
        )
        await bench.paused()
        await bench.paused()
    assert [record.message.count("InMemorySaver") for record in caplog.records] == [1]
    assert list(theirs.list(None)) == []


async def test_a_subgraph_with_a_checkpointer_of_its_own_pauses_and_goes_on(start: Start) -> None:
    """Even a subgraph that kept no checkpoints goes on after a pause without asking its model again."""
    for run, own in (("R1", InMemorySaver()), ("R2", False)):
        effects, model = Effects(), script(calls(("c0", "buy", {"item": "tea"})))
        bench = await start(nested(node_graph(model, effects, checkpointer=own)), run=run)
        (asked,) = await bench.paused()
        bench.people.approve(asked)
        assert await bench.completed() == "done"
        assert (effects, model.asked) == (["buy 1 tea"], [0, 1])
