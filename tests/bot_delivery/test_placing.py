"""Where messages go: the run's message, its cards, its story, and what happens where they may not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from agent_runtime.clock import MovableClock
from agent_runtime.policy import Stage
from agent_runtime.selectors import STARTER
from bot.workspace import Workspace
from storage.types import Actor, ActorKind, RunStatus
from tests.bot_delivery.office import DEAD, DONE, DUE, Office, open_office

MANAGERS = ("usergroup:managers",)
TOKEN = Actor(kind=ActorKind.TOKEN, id="ci", name="the build")


@pytest.fixture
async def homeless(tmp_path: Path, ws: Workspace, clock: MovableClock) -> AsyncIterator[Office]:
    """An office whose settings name no approvals channel."""
    async with open_office(tmp_path, ws, clock, approvals_channel="") as opened:
        yield opened


async def test_a_run_stands_where_it_was_started(office: Office) -> None:
    """The run's own message goes to the channel of the command."""
    run_id = await office.run(channel="#general")
    await office.settle()
    assert office.ws.channel("#general").saying(run_id)


async def test_a_run_started_where_the_bot_is_not_goes_to_its_starter(office: Office) -> None:
    """Where the bot may not post, the starter's direct messages take the run, and the row says why."""
    run_id = await office.run(channel="#board", starter="dora")
    await office.settle()
    assert run_id in office.ws.person("dora").direct[0].plain()
    row = await office.row(f"run:{run_id}")
    assert row.status is DONE
    assert "channel_not_found" in row.error


async def test_a_run_from_nowhere_in_slack_goes_to_the_approvals_channel(office: Office) -> None:
    """What a token started has neither channel nor direct messages."""
    run_id = await office.run(TOKEN, channel=None)
    await office.settle()
    assert office.ws.channel("#approvals").saying(run_id)


async def test_a_run_with_no_place_at_all_is_dead_and_says_so(homeless: Office) -> None:
    """A delivery that can be made nowhere is given up, visibly."""
    run_id = await homeless.run(TOKEN, channel=None)
    await homeless.settle()
    row = await homeless.row(f"run:{run_id}")
    assert (row.status, row.error) == (DEAD, "there is no place for it")


async def test_a_card_stands_in_the_approvals_channel_and_calls_its_approvers(office: Office) -> None:
    """A stage without a channel asks where the settings say, and mentions whom it asks."""
    await office.ask(await office.run())
    await office.settle()
    (card,) = office.cards("#approvals")
    assert "@managers" in card.mentions
    assert card.thread_ts is None


async def test_a_card_links_to_the_runs_thread_that_stands_elsewhere(office: Office) -> None:
    """The card waits for the run's message, which is less urgent, to link to it."""
    await office.ask(await office.run())
    await office.settle()
    root = office.ws.channel("#general").messages[0]
    assert f"p{root.ts.replace('.', '')}" in str(office.cards("#approvals")[0].blocks)


async def test_a_link_to_direct_messages_is_not_shown(office: Office) -> None:
    """Nobody else could follow it."""
    await office.ask(await office.run(channel="#board", starter="dora"))
    await office.settle()
    (card,) = office.cards("#approvals")
    assert "archives" not in str(card.blocks)


async def test_a_card_does_not_wait_for_a_runs_message_that_has_trouble(office: Office, ws: Workspace) -> None:
    """A card without its link is better than no card."""
    ws.fail("chat.postMessage", status=500, channel="#general", times=None)
    await office.ask(await office.run())
    await office.settle_for(timedelta(seconds=3))
    assert office.cards("#approvals")


async def test_a_card_waits_only_seconds_for_the_runs_message(office: Office, ws: Workspace) -> None:
    """Once its request is five seconds old the card goes out, link or not."""
    ws.fail("chat.postMessage", status=429, retry_after=3, channel="#general", times=1)
    run_id = await office.run()
    await office.settle()
    office.clock.advance(timedelta(seconds=3))
    ws.fail("chat.postMessage", hang="before", channel="#general")
    request_id = await office.ask(run_id)
    office.clock.advance(timedelta(seconds=5))
    row = await office.deliveries.claim([f"run:{run_id}"])
    assert row is not None
    assert row.subject == request_id
    await office.deliveries.handle(row)
    assert office.cards("#approvals")
    ws.heal()


async def test_a_stage_with_its_own_channel_is_asked_there(office: Office) -> None:
    """By name, and by id."""
    run_id = await office.run()
    await office.ask(run_id, Stage(name="one", approvers=MANAGERS, channel="#purchasing"))
    await office.ask(run_id, Stage(name="two", approvers=MANAGERS, channel=office.ws.channel("#alerts").id))
    await office.settle()
    assert office.cards("#purchasing")
    assert office.cards("#alerts")


async def test_what_is_for_the_starter_is_asked_in_the_runs_thread(office: Office) -> None:
    """The card is a reply to the run's message, which comes first although it is less urgent."""
    run_id = await office.run()
    await office.ask(run_id, Stage(name="starter", approvers=(STARTER,)))
    await office.settle()
    root = office.ws.channel("#general").messages[0]
    (card,) = root.thread
    assert card.mentions == {"@ana"}
    assert run_id in root.plain()


async def test_without_an_approvals_channel_cards_stand_in_the_thread(homeless: Office) -> None:
    """Settings that name no channel mean the run's own thread."""
    await homeless.ask(await homeless.run())
    await homeless.settle()
    assert homeless.ws.channel("#general").messages[0].thread


@pytest.mark.parametrize("channel", ["#board", "#nowhere", "C0NOSUCH001"])
async def test_a_channel_that_takes_no_card_falls_back_to_the_thread(office: Office, channel: str) -> None:
    """A bot that was not invited, or a channel that is not there, never hides a request."""
    request_id = await office.ask(await office.run(), Stage(name="one", approvers=MANAGERS, channel=channel))
    await office.settle()
    assert office.ws.channel("#general").messages[0].thread
    row = await office.row(f"card:{request_id}:1:0")
    assert row.status is DONE
    assert "channel_not_found" in row.error


async def test_each_stage_opens_with_a_new_message(office: Office) -> None:
    """The next stage's approvers get a message of their own, and the old card shows where things stand."""
    finance = Stage(name="finance", approvers=("usergroup:finance",), channel="#purchasing")
    request_id = await office.ask(await office.run(), Stage(name="manager", approvers=MANAGERS), finance)
    await office.settle()
    await office.change(request_id, stage=1)
    await office.settle()
    (first,), (second,) = office.cards("#approvals"), office.cards("#purchasing")
    assert "@finance" in second.mentions
    assert "@managers" not in second.mentions
    assert "Stage 2 of 2" in first.plain()


async def test_a_channel_that_was_archived_sends_a_card_to_the_thread(office: Office) -> None:
    """A card whose channel is gone is shown anew in the run's thread."""
    request_id = await office.ask(await office.run())
    await office.settle()
    office.ws.channel("#approvals").archive()
    await office.close(request_id)
    await office.settle()
    (reply,) = office.ws.channel("#general").messages[0].thread
    assert "Timed out" in reply.plain()
    assert "is_inactive" in (await office.row(f"card:{request_id}:1:0")).error


async def test_a_thread_whose_channel_was_archived_moves_with_its_run(office: Office) -> None:
    """Where the run's channel is gone, its message and what belongs below it come to the starter."""
    run_id = await office.run()
    await office.settle()
    office.ws.channel("#general").archive()
    await office.ask(run_id, Stage(name="starter", approvers=(STARTER,)))
    await office.settle_for(timedelta(minutes=1))
    root, card = office.ws.person("ana").direct
    assert run_id in root.plain()
    assert card.thread_ts == root.ts
    assert "buy" in card.plain()


async def test_a_story_is_told_in_order(office: Office) -> None:
    """Lines written before the run's message stands, the tenth after the ninth, come out in their order."""
    run_id = await office.run()
    for number in (8, 9, 10, 11):
        await office.note(run_id, number, f"line {number}")
    await office.settle()
    thread = office.ws.channel("#general").messages[0].thread
    assert [line.plain() for line in thread] == ["line 8", "line 9", "line 10", "line 11"]


async def test_a_line_of_anybodys_words_formats_nothing(office: Office) -> None:
    """What an agent or a person wrote into a line mentions nobody and is no link."""
    run_id = await office.run()
    await office.note(run_id, 1, "Failed: <!channel> *bold* <https://evil.example|click> & @here")
    await office.settle()
    (line,) = office.ws.channel("#general").messages[0].thread
    assert line.mentions == set()
    assert line.plain() == "Failed: <!channel> *bold* <https://evil.example|click> & @here"


async def test_a_line_after_one_that_was_given_up_is_still_told(office: Office, ws: Workspace) -> None:
    """One line that Slack will not take does not end the story."""
    run_id = await office.run()
    await office.settle()
    ws.fail("chat.postMessage", error="invalid_blocks")
    await office.note(run_id, 1, "one")
    await office.note(run_id, 2, "two")
    await office.settle_for(timedelta(seconds=5))
    assert (await office.row("note:1")).status is DEAD
    assert [line.plain() for line in ws.channel("#general").messages[0].thread] == ["two"]


async def test_a_story_without_a_thread_is_given_up(homeless: Office) -> None:
    """Lines whose run's message can stand nowhere do not wait for ever."""
    run_id = await homeless.run(TOKEN, channel=None)
    await homeless.note(run_id, 1, "one")
    await homeless.settle_for(timedelta(seconds=5))
    assert (await homeless.row("note:1")).status is DEAD


async def test_a_runs_message_is_updated_in_place(office: Office) -> None:
    """One message, however often the run moves."""
    run_id = await office.run()
    await office.settle()
    await office.change_run(run_id, RunStatus.SUCCEEDED)
    await office.settle()
    (message,) = office.ws.channel("#general").messages
    assert "Finished" in message.plain()
    assert (await office.row(f"run:{run_id}")).status is not DUE
