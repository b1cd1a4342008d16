"""Ladders in working hours: nobody is called at night, and the steps keep their distance in open time."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from agent_runtime.hours import Hours
from agent_runtime.policy import Default, Policy, PolicySet, Rung, Stage
from agent_runtime.reading import read_request
from storage import pauses
from storage.types import OnTimeout, RequestStatus
from tests.core.agent import one
from tests.core.test_ladder import climbed
from tests.core.test_ladder_holds import hold
from tests.core.world import ANA, BOB, CLEO, HOURS, MINUTES, OPS, policy_set, stage, who

BUY = one("buy", {"amount": 10})
BERLIN = ZoneInfo("Europe/Berlin")
OFFICE = Hours(start=time(9), end=time(17, 30), zone="Europe/Berlin")


def at_work(hours: Hours, *rungs: Rung, timeout: timedelta = 96 * HOURS) -> PolicySet:
    asked = Stage(name="s", approvers=who(ANA, BOB), rungs=rungs, hours=hours)
    return policy_set(Policy(stages=(asked,), timeout=timeout))


def climbing(hours: Hours = OFFICE, timeout: timedelta = 96 * HOURS) -> PolicySet:
    return at_work(
        hours, Rung(after=30 * MINUTES, remind=True), Rung(after=60 * MINUTES, escalate_to=who(CLEO)), timeout=timeout
    )


async def asked_at(world: Any, text: str) -> Any:
    """A run that asks when the clocks of Berlin show this."""
    world.clock.advance(_instant(text) - world.clock.now())
    return await world.waiting()


async def at(world: Any, text: str) -> None:
    """Let time pass until the clocks of Berlin show this, looking every hour."""
    until = _instant(text)
    while world.clock.now() < until:
        world.clock.advance(min(HOURS, until - world.clock.now()))
        await world.runtime.sweep()
    await world.settle()


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).astimezone(UTC)


@pytest.mark.parametrize(
    ("friday", "monday"), [("2030-01-11", "2030-01-14"), ("2030-03-29", "2030-04-01"), ("2030-10-25", "2030-10-28")]
)
async def test_what_was_asked_late_on_a_friday_is_told_on_monday(worlds: Any, friday: str, monday: str) -> None:
    """Over a weekend, and over those on which clocks change."""
    world = await worlds(BUY, policies=climbing())
    await asked_at(world, f"{friday} 17:10")
    await at(world, f"{monday} 09:00")
    assert await climbed(world) == []
    await at(world, f"{monday} 09:10")
    assert await climbed(world) == ["reminded"]
    await at(world, f"{monday} 09:30")
    assert await climbed(world) == ["reminded"]
    await at(world, f"{monday} 09:40")
    assert await climbed(world) == ["reminded", "escalated"]


async def test_a_time_out_waits_for_nobody_unless_it_is_told_to(worlds: Any) -> None:
    """It counts every hour, or open ones only."""
    waiting = OFFICE.model_copy(update={"timeout_waits": True})
    for hours, due in ((OFFICE, "2030-01-11 19:10"), (waiting, "2030-01-14 10:40")):
        world = await worlds(BUY, policies=at_work(hours, timeout=2 * HOURS))
        run = await asked_at(world, "2030-01-11 17:10")
        asked = await world.pending()
        assert asked.due_at.astimezone(BERLIN).strftime("%Y-%m-%d %H:%M") == due
        await at(world, due)
        assert (await world.requests(run))[0].status is RequestStatus.EXPIRED


async def test_a_server_that_slept_calls_nobody_at_night(worlds: Any) -> None:
    """What fell due while it was down waits for the morning, and is told together."""
    world = await worlds(BUY, policies=climbing())
    await asked_at(world, "2030-01-10 14:00")
    world.clock.advance(8 * HOURS)
    await world.reboot()
    assert await world.runtime.sweep() == 1
    assert await climbed(world) == []
    await at(world, "2030-01-11 08:50")
    assert await climbed(world) == []
    await at(world, "2030-01-11 09:00")
    assert await climbed(world) == ["reminded", "escalated"]


async def test_a_stop_that_moves_a_step_into_the_night_leaves_it_for_the_morning(worlds: Any) -> None:
    """Unpaused time knows no hours; the clock on the wall has the last word."""
    world = await worlds(BUY, policies=climbing())
    await asked_at(world, "2030-01-10 14:00")
    await world.stop()
    await at(world, "2030-01-10 23:00")
    await world.go()
    await at(world, "2030-01-11 08:50")
    assert await climbed(world) == []
    await at(world, "2030-01-11 09:40")
    assert "reminded" in await climbed(world)


async def test_the_hours_of_the_default_hold_for_every_stage(worlds: Any) -> None:
    """And are kept with the request: another policy file changes nothing for what is asked already."""
    asked = stage(ANA, BOB).model_copy(update={"rungs": (Rung(after=30 * MINUTES, escalate_to=who(OPS)),)})
    world = await worlds(
        BUY, policies=PolicySet(default=Default(stage=asked, hours=OFFICE, timeout=24 * HOURS), operators=who(OPS))
    )
    await asked_at(world, "2030-01-10 17:10")
    world.use(policy_set())
    await at(world, "2030-01-11 09:00")
    assert await climbed(world) == []
    await at(world, "2030-01-11 09:10")
    assert await climbed(world) == ["escalated"]


@pytest.mark.parametrize("agent", ["", "agent"], ids=["everything", "one agent"])
async def test_open_time_that_was_left_before_a_stop_is_left_after_it(worlds: Any, agent: str) -> None:
    """Of a deadline that counts it, and of a step: what was ahead are other hours then, and not the same ones later."""
    waiting = OFFICE.model_copy(update={"timeout_waits": True})
    world = await worlds(BUY, policies=at_work(waiting, Rung(after=2 * HOURS, remind=True), timeout=7 * HOURS))
    run = await asked_at(world, "2030-01-11 09:00")
    await at(world, "2030-01-11 10:00")
    await world.stop(agent)
    await at(world, "2030-01-11 17:10")
    await world.go(agent)
    assert _shown((await world.pending()).next_at, await world.db.read(pauses.stopped_for)) == "2030-01-14 09:40"
    await at(world, "2030-01-14 09:30")
    assert await climbed(world) == []
    await at(world, "2030-01-14 09:40")
    assert await climbed(world) == ["reminded"]
    await at(world, "2030-01-14 14:30")
    assert (await world.requests(run))[0].status is RequestStatus.PENDING
    await at(world, "2030-01-14 14:40")
    assert (await world.requests(run))[0].status is RequestStatus.EXPIRED


async def test_a_stop_over_a_weekend_takes_no_open_time_with_it(worlds: Any) -> None:
    """Forty minutes were left on Friday; they are left on Monday, though the stop lasted longer than a night."""
    world = await worlds(BUY, policies=at_work(OFFICE, Rung(after=HOURS, remind=True), timeout=300 * HOURS))
    await asked_at(world, "2030-01-11 16:40")
    await at(world, "2030-01-11 17:00")
    await world.stop()
    await at(world, "2030-01-14 12:00")
    await world.go()
    await at(world, "2030-01-14 12:30")
    assert await climbed(world) == []
    await at(world, "2030-01-14 12:40")
    assert await climbed(world) == ["reminded"]


STOPS = {
    "one after the other": (("stop", "", 10), ("go", "", 11), ("stop", "agent", 12), ("go", "agent", 13)),
    "one inside": (("stop", "agent", 10), ("stop", "", 11), ("go", "", 12), ("go", "agent", 12)),
    "all first": (("stop", "", 10), ("stop", "agent", 11), ("go", "", 11), ("go", "agent", 12)),
    "agent first": (("stop", "agent", 10), ("stop", "", 11), ("go", "agent", 11), ("go", "", 12)),
}


@pytest.mark.parametrize("stops", STOPS.values(), ids=STOPS)
async def test_stops_that_overlap_take_their_open_time_once(
    worlds: Any, stops: tuple[tuple[str, str, int], ...]
) -> None:
    """Two open hours without a timer, in whatever order they begin and end; what is left comes after them."""
    waiting = OFFICE.model_copy(update={"timeout_waits": True})
    world = await worlds(BUY, policies=at_work(waiting, Rung(after=6 * HOURS, remind=True), timeout=7 * HOURS))
    await asked_at(world, "2030-01-10 09:00")
    for change, agent, hour in stops:
        await at(world, f"2030-01-10 {hour}:00")
        await (world.stop(agent) if change == "stop" else world.go(agent))
    asked, stopped = await world.pending(), await world.db.read(pauses.stopped_for)
    assert _shown(asked.next_at, stopped) == "2030-01-10 17:00"
    assert _shown(asked.due_at, stopped) == "2030-01-11 09:30"


async def test_what_is_asked_while_everything_is_stopped_has_its_open_time_afterwards(worlds: Any) -> None:
    """A stage that opens meanwhile counts from the moment at which its timers can pass."""
    waiting = OFFICE.model_copy(update={"timeout_waits": True})
    two = tuple(Stage(name=name, approvers=who(ANA), hours=waiting) for name in ("one", "two"))
    world = await worlds(BUY, policies=policy_set(Policy(stages=two, timeout=3 * HOURS, allow_same_person=True)))
    await asked_at(world, "2030-01-10 14:00")
    await world.stop()
    await at(world, "2030-01-10 16:00")
    await world.decide(ANA)
    await at(world, "2030-01-10 17:00")
    await world.go()
    asked = await world.pending()
    assert (asked.stage, _shown(asked.due_at, await world.db.read(pauses.stopped_for))) == (1, "2030-01-11 11:30")


async def test_whoever_is_on_it_moves_a_deadline_by_open_time(worlds: Any) -> None:
    """Where the deadline counts it; and a ladder that was held over closing time has lost none of it."""
    waiting = OFFICE.model_copy(update={"timeout_waits": True})
    world = await worlds(BUY, policies=at_work(waiting, Rung(after=HOURS, remind=True), timeout=3 * HOURS))
    await asked_at(world, "2030-01-10 14:20")
    assert _shown((await world.pending()).due_at) == "2030-01-10 17:20"
    await hold(world, ANA)
    assert _shown((await world.pending()).due_at) == "2030-01-11 09:20"
    late = await worlds(BUY, policies=at_work(OFFICE, Rung(after=HOURS, remind=True)))
    await asked_at(late, "2030-01-10 16:40")
    await at(late, "2030-01-10 17:20")
    await hold(late, ANA)
    await at(late, "2030-01-10 17:50")
    await at(late, "2030-01-11 09:10")
    assert await climbed(late) == []
    await at(late, "2030-01-11 09:20")
    assert await climbed(late) == ["reminded"]


async def test_a_hold_that_ends_early_gives_back_the_open_time(worlds: Any) -> None:
    """As if it had not been there but for the time it lasted."""
    asked = Stage(name="s", approvers=who(ANA, BOB), quorum=2, rungs=(Rung(after=HOURS, remind=True),), hours=OFFICE)
    world = await worlds(BUY, policies=policy_set(Policy(stages=(asked,), timeout=96 * HOURS)))
    await asked_at(world, "2030-01-10 16:40")
    await at(world, "2030-01-10 17:10")
    await hold(world, ANA)
    await at(world, "2030-01-10 17:20")
    await world.decide(ANA)
    assert _shown((await world.pending()).next_at) == "2030-01-11 09:20"


def _shown(moment: datetime | None, stopped: timedelta = timedelta(0)) -> str:
    """What the clocks of Berlin show then."""
    assert moment is not None
    return (moment + stopped).astimezone(BERLIN).strftime("%Y-%m-%d %H:%M")


async def test_a_request_that_is_kept_open_is_still_climbed(worlds: Any) -> None:
    """Its deadline passed at night: the steps that its card promises come in the morning, each at its time."""
    rungs = (Rung(after=HOURS, remind=True), Rung(after=2 * HOURS, escalate_to=who(CLEO)))
    asked = Stage(name="s", approvers=who(ANA, BOB), rungs=rungs, hours=OFFICE)
    world = await worlds(
        BUY, policies=policy_set(Policy(stages=(asked,), timeout=4 * HOURS, on_timeout=OnTimeout.KEEP))
    )
    await asked_at(world, "2030-01-10 20:00")
    await at(world, "2030-01-11 08:00")
    kept = await world.pending()
    view = await world.db.read(read_request, kept.id)
    assert (kept.due_at, [_shown(step.at) for step in view.ladder.ahead]) == (
        None,
        ["2030-01-11 10:00", "2030-01-11 11:00"],
    )
    await at(world, "2030-01-11 10:00")
    assert await climbed(world) == ["reminded"]
    await at(world, "2030-01-11 11:00")
    assert await climbed(world) == ["reminded", "escalated"]
    assert (await world.pending()).next_at is None


async def test_a_stop_inside_another_counts_the_hours_of_both(worlds: Any) -> None:
    """From half past four until after closing time: one open hour, whichever of the two stood over which of it."""
    waiting = OFFICE.model_copy(update={"timeout_waits": True})
    world = await worlds(BUY, policies=at_work(waiting, timeout=10 * HOURS))
    await asked_at(world, "2030-01-10 09:00")
    assert _shown((await world.pending()).due_at) == "2030-01-11 10:30"
    await at(world, "2030-01-10 16:30")
    await world.stop("agent")
    await at(world, "2030-01-10 17:00")
    await world.stop()
    await at(world, "2030-01-10 18:00")
    await world.go()
    await world.go("agent")
    assert _shown((await world.pending()).due_at, await world.db.read(pauses.stopped_for)) == "2030-01-11 11:30"
