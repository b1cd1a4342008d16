"""What is over is forgotten after a while; what is open, unsent or given up never is."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from agent_runtime import alerts as writer
from agent_runtime import retention
from agent_runtime.alert_rules import AlertRules
from agent_runtime.causes import Cause
from agent_runtime.context import Context
from agent_runtime.retention import KEPT, forget_old
from agent_runtime.troubles import Trouble
from storage import alerts, messages, outbox, webhooks
from storage.tx import Tx
from storage.types import DeliveryStatus
from tests.core.world import START, World

SECOND = timedelta(seconds=1)


async def test_an_alert_that_is_over_is_forgotten_once_its_message_says_so(worlds: Any) -> None:
    """Thirty days after its end, with where its message stood; one that is open, or unsaid in Slack, is not."""
    world: World = await worlds()
    over, unsaid, goes_on = [await world.db.transact(_raise, world.context, f"R{number}") for number in range(3)]
    for alert_id in (over, unsaid):
        await world.db.transact(_resolve, world.context, alert_id)
    await world.db.transact(_settle, f"alert:{over}", DeliveryStatus.DONE)
    world.clock.advance(KEPT - SECOND)
    await forget_old(world.runtime)
    assert await world.db.read(alerts.get, over) is not None
    world.clock.advance(SECOND)
    await forget_old(world.runtime)
    kept = [alert_id for alert_id in (over, unsaid, goes_on) if await world.db.read(alerts.get, alert_id)]
    assert kept == [unsaid, goes_on]
    assert [await world.db.read(table.get, f"alert:{over}") for table in (outbox, messages)] == [None, None]
    assert await world.db.read(messages.get, f"alert:{unsaid}") is not None
    assert (await world.events()).count("alert.resolved") == 2


async def test_an_event_that_arrived_is_forgotten(worlds: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Thirty days later, in bounded writes, however many there are; one to be sent, or that was given up, is not."""
    world: World = await worlds()
    monkeypatch.setattr(retention, "AT_ONCE", 2)
    for seq in range(1, 8):
        await world.db.transact(webhooks.add, "crm", seq, f"R{seq}", START)
        status = {6: DeliveryStatus.DUE, 7: DeliveryStatus.DEAD}.get(seq, DeliveryStatus.DONE)
        await world.db.transact(_settle, webhooks.key_of("crm", seq), status)
    world.clock.advance(KEPT - SECOND)
    await forget_old(world.runtime)
    assert sum(tally.count for tally in await world.db.read(webhooks.tallies)) == 7
    world.clock.advance(SECOND)
    await forget_old(world.runtime)
    left = {(tally.status, tally.count) for tally in await world.db.read(webhooks.tallies)}
    assert left == {(DeliveryStatus.DUE, 1), (DeliveryStatus.DEAD, 1)}


def _raise(tx: Tx, context: Context, thing: str) -> str:
    alert = writer.raise_alert(tx, context, AlertRules(), Trouble(Cause.QUEUED, thing, context.now, "agent"))
    messages.begin_post(tx, f"alert:{alert.id}", "C1", "", context.now)
    return alert.id


def _resolve(tx: Tx, context: Context, alert_id: str) -> None:
    alert = alerts.get(tx, alert_id)
    assert alert is not None
    writer.resolve(tx, context, alert)


def _settle(tx: Tx, key: str, status: DeliveryStatus) -> None:
    tx._connection.exec_driver_sql("update outbox set status = ? where key = ?", (status.value, key))
