"""Where an alert is told when Slack does not take it where it belongs: somebody reads it, and it is one message."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.workspace import Message
from tests.scenarios.house import House, open_house
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
    return [one for one in told(house, channel) if "approval waits for people" in one.plain()]


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


async def test_where_no_channel_takes_it_an_operator_is_told_alone(house: House) -> None:
    """Groups are looked up: whoever is in one is somebody, too."""
    for channel in ("#alerts", "#purchasing", "#approvals"):
        house.ws.fail("chat.postMessage", error="is_archived", times=None, channel=channel)
    await look(house, LONG)
    assert "approval waits for people" in house.person("sam").direct[-1].plain()


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
