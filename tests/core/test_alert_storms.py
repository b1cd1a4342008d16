"""Many alerts at once, and what people do with one: storms, acknowledgements, mutes. One message for one thing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from agent_runtime import alerts as writer
from agent_runtime import storms
from agent_runtime.alert_acts import AlertAct, act_on
from agent_runtime.alert_reading import AlertView, read_alert, read_open_alerts
from agent_runtime.alert_rules import AgentAlerts, AlertRules
from agent_runtime.alerts_watch import AlertsWatch
from agent_runtime.causes import Cause
from agent_runtime.context import Context
from agent_runtime.outbound import Priority, Topic
from agent_runtime.refusals import RefusalReason
from agent_runtime.troubles import Found, Trouble, undelivered
from storage import alerts, messages, outbox
from storage.alerts import Alert
from storage.tx import Tx
from storage.types import Actor
from tests.benchmarks.sweep import copy_rows
from tests.core.agent import one
from tests.core.world import ANA, EVE, HOURS, MINUTES, OPS, START, SURFACE, World

RULES = AlertRules(channel="#alerts", agents=(AgentAlerts(name="shop", channel="#shop"),))
DAY = timedelta(days=1)


def trouble(number: int, agent: str = "agent") -> Trouble:
    """One of many runs that no worker takes."""
    return Trouble(Cause.QUEUED, f"R{number}", START, agent, facts={"lost": False})


def _watch(tx: Tx, context: Context, found: Sequence[Trouble]) -> None:
    writer.compare(tx, context, RULES, Found(tuple(found), frozenset({Cause.QUEUED})))
    writer.lapse(tx, context)
    storms.fold(tx, context, RULES)


async def watch(world: World, numbers: Sequence[int], agent: str = "agent") -> list[AlertView]:
    """These are in trouble, and no others; what people see then."""
    await world.db.transact(_watch, world.context, [trouble(number, agent) for number in numbers])
    return await world.db.read(read_open_alerts, RULES)


async def act(world: World, what: AlertAct, alert_id: str, actor: Actor = OPS) -> Alert | RefusalReason:
    member = world.member(actor)
    return await world.db.transact(act_on, world.context, RULES, what, alert_id, member, SURFACE)


async def test_more_than_five_with_one_cause_are_one_message(worlds: Any) -> None:
    """With a count and a list; five have their own, and so have three that are left of a storm."""
    world: World = await worlds()
    assert len(await watch(world, range(5))) == 5
    (storm,) = await watch(world, range(12))
    assert (storm.is_storm, storm.count, len(storm.many), storm.is_told) == (True, 12, 10, True)
    assert (await watch(world, range(4)))[0].id == storm.id
    left = await watch(world, range(3))
    assert [view.thing for view in left] == ["R0", "R1", "R2"]
    assert all(view.is_told for view in left)
    over = await world.db.read(read_alert, storm.id, RULES)
    assert over is not None
    assert over.resolved_at is not None
    assert await watch(world, []) == []


async def test_a_storm_is_of_one_channel(worlds: Any) -> None:
    """People who look after other agents are not drowned by it."""
    world: World = await worlds()
    many = [*(trouble(number) for number in range(4)), *(trouble(number, "shop") for number in range(10, 16))]
    await world.db.transact(_watch, world.context, many)
    seen = await world.db.read(read_open_alerts, RULES)
    assert sorted((view.channel, view.is_storm, view.count) for view in seen) == [
        *[("#alerts", False, 1)] * 4,
        ("#shop", True, 6),
    ]


async def test_an_acknowledgement_lasts_an_hour(worlds: Any) -> None:
    """Then nobody looks after it any more, and people are called again below its message."""
    world: World = await worlds()
    (view,) = await watch(world, [1])
    await world.db.transact(_stand, world.context, view.id)
    assert isinstance(await act(world, AlertAct.ACKNOWLEDGE, view.id), Alert)
    world.clock.advance(HOURS - MINUTES)
    (view,) = await watch(world, [1])
    assert view.acknowledged_by == OPS
    world.clock.advance(MINUTES)
    (view,) = await watch(world, [1])
    assert view.acknowledged_by is None
    assert [row.subject for row in await world.db.read(outbox.unsettled, "call", view.id)] == [view.id]
    assert await world.events() == ["alert.raised", "alert.acknowledged", "alert.lapsed"]


async def test_a_muted_thing_is_not_heard_of_for_a_day(worlds: Any) -> None:
    """Not even where it ends and begins anew; after the day it is."""
    world: World = await worlds()
    (view,) = await watch(world, [1])
    await act(world, AlertAct.MUTE, view.id)
    await watch(world, [])
    (again,) = await watch(world, [1])
    assert again.id != view.id
    assert not again.is_told
    world.clock.advance(DAY)
    (again,) = await watch(world, [1])
    assert again.is_told


async def test_what_was_stuck_for_long_before_it_was_muted_stays_muted_for_a_day(worlds: Any) -> None:
    """The day counts from the mute, and not from when the trouble was told first."""
    world: World = await worlds()
    (view,) = await watch(world, [1])
    world.clock.advance(30 * HOURS)
    await act(world, AlertAct.MUTE, view.id)
    world.clock.advance(HOURS)
    await watch(world, [])
    (again,) = await watch(world, [1])
    assert not again.is_told
    world.clock.advance(DAY - HOURS)
    (again,) = await watch(world, [1])
    assert again.is_told


async def test_only_operators_and_those_who_are_asked_may(worlds: Any) -> None:
    """Anybody else is refused, on record; whoever is asked may acknowledge."""
    world: World = await worlds(one("buy"))
    await world.waiting()
    world.clock.advance(2 * HOURS)
    world.runtime.beat(())
    await AlertsWatch(world.runtime).look()
    (alert,) = await world.db.read(alerts.all_open)
    assert await act(world, AlertAct.MUTE, alert.id, EVE) is RefusalReason.NOT_YOUR_ALERT
    assert await act(world, AlertAct.MUTE, "L404", OPS) is RefusalReason.UNKNOWN_ALERT
    guest = world.member(ANA, guest=True)
    refused = await world.db.transact(act_on, world.context, RULES, AlertAct.ACKNOWLEDGE, alert.id, guest, SURFACE)
    assert refused is RefusalReason.GUEST
    assert isinstance(await act(world, AlertAct.ACKNOWLEDGE, alert.id, ANA), Alert)
    await world.decide(ANA)
    await world.settle()
    await AlertsWatch(world.runtime).look()
    assert await act(world, AlertAct.ACKNOWLEDGE, alert.id) is RefusalReason.ALERT_OVER
    assert (await world.events()).count("alert.refused") == 4


async def test_whoever_is_asked_is_reminded_no_more_than_every_ten_minutes(worlds: Any) -> None:
    """However often somebody presses, and whatever the time is; after ten minutes they are again."""
    world: World = await worlds(one("buy"))
    await world.waiting()
    world.clock.advance(2 * HOURS + 9 * MINUTES)
    world.runtime.beat(())
    await AlertsWatch(world.runtime).look()
    (alert,) = await world.db.read(alerts.all_open)
    request = await world.pending()
    for _ in range(25):
        await act(world, AlertAct.REMIND, alert.id)
        world.clock.advance(MINUTES)
    reminders = await world.db.read(outbox.keys_about, "reminder", request.id)
    assert len(reminders) == 3


@pytest.mark.parametrize("seed", range(3))
async def test_no_thing_ever_has_two_messages(worlds: Any, seed: int) -> None:
    """Whatever is raised, resolved, muted and acknowledged in whatever order: one open row for one thing, one message
    that tells of it, and each message is drawn anew when that changes."""
    world: World = await worlds()
    random, known = Random(seed), dict[str, tuple[bool, int]]()
    for _ in range(25):
        seen = await watch(world, random.sample(range(9), random.randint(0, 9)))
        if seen and random.random() < 0.5:
            await act(world, random.choice(list(AlertAct)), random.choice(seen).id)
        world.clock.advance(random.choice([MINUTES, HOURS, 6 * HOURS]))
        known = await world.db.read(_require_one_message, known)
    assert (await world.verify()).broken_at is None


def _require_one_message(tx: Tx, known: dict[str, tuple[bool, int]]) -> dict[str, tuple[bool, int]]:
    """What is told by which alert, after checking it against the rows and against what was before."""
    rows = alerts.all_open(tx)
    assert len({(row.cause, row.thing) for row in rows}) == len(rows)
    views = {row.id: read_alert(tx, row.id, RULES) for row in rows}
    told: list[str] = []
    for view in views.values():
        assert view is not None
        if view.is_storm:
            told += [one.thing for one in storms_members(tx, view)]
        elif view.is_told:
            told.append(view.thing)
    assert len(set(told)) == len(told)
    assert set(told) >= {row.thing for row in rows if row.muted_until is None and not row.thing.startswith("*")}
    now: dict[str, tuple[bool, int]] = {}
    for alert_id in {*views, *known}:
        view = read_alert(tx, alert_id, RULES)
        delivery = outbox.get(tx, f"alert:{alert_id}")
        assert view is not None
        assert delivery is not None
        was = known.get(alert_id)
        if view.resolved_at is None:
            now[alert_id] = (view.is_told, delivery.wanted)
        assert was is None or was[0] == view.is_told or delivery.wanted > was[1]
    return now


def storms_members(tx: Tx, view: AlertView) -> list[Alert]:
    row = alerts.get(tx, view.id)
    assert row is not None
    return storms.members(tx, row, RULES)


def _stand(tx: Tx, context: Context, alert_id: str) -> None:
    """Its message stands in Slack."""
    messages.begin_post(tx, f"alert:{alert_id}", "C1", "", context.now)
    messages.placed(tx, f"alert:{alert_id}", "C1", "1.1", "", context.now)


async def test_hundreds_at_once_are_raised_in_turns(worlds: Any) -> None:
    """One look writes no more than fifty, so that nobody's click waits for it; the next looks do the rest."""
    world: World = await worlds()
    counts = [(await watch(world, range(80)))[0].count for _ in range(3)]
    assert counts == [50, 80, 80]


async def test_of_thousands_a_hundred_are_open_and_the_rest_is_said_to_be_there(worlds: Any) -> None:
    """Nobody reads more, and each costs every look something; another agent's trouble is told all the same."""
    world: World = await worlds()
    many = [*(trouble(number) for number in range(250)), trouble(900, "other")]
    for _ in range(3):
        await world.db.transact(_watch, world.context, many)
    (storm,) = await world.db.read(read_open_alerts, RULES)
    assert (storm.count, storm.is_cut) == (101, True)
    await world.db.transact(_watch, world.context, many[30:])
    (storm,) = await world.db.read(read_open_alerts, RULES)
    things = {one.thing for one in await world.db.read(storms_members, storm)}
    assert things == {*(f"R{number}" for number in range(30, 130)), "R900"}


async def test_only_whoever_waits_longest_is_read_and_none_of_them_is_lost(worlds: Any) -> None:
    """Of hundreds of runs that wait; one that is told of stays so while it waits, whatever else gets into sight."""
    world: World = await worlds(one("buy"))
    run = await world.waiting()
    request = await world.pending()
    await world.db.transact(copy_rows, "run", run.id, 0, 350, {"id": "'R' || n", "dedupe": "NULL"})
    opened = "strftime('%Y-%m-%d %H:%M:%S', opened_at, '+' || n || ' seconds') || '.000000'"
    copies = {"id": "'A' || n", "run_id": "'R' || n", "opened_at": opened}
    await world.db.transact(copy_rows, "request", request.id, 0, 350, copies)
    world.clock.advance(3 * HOURS)
    looking = AlertsWatch(world.runtime)
    for _ in range(3):
        await looking.look()
    first = await _waiting_things(world)
    assert first == {run.id, *(f"R{number}" for number in range(99))}
    await world.db.transact(_close, 40)
    await looking.look()
    assert await _waiting_things(world) == {run.id, *(f"R{number}" for number in range(40, 139))}


async def test_of_thousands_of_messages_that_were_given_up_a_hundred_are_told(worlds: Any) -> None:
    """Each costs no more than a look at how many there are; the others follow as these are mended, and only they."""
    world: World = await worlds(one("buy"))
    run = await world.waiting()
    keys = [f"note:lost-{number:03}" for number in range(120)]
    for key in keys:
        await world.db.transact(_give_up, world.context, key, run.id)
    assert await _undelivered_things(world) == set(keys[:100])
    looking = AlertsWatch(world.runtime)
    await looking.look()
    assert await _undelivered_things(world) == set(keys[:100])
    (storm,) = await world.db.read(read_open_alerts, RULES)
    assert (storm.count, storm.is_cut) == (100, True)
    for key in keys[5:30]:
        await world.db.transact(_mend, world.context, key)
    await looking.look()
    assert await _undelivered_things(world) == {*keys[:5], *keys[30:]}
    (storm,) = await world.db.read(read_open_alerts, RULES)
    assert (storm.count, storm.is_cut) == (95, False)


def _give_up(tx: Tx, context: Context, key: str, run_id: str) -> None:
    """Slack does not take it, as the outbox's worker finds."""
    outbox.tell(tx, key, Topic.NOTE, run_id, {"text": "lost"}, Priority.NOTE, context.now, None)
    tx._connection.exec_driver_sql("update outbox set status = 'dead', error = 'no' where key = ?", (key,))
    lost = undelivered(tx, key, run_id, Topic.NOTE, "no", context.now)
    storms.raise_at_once(tx, context, RULES, lost)


def _mend(tx: Tx, context: Context, key: str) -> None:
    tx._connection.exec_driver_sql("update outbox set status = 'done', error = '' where key = ?", (key,))


async def _undelivered_things(world: World) -> set[str]:
    found = await world.db.read(alerts.of_cause, Cause.UNDELIVERED)
    return {one.thing for one in found if one.thing != writer.FOLD}


async def _waiting_things(world: World) -> set[str]:
    return {one.thing for one in await world.db.read(alerts.of_cause, Cause.WAITING) if one.thing != writer.FOLD}


def _close(tx: Tx, below: int) -> None:
    for number in range(below):
        tx._connection.exec_driver_sql(f"update request set status = 'cancelled' where id = 'A{number}'")
