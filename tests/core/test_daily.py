"""The digest is told once for each time that the settings name, whatever the server and the clocks do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agent_runtime.alert_rules import AlertRules
from agent_runtime.alerts_watch import AlertsWatch
from agent_runtime.cron import parse_cron, parse_zone
from agent_runtime.daily import read_digest
from agent_runtime.errors import TextError
from storage import messages, requests
from storage.models import Request
from tests.core.agent import one
from tests.core.world import ANA, HOURS, MINUTES, YES, World

BERLIN = "Europe/Berlin"
DAY = timedelta(days=1)


async def digests(world: World) -> list[str]:
    """The times that were told, in order."""
    return [str(key) for (key,) in await world.look("SELECT key FROM outbox WHERE kind = 'digest' ORDER BY key")]


async def look(world: World, after: timedelta = timedelta(0)) -> None:
    world.clock.advance(after)
    await AlertsWatch(world.runtime).look()


async def at(worlds: Any, moment: datetime, digest: str = "0 9 * * *", zone: str = BERLIN) -> World:
    """A house at this moment."""
    world: World = await worlds(one("buy"))
    world.clock.advance(moment - world.clock.now())
    world.runtime.alerts = AlertRules(channel="#alerts", digest=digest, zone=zone)
    return world


async def test_the_digest_is_told_once_over_restarts(worlds: Any) -> None:
    """A restart after it doubles nothing; one over its time tells it late, and the next one is told in its turn."""
    world = await at(worlds, datetime(2031, 1, 7, 7, 59, tzinfo=UTC))
    rules = world.runtime.alerts
    await look(world)
    assert await digests(world) == []
    await look(world, MINUTES)
    await world.reboot()
    world.runtime.alerts = rules
    await look(world)
    assert await digests(world) == ["digest:2031-01-07T09:00"]
    await world.reboot()
    world.runtime.alerts = rules
    await look(world, DAY + 3 * HOURS)
    assert await digests(world) == ["digest:2031-01-07T09:00", "digest:2031-01-08T09:00"]


async def test_a_server_that_was_down_for_long_tells_no_old_news(worlds: Any) -> None:
    """More than six hours late nobody is told of that morning."""
    world = await at(worlds, datetime(2031, 1, 7, 14, 1, tzinfo=UTC))
    await look(world)
    assert await digests(world) == []


@pytest.mark.parametrize(
    ("day", "wall"), [(datetime(2027, 3, 27, tzinfo=UTC), "03-28"), (datetime(2027, 10, 30, tzinfo=UTC), "10-31")]
)
async def test_a_change_of_the_clocks_tells_it_once_a_day(worlds: Any, day: datetime, wall: str) -> None:
    """At half past two, which is left out in spring and comes twice in autumn."""
    world = await at(worlds, day + 12 * HOURS, "30 2 * * *")
    for _ in range(40):
        await look(world, 30 * MINUTES)
    assert [key for key in await digests(world) if wall in key] == [f"digest:2027-{wall}T02:30"]


async def test_days_and_zone_are_those_of_the_settings(worlds: Any) -> None:
    """Nothing on a Saturday in Auckland, which begins on Friday elsewhere."""
    world = await at(worlds, datetime(2031, 1, 9, 20, 0, tzinfo=UTC), "0 9 * * mon-fri", "Pacific/Auckland")
    await look(world)
    assert await digests(world) == ["digest:2031-01-10T09:00"]
    await look(world, DAY)
    assert len(await digests(world)) == 1
    world.runtime.alerts = AlertRules(digest="")
    await look(world, 3 * DAY)
    assert len(await digests(world)) == 1


async def test_it_tells_what_waits_oldest_first_and_how_fast_people_are(worlds: Any) -> None:
    """And it is empty where nothing waits and nothing is stuck."""
    world: World = await worlds(one("buy"))
    rules = AlertRules(channel="#alerts")
    assert (await world.db.read(read_digest, world.context, rules)).is_empty
    first = await world.waiting()
    await world.pass_time(10 * MINUTES)
    await world.decide(ANA, YES)
    second = await world.waiting()
    await world.pass_time(MINUTES)
    third = await world.waiting()
    view = await world.db.read(read_digest, world.context, rules)
    assert [request.run_id for request, _key in view.waiting] == [second.id, third.id]
    assert first.id not in {request.run_id for request, _key in view.waiting}
    assert view.pace.median == 10 * MINUTES


async def test_whoever_approves_everything_at_once_hears_of_it_once_a_week(worlds: Any) -> None:
    """Twenty approvals in a row, unchanged, are worth a digest though nothing waits; not another one the next day."""
    world: World = await worlds(one("buy"))
    rules = AlertRules(channel="#alerts")
    await world.waiting()
    verdict = await world.decide(ANA, YES)
    await world.settle()

    async def approved(times: int) -> None:
        for number in range(times):
            row = await world.db.read(requests.get, verdict.request.id)
            row.id, row.generation = f"A{row.generation}{number}{times}", 100 * times + number
            assert await world.db.transact(requests.insert, Request(**row.model_dump()))

    async def is_told() -> bool:
        return not (await world.db.read(read_digest, world.context, rules)).is_empty

    await approved(18)
    assert not await is_told()
    await approved(1)
    assert await is_told()
    await world.db.transact(messages.begin_post, "digest:2030-01-07T09:00", "C1", "", world.clock.now())
    assert await is_told()
    await world.db.transact(messages.placed, "digest:2030-01-07T09:00", "C1", "1.1", "", world.clock.now())
    for _ in range(6):
        assert not await is_told()
        world.clock.advance(DAY)
    assert not await is_told()
    world.clock.advance(DAY)
    assert await is_told()


@pytest.mark.parametrize("line", ["9 o'clock", "0 9 * *", "0 25 * * *", "0 9 * * 1-5", "0 9 31 2 x"])
def test_a_line_that_could_mean_another_day_is_refused(line: str) -> None:
    """Cron and the library count days differently, so days have names."""
    with pytest.raises(TextError):
        parse_cron(line)


def test_off_and_blanks_are_understood() -> None:
    """`off` is no digest; a zone is one that the machine knows."""
    assert (parse_cron(" OFF "), parse_cron("0  9 * * Mon-Fri")) == ("", "0 9 * * mon-fri")
    assert parse_zone(BERLIN) == BERLIN
    with pytest.raises(TextError):
        parse_zone("Europe/Atlantis")
