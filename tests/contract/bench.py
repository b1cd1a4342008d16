"""Runs an agent over a real store, the way a worker would: advance, let people decide, advance again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from agent_runtime.agents import Agent, Answer, Completed, Interrupt, Lease, Paused, ToolCall, Turn
from agent_runtime.digest import digest_payload
from storage import runs
from storage.database import Database
from storage.models import Run
from storage.tx import Tx
from storage.types import JsonValue, RunStatus
from tests.contract.ledger import People, StrictLedger

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
OWNER = "boot-1"


@dataclass
class Bench:
    """One run of one agent."""

    db: Database
    agent: Agent
    people: People
    input: JsonValue = "go"
    run_id: str = "R1"
    attempt: int = 1
    answers: dict[str, Answer] = field(default_factory=dict)
    on: Callable[[str, ToolCall], None] | None = None
    checkpoint: JsonValue = None

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
            checkpoint=self.checkpoint,
            answers=self.answers,
        )

    async def advance(self) -> Completed | Paused:
        result = await self.agent.advance(self.turn())
        if isinstance(result, Paused):
            self.checkpoint = result.checkpoint
        return result

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


def _take(tx: Tx, run_id: str, attempt: int) -> None:
    runs.change(tx, run_id, RunStatus.RUNNING, owner=OWNER, attempt=attempt)


def store(path: Path) -> Database:
    """A store in a file."""
    return Database(f"sqlite:///{path}/signoff.db")
