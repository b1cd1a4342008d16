"""A ToolNode behind the gate: it first collects the verdicts of all calls of the step, then runs each as its own task.

One task for all calls, as LangGraph's own node has it, hands one call's answer to another when tools ask questions.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import AIMessage, AnyMessage, ToolMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool
from langgraph.config import get_config
from langgraph.errors import GraphBubbleUp, GraphInterrupt
from langgraph.func import task
from langgraph.prebuilt import ToolNode
from langgraph.prebuilt.tool_node import ToolCallRequest

from agent_runtime.adapters.langgraph import private
from agent_runtime.adapters.langgraph.gate import GATE, Gate, ToolFailed
from agent_runtime.adapters.langgraph.private import Execute, RunnableCallable
from agent_runtime.agents import ToolCall, ToolShape
from agent_runtime.errors import AgentError
from storage.types import Json

LONGEST_REASON = 2_000


@dataclass(frozen=True, slots=True)
class Step:
    """The message that made the calls. `siblings` are its calls that this node runs and that have no answer yet, in
    the message's order; `twins` are ids that several of its calls share."""

    id: str
    reason: str = ""
    siblings: tuple[ToolCall, ...] = ()
    twins: frozenset[str] = frozenset()

    def position(self, call: ToolCall) -> int:
        """Where among its siblings the call stands."""
        return next((place for place, sibling in enumerate(self.siblings) if sibling.key == call.key), 0)


STEP: ContextVar[Step] = ContextVar("signoff_step")


class GatedToolNode(RunnableCallable):
    """Stands where a ToolNode stood. Only asynchronous; outside an advance it refuses to run anything. Raises
    ValueError for a node that cannot be gated."""

    def __init__(self, node: ToolNode) -> None:
        refused = why_not(node)
        if refused:
            raise ValueError(f"the tool node {node.name} cannot be gated: {refused}")
        super().__init__(None, self._run, name=node.name, tags=node.tags, trace=False)
        self._wrapped = bool(private.wrapped_how(node))
        self._inner = private.rebuild(node, self._leaf)
        self.tools = tuple(node.tools_by_name)

    def shapes(self) -> tuple[ToolShape, ...] | None:
        """The tools that run here, for whoever compares them with policies; None where a wrapper may know more."""
        if self._wrapped:
            return None
        tools = self._inner.tools_by_name.items()
        return tuple(ToolShape(name, _arguments(tool), _schema(tool)) for name, tool in tools)

    async def run_one(self, step: Step, raw: Any, state: Any, config: RunnableConfig) -> Any:
        """Run one call of a step; the node's output for it."""
        if raw["id"] in step.twins:
            return _twin(raw)
        payload = {"__type": "tool_call_with_context", "tool_call": {**raw, "type": "tool_call"}, "state": state}
        token = STEP.set(step)
        try:
            return await self._inner.ainvoke(payload, config)
        except ToolFailed as failed:
            raise failed.error from None
        finally:
            STEP.reset(token)

    async def _run(self, value: Any, config: RunnableConfig) -> Any:
        gate = _gate(self.name)
        calls, shape = private.calls_of(self._inner, value)
        state, messages = private.messages_of(self._inner, value, config)
        step = self._step(calls, messages, config)
        own = {raw["id"] for raw in calls}
        gate.collect([call for call in step.siblings if call.id in own], step.siblings)
        if len(calls) == 1:
            return private.combine(self._inner, [await self.run_one(step, calls[0], state, config)], shape)
        tasks = [signoff_call(self, step, raw, state) for raw in calls]
        outputs = await asyncio.gather(*tasks, return_exceptions=True)
        _raise_together([output for output in outputs if isinstance(output, BaseException)])
        return private.combine(self._inner, outputs, shape)

    async def _leaf(self, request: ToolCallRequest, execute: Execute) -> Any:
        """The innermost step around a tool, inside whatever the graph's author wrapped around it."""
        if request.tool is None:
            return await execute(request)  # the node has no such tool and says so; nothing runs
        step, raw = STEP.get(), request.tool_call
        # The tool that will run, not the name that was called: what runs is what has to be approved.
        call = _call(step.id, {**raw, "name": request.tool.name}, step.reason)

        async def run(args: Json) -> Any:
            return await execute(request.override(tool_call={**raw, "args": dict(args)}))

        try:
            return await _gate(self.name).run(call, step.position(call), run)
        except GraphBubbleUp:
            raise
        except Exception as error:
            if self._wrapped:
                raise
            raise ToolFailed(error) from error

    def _step(self, calls: Sequence[Any], messages: Sequence[AnyMessage], config: RunnableConfig) -> Step:
        if not all(raw["id"] for raw in calls):
            raise AgentError(f"the model called {calls[0]['name']} without an id, so no decision could be bound to it")
        message = _owner(calls[0]["id"], messages)
        if message is None or not message.id:
            # The task stands in for the message: it is the same whenever this step is entered again.
            place = config["configurable"]["checkpoint_ns"]
            return self._step_of(str(place), "", calls, calls)
        answered = {m.tool_call_id for m in messages[messages.index(message) :] if isinstance(m, ToolMessage)}
        open_calls = [raw for raw in message.tool_calls if raw["id"] not in answered]
        return self._step_of(message.id, str(message.text)[:LONGEST_REASON], message.tool_calls, open_calls)

    def _step_of(self, step: str, reason: str, calls: Sequence[Any], open_calls: Sequence[Any]) -> Step:
        twins = frozenset(key for key, count in Counter(raw["id"] for raw in calls).items() if count > 1)
        siblings = (raw for raw in open_calls if raw["id"] not in twins and self._runs(raw["name"]))
        return Step(step, reason, tuple(_call(step, raw, reason) for raw in siblings), twins)

    def _runs(self, name: str) -> bool:
        """Whether this node might run the tool: what its author wrapped around it may know more tools than it does."""
        return self._wrapped or name in self.tools


def _arguments(tool: BaseTool) -> frozenset[str] | None:
    """The arguments a model may give; None where they cannot be told, or any may be given."""
    schema = tool.args_schema
    if isinstance(schema, dict) and schema.get("additionalProperties"):
        return None
    try:
        return frozenset(tool.args)
    except Exception:  # noqa: BLE001 - pydantic raises many kinds for types that have no JSON schema
        return None


def _schema(tool: BaseTool) -> Json | None:
    """The JSON schema of the arguments a model may give; None where it cannot be told. Arguments it does not name are
    none of the tool's, unless it says that there may be others."""
    try:
        shape: Any = tool.tool_call_schema
        schema: Json = shape if isinstance(shape, dict) else shape.model_json_schema()
    except Exception:  # noqa: BLE001 - pydantic raises many kinds for types that have no JSON schema
        return None
    return schema if "additionalProperties" in schema else {**schema, "additionalProperties": False}


def gated(node: ToolNode) -> GatedToolNode:
    """The same tools behind Signoff's gate, for a ToolNode that sits where the adapter cannot reach it: in a function,
    a sequence, or a graph that a function calls. Raises ValueError for a node that cannot be gated."""
    return GatedToolNode(node)


def why_not(node: ToolNode) -> str:
    """Why a node cannot be gated; empty if it can."""
    if type(node) is not ToolNode:
        return f"{type(node).__name__} is a kind of ToolNode of its own, and replacing it would lose what it adds"
    if private.wrapped_how(node) == "sync":
        return "it has a synchronous wrap_tool_call; give it an awrap_tool_call"
    return ""


@task
async def signoff_call(node: GatedToolNode, step: Step, raw: Any, state: Any) -> Any:
    """One call of a step, as a task of its own: LangGraph keeps its questions, answers and result apart."""
    return await node.run_one(step, raw, state, get_config())


def _gate(node: str | None) -> Gate:
    gate = GATE.get()
    if gate is None:
        raise AgentError(f"the gated tool node {node} runs only as part of an agent that Signoff advances")
    return gate


def _call(step: str, raw: Any, reason: str) -> ToolCall:
    return ToolCall(step=step, id=raw["id"], tool=raw["name"], args=raw["args"], reason=reason)


def _owner(call_id: str, messages: Sequence[AnyMessage]) -> AIMessage | None:
    """The newest message that made this call: models use the same ids again in later messages."""
    for message in reversed(messages):
        if isinstance(message, AIMessage) and any(raw["id"] == call_id for raw in message.tool_calls):
            return message
    return None


def _twin(raw: Any) -> ToolMessage:
    text = f"Not run: several calls of the same message have the id {raw['id']}. Call again, each with its own id."
    return ToolMessage(text, tool_call_id=raw["id"], name=raw["name"], status="error")


def _raise_together(errors: Sequence[BaseException]) -> None:
    interrupts = [error for error in errors if isinstance(error, GraphInterrupt)]
    for error in errors:
        if not isinstance(error, GraphInterrupt):
            raise error
    if interrupts:
        raise GraphInterrupt(tuple(interrupt for error in interrupts for interrupt in error.args[0]))
