"""A self-test to run at start: with the LangGraph that is installed, does the gate hold?

The gate leans on names that LangGraph keeps to itself. If they changed their meaning, a denied call might run; so a
tiny graph makes two calls of which one is denied, once as one task and once as a task for each call.
"""

from __future__ import annotations

from contextlib import suppress
from importlib.metadata import version
from typing import Any

from langchain_core.messages import AIMessage, ToolMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode
from langgraph.types import Send

from agent_runtime.adapters.langgraph.gate import GATE, Gate
from agent_runtime.adapters.langgraph.graph import Graph, gate_graph
from agent_runtime.adapters.langgraph.tripwire import Tripwire, Ungated, armed
from agent_runtime.agents import Go, Interrupt, Outcome, Refuse, Start, ToolCall
from agent_runtime.errors import AgentError

_SERDE = JsonPlusSerializer(pickle_fallback=False, allowed_msgpack_modules=None)
_CALLS: list[dict[str, Any]] = [
    {"name": name, "args": {}, "id": name, "type": "tool_call"} for name in ("canary_allowed", "canary_denied")
]


async def check_gate() -> None:
    """Raise AgentError unless a denied call stays put, every executed call is in the ledger, and the tripwire trips."""
    try:
        for send in (False, True):
            await _check_calls(send=send)
        await _check_tripwire()
    except AgentError:
        raise
    except Exception as error:
        raise _broken(f"{type(error).__name__}: {error}") from error


async def _check_calls(*, send: bool) -> None:
    ran: list[str] = []
    ledger = _Canary()
    state = await _run(gate_graph(_graph(ran, send=send)), Gate(ledger, _SERDE))
    answers = [message for message in state["messages"] if isinstance(message, ToolMessage)]
    said = {answer.tool_call_id: answer.status for answer in answers}
    if ran != ["canary_allowed"]:
        raise _broken(f"the tools {ran} ran, and only canary_allowed was to run")
    if ledger.finished != ran:
        raise _broken(f"the ledger saw {ledger.finished}, and {ran} ran")
    if said != {"canary_allowed": "success", "canary_denied": "error"}:
        raise _broken(f"the model was told {said}")


async def _check_tripwire() -> None:
    ran: list[str] = []
    gate = Gate(_Canary(), _SERDE)
    with suppress(Ungated), armed(Tripwire(gate.stopped)):
        await _run(_graph(ran, send=False), gate)
    if ran:
        raise _broken(f"the tools {ran} ran outside the gate, past the tripwire")


def _broken(problem: str) -> AgentError:
    return AgentError(f"the gate does not hold with LangGraph {version('langgraph')}: {problem}")


class _Canary:
    """A ledger that allows one tool and denies the other."""

    def __init__(self) -> None:
        self.finished: list[str] = []

    def interrupt_for(self, call: ToolCall) -> Interrupt | None:  # noqa: ARG002
        return None

    async def start(self, call: ToolCall) -> Start:
        return Go(call.args) if call.tool == "canary_allowed" else Refuse("denied")

    async def finish(self, call: ToolCall, outcome: Outcome) -> None:  # noqa: ARG002
        self.finished.append(call.tool)

    async def fail(self, call: ToolCall, outcome: Outcome) -> None: ...

    async def suspend(self, call: ToolCall) -> None: ...

    async def lose(self, call: ToolCall) -> None: ...


def _graph(ran: list[str], *, send: bool) -> Graph:
    @tool
    async def canary_allowed() -> str:
        """Say that it ran."""
        ran.append("canary_allowed")
        return "ran"

    @tool
    async def canary_denied() -> str:
        """Say that it ran."""
        ran.append("canary_denied")
        return "ran"

    async def model(state: MessagesState) -> dict[str, Any]:  # noqa: ARG001
        return {"messages": [AIMessage("", id="canary", tool_calls=_CALLS)]}

    builder = StateGraph(MessagesState)
    builder.add_node("model", model)
    builder.add_node("tools", ToolNode([canary_allowed, canary_denied]))
    builder.add_edge(START, "model")
    if send:
        builder.add_conditional_edges("model", lambda _: [Send("tools", [call]) for call in _CALLS], ["tools"])
    else:
        builder.add_edge("model", "tools")
    return builder.compile()


async def _run(graph: Graph, gate: Gate) -> Any:
    token = GATE.set(gate)
    try:
        running = graph.copy({"checkpointer": InMemorySaver(serde=_SERDE)})
        config: RunnableConfig = {"configurable": {"thread_id": "canary"}}
        return await running.ainvoke({"messages": []}, config, durability="sync")
    finally:
        GATE.reset(token)
