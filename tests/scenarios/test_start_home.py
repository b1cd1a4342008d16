"""App Home: what waits for a person and what they started, drawn when they look and when something changes."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from bot import homes
from bot.workspace import View
from bot.workspace.view_changes import publish_home
from storage.types import RunStatus
from tests.scenarios.agents import MANAGERS, asking
from tests.scenarios.effects import mails
from tests.scenarios.house import House, open_house

MAIL = "Send email to team about meeting"


async def home_of(house: House, who: str) -> View:
    """Home as it is once somebody has opened it."""
    await house.person(who).open_home()
    await house.settle()
    view = house.person(who).home
    assert view is not None
    return view


async def test_home_says_what_waits_for_whoever_opens_it(house: House) -> None:
    """The approver sees the request with its button, the starter their run with its thread, others neither."""
    run = await house.start("ana", "approval", MAIL)
    maria, ana, fred = [await home_of(house, who) for who in ("maria", "ana", "fred")]
    assert "Approve send_email?" in maria.plain()
    assert "Review" in maria.labels
    assert run.id not in maria.plain()
    assert "Nothing waits for you" in ana.plain()
    assert run.id in ana.plain()
    assert "its thread" in ana.plain()
    assert "Waiting* for @managers since" in ana.plain()
    assert "Nothing waits for you" in fred.plain()
    assert "started nothing yet" in fred.plain()


async def test_a_home_that_slack_put_off_comes_when_it_may(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Slack wants a pause just when somebody looks: their Home comes after it, though nothing else happens."""
    monkeypatch.setattr(homes, "PAUSE_SECONDS", 0)
    stopping, ana = asyncio.Event(), house.person("ana")
    house.ws.fail("views.publish", status=429, retry_after=1)
    working = asyncio.create_task(house.bot.homes.run_forever(stopping))
    await ana.open_home()
    while house.bot.homes._put_off() != 1:  # noqa: ASYNC110 - nobody is told
        await asyncio.sleep(0)
    house.clock.advance(timedelta(seconds=1))
    await house.ws.wait_for(lambda: ana.home)
    stopping.set()
    await working


async def test_a_request_is_decided_from_home(house: House) -> None:
    """Its button opens everything there is to read; approving there runs the call, and Home no longer lists it."""
    run = await house.start("ana", "approval", MAIL)
    maria = house.person("maria")
    await maria.click(await home_of(house, "maria"), "Review")
    assert maria.view is not None
    assert "this is about: meeting" in maria.view.plain()
    await maria.click(maria.view, "Approve")
    await house.settle()
    assert (await house.run(run.id)).status is RunStatus.SUCCEEDED
    assert len(mails(house.dir)) == 1
    assert maria.home is not None
    assert "Nothing waits for you" in maria.home.plain()


async def test_home_is_redrawn_when_something_changes(house: House) -> None:
    """Whoever looked once sees new requests and the end of their runs without looking again."""
    await home_of(house, "maria")
    await home_of(house, "ana")
    await house.start("ana", "approval", MAIL)
    maria, ana = house.person("maria"), house.person("ana")
    assert maria.home is not None
    assert ana.home is not None
    assert "Approve send_email?" in maria.home.plain()
    assert "Waiting" in ana.home.plain()
    await maria.click(house.card("Approve send_email?"), "Approve")
    await house.settle()
    assert "Finished" in ana.home.now().plain()  # type: ignore[union-attr]


async def test_home_tells_what_was_decided_how_fast_and_who_stands_in(house: House) -> None:
    """What Maria approved stands on her Home and on Ana's, whose run it was, and not on Fred's; a pause, the week's
    pace and a hand-over with its way back are there, and redrawn."""
    await house.start("ana", "approval", MAIL)
    house.clock.advance(timedelta(minutes=3))
    await house.person("maria").click(house.card("Approve send_email?"), "Approve")
    await house.settle()
    for who, told in (("maria", True), ("ana", True), ("fred", False)):
        words = (await home_of(house, who)).plain()
        assert ("Approved: send_email by @maria · agent “approval” for @ana" in words) is told
        assert ("Recently decided" in words) is told
        assert "Everybody's median time to decide, this week: 3 min (1 request)." in words
    maria = house.person("maria")
    await maria.click(await home_of(house, "maria"), "Hand over")
    assert maria.view is not None
    assert maria.view.title == "Hand over"
    await maria.command("/approvals", "away 3d @dora")
    await house.person("sam").command("/approvals", "pause because of fire")
    await house.settle()
    assert maria.home is not None
    assert "@dora decides in your stead until" in maria.home.plain()
    assert "Everything is paused* by @sam" in maria.home.plain()
    assert "You decide in the stead of @maria" in (await home_of(house, "dora")).plain()
    await maria.click(maria.home, "I am back")
    await house.person("sam").command("/approvals", "resume")
    await house.settle()
    assert "Nobody decides in your stead" in maria.home.now().plain()  # type: ignore[union-attr]
    assert "paused" not in maria.home.now().plain()  # type: ignore[union-attr]


async def test_the_oldest_deadline_comes_first_and_the_rest_is_said_to_be_there(tmp_path: Path) -> None:
    """However much waits, Slack takes the Home, and what is due next is on it."""
    async with open_house(tmp_path, policy=MANAGERS, agents={"asker": asking(a="What?")}) as house:
        first = await house.start("ana", "asker", "first")
        for _ in range(17):
            house.clock.advance(timedelta(minutes=1))
            await house.start("ana", "asker", "later")
        view = await home_of(house, "ana")
        assert len(view.blocks) <= 100
        assert view.labels.count("Review") == 15
        assert "More waits for you" in view.plain()
        await house.person("ana").click(view, "Review")
        form = house.person("ana").view
        assert form is not None
        (request,) = await house.requests(first.id)
        assert request.id in form.private_metadata


async def test_an_agent_is_started_from_home(house: House) -> None:
    """The button opens the form; who may start nothing has no such button."""
    ana = house.person("ana")
    await ana.click(await home_of(house, "ana"), "Start an agent")
    assert ana.view is not None
    assert ana.view.title == "Start an agent"
    assert "Start an agent" not in (await home_of(house, "gus")).labels


async def test_a_button_of_a_home_that_was_left_open_decides_nothing(house: House) -> None:
    """Who lost the right meanwhile is told so where they pressed."""
    await house.start("ana", "approval", MAIL)
    view = await home_of(house, "maria")
    (managers,) = [group for group in house.ws.world.groups.values() if group.handle == "managers"]
    managers.users.clear()
    house.clock.advance(timedelta(minutes=1))
    maria = house.person("maria")
    await maria.click(view, "Review")
    assert maria.view is not None
    assert "not an approver" in maria.view.plain()
    assert mails(house.dir) == []


async def test_home_never_says_that_nothing_waits_when_nobody_knows(house: House) -> None:
    """While Slack does not say who is who, Home says that, and is right again once it does."""
    await house.start("ana", "approval", MAIL)
    house.clock.advance(timedelta(minutes=1))
    house.ws.fail("users.info", status=503, times=None)
    assert "Slack did not say in time" in (await home_of(house, "maria")).plain()
    house.ws.heal()
    assert "Approve send_email?" in (await home_of(house, "maria")).plain()


async def test_another_teams_people_see_an_empty_home(house: House) -> None:
    """Nothing of ours is told to strangers."""
    await house.start("ana", "approval", MAIL)
    view = await home_of(house, "olga")
    assert view.labels == []
    assert "send_email" not in view.plain()


async def test_a_home_that_was_drawn_by_another_is_drawn_over(house: House) -> None:
    """A hash that is no longer the newest keeps nobody from seeing the present."""
    await home_of(house, "ana")
    for _ in range(2):
        publish_home(house.ws.world, house.person("ana").id, {"type": "home", "blocks": []})
        await house.start("ana", "multi-step", "Buy 1 mouse for 250")
        view = house.person("ana").home
        assert view is not None
        assert "Finished" in view.plain()


async def test_home_tells_operators_what_is_stuck_and_how_to_pause(house: House) -> None:
    """An alert stands on their Home with its message's address while it is open, and on nobody else's."""
    await house.start("ana", "approval", MAIL)
    assert "You are an operator: `/approvals alerts`" in (await home_of(house, "sam")).plain()
    await house.advance(timedelta(hours=3))
    await house.bot.alerts.look()
    await house.settle()
    sam = await home_of(house, "sam")
    assert "*Warning: Agent “approval” waits for people* · `send_email` · its message" in sam.plain()
    assert "Open alerts" in sam.plain()
    assert "No request waits for you." in sam.plain()
    for who in ("maria", "ana"):
        words = (await home_of(house, who)).plain()
        assert "Open alerts" not in words
        assert "operator" not in words
