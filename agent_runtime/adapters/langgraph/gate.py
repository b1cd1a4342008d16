"""The gate of one advance: asks the ledger before a tool runs, and tells it how the tool ended.

Everything the gate raises bubbles up through LangGraph: as a plain exception, "the database is down" would become a
message to the model, and the run would go on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextvars import ContextVar
from typing import Any, TypeVar

from langgraph.checkpoint.serde.base import SerializerProtocol
from langgraph.errors import GraphBubbleUp, GraphInterrupt, ParentCommand, is_invalid_resume

from agent_runtime.adapters.langgraph import outcomes, pending
from agent_runtime.adapters.langgraph.tripwire import PASSAGE, Passage, Ungated
from agent_runtime.agents import Ask, Interrupt, Ledger, Outcome, Refuse, Replay, ToolCall
from storage.types import Json

T = TypeVar("T")
Run = Callable[[Json], Awaitable[Any]]


class GateStopped(GraphBubbleUp):
    """The ledger could not answer: the lease is lost, the run was cancelled, or the store is down."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


class ToolFailed(GraphBubbleUp):
    """Carries a tool's own error past a node that would otherwise treat it differently because it is wrapped."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


class Gate:
    """One advance's way to the ledger.

    `held` says that a call waited for a sibling; `alone` that calls no longer do, because the siblings they waited
    for are not about to run. `stop` is the first reason why the advance cannot go on; `failures` says which tool
    raised an error. `order` ranks LangGraph's interrupt ids by the calls they belong to.
    """

    def __init__(self, ledger: Ledger, serde: SerializerProtocol) -> None:
        self.held = False
        self.alone = False
        self.stop: Exception | None = None
        self.failures: list[tuple[Exception, str]] = []
        self.order: dict[str, tuple[int, int]] = {}
        self._ledger = ledger
        self._serde = serde
        self._steps: dict[str, int] = {}

    def collect(self, mine: Sequence[ToolCall], siblings: Sequence[ToolCall]) -> None:
        """Pause unless every call of the step may start: one pause shows all that must be asked.

        Raises GraphInterrupt with what must be asked about `mine`; without any while only siblings are undecided.
        """
        self._steps.update({call.step: len(self._steps) for call in siblings if call.step not in self._steps})
        awaited = mine if self.alone else siblings
        asked = [(call, asks) for call in awaited if (asks := self._ledger.interrupt_for(call)) is not None]
        if not asked:
            return
        keys = {call.key for call in mine}
        own = [(call, asks) for call, asks in asked if call.key in keys]
        self.held = self.held or not own
        raise GraphInterrupt(
            tuple(self._raised(call, asks, siblings.index(call)) for call, asks in own),
        )

    async def run(self, call: ToolCall, position: int, execute: Run) -> Any:
        """Run a call if the ledger lets it start; else what the agent is to be given in its place."""
        answer = await self._tell(self._ledger.start(call))
        if isinstance(answer, Refuse):
            return outcomes.refusal(call, answer)
        if isinstance(answer, Replay):
            return outcomes.told(call, outcomes.decode(self._serde, call, answer), answer.changed)
        if isinstance(answer, Ask):
            raise GraphInterrupt((self._raised(call, answer.interrupt, position),))
        passage = PASSAGE.set(Passage(call.tool))
        try:
            result = await execute(answer.args)
        except Exception as error:
            await self._ended_badly(call, position, error)
            raise
        except BaseException:
            # Cancelled: a thread or a server may still be acting on it.
            await self._surely(self._ledger.lose(call))
            raise
        finally:
            PASSAGE.reset(passage)
        outcome = outcomes.encode(self._serde, result)
        ended = self._ledger.fail if outcomes.failed(result) else self._ledger.finish
        await self._surely(ended(call, outcome))
        return outcomes.told(call, result, answer.changed)

    def stopped(self, error: Exception) -> None:
        """Remember why the advance cannot go on, even if somebody's code swallows the exception."""
        self.stop = self.stop or error

    async def _ended_badly(self, call: ToolCall, position: int, error: Exception) -> None:
        if isinstance(error, GraphInterrupt):
            for number, interrupt in enumerate(error.args[0]):
                self.order.setdefault(interrupt.id, (self._rank(call, position), number))
            await self._surely(self._ledger.suspend(call))
        elif is_invalid_resume(error):
            await self._surely(self._ledger.suspend(call))
        elif isinstance(error, ParentCommand):
            words = "the tool handed over to the parent graph"
            await self._surely(self._ledger.finish(call, Outcome(outcomes.TEXT, words.encode(), words)))
        elif isinstance(error, GraphBubbleUp) and not isinstance(error, Ungated):
            await self._surely(self._ledger.lose(call))
        else:
            self.failures.append((error, call.tool))
            await self._surely(self._ledger.fail(call, outcomes.encode_error(self._serde, call, error)))

    def _raised(self, call: ToolCall, asks: Interrupt, position: int) -> Any:
        raised = pending.raised(asks)
        self.order[raised.id] = (self._rank(call, position), 0)
        return raised

    def _rank(self, call: ToolCall, position: int) -> int:
        return self._steps.get(call.step, 0) * 10_000 + position

    async def _tell(self, action: Awaitable[T]) -> T:
        try:
            return await action
        except GraphBubbleUp:
            raise
        except Exception as error:
            self.stopped(error)
            raise GateStopped(error) from error

    async def _surely(self, action: Coroutine[Any, Any, T]) -> T:
        """Wait for the ledger even while being cancelled: how a call ended must be written down."""
        task = asyncio.ensure_future(self._tell(action))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            await asyncio.wait([task])
            if not task.cancelled():
                task.exception()
            raise


GATE: ContextVar[Gate | None] = ContextVar("signoff_gate", default=None)
