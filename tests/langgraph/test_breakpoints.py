"""Graphs compiled to stop before or after a node: a person says whether to go on."""

from __future__ import annotations

from typing import Any

import pytest

from agent_runtime.errors import AgentError
from storage.types import RequestKind
from tests.langgraph.bench import calls, script
from tests.langgraph.conftest import Start
from tests.langgraph.graphs import Effects, nested, node_graph

STEP = calls(("c0", "read", {"path": "a"}))

WAYS: dict[str, Any] = {
    "before": lambda effects: node_graph(script(STEP), effects, interrupt_before=["tools"]),
    "after": lambda effects: node_graph(script(STEP), effects, interrupt_after=["model"]),
    "inside": lambda effects: nested(node_graph(script(STEP), effects, interrupt_before=["tools"])),
}


@pytest.mark.parametrize("way", WAYS)
async def test_a_breakpoint_is_a_question(way: str, start: Start) -> None:
    """The graph stands still until a person says go on; entering it again without an answer does not pass it."""
    effects = Effects()
    bench = await start(WAYS[way](effects), allow={"read"})
    (asked,) = await bench.paused()
    assert asked.kind is RequestKind.QUESTION
    assert asked.key.startswith("breakpoint:")
    assert asked.payload == {"question": "Go on to tools?", "choices": ["go on", "stop"]}
    assert await bench.paused() == (asked,)
    assert effects == []
    bench.answer(asked, "go on")
    result = await bench.advance()
    assert effects == ["read a"]
    if way == "after":
        assert not hasattr(result, "interrupts")


@pytest.mark.parametrize("way", WAYS)
async def test_stop_fails_the_run(way: str, start: Start) -> None:
    """A person's stop is the run's end, in words."""
    effects = Effects()
    bench = await start(WAYS[way](effects), allow={"read"})
    (asked,) = await bench.paused()
    bench.answer(asked, "stop")
    with pytest.raises(AgentError, match=r"stopped at .* by a person"):
        await bench.advance()
    assert effects == []


async def test_each_breakpoint_is_asked_anew(start: Start) -> None:
    """Going on once is no going on for the next round, and the gate asks besides."""
    effects = Effects()
    graph = node_graph(script(STEP, calls(("c0", "buy", {"item": "tea"}))), effects, interrupt_before=["tools"])
    bench = await start(graph, allow={"read"})
    (first,) = await bench.paused()
    bench.answer(first, "go on")
    (second,) = await bench.paused()
    assert second.key not in {first.key, ""}
    assert second.key.startswith("breakpoint:")
    bench.answer(second, "go on")
    (gate,) = await bench.paused()
    assert (gate.kind, effects) == (RequestKind.TOOL, ["read a"])
    bench.people.approve(gate)
    assert await bench.completed() == "done"
    assert effects == ["read a", "buy 1 tea"]
