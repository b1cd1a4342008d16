"""A ledger in memory that is stricter than the store's: whatever an adapter must never do is an error here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from agent_runtime.agents import Ask, Go, Interrupt, Outcome, Refuse, Replay, Start, ToolCall
from agent_runtime.errors import RunCancelled
from storage.errors import LeaseLost
from storage.types import Json, RequestKind


@dataclass(slots=True)
class Row:
    """One call as the journal would have it."""

    call: ToolCall
    status: str = "started"
    starts: int = 1
    outcome: Outcome | None = None


@dataclass(slots=True)
class People:
    """What stays when a worker dies: the rules, the people's decisions, and the journal of one run.

    `allow` names the tools that need nobody. `decisions` maps call keys to a Go (with the arguments to run) or a
    Refuse; `told` maps call keys to what a person said of an unknown outcome.
    """

    allow: frozenset[str] = frozenset()
    decisions: dict[str, Go | Refuse] = field(default_factory=dict)
    told: dict[str, Replay] = field(default_factory=dict)
    rows: dict[str, Row] = field(default_factory=dict)
    bound: dict[str, Json] = field(default_factory=dict)
    holder: int = 1
    cancelled: bool = False

    def approve(self, interrupt: Interrupt, args: Json | None = None, changed: str = "") -> None:
        call = interrupt.call
        assert call is not None
        assert interrupt.kind is RequestKind.TOOL
        assert interrupt.key == f"call:{call.key}"
        self.bound[call.key] = call.args
        self.decisions[call.key] = Go(call.args if args is None else args, changed)

    def reject(self, interrupt: Interrupt, sentence: str = "a person said no") -> None:
        call = interrupt.call
        assert call is not None
        self.bound[call.key] = call.args
        self.decisions[call.key] = Refuse(sentence, "rejected", "not today")

    def tell(self, interrupt: Interrupt, replay: Replay) -> None:
        assert interrupt.kind is RequestKind.OUTCOME
        assert interrupt.call is not None
        assert interrupt.key == f"outcome:{interrupt.call.key}"
        self.told[interrupt.call.key] = replay

    @property
    def started(self) -> list[str]:
        """Tools in the order in which they were started."""
        return [row.call.tool for row in self.rows.values()]

    def statuses(self) -> dict[str, str]:
        return {row.call.tool: row.status for row in self.rows.values()}


class StrictLedger:
    """The ledger of one advance. `attempt` is the lease it acts under; `on` is told of each step, to interfere."""

    def __init__(self, people: People, attempt: int = 1, on: Callable[[str, ToolCall], None] | None = None) -> None:
        self._people = people
        self._attempt = attempt
        self._on = on or (lambda _step, _call: None)
        self._snapshot = dict(people.decisions)
        self._known = {key: row.status for key, row in people.rows.items()}

    def interrupt_for(self, call: ToolCall) -> Interrupt | None:
        status = self._known.get(call.key)
        if status in {"started", "unknown"} and call.key not in self._people.told:
            return Interrupt(f"outcome:{call.key}", RequestKind.OUTCOME, call=call)
        if status is not None or call.tool in self._people.allow or call.key in self._snapshot:
            return None
        return Interrupt(f"call:{call.key}", RequestKind.TOOL, call=call)

    async def start(self, call: ToolCall) -> Start:
        self._on("start", call)
        self._check()
        people, row = self._people, self._people.rows.get(call.key)
        if row is not None and row.status != "suspended":
            return self._start_again(call, row)
        decision = Go(call.args) if call.tool in people.allow else people.decisions.get(call.key)
        if decision is None:
            return Ask(Interrupt(f"call:{call.key}", RequestKind.TOOL, call=call))
        if isinstance(decision, Refuse):
            return decision
        if people.bound.get(call.key, call.args) != call.args:
            return Refuse("the arguments are not those that were approved", "changed")
        if row is None:
            people.rows[call.key] = Row(call)
        else:
            row.status, row.starts = "started", row.starts + 1
        self._on("started", call)
        return decision

    async def finish(self, call: ToolCall, outcome: Outcome) -> None:
        self._on("finish", call)
        self._end(call, "finished", outcome)

    async def fail(self, call: ToolCall, outcome: Outcome) -> None:
        self._end(call, "failed", outcome)

    async def suspend(self, call: ToolCall) -> None:
        self._end(call, "suspended", None)

    async def lose(self, call: ToolCall) -> None:
        self._end(call, "unknown", None)

    def _start_again(self, call: ToolCall, row: Row) -> Start:
        if row.status in {"finished", "failed"}:
            assert row.outcome is not None
            decision = self._people.decisions.get(call.key)
            changed = decision.changed if isinstance(decision, Go) else ""
            return Replay(row.outcome, failed=row.status == "failed", changed=changed)
        told = self._people.told.get(call.key)
        if told is None:
            return Ask(Interrupt(f"outcome:{call.key}", RequestKind.OUTCOME, call=call))
        row.status, row.outcome = "finished", told.outcome
        return told

    def _end(self, call: ToolCall, status: str, outcome: Outcome | None) -> None:
        row = self._people.rows[call.key]
        assert row.status == "started", f"{call.key} ended as {status} though it was {row.status}"
        row.status, row.outcome = status, outcome

    def _check(self) -> None:
        if self._people.holder != self._attempt:
            raise LeaseLost("run R1")
        if self._people.cancelled:
            raise RunCancelled("R1")
