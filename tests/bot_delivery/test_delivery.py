"""Delivery: every message is shown once, with the last state, whatever Slack does in between."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from agent_runtime.clock import MovableClock
from bot import slack_client
from bot.budgets import UNLIMITED, Budgets
from bot.delivery import LONGEST_BACKOFF, MOST_REFUSALS, backoff
from bot.workspace import Workspace
from storage import outbox
from storage.types import DeliveryStatus, RunStatus
from tests.bot_delivery.office import DEAD, DONE, DUE, EXPIRED, Office, open_office

MINUTE = timedelta(minutes=1)


async def shown_run(office: Office) -> str:
    """A run whose message stands in #general."""
    run_id = await office.run()
    await office.settle()
    return run_id


async def carded(office: Office) -> tuple[str, str]:
    """A request whose card stands in #approvals, and the key of that card."""
    request_id = await office.ask(await shown_run(office))
    await office.settle()
    assert len(office.cards("#approvals")) == 1
    return request_id, f"card:{request_id}:1:0"


# Lost answers


@pytest.mark.parametrize(
    "fault",
    [
        {"drop": "after"},
        {"status": 500, "when": "after"},
        {"error": "fatal_error", "when": "after"},
        {"error": "internal_error", "when": "after"},
    ],
)
async def test_a_post_whose_answer_was_lost_is_found_and_not_repeated(office: Office, ws: Workspace, fault) -> None:
    """Whatever hid the answer, there is one card, and it is the one that the rows know."""
    run_id = await shown_run(office)
    ws.fail("chat.postMessage", **fault)
    request_id = await office.ask(run_id)
    await office.settle_for(MINUTE)
    (card,) = office.cards("#approvals")
    assert (await office.place(f"card:{request_id}:1:0")).ts == card.ts
    assert (await office.row(f"card:{request_id}:1:0")).status is DONE


async def test_a_post_that_timed_out_after_it_was_made_is_not_repeated(
    tmp_path: Path, ws: Workspace, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Slack that answers too late has one message all the same."""
    monkeypatch.setattr(slack_client, "CALL_TIME", timedelta(seconds=1))
    async with open_office(tmp_path, ws, clock) as office:
        fault = ws.fail("chat.postMessage", hang="after")
        await office.run()
        await office.settle()
        fault.release()
        await office.settle_for(MINUTE)
        assert len(ws.channel("#general").messages) == 1


async def test_a_lost_reply_is_found_in_its_thread(office: Office, ws: Workspace) -> None:
    """A line of the story whose answer was lost stands once."""
    run_id = await shown_run(office)
    ws.fail("chat.postMessage", drop="after")
    await office.note(run_id, 1, "one")
    await office.note(run_id, 2, "two")
    await office.settle_for(MINUTE)
    assert [line.plain() for line in ws.channel("#general").messages[0].thread] == ["one", "two"]


async def test_a_lost_post_is_found_among_many(office: Office, ws: Workspace) -> None:
    """Where others talked meanwhile, later pages are read."""
    run_id = await shown_run(office)
    ws.fail("chat.postMessage", drop="after")
    await office.ask(run_id)
    await office.settle()
    for number in range(40):
        await ws.person("ana").say(f"talk {number}", channel="#approvals")
    await office.settle_for(MINUTE)
    assert len(office.cards("#approvals")) == 1


async def test_a_post_that_was_never_made_is_made_after_a_wait(office: Office, ws: Workspace) -> None:
    """Nothing is posted again while it may still appear; after half a minute it is."""
    run_id = await shown_run(office)
    ws.fail("chat.postMessage", drop="before")
    await office.ask(run_id)
    await office.settle_for(timedelta(seconds=29))
    assert office.cards("#approvals") == []
    await office.settle_for(timedelta(seconds=2))
    assert len(office.cards("#approvals")) == 1


@pytest.mark.parametrize("blind", ["scope", "channel"])
async def test_where_history_cannot_be_read_it_is_posted_again(office: Office, ws: Workspace, blind: str) -> None:
    """A bot that cannot look posts again after the wait: twice is better than never."""
    run_id = await shown_run(office)
    if blind == "scope":
        ws.world.app.scopes -= {"channels:history", "groups:history"}
    else:
        ws.channel("#approvals").remove("signoff")
    ws.fail("chat.postMessage", drop="before")
    await office.ask(run_id)
    await office.settle_for(MINUTE)
    assert len(office.cards("#approvals")) == 1


async def test_another_bots_claim_to_be_our_post_is_not_believed(office: Office, ws: Workspace) -> None:
    """A message with our key that we did not write is not adopted."""
    run_id = await shown_run(office)
    ws.fail("chat.postMessage", drop="before")
    request_id = await office.ask(run_id)
    await office.settle()
    forged = await ws.person("ana").say("buy", channel="#approvals")
    payload = {"key": f"card:{request_id}:1:0", "post": 1}
    forged.stored.metadata = {"event_type": "signoff", "event_payload": payload}
    await office.settle_for(MINUTE)
    assert forged.thread == []
    assert (await office.place(f"card:{request_id}:1:0")).ts == office.ws.channel("#approvals").messages[-1].ts


async def test_a_history_that_does_not_answer_is_asked_again_before_posting(office: Office, ws: Workspace) -> None:
    """Not knowing is no reason to post twice."""
    run_id = await shown_run(office)
    ws.fail("chat.postMessage", drop="after")
    ws.fail("conversations.history", status=500, times=4)
    await office.ask(run_id)
    await office.settle_for(5 * MINUTE)
    assert len(office.cards("#approvals")) == 1


async def test_a_restart_in_the_middle_of_a_post_does_not_double_it(
    tmp_path: Path, ws: Workspace, clock: MovableClock
) -> None:
    """Killed between the post and its record, the next boot finds the message and brings it up to date."""
    fault = ws.fail("chat.postMessage", hang="after")
    async with open_office(tmp_path, ws, clock) as first:
        run_id = await first.run()
        posting = asyncio.create_task(first.settle())
        await fault.reached()
        posting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await posting
    fault.release()
    async with open_office(tmp_path, ws, clock) as second:
        await second.change_run(run_id, RunStatus.SUCCEEDED)
        await second.settle_for(MINUTE)
        (message,) = ws.channel("#general").messages
        assert "Finished" in message.plain()
        assert (await second.row(f"run:{run_id}")).status is DONE


async def test_a_restart_before_the_post_makes_it_after_the_wait(
    tmp_path: Path, ws: Workspace, clock: MovableClock
) -> None:
    """Killed between the announcement and the post, the next boot posts it."""
    fault = ws.fail("chat.postMessage", hang="before")
    async with open_office(tmp_path, ws, clock) as first:
        await first.run()
        posting = asyncio.create_task(first.settle())
        await fault.reached()
        posting.cancel()
        await asyncio.gather(posting, return_exceptions=True)
    ws.heal()
    await ws.wait_for(lambda: True)
    before = len(ws.channel("#general").messages)
    async with open_office(tmp_path, ws, clock) as second:
        await second.settle_for(MINUTE)
        assert len(ws.channel("#general").messages) == 1
        assert before <= 1


# Refusals


async def test_a_rate_limited_post_comes_when_slack_said(office: Office, ws: Workspace) -> None:
    """Retry-After is waited out, nothing of that method is sent before, and it is no failure."""
    run_id = await shown_run(office)
    ws.fail("chat.postMessage", status=429, retry_after=20)
    request_id = await office.ask(run_id)
    await office.note(run_id, 1, "one")
    await office.settle_for(timedelta(seconds=19))
    assert (office.posts(), len(ws.calls_to("chat.postMessage"))) == (1, 2)
    assert (await office.row(f"card:{request_id}:1:0")).failures == 0
    await office.settle_for(timedelta(seconds=3))
    assert office.posts() == 3


async def test_a_rate_limited_update_comes_when_slack_said(office: Office, ws: Workspace) -> None:
    """The card shows the last state once Slack takes updates again."""
    request_id, _ = await carded(office)
    ws.fail("chat.update", status=429, retry_after=20)
    await office.close(request_id)
    await office.settle_for(timedelta(seconds=19))
    assert "Timed out" not in office.cards("#approvals")[0].plain()
    await office.settle_for(timedelta(seconds=2))
    assert "Timed out" in office.cards("#approvals")[0].plain()
    assert office.updates() == 2


async def test_a_server_error_on_an_update_is_tried_again(office: Office, ws: Workspace) -> None:
    """An update is harmless twice, so it is simply made again."""
    request_id, key = await carded(office)
    ws.fail("chat.update", status=503, times=3)
    await office.close(request_id)
    await office.settle_for(MINUTE)
    assert "Timed out" in office.cards("#approvals")[0].plain()
    assert ((await office.row(key)).status, (await office.row(key)).failures) == (DONE, 0)


async def test_a_deleted_card_is_posted_anew(office: Office, ws: Workspace) -> None:
    """Somebody who deletes a message loses nothing but that message."""
    request_id, key = await carded(office)
    channel = ws.channel("#approvals").state
    del channel.messages[office.cards("#approvals")[0].ts]
    await office.redraw(request_id)
    await office.settle()
    (card,) = office.cards("#approvals")
    assert (await office.place(key)).ts == card.ts


async def test_a_deleted_root_is_posted_anew_and_the_story_goes_on_below_it(office: Office, ws: Workspace) -> None:
    """The run's message comes back, and later lines belong to the new one."""
    run_id = await shown_run(office)
    ws.channel("#general").state.messages.clear()
    await office.change_run(run_id, RunStatus.SUCCEEDED)
    await office.note(run_id, 1, "one")
    await office.settle()
    (root,) = ws.channel("#general").messages
    assert [line.plain() for line in root.thread] == ["one"]


@pytest.mark.parametrize("error", ["edit_window_closed", "cant_update_message"])
async def test_a_card_that_cannot_be_edited_is_followed_by_its_end(office: Office, ws: Workspace, error: str) -> None:
    """Where edits are forbidden the closed state stands below the card, and is the message from then on."""
    request_id, key = await carded(office)
    ws.fail("chat.update", error=error)
    await office.close(request_id)
    await office.settle()
    (card,) = ws.channel("#approvals").messages
    (reply,) = card.thread
    assert "Timed out" in reply.plain()
    assert (await office.place(key)).ts == reply.ts


@pytest.mark.parametrize("error", ["msg_too_long", "invalid_blocks", "block_mismatch"])
async def test_what_slack_can_never_take_is_dead_at_once(office: Office, ws: Workspace, error: str) -> None:
    """A mistake of ours is not sent a second time, and is seen."""
    request_id, key = await carded(office)
    ws.fail("chat.update", error=error, times=None)
    await office.close(request_id)
    await office.settle_for(10 * MINUTE)
    row = await office.row(key)
    assert (row.status, office.updates()) == (DEAD, 1)
    assert error in row.error


async def test_a_refusal_that_might_pass_is_given_up_after_twelve_times(office: Office, ws: Workspace) -> None:
    """Not for ever, and not for a moment: twelve attempts, further and further apart."""
    request_id, key = await carded(office)
    ws.fail("chat.update", error="update_failed", times=None)
    await office.close(request_id)
    await office.settle_for(timedelta(hours=2))
    assert (await office.row(key)).status is DEAD
    assert office.updates() == MOST_REFUSALS


async def test_a_dead_delivery_comes_back_when_something_changes(office: Office, ws: Workspace) -> None:
    """Given up is not forgotten: the next change tries again."""
    request_id, key = await carded(office)
    ws.fail("chat.update", error="invalid_blocks")
    await office.redraw(request_id)
    await office.settle()
    assert (await office.row(key)).status is DEAD
    await office.close(request_id)
    await office.settle()
    assert (await office.row(key)).status is DONE
    assert "Timed out" in office.cards("#approvals")[0].plain()


@pytest.mark.parametrize("outage", [{"status": 503}, {"error": "token_revoked"}, {"drop": "before"}])
async def test_a_slack_that_is_down_for_hours_loses_nothing(office: Office, ws: Workspace, outage) -> None:
    """What an outage kept back is shown soon after it, with the last state."""
    request_id, _ = await carded(office)
    ws.fail("*", times=None, **outage)
    await office.close(request_id)
    await office.settle_for(timedelta(hours=1))
    ws.heal()
    await office.settle_for(LONGEST_BACKOFF)
    assert "Timed out" in office.cards("#approvals")[0].plain()


def test_backoff_doubles_up_to_a_limit() -> None:
    """Two seconds, four, eight, and never more than five minutes."""
    assert [backoff(failures).total_seconds() for failures in (1, 2, 3, 4)] == [2, 4, 8, 16]
    assert backoff(300) == LONGEST_BACKOFF


async def test_mentions_that_slack_does_not_tell_are_waited_for(office: Office, ws: Workspace) -> None:
    """A card that would notify nobody waits for a directory that only stumbles."""
    run_id = await shown_run(office)
    ws.fail("usergroups.list", status=500)
    await office.ask(run_id)
    await office.settle_for(timedelta(seconds=5))
    assert "@managers" in office.cards("#approvals")[0].mentions


async def test_mentions_that_slack_refuses_are_done_without(office: Office, ws: Workspace) -> None:
    """A card without its mention is better than no card."""
    run_id = await shown_run(office)
    ws.world.app.scopes.remove("usergroups:read")
    await office.ask(run_id)
    await office.settle()
    (card,) = office.cards("#approvals")
    assert "managers" in card.plain()


# Order and budgets


async def test_what_changes_during_a_delivery_is_shown_by_the_next(office: Office, ws: Workspace) -> None:
    """A change that comes while the update is under way is not lost, and comes after it."""
    request_id, key = await carded(office)
    fault = ws.fail("chat.update", hang="after")
    await office.redraw(request_id)
    updating = asyncio.create_task(office.deliveries.worker.run_once())
    await fault.reached()
    await office.close(request_id)
    fault.release()
    await updating
    assert (await office.row(key)).status is DUE
    await office.settle()
    assert "Timed out" in office.cards("#approvals")[0].plain()


async def test_nothing_is_sent_when_the_message_shows_the_rows_already(office: Office) -> None:
    """A redraw without a change costs no call."""
    run_id = await shown_run(office)
    await office.change_run(run_id, RunStatus.RUNNING)
    await office.settle()
    assert office.updates() == 0


async def test_many_redraws_within_the_budget_end_with_the_last_state(office: Office) -> None:
    """Forty changes of one card in ten seconds are a few updates, and the last one is seen."""
    request_id, _ = await carded(office)
    for _ in range(40):
        await office.redraw(request_id)
        await office.settle_for(timedelta(seconds=1 / 4))
    await office.close(request_id)
    await office.settle_for(timedelta(seconds=10))
    assert "Timed out" in office.cards("#approvals")[0].plain()
    assert office.updates() <= 25


async def test_many_cards_keep_within_slacks_limits(office: Office, ws: Workspace) -> None:
    """A workspace that enforces its limits answers 429 to none of our posts and updates."""
    ws.limit("chat.update", 50)
    ws.limit("chat.postMessage", 60, by_channel=True)
    run_id = await shown_run(office)
    asked = [await office.ask(run_id) for _ in range(25)]
    await office.settle_for(MINUTE)
    for request_id in asked:
        await office.close(request_id)
    await office.settle_for(2 * MINUTE)
    assert [call.status for call in ws.calls if call.status == 429] == []
    assert sum("Timed out" in card.plain() for card in office.cards("#approvals")) == 25


async def test_closing_a_card_goes_before_redrawing_others(office: Office) -> None:
    """With redraws waiting for the budget, the card that closes is next."""
    run_id = await shown_run(office)
    asked = [await office.ask(run_id) for _ in range(18)]
    await office.settle_for(2 * MINUTE)
    for request_id in asked:
        await office.redraw(request_id)
    await office.settle()
    closing = next([one for one in asked if (await office.row(f"card:{one}:1:0")).status is DUE].__iter__())
    await office.close(closing)
    await office.settle_for(timedelta(seconds=2))
    assert (await office.row(f"card:{closing}:1:0")).status is DONE
    assert sum([(await office.row(f"card:{one}:1:0")).status is DUE for one in asked]) >= 5


async def test_waiting_for_the_budget_is_no_failure(office: Office) -> None:
    """A delivery that only waits its turn has no failure and no error."""
    run_id = await shown_run(office)
    asked = [await office.ask(run_id) for _ in range(10)]
    await office.settle()
    rows = [await office.row(f"card:{one}:1:0") for one in asked]
    assert {row.status for row in rows} == {DONE, DUE}
    assert {(row.failures, row.error) for row in rows} == {(0, "")}


async def test_a_lost_lease_posts_nothing(office: Office) -> None:
    """A worker that another one has replaced does not post."""
    run_id = await office.run()
    stale = await office.deliveries.claim([])
    assert stale is not None
    office.clock.advance(timedelta(minutes=5))
    fresh = await office.deliveries.claim([])
    assert fresh is not None
    await office.deliveries.handle(stale)
    assert office.posts() == 0
    await office.deliveries.handle(fresh)
    assert office.posts() == 1
    assert (await office.row(f"run:{run_id}")).status is DONE


async def test_many_workers_at_once_show_everything_once(tmp_path: Path, ws: Workspace, clock: MovableClock) -> None:
    """Eight at a time, each message stands once and each story is in order."""
    async with open_office(tmp_path, ws, clock, budgets=Budgets(clock, UNLIMITED, UNLIMITED)) as office:
        run_ids = [await office.run() for _ in range(4)]
        for at, run_id in enumerate(run_ids):
            await office.ask(run_id)
            for number in range(5):
                await office.note(run_id, 100 * at + number, f"line {number}")
        working = asyncio.create_task(office.deliveries.worker.run_forever(office.db.listen("outbox")))
        await ws.wait_for(lambda: office.posts() == 4 + 4 + 20)
        office.deliveries.worker.stop()
        await working
    assert len(office.cards("#approvals")) == 4
    for root in ws.channel("#general").messages:
        assert [line.plain() for line in root.thread] == [f"line {number}" for number in range(5)]


async def test_an_unknown_kind_of_delivery_is_dead(office: Office, ws: Workspace) -> None:
    """What nobody knows how to deliver is seen, and keeps nothing else waiting."""
    await office.db.transact(outbox.want, "pigeon:1", "pigeon", "1", 0, office.clock.now())
    await office.run()
    await office.settle()
    assert (await office.row("pigeon:1")).status is DEAD
    assert office.posts("#general") == 1
    (alert,) = ws.channel("#approvals").messages
    assert "A message cannot be delivered" in alert.plain()


# Notices


async def test_a_notice_is_seen_by_one_person_where_they_clicked(office: Office, ws: Workspace) -> None:
    """A private sentence, in the channel of the click."""
    await office.notice("maria", "Nothing was changed.", channel="#approvals")
    await office.settle()
    assert [one.plain() for one in ws.person("maria").ephemerals] == ["Nothing was changed."]
    assert office.posts() == 0


@pytest.mark.parametrize("channel", ["", "#board", "#random", "#purchasing"])
async def test_a_notice_that_cannot_stand_there_comes_as_a_direct_message(
    office: Office, ws: Workspace, channel: str
) -> None:
    """From App Home, a channel without the bot, or one that the person has left, they are told directly."""
    if channel == "#purchasing":
        ws.channel(channel).remove("maria")
    await office.notice("maria", "Nothing was changed.", channel=channel)
    await office.settle()
    assert [one.plain() for one in ws.person("maria").direct] == ["Nothing was changed."]


async def test_a_notice_that_is_late_is_dropped(office: Office, ws: Workspace) -> None:
    """A refusal that nobody could be told of within a minute is worth nothing."""
    await office.notice("maria", "Nothing was changed.", channel="#approvals")
    office.clock.advance(MINUTE)
    await office.settle()
    assert ws.person("maria").ephemerals == []
    assert (await office.row(f"notice:A1:{office.person('maria').key}")).status is EXPIRED


async def test_a_notice_is_tried_again_within_its_minute(office: Office, ws: Workspace) -> None:
    """A stumble of Slack's does not lose it."""
    ws.fail("chat.postEphemeral", status=500, times=2)
    await office.notice("maria", "Nothing was changed.", channel="#approvals")
    await office.settle_for(MINUTE)
    assert len(ws.person("maria").ephemerals) == 1


async def test_a_notice_to_somebody_who_left_alarms_nobody(office: Office) -> None:
    """Who cannot be told is let go, without a dead delivery."""
    await office.notice("eve", "Nothing was changed.", channel="#approvals")
    await office.settle()
    assert (await office.row(f"notice:A1:{office.person('eve').key}")).status is EXPIRED


# The outbox's own promises


async def test_a_row_that_waits_its_turn_is_looked_at_anew_when_it_is_wanted(office: Office) -> None:
    """Something more urgent about it is not kept waiting by what it was told before."""
    await _park(office, failures=0)
    await office.db.transact(outbox.want, "k", "run", "s", 10, office.clock.now())
    assert (await office.row("k")).due_at == office.clock.now()


async def test_a_row_that_waits_after_a_failure_goes_on_waiting(office: Office) -> None:
    """Wanting it again does not hammer a Slack that fails."""
    await _park(office, failures=1)
    await office.db.transact(outbox.want, "k", "run", "s", 10, office.clock.now())
    await office.db.transact(outbox.hurry, ["s"], office.clock.now())
    assert (await office.row("k")).due_at > office.clock.now()


async def test_hurry_makes_due_what_waited_for_this_subject_only(office: Office) -> None:
    """What waits for something else goes on waiting."""
    await _park(office, failures=0)
    await office.db.transact(outbox.hurry, ["other"], office.clock.now())
    assert (await office.row("k")).due_at > office.clock.now()
    await office.db.transact(outbox.hurry, ["s"], office.clock.now())
    assert (await office.row("k")).due_at == office.clock.now()


async def _park(office: Office, *, failures: int) -> None:
    now = office.clock.now()
    await office.db.transact(outbox.want, "k", "run", "s", 30, now)
    claimed = await office.deliveries.claim([])
    assert claimed is not None
    values = {"status": DeliveryStatus.DUE, "failures": failures, "due_at": now + MINUTE}
    assert await office.db.transact(outbox.settle, claimed, claimed.owner or "", now, **values)
