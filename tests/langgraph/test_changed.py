"""Calls that people or a policy changed: the model is told so, in the call's own message, and once more on a replay."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import BaseTool, StructuredTool
from langgraph.prebuilt import ToolNode
from langgraph.types import Command

from agent_runtime.adapters.langgraph import LangGraphAgent
from agent_runtime.adapters.langgraph.outcomes import told
from agent_runtime.agents import ToolCall
from agent_runtime.arguments import misfit
from tests.langgraph.bench import calls, script
from tests.langgraph.conftest import Start
from tests.langgraph.graphs import KINDS, Effects, node_graph, tools

CHANGED = "Before buy ran, a person («Ana») changed the argument «amount»; this is the result of the changed call."
CALL = ToolCall("m0", "c0", "buy", {})


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "nested"])
async def test_the_model_is_told_of_the_change_with_the_result(kind: str, start: Start) -> None:
    """The sentence stands before what the tool gave; the model's own call stays as it wrote it."""
    effects = Effects()
    bench = await start(KINDS[kind](script(calls(("c0", "buy", {"item": "tea", "amount": 900}))), effects))
    (asked,) = await bench.paused()
    bench.people.approve(asked, {"item": "tea", "amount": 9}, CHANGED)
    await bench.completed()
    assert effects == ["buy 9 tea"]
    message = (await bench.told())["c0"]
    assert (message.content, message.status) == (f"{CHANGED}\n\nbought 9 tea", "success")


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "nested"])
async def test_the_model_is_told_of_the_change_with_a_recorded_error(kind: str, start: Start) -> None:
    """A call that was changed, raised, and is not run again: its recorded error comes with the same sentence."""
    effects = Effects()
    bench = await start(KINDS[kind](script(calls(("c0", "fail", {"why": "no fuel"}))), effects))
    (asked,) = await bench.paused()
    bench.people.approve(asked, {"why": "fog"}, CHANGED)
    with pytest.raises(Exception, match="fog"):
        await bench.advance()
    assert await bench.completed() == "done"
    assert effects == ["fail fog"]
    message = (await bench.told())["c0"]
    assert message.text.startswith(f"{CHANGED}\n\n")
    assert message.status == "error"


def test_the_sentence_finds_the_calls_own_message() -> None:
    """In a message of blocks, in a list, and in a Command's messages; the messages of others stay as they are."""
    mine, other = ToolMessage("7", tool_call_id="c0"), ToolMessage("8", tool_call_id="c1")
    blocks = ToolMessage([{"type": "text", "text": "7"}], tool_call_id="c0")
    assert told(CALL, blocks, CHANGED).content[0] == {"type": "text", "text": CHANGED}
    first, second = told(CALL, [mine, other], CHANGED)
    assert (first.content, second) == (f"{CHANGED}\n\n7", other)
    command: Command[Any] = Command(update={"messages": [HumanMessage("x"), mine], "n": 1}, goto="end")
    changed = told(CALL, command, CHANGED)
    assert [message.content for message in changed.update["messages"]] == ["x", f"{CHANGED}\n\n7"]
    assert (changed.update["n"], changed.goto) == (1, "end")
    assert told(CALL, Command(goto="end"), CHANGED) == Command(goto="end")
    assert told(CALL, mine, "") is mine


def _shapes(*own: BaseTool) -> dict[str, Any]:
    (place,) = LangGraphAgent(node_graph(script(), Effects(), node=ToolNode(list(own)))).report()
    assert place.tools is not None
    return {shape.name: shape.schema for shape in place.tools}


def test_the_report_carries_what_each_tool_takes() -> None:
    """From the tool's own schema, as a model sees it: names it does not have are refused unless it takes any."""
    schemas = _shapes(*tools(Effects()))
    assert misfit(schemas["buy"], {"item": "tea", "amount": 2}) == ""
    assert "amount" in misfit(schemas["buy"], {"item": "tea", "amount": "two"})
    assert "'item' is a required property" in misfit(schemas["buy"], {})
    assert "'to' was unexpected" in misfit(schemas["buy"], {"item": "tea", "to": "me"})
    anything = {"type": "object", "properties": {}, "additionalProperties": True}
    free = StructuredTool(name="free", description="Takes any.", args_schema=anything, func=print)
    assert misfit(_shapes(free)["free"], {"what": "ever"}) == ""
