"""Models that follow a script, and a bench that can look into a graph's state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import Field

from agent_runtime.adapters.langgraph import LangGraphAgent
from agent_runtime.adapters.langgraph.saver import StoreSaver
from tests.contract.bench import Bench


def calls(*wanted: tuple[str, str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Raw tool calls from (id, name, arguments)."""
    return [{"id": key, "name": name, "args": args, "type": "tool_call"} for key, name, args in wanted]


class Scripted(BaseChatModel):
    """A model that gives its lines in order: the n-th line after n answers of its own are in the conversation."""

    lines: Sequence[AIMessage]
    asked: list[int] = Field(default_factory=list)
    heard: list[BaseMessage] = Field(default_factory=list)
    """The conversation at its latest turn."""
    prefix: str = "m"

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Any, **_: Any) -> Any:
        return self

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        turn = sum(isinstance(message, AIMessage) for message in messages)
        self.asked.append(turn)
        self.heard[:] = messages
        line = self.lines[turn] if turn < len(self.lines) else AIMessage("done")
        return ChatResult(generations=[ChatGeneration(message=line.model_copy(update={"id": f"{self.prefix}{turn}"}))])


def script(*lines: AIMessage | list[dict[str, Any]], prefix: str = "m") -> Scripted:
    """A model that makes these calls, one list for each turn, then says "done". Its message ids begin with `prefix`."""
    return Scripted(
        prefix=prefix, lines=[line if isinstance(line, AIMessage) else AIMessage("", tool_calls=line) for line in lines]
    )


class GraphBench(Bench):
    """One run of one graph."""

    async def state(self) -> dict[str, Any]:
        """The values of the run's newest checkpoint."""
        assert isinstance(self.agent, LangGraphAgent)
        saver = StoreSaver(self.db, lambda _tx: None, self.agent._plan.serde)
        graph = self.agent._plan.graph.copy({"checkpointer": saver})
        return (await graph.aget_state({"configurable": {"thread_id": self.run_id}})).values

    async def told(self) -> dict[str, ToolMessage]:
        """What the model was told of each call, by call id (the newest)."""
        messages = (await self.state())["messages"]
        return {message.tool_call_id: message for message in messages if isinstance(message, ToolMessage)}
