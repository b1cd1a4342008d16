"""Alerts in Slack: one message for one stuck thing, updated, with buttons for those who may press them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from bot.workspace import Message
from tests.scenarios.house import House, open_house
from tests.scenarios.logs import Logs

LONG = timedelta(hours=2, minutes=1)
BEGINS = """
[slack]
approvals_channel = "{approvals}"

[alerts]
channel = "#alerts"
{alerts}

[operators]
members = ["usergroup:oncall"]

[default.stage]
approvers = ["{approver}"]
"""


def policy(approvals: str = "#approvals", alerts: str = 'digest = "off"', approver: str = "usergroup:managers") -> str:
    """A policy file with one thing or another in it."""
    return BEGINS.format(approvals=approvals, alerts=alerts, approver=approver)


async def look(house: House, after: timedelta = timedelta(0)) -> None:
    """Let time pass, have the process say that it lives, look at what is stuck, and deliver."""
    await house.advance(after)
    house.bot.runtime.beat(())
    await house.bot.alerts.look()
    await house.settle()


def told(house: House, channel: str = "#alerts") -> list[Message]:
    """The alerts of a channel, over or not: its messages without the daily digest."""
    return [one for one in house.ws.channel(channel).messages if not one.plain().startswith("Waiting for people")]


async def test_a_stuck_run_is_one_message_until_it_goes_on(tmp_path: Path) -> None:
    """Raised with whom it asks and what comes next, acknowledged by an operator, refused to others, over at the end."""
    async with open_house(tmp_path) as house:
        await house.start("ana", "approval", "Send email to team about lunch")
        await look(house, LONG)
        card = house.card("waits for people", "Acknowledge")
        words = card.plain()
        assert "Warning: Agent “approval” waits for people" in words
        assert "`send_email` has waited for @managers since 2026-11-02 09:00 UTC. Operators are told" in words
        assert "What happens next: times out 2026-11-02 13:00 UTC, then it is rejected." in words
        assert "For @oncall" in words
        await house.person("ana").click(card, "Acknowledge")
        await house.settle()
        assert "Only operators, and the people who are asked, may do this" in house.person("ana").direct[-1].plain()
        await house.person("maria").click(card, "Acknowledge")
        await house.settle()
        card = house.card("waits for people", "Mute for a day")
        assert card.labels == ["Remind now", "Mute for a day"]
        assert "@maria looks after this until 2026-11-02 12:01 UTC" in card.plain()
        await look(house, timedelta(hours=1))
        assert "@maria looks after this" not in house.card("waits for people", "Acknowledge").plain()
        (called,) = card.thread
        assert "oncall" in called.plain()
        assert "Nobody has mended this within the hour" in called.plain()
        await house.person("maria").click(house.card("Approve send_email", "Approve"), "Approve")
        await house.settle()
        await look(house)
        (over,) = told(house)
        assert "Over: Agent “approval” waited for people" in over.plain()
        assert "It lasted 3 h 1 min" in over.plain()
        assert "It was approved." in over.plain()
        assert over.labels == []
        events = [entry.event for entry in await house.audit() if entry.event.startswith("alert.")]
        assert events == ["alert.raised", "alert.refused", "alert.acknowledged", "alert.lapsed", "alert.resolved"]


async def test_those_who_are_asked_are_reminded_from_the_alert_and_each_press_is_answered(tmp_path: Path) -> None:
    """*Remind now* calls them below the card, once however often it is pressed, and says so; *Acknowledge* holds the
    deadline, too, for whoever may decide, and nothing else for an operator."""
    async with open_house(tmp_path, policy=policy()) as house:
        await house.start("ana", "approval", "Send email to team about lunch")
        await look(house, LONG)
        sam, maria = house.person("sam"), house.person("maria")
        for answer in ("Everybody who is asked is reminded", "was reminded within the last ten minutes"):
            await sam.click(house.card("waits for people", "Remind now"), "Remind now")
            await house.settle()
            assert answer in sam.ephemerals[-1].plain()
        card = house.card("Approve send_email?", "Approve")
        (called,) = [one for one in card.thread if "still waits for a decision" in one.plain()]
        assert "@managers" in called.plain()
        await sam.click(house.card("waits for people", "Acknowledge"), "Acknowledge")
        await house.settle()
        told_now = house.card("waits for people").plain()
        assert "@sam looks after this" in told_now
        assert "is on it" not in told_now
        assert len(sam.ephemerals) == 2
        await look(house, timedelta(hours=1))
        await maria.click(house.card("waits for people", "Acknowledge"), "Acknowledge")
        await look(house)
        told_now = house.card("waits for people").plain()
        assert "@maria looks after this" in told_now
        assert "@maria is on it until" in told_now
        assert "2026-11-02 13:30 UTC" in told_now
        assert "Nobody is reminded of" in maria.ephemerals[-1].plain()


async def test_a_card_that_slack_does_not_take_is_told_and_sent_again(tmp_path: Path, logs: Logs) -> None:
    """An alert names the message and the reason at once; *Send again* delivers it, and the alert is over."""
    logs.expect("delivery")
    async with open_house(tmp_path) as house:
        house.ws.fail("chat.postMessage", error="msg_too_long", channel="#approvals")
        await house.start("ana", "approval", "Send email to team about lunch")
        card = house.card("A message cannot be delivered", "Send again")
        assert "msg_too_long" in card.plain()
        await house.person("sam").click(card, "Send again")
        await look(house)
        assert "It is sent again now." in house.person("sam").ephemerals[-1].plain()
        assert "Over: A message could not be delivered" in house.card("A message could not").plain()
        assert house.card("Approve send_email?", "Approve").channel == "#approvals"


async def test_a_card_that_stands_elsewhere_is_told(tmp_path: Path) -> None:
    """Its channel is archived: those who are asked may not see where it went."""
    async with open_house(tmp_path, policy=policy("#purchasing")) as house:
        house.ws.channel("#purchasing").archive()
        await house.start("ana", "approval", "Send email to team about lunch")
        card = house.card("A card is not where its approvers look")
        assert "is_archived" in card.plain()
        await look(house, LONG)
        assert [one.ts for one in told(house) if "Over:" not in one.plain()] == [card.ts]  # no second one that it waits
        await house.person("maria").click(house.card("Approve send_email?", "Approve"), "Approve")
        await look(house)
        assert "Over:" in house.card("not where its approvers look").plain()


async def test_an_alert_that_slack_refuses_goes_to_the_next_place_and_says_so(tmp_path: Path) -> None:
    """The alerts channel is archived: the fallback channel is told, and why it is told there."""
    async with open_house(tmp_path, policy=policy(alerts='fallback = ["#purchasing"]')) as house:
        house.ws.channel("#alerts").archive()
        await house.start("ana", "approval", "Send email to team about lunch")
        await look(house, LONG)
        (card,) = [one for one in told(house, "#purchasing") if "waits for people" in one.plain()]
        assert "posted here because of" in card.plain().lower()
        assert "is_archived" in card.plain()
        assert told(house) == []


async def test_a_request_that_nobody_can_approve_is_told_at_the_next_look(tmp_path: Path) -> None:
    """The only one who is asked has left; over when they are back."""
    async with open_house(tmp_path, policy=policy(approver="usergroup:directors")) as house:
        house.ws.world.user_named("dora").deleted = True
        await house.start("ana", "approval", "Send email to team about lunch")
        await look(house)
        assert "Critical: Agent “approval”: nobody can approve send_email" in house.card("nobody can approve").plain()
        house.ws.world.user_named("dora").deleted = False
        await look(house, timedelta(minutes=1))
        assert "Over:" in house.card("nobody could approve").plain()


async def test_the_list_of_alerts_is_for_operators(tmp_path: Path) -> None:
    """`/approvals alerts`: what is open and who looks after it; others are told that it is not for them."""
    async with open_house(tmp_path) as house:
        sam = house.person("sam")
        assert "No alert is open" in (await sam.command("/approvals", "alerts")).text
        await house.start("ana", "approval", "Send email to team about lunch")
        await look(house, LONG)
        await sam.click(house.card("waits for people", "Acknowledge"), "Acknowledge")
        answer = await sam.command("/approvals", "alerts")
        assert "1 open alert" in answer.text
        assert "Only operators" in (await house.person("ana").command("/approvals", "alerts")).text


async def test_the_digest_tells_what_waits_and_links_to_it(tmp_path: Path) -> None:
    """In the alerts channel, once, at the time that the settings name; on a day when nothing waits there is none."""
    async with open_house(tmp_path, policy=policy(alerts='zone = "Europe/Berlin"')) as house:

        def digests() -> list[Message]:
            here = house.ws.channel("#alerts").messages
            return [one for one in here if one.plain().startswith("Waiting for people")]

        await look(house)
        assert digests() == []
        await house.start("ana", "approval", "Send email to team about lunch")
        await look(house, timedelta(minutes=30))
        assert digests() == []
        await house.person("maria").click(house.card("Approve send_email?", "Approve"), "Approve")
        await house.settle()
        await house.advance(timedelta(hours=21))
        await house.start("ana", "approval", "Send email to team about dinner")
        for _ in range(3):
            await look(house, timedelta(hours=1))
        (told_once,) = digests()
        words = told_once.plain()
        assert words.startswith("Waiting for people: 1 request")
        assert "`send_email` of agent “approval” waits since 2026-11-03 06:30 UTC" in words
        assert "open its card" in words
        assert "half of them in" in words
