"""A house whose bot hears of everything over Socket Mode, and a gate to stop its listeners at."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.workspace import Message
from tests.patience import PATIENCE
from tests.scenarios.conftest import logs
from tests.scenarios.house import House, open_house

__all__ = ["logs"]

TASK = "Send email to team about meeting"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A house with the demo's agents and policy, over Socket Mode."""
    async with open_house(tmp_path, transport="socket") as opened:
        yield opened


class Gate:
    """Stops whoever decides before the decision is made, until it is opened."""

    def __init__(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        self.opened = asyncio.Event()
        self._reached = asyncio.Semaphore(0)
        self.come = 0
        """How many have come."""
        self.most = 0
        """How many were inside at once."""
        decide = house.bot.desk.decide

        inside: set[object] = set()

        async def stopped(*args: Any) -> Any:
            self.come += 1
            inside.add(me := object())
            self.most = max(self.most, len(inside))
            self._reached.release()
            await self.opened.wait()
            try:
                return await decide(*args)
            finally:
                inside.discard(me)

        monkeypatch.setattr(house.bot.desk, "decide", stopped)

    async def reached(self) -> None:
        """Wait until one more has come."""
        async with asyncio.timeout(PATIENCE):
            await self._reached.acquire()


async def waiting_card(house: House) -> Message:
    """A card that waits for a manager."""
    await house.start("ana", "approval", TASK)
    return house.card("Approve send_email?")


def decisions(house: House) -> int:
    """How many decisions another process would find in the file."""
    connection = sqlite3.connect(house.dir / "signoff.db")
    (count,) = connection.execute("select count(*) from decision").fetchone()
    connection.close()
    return int(count)


async def whole(house: House) -> None:
    """Both connections stand."""
    await house.ws.wait_for(lambda: len(house.ws.sockets) == 2)
