"""The agent seam: what an agent is given when it is advanced, and what it gives back.

A worker has one verb, *advance*. An agent that was never durable starts from its input; one that paused goes on from
its checkpoint. The answer is a value: `Completed` or `Paused`. An agent never waits for a person.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from storage.database import Database
from storage.types import Described, Json, JsonValue, RequestKind


class AgentLevel(Described):
    """How much of an agent Signoff controls."""

    GATED = "gated", "Every tool call goes through the gate: nothing runs unapproved, nothing is started twice."
    OBSERVED = "observed", "Only the agent's own questions are handled; what its nodes do is its own affair."


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A name and arguments the agent wants to execute. `step` is the message that made the call, because models
    reuse call ids. `reason` is the agent's own words, never to be trusted."""

    step: str
    id: str
    tool: str
    args: Json
    reason: str = ""

    @property
    def key(self) -> str:
        """Natural key of the call inside its run."""
        return f"{self.step}/{self.id}"


@dataclass(frozen=True, slots=True)
class Interrupt:
    """The agent's wish to pause. `key` is stable inside the run over crashes and re-entries. A `tool` or `outcome`
    interrupt carries the call; a `question` or `review` carries the agent's own payload (any JSON)."""

    key: str
    kind: RequestKind
    call: ToolCall | None = None
    payload: JsonValue = None


@dataclass(frozen=True, slots=True)
class Paused:
    """All interrupts that one step of a run raised together, in the order the agent made them. `checkpoint` is for
    agents whose framework keeps none of its own; opaque."""

    interrupts: tuple[Interrupt, ...]
    checkpoint: JsonValue = None


@dataclass(frozen=True, slots=True)
class Completed:
    """The agent finished."""

    output: JsonValue


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a tool call gave: bytes in a format of the adapter's, and a short text for people."""

    format: str
    body: bytes
    summary: str


@dataclass(frozen=True, slots=True)
class Go:
    """Started: run the tool now, with exactly these arguments. Where people or a policy changed them, `changed` is a
    sentence that the agent must be given with the result."""

    args: Json
    changed: str = ""


@dataclass(frozen=True, slots=True)
class Replay:
    """The call ended earlier; give the agent this recorded outcome. `failed` marks a recorded error; `changed` is as
    in `Go`."""

    outcome: Outcome
    failed: bool = False
    changed: str = ""


@dataclass(frozen=True, slots=True)
class Refuse:
    """The call must not run; give the agent this sentence instead of a result. `decision` (a word of the store, such
    as `rejected` or `skipped`) and `reason` go with it for programs that read the message."""

    sentence: str
    decision: str = "denied"
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Ask:
    """People must decide first (again): pause on this interrupt."""

    interrupt: Interrupt


Start = Go | Replay | Refuse | Ask


class Ledger(Protocol):
    """What stands between an agent and its tools during one advance. Its answers come from the store; `start` is the
    only authority, and everything before it is advice from one snapshot.

    Every method raises `LeaseLost` when another worker holds the run and `RunCancelled` when a person stopped it;
    `start` raises `ExecutionPaused` while an operator has stopped everything, or this agent. An agent lets all three
    through.
    """

    def interrupt_for(self, call: ToolCall) -> Interrupt | None:
        """What must be asked before this call may start, by the snapshot this advance began with; None: start it."""
        ...

    async def start(self, call: ToolCall) -> Start:
        """Check verdict, digest, lease and cancellation and write `started`, in one transaction."""
        ...

    async def finish(self, call: ToolCall, outcome: Outcome) -> None:
        """Record the result. Accepted even from a lost lease, as evidence, until a person has said what happened."""
        ...

    async def fail(self, call: ToolCall, outcome: Outcome) -> None:
        """Record the error. Accepted late like `finish`."""
        ...

    async def suspend(self, call: ToolCall) -> None:
        """The tool itself asked something and will be entered again from its top."""
        ...

    async def lose(self, call: ToolCall) -> None:
        """The tool was left while it may still be acting: its outcome is unknown."""
        ...


@dataclass(frozen=True, slots=True)
class Lease:
    """A worker's claim on a run: owner (boot id of the process) and attempt. Every write of an advance checks both."""

    owner: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Answer:
    """A validated answer to one of the agent's own interrupts, bound to the payload that was shown."""

    payload_digest: str
    value: JsonValue


@dataclass(frozen=True, slots=True)
class Turn:
    """Everything one advance needs. `answers` maps interrupt keys to answers people gave since the pause."""

    run_id: str
    agent: str
    input: JsonValue
    lease: Lease
    ledger: Ledger
    db: Database
    checkpoint: JsonValue = None
    answers: Mapping[str, Answer] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ToolShape:
    """A tool by the name that policies match, with the names of its arguments; None where it takes any. `schema` is
    the JSON schema of its arguments, None where it is not known."""

    name: str
    args: frozenset[str] | None = None
    schema: Json | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class NodeReport:
    """One place of an agent where tools may run: gated, or the reason why it cannot be. `tools` are those that run
    there, None where that is not known."""

    name: str
    gated: bool
    reason: str = ""
    tools: tuple[ToolShape, ...] | None = None


class Agent(Protocol):
    """Something that can be advanced. Third parties plug in here; adapters make one from a framework's own object."""

    description: str
    example: str
    level: AgentLevel

    @property
    def input_schema(self) -> Json:
        """JSON schema of the input."""
        ...

    @property
    def form(self) -> Json | None:
        """JSON schema, an object of fields, of what a person fills in to start it; that object is then the run's input.
        None: one text, and the input is that text. Whether there is a form or not, a text may always come instead."""
        ...

    @property
    def fingerprint(self) -> str:
        """Changes when the agent's code or shape changes."""
        ...

    def report(self) -> tuple[NodeReport, ...]:
        """Where tools may run, and whether each place is gated."""
        ...

    async def advance(self, turn: Turn) -> Completed | Paused:
        """Go as far as possible without people. Raises `AgentError` on failure."""
        ...


def tool_schema(agents: Mapping[str, Agent], agent: str, tool: str) -> Json | None:
    """The JSON schema of a tool's arguments, where the agent reports one, and the same one everywhere."""
    places = agents[agent].report() if agent in agents else ()
    found = [shape.schema for place in places for shape in place.tools or () if shape.name == tool]
    return found[0] if found and all(schema == found[0] for schema in found) else None
