"""Fixtures of the scenarios."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.scenarios.house import House, open_house


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A house with the demo's agents and policy."""
    async with open_house(tmp_path) as opened:
        yield opened
