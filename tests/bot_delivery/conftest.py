"""Fixtures of the delivery tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agent_runtime.clock import MovableClock
from bot.workspace import Workspace
from tests.bot_delivery.office import START, Office, open_office, workspace


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock(START)


@pytest.fixture
async def ws(clock: MovableClock) -> AsyncIterator[Workspace]:
    async with workspace(clock) as served:
        yield served
        assert served.problems == [], served.problems


@pytest.fixture
async def office(tmp_path: Path, ws: Workspace, clock: MovableClock) -> AsyncIterator[Office]:
    async with open_office(tmp_path, ws, clock) as opened:
        yield opened
