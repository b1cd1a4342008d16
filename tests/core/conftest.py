"""Fixtures of the core's tests."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from tests.core.world import World
from tests.stores import put_store


@pytest.fixture(autouse=True)
def logs() -> Iterator[list[Any]]:
    """What was logged, kept from the screen."""
    with capture_logs() as entries:
        yield entries


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty store to copy."""
    return put_store(tmp_path_factory.mktemp("empty"))


@pytest_asyncio.fixture
async def worlds(tmp_path: Path, empty_store: Path) -> AsyncIterator[Callable[..., Any]]:
    """Builds open worlds in this test's directory, and closes them."""
    opened: list[World] = []

    async def build(*steps: Any, **fields: Any) -> World:
        home = tmp_path / str(len(opened))
        home.mkdir()
        shutil.copy(empty_store, home / "signoff.db")
        world = World(home, *steps, **fields)
        await world.__aenter__()
        opened.append(world)
        return world

    yield build
    for world in opened:
        await world.db.close()
