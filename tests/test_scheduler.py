"""The scheduler wakes, and stops without a noise."""

from __future__ import annotations

import asyncio
import logging

import pytest

from agent_runtime import scheduler as scheduling
from agent_runtime.clock import SystemClock
from agent_runtime.scheduler import build_scheduler
from tests.patience import PATIENCE


async def test_a_stop_in_the_middle_of_a_sweep_is_no_failure(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever reads the log of a server that was stopped finds no error in it."""
    monkeypatch.setattr(scheduling, "SWEEP_SECONDS", 3600)
    entered, ended = asyncio.Event(), asyncio.Event()

    async def sweep() -> None:
        entered.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def nothing() -> None:
        return

    scheduler = build_scheduler(sweep, nothing)
    scheduler.start()
    scheduler.modify_job("sweep", next_run_time=SystemClock().now())
    await asyncio.wait_for(entered.wait(), PATIENCE)
    with caplog.at_level(logging.WARNING):
        scheduler.shutdown(wait=False)
        await asyncio.wait_for(ended.wait(), PATIENCE)
        for _ in range(10):
            await asyncio.sleep(0)
    assert caplog.messages == []
