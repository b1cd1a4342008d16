"""The pause switch as people see it: `/approvals pause`, cards and runs that say so, and `/approvals resume`."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.cards.blocks import Message
from bot.listeners.pausing import Wanted, read_wanted
from storage.types import RunStatus
from tests.scenarios.house import House

AGENTS = ["approval", "multi-step", "multi-tool", "ops"]


async def say(house: House, text: str, who: str = "sam") -> str:
    answer = await house.person(who).command("/approvals", text)
    assert answer.status == 200
    return answer.text


async def test_a_pause_is_told_everywhere_and_a_vote_under_it_runs_afterwards(house: House) -> None:
    """Sam, on call, stops everything: the card and the run say by whom and why; Maria's yes is recorded, and the mail
    goes out after the resume."""
    run = await house.start("ana", "approval", "Send email to team about meeting")
    assert "Only operators pause and resume: @oncall." in await say(house, "pause", "maria")
    told = await say(house, "pause because the *bank* <!channel> is closed")
    assert "Everything is paused" in told
    await house.settle()
    card = house.card("Approve send_email?")
    for shown in (card.plain(), house.root(run.id).plain()):
        assert "everything is paused* by @sam since" in shown.lower()
        assert "bank" in shown
    assert "Nothing was changed. *Everything is paused* by @sam since" in await say(house, "pause")
    maria = house.person("maria")
    await maria.click(card, "More...")
    assert maria.view is not None
    await maria.click(maria.view, "Review everything")
    assert maria.view is not None
    await maria.click(maria.view, "Approve")
    assert "It is not run yet: *everything is paused* by @sam" in maria.view.plain()
    await house.advance(timedelta(days=2))
    assert (await house.run(run.id)).status is RunStatus.QUEUED
    assert "Not run yet: *everything is paused" in house.card("Approved: send_email").plain()
    assert "Everything goes on" in await say(house, "resume")
    await house.settle()
    assert (await house.run(run.id)).status is RunStatus.SUCCEEDED
    assert "paused" not in house.root(run.id).plain()
    assert "there is no pause of everything" in await say(house, "resume")


async def test_one_agent_is_paused_by_the_beginning_of_its_name(house: House) -> None:
    """Another agent goes on; whoever asks what waits is told so, and a wrong name stops nothing."""
    assert "No agent is called" in await say(house, "pause purchasing")
    assert "Agent `multi-step` is paused" in await say(house, "pause mul because of the audit")
    run = await house.start("ana", "approval", "Send email to team about meeting")
    assert (await house.run(run.id)).status is RunStatus.WAITING
    answer = await house.person("dora").command("/agent", "multi-step Buy 3 chairs for 300", channel="#board")
    assert "The agent is paused* by @sam" in answer.text
    assert "it begins afterwards" in answer.text
    queued = await house.start("ana", "multi-step", "Buy 3 chairs for 300")
    assert queued.status is RunStatus.QUEUED
    assert "Queued the agent multi-step for @ana" in house.root(queued.id).plain()
    assert "the agent is paused* by @sam" in house.root(queued.id).plain()
    assert "it begins afterwards" in house.root(queued.id).plain()
    assert "multi-step" in await say(house, "pause multi-step")
    assert "Agent `multi-step` goes on" in await say(house, "resume multi-step")
    await house.settle()
    assert (await house.run(queued.id)).status is not RunStatus.QUEUED
    assert "Started the agent multi-step for @ana" in house.root(queued.id).plain()


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("", Wanted("")),
        ("because", Wanted("")),
        ("because of fire", Wanted("", "of fire")),
        ("because x &lt; y &amp; z", Wanted("", "x < y & z")),
        ("ALL because: fire", Wanted("", "fire")),
        ("ops", Wanted("ops")),
        ("ap because x because y", Wanted("approval", "x because y")),
        ("ops the disk is full", Wanted("ops", "the disk is full")),
        ("multi", None),
        ("a bad thing happens", None),
        ("Ops", None),
    ],
)
def test_what_to_pause_is_never_guessed(typed: str, wanted: Wanted | None) -> None:
    """An exact name, an unambiguous beginning, or nothing at all; anything else is asked again."""
    read = read_wanted(typed, AGENTS, "pause")
    assert read == wanted if wanted is not None else isinstance(read, Message)
