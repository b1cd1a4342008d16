"""Fixtures of the core's tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest_asyncio

from tests.core.world import World


@pytest_asyncio.fixture
async def worlds(tmp_path: Path) -> AsyncIterator[Callable[..., Any]]:
    """Builds open worlds in this test's directory, and closes them."""
    opened: list[World] = []

    async def build(*steps: Any, **fields: Any) -> World:
        home = tmp_path / str(len(opened))
        home.mkdir()
        world = World(home, *steps, **fields)
        await world.__aenter__()
        opened.append(world)
        return world

    yield build
    for world in opened:
        await world.db.close()
