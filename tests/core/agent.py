"""An agent without a framework: a list of steps, each a question or a group of gated calls whose effects are lines of
a file. It keeps no state of its own, so every advance replays the steps against the ledger and the answers."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agent_runtime.agents import (
    AgentLevel,
    Ask,
    Completed,
    Go,
    Interrupt,
    NodeReport,
    Outcome,
    Paused,
    Refuse,
    Replay,
    ToolCall,
    Turn,
)
from agent_runtime.digest import digest_payload
from agent_runtime.prompts import kind_of
from storage.types import Json


class Killed(BaseException):
    """The process died here: nothing above may catch it but the test."""


@dataclass(frozen=True, slots=True)
class Calls:
    """One message of the model: calls that are asked about together and then run one after the other."""

    calls: tuple[ToolCall, ...]


@dataclass(frozen=True, slots=True)
class Questions:
    """The agent's own interrupts, raised together: key -> payload."""

    payloads: dict[str, Any]


Step = Calls | Questions


def call(tool: str, args: Json | None = None, *, step: str = "m1", call_id: str = "c1", reason: str = "") -> ToolCall:
    return ToolCall(step=step, id=call_id, tool=tool, args={} if args is None else args, reason=reason)


def one(tool: str, args: Json | None = None, **where: str) -> Calls:
    """A step of one call."""
    return Calls((call(tool, args, **where),))


@dataclass
class ScriptedAgent:
    """Implements `agents.Agent`. `at(point, call)` is called at every point of a call where a process can die or
    something else can happen: `before start`, `started`, `acted`, `finished`."""

    effects: Path
    steps: Sequence[Step] = ()
    at: Callable[[str, ToolCall], None] | None = None
    description: str = "follows a script"
    example: str = "go"
    level: AgentLevel = AgentLevel.GATED
    fingerprint: str = "1"
    input_schema: Json = field(default_factory=dict)
    form: Json | None = None
    output: Any = None
    result: str = ""
    """What every tool says; empty: that it is done."""
    give: Callable[[Turn], Completed | Paused] | None = None
    raises: BaseException | None = None
    failing: frozenset[str] = frozenset()
    advances: int = 0

    def report(self) -> tuple[NodeReport, ...]:
        return ()

    async def advance(self, turn: Turn) -> Completed | Paused:
        self.advances += 1
        if self.raises is not None:
            raise self.raises
        if self.give is not None:
            return self.give(turn)
        results: dict[str, Any] = {}
        for step in self.steps:
            paused = self._ask(turn, step, results) if isinstance(step, Questions) else await self._run(
                turn, step, results
            )  # fmt: skip
            if paused is not None:
                return paused
        return Completed(results if self.output is None else self.output)

    def _ask(self, turn: Turn, step: Questions, results: dict[str, Any]) -> Paused | None:
        missing = []
        for key, payload in step.payloads.items():
            answer = turn.answers.get(key)
            if answer is None or answer.payload_digest != digest_payload(payload):
                missing.append(Interrupt(key=key, kind=kind_of(payload), payload=payload))
            else:
                results[key] = answer.value
        return Paused(tuple(missing)) if missing else None

    async def _run(self, turn: Turn, step: Calls, results: dict[str, Any]) -> Paused | None:
        missing = [asks for one in step.calls if (asks := turn.ledger.interrupt_for(one))]
        if missing:
            return Paused(tuple(missing))
        for one in step.calls:
            asks = await self._execute(turn, one, results)
            if asks is not None:
                missing.append(asks)
        return Paused(tuple(missing)) if missing else None

    async def _execute(self, turn: Turn, one: ToolCall, results: dict[str, Any]) -> Interrupt | None:
        self._reached("before start", one)
        answer = await turn.ledger.start(one)
        if isinstance(answer, Ask):
            return answer.interrupt
        if isinstance(answer, Refuse):
            results[one.key] = answer.sentence
        elif isinstance(answer, Replay):
            results[one.key] = _told(answer.changed, answer.outcome.body.decode())
        else:
            results[one.key] = await self._act(turn, one, answer)
        return None

    async def _act(self, turn: Turn, one: ToolCall, go: Go) -> str:
        self._reached("started", one)
        act(self.effects, turn.run_id, one, go.args)
        self._reached("acted", one)
        done = self.result or f"{one.tool} done"
        end = turn.ledger.fail if one.tool in self.failing else turn.ledger.finish
        await end(one, Outcome("text", done.encode(), done))
        self._reached("finished", one)
        return _told(go.changed, done)

    def _reached(self, point: str, one: ToolCall) -> None:
        if self.at is not None:
            self.at(point, one)


def _told(changed: str, result: str) -> str:
    return f"{changed} {result}" if changed else result


def act(effects: Path, run_id: str, one: ToolCall, args: Json) -> None:
    """The effect: one line, appended in one write."""
    line = json.dumps({"run": run_id, "key": one.key, "tool": one.tool, "args": args}) + "\n"
    descriptor = os.open(effects, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, line.encode())
    finally:
        os.close(descriptor)
