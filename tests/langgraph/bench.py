"""Runs a graph as an agent, over a real store, the way a worker would: advance, let people decide, advance again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import Field

from agent_runtime.adapters.langgraph import LangGraphAgent
from agent_runtime.adapters.langgraph.saver import StoreSaver
from agent_runtime.agents import Answer, Completed, Interrupt, Lease, Paused, ToolCall, Turn
from agent_runtime.digest import digest_payload
from storage import runs
from storage.database import Database
from storage.models import Run
from storage.tx import Tx
from storage.types import JsonValue, RunStatus
from tests.contract.ledger import People, StrictLedger

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
OWNER = "boot-1"


def calls(*wanted: tuple[str, str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Raw tool calls from (id, name, arguments)."""
    return [{"id": key, "name": name, "args": args, "type": "tool_call"} for key, name, args in wanted]


class Scripted(BaseChatModel):
    """A model that gives its lines in order: the n-th line after n answers of its own are in the conversation."""

    lines: Sequence[AIMessage]
    asked: list[int] = Field(default_factory=list)
    prefix: str = "m"

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Any, **_: Any) -> Any:
        return self

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        turn = sum(isinstance(message, AIMessage) for message in messages)
        self.asked.append(turn)
        line = self.lines[turn] if turn < len(self.lines) else AIMessage("done")
        return ChatResult(generations=[ChatGeneration(message=line.model_copy(update={"id": f"{self.prefix}{turn}"}))])


def script(*lines: AIMessage | list[dict[str, Any]], prefix: str = "m") -> Scripted:
    """A model that makes these calls, one list for each turn, then says "done". Its message ids begin with `prefix`."""
    return Scripted(
        prefix=prefix, lines=[line if isinstance(line, AIMessage) else AIMessage("", tool_calls=line) for line in lines]
    )


@dataclass
class Bench:
    """One run of one agent."""

    db: Database
    agent: LangGraphAgent
    people: People
    input: JsonValue = "go"
    run_id: str = "R1"
    attempt: int = 1
    answers: dict[str, Answer] = field(default_factory=dict)
    on: Callable[[str, ToolCall], None] | None = None

    async def start(self) -> None:
        """Put the run into the store, held by this worker."""
        await self.db.transact(runs.insert, Run(
            id=self.run_id, agent="bench", status=RunStatus.RUNNING, starter={}, starter_key="slack:T:U", due_at=NOON,
            owner=OWNER, attempt=self.attempt, lease_until=NOON, created_at=NOON, updated_at=NOON,
        ))  # fmt: skip

    async def steal(self) -> None:
        """Another worker takes the run."""
        self.people.holder += 1
        await self.db.transact(_take, self.run_id, self.people.holder)

    def steal_now(self) -> None:
        """The same, from code that cannot await."""
        self.people.holder += 1
        self.db.submit(_take, self.run_id, self.people.holder).result()

    def turn(self) -> Turn:
        return Turn(
            run_id=self.run_id,
            agent="bench",
            input=self.input,
            lease=Lease(OWNER, self.attempt),
            ledger=StrictLedger(self.people, self.attempt, self.on),
            db=self.db,
            answers=self.answers,
        )

    async def advance(self) -> Completed | Paused:
        return await self.agent.advance(self.turn())

    async def paused(self) -> tuple[Interrupt, ...]:
        """Advance, and it must pause."""
        result = await self.advance()
        assert isinstance(result, Paused), result
        return result.interrupts

    async def completed(self) -> JsonValue:
        """Advance, and it must finish."""
        result = await self.advance()
        assert isinstance(result, Completed), result
        return result.output

    def answer(self, interrupt: Interrupt, value: JsonValue) -> None:
        """A person answers one of the agent's own questions."""
        assert interrupt.call is None
        self.answers[interrupt.key] = Answer(digest_payload(interrupt.payload), value)

    async def state(self) -> dict[str, Any]:
        """The values of the run's newest checkpoint."""
        saver = StoreSaver(self.db, lambda _tx: None, self.agent._plan.serde)
        graph = self.agent._plan.graph.copy({"checkpointer": saver})
        return (await graph.aget_state({"configurable": {"thread_id": self.run_id}})).values

    async def told(self) -> dict[str, ToolMessage]:
        """What the model was told of each call, by call id (the newest)."""
        messages = (await self.state())["messages"]
        return {message.tool_call_id: message for message in messages if isinstance(message, ToolMessage)}


def _take(tx: Tx, run_id: str, attempt: int) -> None:
    runs.change(tx, run_id, RunStatus.RUNNING, owner=OWNER, attempt=attempt)


def store(path: Path) -> Database:
    """A store in a file."""
    return Database(f"sqlite:///{path}/signoff.db")


__all__ = ["Bench", "Scripted", "calls", "script", "store"]
