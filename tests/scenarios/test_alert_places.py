"""Where an alert is told when Slack does not take it where it belongs: somebody reads it, and it is one message."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agent_runtime.alerts import message_key
from agent_runtime.clock import MovableClock
from bot.workspace import Message, Workspace
from bot.workspace.demo_world import demo_world
from storage import alerts, messages
from tests.scenarios.house import START, House, open_house
from tests.scenarios.logs import Logs
from tests.scenarios.test_alerts import LONG, look, policy, told

MINUTES = timedelta(minutes=1)


@pytest.fixture
async def house(tmp_path: Path, logs: Logs) -> AsyncIterator[House]:
    """A house with a fallback for its alerts, in which somebody waits."""
    logs.expect("delivery")
    async with open_house(tmp_path, policy=policy(alerts='digest = "off"\nfallback = ["#purchasing"]')) as opened:
        await opened.start("ana", "approval", "Send email to team about lunch")
        yield opened


def waiting(house: House, channel: str) -> list[Message]:
    """What a channel is told of the run that waits."""
    return [one for one in told(house, channel) if "Agent “approval” waits for people" in one.plain()]


@pytest.mark.parametrize("code", ["no_permission", "a_code_of_tomorrow"])
async def test_whatever_slack_says_against_a_place_the_next_one_is_told(house: House, code: str) -> None:
    """Why does not matter: somebody has to read it."""
    house.ws.fail("chat.postMessage", error=code, times=None, channel="#alerts")
    await look(house, LONG)
    (card,) = waiting(house, "#purchasing")
    assert code in card.plain()


async def test_a_place_that_does_not_answer_for_minutes_is_passed_over(house: House) -> None:
    """Not at the first lost answer, or it would be told twice; and once."""
    house.ws.fail("chat.postMessage", status=500, times=None, channel="#alerts")
    due = house.clock.now() + LONG
    await look(house, LONG)
    (card,) = waiting(house, "#purchasing")
    assert MINUTES < datetime.fromtimestamp(float(card.ts), UTC) - due < 5 * MINUTES
    assert "no_answer" in card.plain()
    assert waiting(house, "#alerts") == []


@pytest.mark.parametrize(
    ("operators", "who"), [("usergroup:oncall", "sam"), ('usergroup:managers", "user:U0SAM000001', "sam")]
)
async def test_where_no_channel_takes_it_an_operator_is_told_alone(
    tmp_path: Path, logs: Logs, operators: str, who: str
) -> None:
    """Whoever is named as a person before whoever is in a group."""
    logs.expect("delivery")
    async with open_house(tmp_path, policy=policy().replace("usergroup:oncall", operators)) as house:
        await house.start("ana", "approval", "Send email to team about lunch")
        for channel in ("#alerts", "#approvals"):
            house.ws.fail("chat.postMessage", error="is_archived", times=None, channel=channel)
        await look(house, LONG)
        (told_alone,) = [one for one in house.messages() if "Agent “approval” waits for people" in one.plain()]
        assert house.person(who).direct[-1].ts == told_alone.ts


async def test_an_alert_whose_answer_was_lost_before_a_restart_is_one_message(tmp_path: Path, logs: Logs) -> None:
    """The next process finds what the one before it posted."""
    logs.expect("delivery")
    clock = MovableClock(START)
    async with Workspace.serve(demo_world(clock), clock=clock, signing_clock=clock) as ws:
        async with open_house(tmp_path, policy=policy(), clock=clock, workspace=ws) as house:
            await house.start("ana", "approval", "Send email to team about lunch")
            ws.fail("chat.postMessage", drop="after", channel="#alerts")
            house.clock.advance(LONG)
            house.bot.runtime.beat(())
            await house.bot.alerts.look()
            await house.bot.settle()
        async with open_house(tmp_path, policy=policy(), clock=clock, workspace=ws) as house:
            await look(house)
            await look(house, 2 * MINUTES)
            assert len(waiting(house, "#alerts")) == 1
            (alert,) = await house.bot.runtime.db.read(alerts.all_open)
            row = await house.bot.runtime.db.read(messages.get, message_key(alert.id))
            assert row is not None
            assert row.ts == waiting(house, "#alerts")[0].ts


async def test_an_alert_that_nobody_took_is_told_when_a_place_is_mended(house: House) -> None:
    """It is tried for as long as it goes on."""
    house.ws.fail("chat.postMessage", error="is_archived", times=None)
    await look(house, LONG)
    for _ in range(3):
        await look(house, 20 * MINUTES)
    house.ws.heal("chat.postMessage")
    await look(house, 6 * MINUTES)
    assert len(waiting(house, "#alerts")) == 1


async def test_a_place_that_an_alert_left_has_nothing_to_press(house: House) -> None:
    """Its channel is archived and comes back: what stands there leads nobody to think that it is still told there."""
    await look(house, LONG)
    (left,) = waiting(house, "#alerts")
    house.ws.channel("#alerts").archive()
    await house.person("sam").click(left, "Acknowledge")
    await house.settle()
    (card,) = waiting(house, "#purchasing")
    assert "Unmute" not in card.labels
    house.ws.world.channels[left.stored.channel].is_archived = False
    await look(house, 6 * MINUTES)
    assert left.now().labels == []
    assert "Another message tells of it now" in left.now().plain()
    await house.person("maria").click(house.card("Approve send_email?", "Approve"), "Approve")
    await house.settle()
    await look(house)
    assert "Over: " in left.now().plain()
    assert "Over: " in card.now().plain()
