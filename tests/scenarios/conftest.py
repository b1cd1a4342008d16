"""Fixtures of the scenarios."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.scenarios.house import IN_LONG_TESTS, House, open_house
from tests.scenarios.logs import Logs


@pytest.fixture(autouse=True)
def logs(caplog: pytest.LogCaptureFixture) -> Iterator[Logs]:
    """Everything that is logged. A scenario fails where something went wrong that it did not expect."""
    caplog.set_level(logging.INFO)
    with capture_logs() as entries:
        kept = Logs(entries, caplog)
        yield kept
    assert kept.troubles == []


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """The scenarios of a module that sets OVER_BOTH are played over HTTP and over Socket Mode: every time, or over
    sockets in the long tests only where it is IN_LONG_TESTS."""
    both = getattr(metafunc.module, "OVER_BOTH", False)
    if "transport" in metafunc.fixturenames and both:
        marks = [pytest.mark.slow] if both == IN_LONG_TESTS else []
        metafunc.parametrize("transport", ["http", pytest.param("socket", marks=marks)])


@pytest.fixture
def transport() -> str:
    """How Slack tells the house's bot, unless a module says OVER_BOTH."""
    return "http"


@pytest.fixture
async def house(tmp_path: Path, transport: str) -> AsyncIterator[House]:
    """A house with the demo's agents and policy."""
    async with open_house(tmp_path, transport=transport) as opened:
        yield opened
