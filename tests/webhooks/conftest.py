"""Fixtures of the webhooks' tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.webhooks.receiver import Receiver, open_receiver


@pytest.fixture(autouse=True)
def logs() -> Iterator[list[Any]]:
    """What was logged, kept from the screen."""
    with capture_logs() as entries:
        yield entries


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with open_receiver() as opened:
        yield opened
