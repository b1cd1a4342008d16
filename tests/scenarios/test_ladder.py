"""A request that nobody decides: it reminds, escalates, is held up, and runs when somebody says yes at last."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from agent_runtime.clock import MovableClock
from agent_runtime.demo.conversation import PlannedCall
from bot.workspace import Workspace
from bot.workspace.demo_world import demo_world
from storage.types import RunStatus
from tests.scenarios.agents import calling, noting
from tests.scenarios.house import MANAGERS_DECIDE, House, open_house

HALF = timedelta(minutes=30)
POLICY = (
    MANAGERS_DECIDE
    + """
[[policy]]
tool = "note"
timeout = "3h"
[[policy.stage]]
approvers = ["usergroup:managers"]
[[policy.stage.rung]]
after = "30m"
remind = true
[[policy.stage.rung]]
after = "1h"
escalate_to = ["usergroup:directors", "user:U0FRED00001"]
channel = "#alerts"
"""
)


@pytest.fixture
def done() -> list[str]:
    """What was noted."""
    return []


@pytest.fixture
async def house(tmp_path: Path, transport: str, done: list[str]) -> AsyncIterator[House]:
    """A house whose agent notes one thing, on managers' approval."""
    agents = {"notes": calling(PlannedCall("note", {"text": "x"}), tools=[noting(done)])}
    async with open_house(tmp_path, policy=POLICY, agents=agents, transport=transport) as opened:
        yield opened


async def test_a_reminder_an_escalation_and_a_yes_of_whom_it_was_escalated_to(house: House, done: list[str]) -> None:
    """New messages call people, the card says what was and what comes next, and an escalated person decides."""
    run = await house.start("ana", "notes", "go")
    card = house.card("Approve note?", "Approve")
    assert "next: reminder " in card.plain()
    assert "escalates to directors and 1 person " in card.plain()
    assert not card.thread

    await house.advance(HALF)
    (reminder,) = card.now().thread
    assert "still waits for a decision" in reminder.plain()
    assert "managers" in reminder.plain()
    fred = house.person("fred")
    await fred.click_stale(card, "Approve")
    await house.settle()
    assert "not an approver" in fred.ephemerals[-1].plain()

    await house.advance(HALF)
    reminder, escalation = card.now().thread
    assert "directors" in escalation.plain()
    assert "escalated to directors, @fred" in escalation.plain()
    assert "escalated to directors" in card.now().plain()
    assert any("so far; escalated to directors and 1 person" in reply.plain() for reply in house.root(run.id).thread)
    aside = house.card("still waits for a decision", "Review everything")
    direct = house.card("waits for you, too", "Review everything")
    assert aside.channel != card.channel
    assert direct.stored.channel.startswith("D")

    opened = await fred.click(direct, "Review everything")
    assert opened.view is not None
    await fred.click(opened.view, "Approve")
    await house.settle()
    assert done == ["x"]
    assert (await house.run(run.id)).status is RunStatus.SUCCEEDED
    assert "Closed by" in card.now().plain() or "Open for" in card.now().plain()


async def test_calls_on_one_card_are_told_of_together(tmp_path: Path, done: list[str]) -> None:
    """One message below the card for those that still wait; each of them can be read and decided from the one apart."""
    noted = [PlannedCall("note", {"text": text}) for text in ("x", "y", "z")]
    agents = {"notes": calling(*noted, tools=[noting(done)])}
    async with open_house(tmp_path, policy=POLICY, agents=agents) as house:
        await house.start("ana", "notes", "go")
        card = house.card("Approve 3 calls?")
        await house.person("maria").click(card, "Approve", of="1. ")
        await house.settle()
        await house.advance(2 * HALF)
        (told,) = card.now().thread
        assert "still wait for a decision" in told.plain()
        direct = house.card("for you, too")
        assert len([label for label in direct.labels if label.startswith("Review")]) == 2


async def test_whoever_is_in_a_small_group_is_told_alone_and_the_alerts_channel_as_well(
    tmp_path: Path, done: list[str]
) -> None:
    """An escalation from a private channel reaches people who are not in it, once, though nobody named a channel."""
    policy = POLICY.replace(
        'escalate_to = ["usergroup:directors", "user:U0FRED00001"]\nchannel = "#alerts"',
        'escalate_to = ["usergroup:directors"]\n[alerts]\nchannel = "#alerts"',
    )
    policy = policy.replace(
        'approvers = ["usergroup:managers"]\n[[', 'approvers = ["usergroup:managers"]\nchannel = "#approvers"\n[['
    )
    agents = {"notes": calling(PlannedCall("note", {"text": "x"}), tools=[noting(done)])}
    async with open_house(tmp_path, policy=policy, agents=agents) as house:
        await house.start("ana", "notes", "go")
        assert house.card("Approve note?", "Approve").channel == "#approvers"
        await house.advance(2 * HALF)
        (direct,) = house.person("dora").direct
        assert "waits for you, too" in direct.plain()
        (said,) = house.ws.channel("#alerts").messages
        assert "directors" in said.plain()
        opened = await house.person("dora").click(direct, "Review everything")
        assert opened.view is not None
        await house.person("dora").click(opened.view, "Approve")
        await house.settle()
    assert done == ["x"]


async def test_steps_that_slack_did_not_take_are_told_as_one(house: House) -> None:
    """What fell due while Slack was down is one message below the card, the newest, when it is up again."""
    await house.start("ana", "notes", "go")
    card = house.card("Approve note?", "Approve")
    house.ws.fail("chat.postMessage", error="service_unavailable", times=None)
    for _ in range(2):
        house.clock.advance(HALF)
        await house.bot.runtime.sweep()
        await house.bot.settle()
    house.ws.heal("chat.postMessage")
    await house.advance(HALF / 2)
    (told,) = card.now().thread
    assert "escalated to directors, @fred" in told.plain()


async def test_somebody_is_on_it_and_nothing_follows(house: House) -> None:
    """The card says who and until when, nobody is called meanwhile, and then it goes on from where it stood."""
    run = await house.start("ana", "notes", "go")
    card = house.card("Approve note?", "More...")
    maria = house.person("maria")
    opened = await maria.click(card, "More...")
    assert opened.view is not None
    await maria.click(opened.view, "I'm on it")
    await house.settle()
    assert "is on it until" in card.now().plain()
    await house.advance(HALF)
    assert "is on it until" not in card.now().plain()
    assert not card.now().thread
    said = [reply.plain() for reply in house.root(run.id).thread]
    assert any("is on it for 30 min" in one for one in said)
    assert any("nothing followed" in one for one in said)
    await house.advance(HALF)
    assert len(card.now().thread) == 1


OFFICE = """
[[policy]]
tool = "note"
timeout = "8h"
[policy.hours]
from = "09:00"
to = "17:30"
zone = "Europe/Berlin"
timeout_waits = true
[[policy.stage]]
approvers = ["usergroup:managers"]
quorum = 2
[[policy.stage.rung]]
after = "30m"
remind = true
[[policy.stage.rung]]
after = "2h"
escalate_to = ["usergroup:directors"]
"""


async def test_a_ladder_over_a_weekend_on_which_clocks_change(tmp_path: Path, done: list[str]) -> None:
    """Reminded on Friday, one yes before the next step, a restart and a pause of its agent on the weekend; escalated on
    Monday an open hour after the opening, by the clock on the wall, and run on the second yes."""
    berlin = ZoneInfo("Europe/Berlin")
    clock = MovableClock(datetime(2026, 10, 23, 16, 30, tzinfo=berlin).astimezone(UTC))
    agents = {"notes": calling(PlannedCall("note", {"text": "x"}), tools=[noting(done)])}
    policy = MANAGERS_DECIDE + OFFICE

    async def until(house: House, day: int, hour: int, minute: int = 0) -> None:
        await house.advance(datetime(2026, 10, day, hour, minute, tzinfo=berlin) - clock.now())

    async with Workspace.serve(demo_world(clock), clock=clock, signing_clock=clock) as workspace:
        async with open_house(tmp_path, policy=policy, agents=agents, clock=clock, workspace=workspace) as house:
            await house.start("ana", "notes", "go")
            card = house.card("Approve note?", "Approve")
            await until(house, 23, 16, 59)
            assert not card.now().thread
            await until(house, 23, 17)
            assert ["reminder" in one.plain() or "still waits" in one.plain() for one in card.now().thread] == [True]
            await until(house, 23, 17, 10)
            await house.person("maria").click(card.now(), "Approve")
            await until(house, 24, 12)
            stopped = await house.person("sam").command("/approvals", "pause notes because nobody is in")
            assert "paused" in stopped.text
        async with open_house(tmp_path, policy=policy, agents=agents, clock=clock, workspace=workspace) as house:
            await until(house, 25, 12)
            await house.person("sam").command("/approvals", "resume notes")
            await until(house, 26, 9, 59)
            assert len(card.now().thread) == 1
            await until(house, 26, 10)
            assert "directors" in card.now().thread[-1].plain()
            assert done == []
            await house.person("dora").click(card.now(), "Approve")
            await house.settle()
    assert done == ["x"]
