"""Whether Signoff works is told to who asks, `/readyz`, and to a monitor that would notice its silence."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, web
from pydantic import SecretStr

from agent_runtime import scheduler
from agent_runtime.alert_rules import AlertRules
from agent_runtime.retention import KEPT
from agent_runtime.worker import Worker
from bot.pulse import Pulse
from storage import webhooks
from storage.tx import Tx
from tests.patience import PATIENCE
from tests.scenarios.house import House, open_house
from tests.scenarios.logs import Logs

MINUTE = timedelta(minutes=1)


@dataclass
class Monitor:
    """What somebody else's dead man's switch has heard, and how it answers."""

    url: str = ""
    status: int = 200
    heard: list[str] = field(default_factory=list)


@asynccontextmanager
async def monitor() -> AsyncIterator[Monitor]:
    """A monitor on this machine."""
    kept = Monitor()

    async def ping(request: web.Request) -> web.Response:
        kept.heard.append(request.path)
        return web.Response(status=kept.status)

    app = web.Application()
    app.router.add_get("/ping/{secret}", ping)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    kept.url = f"http://127.0.0.1:{runner.addresses[0][1]}/ping/s3cret"
    try:
        yield kept
    finally:
        await runner.cleanup()


async def pulse(house: House, monitor: Monitor, *workers: Worker[Any]) -> Pulse:
    """Heartbeats of this house to this monitor, whose address is in the environment."""
    house.bot.runtime.alerts = AlertRules(channel="#alerts", digest="", heartbeat_url_env="HEARTBEAT")
    return Pulse(house.bot.runtime, workers, {"HEARTBEAT": SecretStr(monitor.url)}.get)


async def beat(house: House, pulse: Pulse, after: timedelta = MINUTE) -> None:
    """Let time pass in which the process lives, and send what is to be sent."""
    house.clock.advance(after)
    house.bot.runtime.beat(())
    await pulse.beat()
    await house.settle()


async def test_a_monitor_hears_every_minute_while_all_is_well(tmp_path: Path, logs: Logs) -> None:
    """Not more often; and nothing once nothing is written any more, or a worker stands still."""
    logs.expect("no heartbeat is sent")
    async with open_house(tmp_path) as house, monitor() as other:
        worker = house.bot.runtime.worker
        sender = await pulse(house, other, worker)
        await beat(house, sender)
        assert other.heard == ["/ping/s3cret"]
        worker.turns += 1
        await beat(house, sender, MINUTE / 2)
        assert len(other.heard) == 1
        await beat(house, sender, MINUTE / 2)
        assert len(other.heard) == 2
        await beat(house, sender)
        assert len(other.heard) == 2, "the worker has not turned since"
        worker.turns += 1
        house.clock.advance(MINUTE)
        await sender.beat()
        assert len(other.heard) == 2, "the process itself has said nothing for a minute"
        assert [entry["problem"] for entry in logs.entries if entry["event"] == "no heartbeat is sent"] == [
            "the worker runs stands still",
            "nothing is written to the store",
        ]


async def test_a_monitor_that_does_not_answer_is_an_alert_without_its_address(tmp_path: Path, logs: Logs) -> None:
    """After three heartbeats in a row; over with the next that it takes."""
    async with open_house(tmp_path) as house, monitor() as other:
        sender = await pulse(house, other)
        other.status = 503
        for _ in range(3):
            assert not [one for one in house.messages() if "monitor does not take" in one.plain()]
            await beat(house, sender)
        card = house.card("monitor does not take the heartbeat")
        assert "127.0.0.1 answered 503" in card.plain()
        assert "s3cret" not in card.plain() + str(logs.entries)
        other.status = 200
        await beat(house, sender)
        assert "Over:" in house.card("monitor did not take").plain()


async def test_ready_is_who_can_work_and_who_cannot_says_why(tmp_path: Path) -> None:
    """503 with the reasons before the workers run, while Slack does not know our token, and once it stops."""
    async with open_house(tmp_path) as house, ClientSession() as session:
        base = house.ws.app_url.rsplit("/slack", 1)[0]

        async def ready() -> tuple[int, list[str]]:
            async with session.get(f"{base}/readyz") as answer:
                said = await answer.json()
                assert said["ready"] == (answer.status == 200)
                return answer.status, [reason.partition(":")[0] for reason in said["reasons"]]

        assert await ready() == (503, ["starting"])
        stopping = asyncio.Event()
        running = asyncio.create_task(house.bot.run(stopping))
        await asyncio.wait_for(house.bot.readiness.running.wait(), PATIENCE)
        assert await ready() == (200, [])
        house.ws.fail("auth.test", error="token_revoked", times=None)
        house.clock.advance(2 * MINUTE)
        assert await ready() == (503, ["slack"])
        house.ws.heal()
        stopping.set()
        with suppress(asyncio.CancelledError):
            await running
        assert await ready() == (503, ["stopping"])
        async with session.get(f"{base}/healthz") as answer:
            assert (answer.status, await answer.json()) == (200, {"ok": True})


async def test_a_socket_without_a_connection_is_not_ready(tmp_path: Path) -> None:
    """Nobody's click would come in."""
    async with open_house(tmp_path, transport="socket") as house:
        assert not any("socket" in reason for reason in await house.bot.readiness.reasons())
        await house.ws.vanish()
        socket = house.bot.socket
        assert socket is not None
        async with asyncio.timeout(PATIENCE):
            while socket.connections:  # noqa: ASYNC110 - nothing announces it
                await asyncio.sleep(0.01)
        assert any("socket" in reason for reason in await house.bot.readiness.reasons())


async def test_a_running_bot_forgets_what_is_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has to ask: an event that a webhook took long ago goes while the server runs, and one to be sent stays."""
    monkeypatch.setattr(scheduler, "FORGET_SECONDS", 0.01)
    async with open_house(tmp_path) as house:
        db, stopping = house.bot.runtime.db, asyncio.Event()
        for seq in (1, 2):
            await db.transact(webhooks.add, "crm", seq, f"R{seq}", house.clock.now())
        await db.transact(_arrive, webhooks.key_of("crm", 1))
        house.clock.advance(KEPT)
        running = asyncio.create_task(house.bot.run(stopping))
        async with asyncio.timeout(PATIENCE):
            while (left := [tally.status.value for tally in await db.read(webhooks.tallies)]) != ["due"]:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert left == ["due"]
        stopping.set()
        with suppress(asyncio.CancelledError):
            await running


def _arrive(tx: Tx, key: str) -> None:
    tx._connection.exec_driver_sql("update outbox set status = 'done' where key = ?", (key,))
