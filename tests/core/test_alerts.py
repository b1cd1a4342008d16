"""Alerts as rows: each cause raised by what really happens, told once, and resolved again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from agent_runtime.alerts_watch import AlertsWatch
from agent_runtime.causes import Cause
from storage import alerts, outbox
from storage.alerts import Alert
from tests.core.agent import one
from tests.core.world import ANA, HOURS, MINUTES, YES, World


async def open_alerts(world: World) -> Mapping[str, Alert]:
    """The open alerts by their causes; no two of one cause."""
    found = await world.db.read(alerts.all_open)
    by_cause = {alert.cause: alert for alert in found}
    assert len(by_cause) == len(found), [(alert.cause, alert.thing) for alert in found]
    return by_cause


async def look(world: World, after: timedelta = timedelta(0)) -> Mapping[str, Alert]:
    """Let time pass, have the process say that it lives, and look."""
    world.clock.advance(after)
    world.runtime.beat(())
    await AlertsWatch(world.runtime).look()
    return await open_alerts(world)


async def test_a_run_that_waits_too_long_is_told_and_over_with_the_decision(worlds: Any) -> None:
    """Not before its time, once, and resolved when the run does not wait any more."""
    world: World = await worlds(one("buy"))
    run = await world.waiting()
    assert await look(world, 2 * HOURS - MINUTES) == {}
    (alert,) = (await look(world, MINUTES)).values()
    assert (alert.cause, alert.thing, alert.severity) == (Cause.WAITING, run.id, "warning")
    again = await look(world, MINUTES)
    assert again["waiting"].id == alert.id
    delivery = await world.db.read(outbox.get, f"alert:{alert.id}")
    assert delivery is not None
    assert delivery.wanted == 1
    await world.decide(ANA, YES)
    await world.settle()
    assert await look(world) == {}
    assert [event for event in await world.events(run) if event.startswith("alert")] == [
        "alert.raised",
        "alert.resolved",
    ]
