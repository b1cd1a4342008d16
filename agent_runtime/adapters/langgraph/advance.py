"""One advance of a graph: enter it with what is pending now, let it run, and say where it stands.

A verdict is never a resume value: the gate reads it from the ledger, so a decided call is re-entered with no input.
Only the agent's own questions are resumed, each by its id, with the answer to exactly the payload that was shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.serde.base import SerializerProtocol
from langgraph.types import Command, StateSnapshot
from langgraph.types import Interrupt as GraphInterruptValue

from agent_runtime.adapters.langgraph import breakpoints, pending, private
from agent_runtime.adapters.langgraph.failures import agent_error
from agent_runtime.adapters.langgraph.gate import GATE, Gate, GateStopped
from agent_runtime.adapters.langgraph.graph import Graph
from agent_runtime.adapters.langgraph.private import TypeName
from agent_runtime.adapters.langgraph.reading import read_output
from agent_runtime.adapters.langgraph.saver import MSGPACK, StoreSaver
from agent_runtime.adapters.langgraph.tripwire import Tripwire, Ungated, armed
from agent_runtime.agents import Completed, Interrupt, Paused, Turn
from agent_runtime.digest import digest_payload
from agent_runtime.errors import AgentError, SignoffError
from storage import runs
from storage.tx import Tx
from storage.types import JsonValue

_PENDING = "__interrupt__"
_LAST = (1 << 62, 0)


@dataclass(frozen=True, slots=True)
class Plan:
    """What stays the same over all advances of an agent: the gated graph, how its values are kept, and its input."""

    graph: Graph
    serde: SerializerProtocol
    types: frozenset[TypeName]
    read_input: Callable[[JsonValue], Any]
    tripwire: bool
    breakpoints: bool


class Advance:
    """One use of a plan, for one turn."""

    def __init__(self, plan: Plan, turn: Turn) -> None:
        self._plan = plan
        self._turn = turn
        self._saver = StoreSaver(turn.db, self._fence, plan.serde)
        self._gate = Gate(turn.ledger, plan.serde)
        self._graph = plan.graph.copy({"checkpointer": self._saver})
        self._config: RunnableConfig = {"configurable": {"thread_id": turn.run_id}}

    async def run(self) -> Completed | Paused:
        """Go as far as possible without people. Raises LeaseLost, RunCancelled, AgentError, or the store's error."""
        token = GATE.set(self._gate)
        try:
            with armed(Tripwire(self._gate.stopped)) if self._plan.tripwire else nullcontext():
                return await self._run()
        except Exception as error:
            cause = self._cause(error)
            if cause is error:
                raise
            raise cause from error
        finally:
            GATE.reset(token)

    async def _run(self) -> Completed | Paused:
        entry = await self._entry()
        if isinstance(entry, Paused):
            return entry
        while True:
            output = await self._enter(entry)
            if isinstance(output, dict) and output.get(_PENDING):
                return self._paused(output[_PENDING])
            state = await self._state()
            if state.interrupts:
                return self._paused(state.interrupts)
            if not state.next:
                return Completed(read_output(state.values if output is None else output))
            if not self._gate.held:
                return Paused((self._stopped_at(state),))
            # Calls waited for siblings that are not about to run: let them start without.
            entry, self._gate.held, self._gate.alone = None, False, True

    async def _entry(self) -> Any:
        """What to enter the graph with, or the pause it is still in."""
        if not await self._saver.begin(self._turn.run_id):
            return self._plan.read_input(self._turn.input)
        if not self._turn.answers and not self._plan.breakpoints:
            return None
        state = await self._state()
        answers = {one.id: value for one in state.interrupts for value in self._answers_to(one)}
        if answers:
            return Command(resume=answers)
        if self._plan.breakpoints and state.next and not state.interrupts:
            return await self._pass_breakpoint(state)
        return None

    async def _pass_breakpoint(self, state: StateSnapshot) -> Paused | None:
        if not await breakpoints.at_one(self._graph, state):
            return None
        stop = self._stopped_at(state)
        answer = self._turn.answers.get(stop.key)
        if answer is None or answer.payload_digest != digest_payload(stop.payload):
            return Paused((stop,))
        if answer.value != breakpoints.GO_ON:
            raise AgentError(f"stopped at {' and '.join(state.next)} by a person")
        return None

    async def _enter(self, entry: Any) -> Any:
        output = await self._graph.ainvoke(entry, self._config, durability="sync")
        if self._gate.stop is not None:
            raise self._gate.stop
        return output

    async def _state(self) -> StateSnapshot:
        return await self._graph.aget_state(self._config, subgraphs=self._plan.breakpoints)

    def _answers_to(self, interrupt: GraphInterruptValue[Any]) -> Iterable[Any]:
        answer = self._turn.answers.get(interrupt.id)
        if answer is None or not pending.is_own(interrupt):
            return
        if answer.payload_digest == digest_payload(pending.read(interrupt).payload):
            yield pending.resume_value(interrupt, answer.value)

    def _paused(self, interrupts: Iterable[GraphInterruptValue[Any]]) -> Paused:
        lacking = private.lacking_types(self._saver.newest.bodies(MSGPACK), self._plan.types)
        if lacking:
            raise AgentError(
                f"the agent's state holds {', '.join(sorted(lacking))}, which would not come back after the pause; "
                "list the type in allowed_types (it must be importable), or keep plain values in the state"
            )
        unique = {interrupt.id: interrupt for interrupt in interrupts}
        ordered = sorted(unique.values(), key=lambda one: self._gate.order.get(one.id, _LAST))
        return Paused(tuple(pending.read(interrupt) for interrupt in ordered))

    def _stopped_at(self, state: StateSnapshot) -> Interrupt:
        if not self._plan.breakpoints:
            raise AgentError(f"the agent stopped before {' and '.join(state.next)} without saying what it waits for")
        return breakpoints.ask(state)

    def _fence(self, tx: Tx) -> None:
        lease = self._turn.lease
        runs.require_lease(tx, self._turn.run_id, lease.owner, lease.attempt)

    def _cause(self, error: Exception) -> Exception:
        """The one error that this advance failed with, whatever LangGraph made of it on the way."""
        first = self._gate.stop or self._saver.failure or error
        if isinstance(first, GateStopped):
            first = first.error
        if isinstance(first, SignoffError) or first is self._gate.stop or first is self._saver.failure:
            return AgentError(str(first)) if isinstance(first, Ungated) else first
        for failure, tool in self._gate.failures:
            if failure is first:
                return AgentError(f"tool {tool} failed: {type(first).__name__}: {first}")
        return agent_error(first)
