"""Fixtures of the scenarios."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.scenarios.house import House, open_house
from tests.scenarios.logs import Logs


@pytest.fixture(autouse=True)
def logs(caplog: pytest.LogCaptureFixture) -> Iterator[Logs]:
    """Everything that is logged. A scenario fails where something went wrong that it did not expect."""
    caplog.set_level(logging.INFO)
    with capture_logs() as entries:
        kept = Logs(entries, caplog)
        yield kept
    assert kept.troubles == []


@pytest.fixture
def transport() -> str:
    """How Slack tells the house's bot: HTTP, unless a test is parametrized over TRANSPORTS."""
    return "http"


@pytest.fixture
async def house(tmp_path: Path, transport: str) -> AsyncIterator[House]:
    """A house with the demo's agents and policy."""
    async with open_house(tmp_path, transport=transport) as opened:
        yield opened
