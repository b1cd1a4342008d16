"""What the demo graphs have in common: their input and output, planned tool calls, and reading what came back.

No `from __future__ import annotations` here: LangGraph reads the handled error types from `tell`'s annotation itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from langchain_core.messages import AIMessage, AnyMessage, ToolCall, ToolMessage
from langchain_core.tools import BaseTool
from langgraph.graph.message import add_messages
from langgraph.graph.state import CompiledStateGraph
from langgraph.prebuilt import ToolNode
from langgraph.prebuilt.tool_node import ToolInvocationError
from pydantic import Field
from typing_extensions import TypedDict  # pydantic reads the schema from this one on Python 3.11

Graph = CompiledStateGraph[Any, Any, Any, Any]

REFUSALS = {
    "rejected": "a person said no",
    "skipped": "a person left this step out",
    "expired": "nobody decided in time",
    "denied": "the policy forbids it",
    "cancelled": "the request was cancelled",
}
"""What a refusal means, by its decision."""


class AgentInput(TypedDict):
    """What a person gives an agent: one text."""

    input: Annotated[str, Field(title="Task", description="What the agent should do, in a sentence.")]


class AgentOutput(TypedDict):
    """What an agent gives back: one text for people."""

    result: str


class Conversation(AgentInput, AgentOutput):
    """The state of a demo graph: the task, what was planned and done so far, and the result once there is one."""

    messages: Annotated[list[AnyMessage], add_messages]


class ToolError(Exception):
    """A tool cannot or will not do what it was asked. Its sentence is told to the planner, which may go on."""


def tell(error: ToolError | ToolInvocationError | OSError | UnicodeError) -> str:
    """The sentence for an error that a planner can answer; every other error fails the run."""
    match error:
        case ToolInvocationError():
            return argument_faults(error.source.errors())
        case OSError():
            return f"The file system said no: {error.strerror or error}."
        case UnicodeError():
            return "The text holds characters that cannot be stored."
        case ToolError():
            return str(error)
        case _:  # a ToolNode with a wrapper around its calls asks about every error, whatever the annotation says
            raise error


def argument_faults(faults: Sequence[Any]) -> str:
    """What pydantic found wrong with a call's arguments, as a sentence."""
    return "The arguments are wrong: " + "; ".join(
        f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}" for fault in faults
    )


def tool_node(tools: Sequence[BaseTool]) -> ToolNode:
    """The node that runs the calls of the last message."""
    return ToolNode(tools, handle_tool_errors=tell)


def run_id(config: Mapping[str, Any]) -> str:
    """The run that a tool works for: LangGraph's thread. Kept with each effect, so that it can be traced back."""
    return str(config.get("configurable", {}).get("thread_id", ""))


@dataclass(frozen=True, slots=True)
class PlannedCall:
    """A tool and its arguments, before they became part of a message."""

    tool: str
    args: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reply:
    """How one call of the last message ended. `decision` is set where it was refused before it could run."""

    call: ToolCall
    text: str
    failed: bool
    decision: str = ""
    reason: str = ""
    artifact: Any = None
    unanswered: bool = False

    @property
    def done(self) -> bool:
        """The tool ran and returned."""
        return not self.failed and not self.decision

    @property
    def why_not(self) -> str:
        """Why the call has no result, as the end of a sentence."""
        return refusal(self.decision, self.reason) if self.decision else self.text.rstrip(".")


def refusal(decision: str, reason: str) -> str:
    """A refusal as the end of a sentence: `a person said no: too early`."""
    said = REFUSALS.get(decision, "it was refused")
    # Of a time-out the reason itself says that nobody decided, and how long that took.
    return one_line(reason) if reason.startswith(said) else f"{said}: {one_line(reason)}" if reason else said


def propose(state: Conversation, reason: str, *calls: PlannedCall) -> dict[str, Any]:
    """The next message of the planner: why, and the calls it wants. The message's id counts the messages, so that a
    repeated step makes the same message; the call ids start over in each message, as many models have it."""
    made = [ToolCall(name=call.tool, args=call.args, id=f"call_{n}", type="tool_call") for n, call in enumerate(calls)]
    return {"messages": [AIMessage(reason, id=f"plan-{rounds(state) + 1}", tool_calls=made)]}


def rounds(state: Conversation) -> int:
    """How many messages the planner has made."""
    return sum(isinstance(message, AIMessage) for message in state.get("messages", []))


def history(state: Conversation) -> list[list[Reply]]:
    """How the calls of each message of the planner ended, in their order."""
    asked: list[tuple[AIMessage, dict[str, ToolMessage]]] = []
    for message in state.get("messages", []):
        if isinstance(message, AIMessage):
            asked.append((message, {}))
        elif isinstance(message, ToolMessage) and asked:
            asked[-1][1][message.tool_call_id] = message
    return [[_reply(call, told.get(str(call["id"]))) for call in made.tool_calls] for made, told in asked]


def replies(state: Conversation) -> list[Reply]:
    """How the calls of the planner's last message ended; empty before the first message."""
    return history(state)[-1] if history(state) else []


def _reply(call: ToolCall, message: ToolMessage | None) -> Reply:
    if message is None:
        return Reply(call, "It never ran.", failed=True, unanswered=True)
    artifact = message.artifact
    verdict = artifact.get("signoff") if isinstance(artifact, Mapping) else None
    decision, reason = "", ""
    if isinstance(verdict, Mapping):
        decision, reason = str(verdict.get("decision") or "refused"), str(verdict.get("reason") or "")
    return Reply(call, message.text, message.status == "error", decision, reason, artifact)


def wants_tools(state: Conversation) -> Literal["tools", "__end__"]:
    """Where to go after the planner: to the tools, or to the end once there is a result."""
    return "__end__" if state.get("result") else "tools"


def task(state: Conversation) -> str:
    """The person's text; empty where something else came in."""
    text: object = state.get("input")
    return text.strip() if isinstance(text, str) else ""


def one_line(text: str, limit: int = 300) -> str:
    """The text on one line, cut to `limit` characters."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def not_understood(text: str, skill: str, example: str) -> dict[str, str]:
    """The result where the planner cannot read the task: what came in, what the agent does, and what to type."""
    said = f"I could not make a task of “{one_line(text, 80)}”." if text else "There was no task."
    return {"result": f"{said} {skill} Try: {example}"}
