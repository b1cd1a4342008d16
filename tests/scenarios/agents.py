"""Small LangGraph agents for what the demo's agents do not do: ordinary graphs that know nothing of Signoff.

No `from __future__ import annotations` here: LangGraph reads the state's annotations when a graph is built.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

from langchain_core.tools import BaseTool, StructuredTool, tool
from langgraph.graph import START, StateGraph
from langgraph.types import interrupt

from agent_runtime.demo.conversation import (
    AgentInput,
    AgentOutput,
    Conversation,
    Graph,
    PlannedCall,
    propose,
    replies,
    task,
    tool_node,
    wants_tools,
)

MANAGERS = """
[slack]
approvals_channel = "#approvals"

[operators]
members = ["usergroup:oncall"]

[default.stage]
approvers = ["usergroup:managers"]
"""
"""A policy that asks the managers about every call."""


def _merged(one: Mapping[str, Any] | None, other: Mapping[str, Any] | None) -> dict[str, Any]:
    return {**(one or {}), **(other or {})}


class Answered(AgentInput, AgentOutput):
    """The state of `asking`: the answers so far, by the name of the node that asked."""

    answers: Annotated[dict[str, Any], _merged]


def asking(**payloads: Any) -> Graph:
    """Asks everything at once, one node for each payload; its result is what was answered, by the node's name."""
    built = StateGraph(Answered, input_schema=AgentInput, output_schema=AgentOutput)

    def ask(name: str) -> Callable[[Answered], dict[str, Any]]:
        return lambda _state: {"answers": {name: interrupt(payloads[name])}}

    for name in payloads:
        built.add_node(name, ask(name))
        built.add_edge(START, name)
    built.add_node("tell", lambda state: {"result": repr(state["answers"])})
    built.add_edge(list(payloads), "tell")
    return built.compile(name="asking")


def calling(
    *calls: PlannedCall,
    tools: Sequence[BaseTool],
    reason: str = "Because it was asked for.",
    then: Callable[[], Exception | None] = lambda: None,
) -> Graph:
    """Makes all its calls in one step; its result is what came back, a line for each call. What `then` gives after the
    calls is raised."""

    def plan(state: Conversation) -> dict[str, Any]:
        answered = replies(state)
        if answered and (error := then()) is not None:
            raise error
        if answered:
            return {"result": "\n".join(reply.text for reply in answered)}
        return propose(state, reason, *calls)

    built = StateGraph(Conversation, input_schema=AgentInput, output_schema=AgentOutput)
    built.add_node("plan", plan)
    built.add_node("tools", tool_node(tools))
    built.add_edge(START, "plan")
    built.add_conditional_edges("plan", wants_tools)
    built.add_edge("tools", "plan")
    return built.compile(name="calling")


def noting(done: list[str]) -> BaseTool:
    """A tool whose effect is a line in a list."""

    @tool
    def note(text: str) -> str:
        """Write something down."""
        done.append(text)
        return f"Noted: {len(text)} characters."

    return note


def failing(fails: Callable[[], Exception | None]) -> Graph:
    """Raises what it is told to raise; succeeds where that is nothing."""

    def work(_state: Conversation) -> dict[str, Any]:
        error = fails()
        if error is not None:
            raise error
        return {"result": "It worked."}

    built = StateGraph(Conversation, input_schema=AgentInput, output_schema=AgentOutput)
    built.add_node("work", work)
    built.add_edge(START, "work")
    return built.compile(name="failing")


def acting(tools: Sequence[str], done: list[tuple[str, int]]) -> Graph:
    """Makes the one call that its task names, such as `order 3`; the effect of each tool is its entry in a list."""

    def made(name: str) -> BaseTool:
        def act(n: int) -> str:
            done.append((name, n))
            return f"{name} {n}."

        return StructuredTool.from_function(act, name=name, description=f"Does {name}.")

    def plan(state: Conversation) -> dict[str, Any]:
        answered = replies(state)
        if answered:
            return {"result": answered[0].text}
        name, number = task(state).split()
        return propose(state, "As I was told.", PlannedCall(name, {"n": int(number)}))

    built = StateGraph(Conversation, input_schema=AgentInput, output_schema=AgentOutput)
    built.add_node("plan", plan)
    built.add_node("tools", tool_node([made(name) for name in tools]))
    built.add_edge(START, "plan")
    built.add_conditional_edges("plan", wants_tools)
    built.add_edge("tools", "plan")
    return built.compile(name="acting")
