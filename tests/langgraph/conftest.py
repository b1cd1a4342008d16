"""Fixtures for the LangGraph adapter: a store in a file, and a bench to run a graph on."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from agent_runtime.adapters.langgraph import LangGraphAgent
from storage.database import Database
from tests.contract.ledger import People
from tests.langgraph.bench import Bench, store

Start = Callable[..., Awaitable[Bench]]


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with its tables, to be copied: making the tables takes longer than most tests."""
    folder = tmp_path_factory.mktemp("empty")

    async def make() -> None:
        async with store(folder):
            pass

    asyncio.run(make())
    return folder / "signoff.db"


@pytest.fixture
async def db(tmp_path: Path, empty_store: Path) -> AsyncIterator[Database]:
    shutil.copy(empty_store, tmp_path)
    async with store(tmp_path) as opened:
        yield opened


@pytest.fixture
def start(db: Database) -> Start:
    """`await start(graph, allow={"read"})`: a run of this graph, held by this worker."""

    async def started(graph: Any, *, allow: set[str] | None = None, run: str = "R1", **more: Any) -> Bench:
        given = {key: more.pop(key) for key in ("input", "on") if key in more}
        agent = graph if isinstance(graph, LangGraphAgent) else LangGraphAgent(graph, **more)
        bench = Bench(db, agent, People(allow=frozenset(allow or ())), run_id=run, **given)
        await bench.start()
        return bench

    return started
