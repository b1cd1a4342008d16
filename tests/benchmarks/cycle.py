"""A whole approval cycle: start, pause, decide, go on, effect, end.

Ours is the graph as people hand it to Signoff, with leases, journal, requests, decision, audit and outbox; the peer is
the same graph with LangGraph's own saver, its tool calling `interrupt()`, and nothing else.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from langchain_core.messages import AIMessage, ToolMessage
from langchain_core.tools import BaseTool, tool
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, tools_condition
from langgraph.types import Command, interrupt

from agent_runtime import approvals, runs
from agent_runtime.adapters.langgraph import LangGraphAgent
from agent_runtime.approvals import Accepted
from agent_runtime.audit import Origin
from agent_runtime.runs import Order
from agent_runtime.runtime import Runtime
from agent_runtime.verification import verify
from storage import requests
from storage.models import Run
from tests.benchmarks.core import ANA, SAM, approval, open_runtime, person
from tests.benchmarks.rounds import Comparison, Effort, Way, compare

CYCLES, TOGETHER = 32, 32
ORIGIN = Origin("slack", {"message_ts": "1.1", "action_ts": "2.2"})


def graph(buy: BaseTool, saver: Any = None) -> Any:
    """Two nodes: a planner that wants one call and then ends, and its tools."""

    async def plan(state: MessagesState) -> dict[str, Any]:
        if isinstance(state["messages"][-1], ToolMessage):
            return {"messages": [AIMessage("done", id="m2")]}
        wanted = {"id": "c1", "name": "buy", "args": {"item": "laptop", "amount": 1200}, "type": "tool_call"}
        return {"messages": [AIMessage("I need a laptop.", id="m1", tool_calls=[wanted])]}

    builder = StateGraph(MessagesState)
    builder.add_node("plan", plan)
    builder.add_node("tools", ToolNode([buy]))
    builder.add_edge(START, "plan")
    builder.add_conditional_edges("plan", tools_condition, ["tools", END])
    builder.add_edge("tools", "plan")
    return builder.compile(checkpointer=saver)


def buying(effects: list[str], *, asks: bool) -> BaseTool:
    """The tool, with an effect that costs nothing. `asks`: it interrupts its graph by itself first."""

    @tool
    async def buy(item: str, amount: int) -> str:
        """Buy something."""
        if asks and interrupt({"tool": "buy", "item": item, "amount": amount}) != "approve":
            return "no"
        effects.append(item)
        return f"bought {item}"

    return buy


@dataclass
class Ours:
    """Signoff's cycles, `together` at a time."""

    runtime: Runtime
    together: int

    async def work(self, cycles: int) -> None:
        for some in _groups(range(cycles), self.together):
            started = await asyncio.gather(*(self._start() for _ in some))
            await asyncio.gather(*(self.runtime.worker.run_once() for _ in some))
            await asyncio.gather(*(self._approve(run) for run in started))
            await asyncio.gather(*(self.runtime.worker.run_once() for _ in some))

    async def _start(self) -> Run:
        runtime, order = self.runtime, Order("buyer", "a laptop", {"channel": "C1"})
        run = await runtime.db.transact(runs.start, runtime.context(), order, person(runtime, SAM), ORIGIN)
        assert isinstance(run, Run)
        return run

    async def _approve(self, run: Run) -> None:
        runtime = self.runtime
        (request,) = await runtime.db.read(requests.pending, run.id)
        membership = person(runtime, ANA)
        act = approval(request)
        decided = await runtime.db.transact(approvals.decide, runtime.context(), act, membership, ORIGIN)
        assert isinstance(decided, Accepted)


@dataclass
class Bare:
    """The peer's cycles, `together` at a time."""

    graph: Any
    together: int
    threads: Iterable[int]

    async def work(self, cycles: int) -> None:
        for some in _groups(range(cycles), self.together):
            configs = [{"configurable": {"thread_id": f"T{next(iter(self.threads))}"}} for _ in some]
            given = {"messages": [("user", "a laptop")]}
            await asyncio.gather(*(self.graph.ainvoke(given, config) for config in configs))
            await asyncio.gather(*(self.graph.ainvoke(Command(resume="approve"), config) for config in configs))


async def measure(effort: Effort, folder: Path) -> list[Comparison]:
    """One at a time, and 32 at a time."""
    cycles = effort.of(CYCLES)
    mine: list[str] = []
    theirs: list[str] = []
    found = []
    async with AsyncExitStack() as stack:
        saver = await stack.enter_async_context(AsyncSqliteSaver.from_conn_string(str(folder / "bare.db")))
        agent = LangGraphAgent(graph(buying(mine, asks=False)))
        runtime = await stack.enter_async_context(open_runtime(folder, {"buyer": agent}))
        bare, threads = graph(buying(theirs, asks=True), saver), itertools.count()
        for together, words in ((1, "one at a time"), (TOGETHER, f"{TOGETHER} at a time")):
            ours, peer = Ours(runtime, together), Bare(bare, together, threads)
            found.append(await compare(
                effort, f"approval cycle, {words}",
                Way("Signoff, everything written", partial(ours.work, cycles)),
                Way("bare graph, AsyncSqliteSaver", partial(peer.work, cycles)),
                units=cycles,
            ))  # fmt: skip
        assert len(mine) == len(theirs) == 2 * (effort.rounds + 1) * cycles, "every cycle must have had its effect"
        assert (await runtime.db.read(verify, runtime.seal)).broken_at is None
    return found


def _groups(numbers: range, size: int) -> Iterable[range]:
    return (numbers[at : at + size] for at in range(0, len(numbers), size))
