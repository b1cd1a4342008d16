"""Fixtures for the LangGraph adapter: the contract's store in a file, and a bench to run a graph on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from agent_runtime.adapters.langgraph import LangGraphAgent
from storage.database import Database
from tests.contract.conftest import db, empty_store
from tests.contract.ledger import People
from tests.langgraph.bench import GraphBench

__all__ = ["db", "empty_store"]

Start = Callable[..., Awaitable[GraphBench]]


@pytest.fixture
def start(db: Database) -> Start:
    """`await start(graph, allow={"read"})`: a run of this graph, held by this worker."""

    async def started(graph: Any, *, allow: set[str] | None = None, run: str = "R1", **more: Any) -> GraphBench:
        given = {key: more.pop(key) for key in ("input", "on") if key in more}
        agent = graph if isinstance(graph, LangGraphAgent) else LangGraphAgent(graph, **more)
        bench = GraphBench(db, agent, People(allow=frozenset(allow or ())), run_id=run, **given)
        await bench.start()
        return bench

    return started
