"""Every event reaches its receiver at least once, in order, signed, with one id, whatever the receiver does."""

from __future__ import annotations

import asyncio
import json
import random
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from agent_runtime.alerts import resolve
from agent_runtime.alerts_watch import AlertsWatch
from agent_runtime.audit import Event
from agent_runtime.causes import Cause
from bot.webhooks.delivery import AT_ONCE, WAITS
from storage import alerts, audit, outbox, webhooks
from storage.types import DeliveryStatus
from tests.patience import PATIENCE
from tests.webhooks.receiver import HANGS, HOST, SECRET, SLAMS, TAKEN, Receiver, open_post, webhook

DONE, DUE, DEAD = DeliveryStatus.DONE, DeliveryStatus.DUE, DeliveryStatus.DEAD


async def test_every_event_arrives_in_order_from_a_receiver_that_often_fails(
    tmp_path: Path, receiver: Receiver
) -> None:
    """Three in ten attempts meet a 500, a closed connection, or no answer; two events of ten runs each, interleaved."""
    dice = random.Random(20261121)
    receiver.mood = lambda: dice.choices((TAKEN, 500, SLAMS, HANGS), (70, 15, 10, 5))[0]
    async with open_post(tmp_path, webhook(url=receiver.url), patience=timedelta(milliseconds=80)) as post:
        seqs = {f"R{run}": [] for run in range(10)}
        for turn in range(40):
            run = f"R{turn * 7 % 10}"
            seqs[run].append(await post.happens(run))
            if turn % 5 == 0:
                await post.settle()
        await post.settle_all()
        for run, expected in seqs.items():
            got = [one["data"]["seq"] for one in receiver.taken if one["data"]["run_id"] == run]
            assert list(dict.fromkeys(got)) == expected
        assert len(receiver.attempts) > 45
        assert all([(await post.row(seq)).status is DONE for run in seqs.values() for seq in run])


async def test_a_later_event_of_a_run_waits_for_the_earlier_one_and_another_run_does_not(
    tmp_path: Path, receiver: Receiver
) -> None:
    """What comes after a failure is not sent before it; what is about something else is."""
    receiver.mood = lambda: 500 if len(receiver.attempts) == 1 else TAKEN
    async with open_post(tmp_path, webhook(url=receiver.url), waits=(timedelta(seconds=5),)) as post:
        first = await post.happens("R1")
        await post.settle()
        second, other = await post.happens("R1"), await post.happens("R2")
        await post.settle()
        assert receiver.seqs == [other]
        await post.settle_all()
        assert receiver.seqs == [other, first, second]


async def test_what_waits_behind_an_event_that_was_given_up_goes_on(tmp_path: Path, receiver: Receiver) -> None:
    """A dead event holds up nobody."""
    receiver.mood = lambda: 410 if len(receiver.attempts) == 1 else TAKEN
    async with open_post(tmp_path, webhook(url=receiver.url, events=("call.*",))) as post:
        first, second = await post.happens("R1"), await post.happens("R1")
        await post.settle()
        assert receiver.seqs == [second]
        dead = await post.row(first)
        assert (dead.status, dead.error) == (DEAD, "the receiver answered 410: it wants no more events")


async def test_events_that_are_given_up_raise_one_alert_for_their_webhook(tmp_path: Path, receiver: Receiver) -> None:
    """However many they are; and that the alert's own event is given up, too, raises none."""
    receiver.mood = lambda: 410
    async with open_post(tmp_path, webhook(url=receiver.url)) as post:
        lost = [await post.happens(f"R{run}") for run in range(3)]
        await post.settle()
        (alert,) = await post.db.read(alerts.all_open)
        assert alert.thing == webhooks.key_of("crm", lost[0])
        assert alert.facts["error"] == "the webhook crm: the receiver answered 410: it wants no more events"
        entries = [entry.event for entry in await post.db.read(audit.entries)]
        assert entries == ["call.started"] * 3 + ["alert.raised"]
        assert (await post.row(4)).status is DEAD
        await post.db.transact(resolve, post.runtime.context(), alert)
        await post.settle()
        assert await post.db.read(alerts.all_open) == []
        receiver.mood = lambda: TAKEN
        await post.db.transact(webhooks.replay, "crm", post.clock.now())
        await post.settle()
        assert receiver.seqs == [*lost, 4, 5]


async def test_an_alert_about_a_webhook_lasts_while_it_lacks_anything(tmp_path: Path, receiver: Receiver) -> None:
    """Though the event that it names arrived meanwhile; and for a week after the last one that was given up."""
    receiver.mood = lambda: 410
    async with open_post(tmp_path, webhook(url=receiver.url)) as post:
        first = await post.happens("R1")
        await post.happens("R2")
        await post.settle()
        receiver.mood = lambda: TAKEN
        row = await post.row(first)
        await post.db.transact(outbox.want, row.key, row.kind, row.subject, row.priority, post.clock.now())
        await post.settle()
        assert receiver.seqs == [first]
        watch = AlertsWatch(post.runtime)
        for days, lasts in ((6, True), (2, False)):
            post.clock.advance(timedelta(days=days))
            post.runtime.beat(())
            await watch.look()
            assert bool(await post.db.read(alerts.of_cause, Cause.UNDELIVERED)) is lasts


async def test_an_attempt_that_is_repeated_has_the_same_id_and_body_and_a_signature_of_its_own(
    tmp_path: Path, receiver: Receiver
) -> None:
    """The receiver can tell a repetition, and a recorded one is too old later."""
    receiver.mood = lambda: 503 if len(receiver.attempts) == 1 else TAKEN
    async with open_post(tmp_path, webhook(url=receiver.url), waits=(timedelta(seconds=5),)) as post:
        seq = await post.happens()
        await post.settle_all()
        (entry,) = await post.db.read(audit.entries)
        assert receiver.attempts == [f"msg_{seq}_{entry.hash[:16]}"] * 2
        before, after = ({name.lower(): value for name, value in one.items()} for one in receiver.headers)
        assert int(after["webhook-timestamp"]) - int(before["webhook-timestamp"]) == 5
        assert before["webhook-signature"] != after["webhook-signature"]


async def test_attempts_follow_the_schedule_and_then_the_event_is_dead(tmp_path: Path, receiver: Receiver) -> None:
    """Ten attempts over three days, each wait as it is written down; then its row says why."""

    async def unknown(_host: str, _port: int) -> Any:
        raise OSError(-2, "Name or service not known")

    gone = webhook(url="https://gone.invalid/hook")
    async with open_post(tmp_path, gone, waits=WAITS, look_up=unknown) as post:
        seq, begun, waits = await post.happens(), post.clock.now(), []
        while (row := await post.row(seq)).status is DUE:
            waits.append(row.due_at - begun)
            post.clock.advance(row.due_at - post.clock.now())
            await post.settle()
        assert waits == [sum(WAITS[:number], timedelta(0)) for number in range(10)]
        assert row.status is DEAD
        assert row.error == (
            "given up after 10 attempts: no connection was made: gone.invalid:443: Name or service not known"
        )


@pytest.mark.parametrize(
    ("status", "said"),
    [(302, "302, which is not followed"), (400, "400"), (404, "404"), (429, "429"), (500, "500"), (502, "502")],
)
async def test_any_answer_but_a_2xx_is_tried_again(tmp_path: Path, receiver: Receiver, status: int, said: str) -> None:
    """A redirect is followed nowhere; what the receiver says of waiting is heeded."""
    receiver.mood = lambda: status
    receiver.answer_headers = {"Retry-After": "120", "Location": "http://169.254.169.254/"}
    async with open_post(tmp_path, webhook(url=receiver.url)) as post:
        seq = await post.happens()
        await post.settle()
        row = await post.row(seq)
        assert (row.status, row.failures) == (DUE, 1)
        assert f"the receiver answered {said}" in row.error
        assert row.due_at - post.clock.now() == timedelta(seconds=120)
        assert len(receiver.attempts) == 1


async def test_a_process_that_dies_while_it_sends_is_followed_by_one_that_sends_again(
    tmp_path: Path, receiver: Receiver
) -> None:
    """The lease is another boot's, so the event goes out once more, with the same id; and only then what follows."""
    async with open_post(tmp_path, webhook(url=receiver.url)) as post:
        seq, after = await post.happens("R1"), await post.happens("R1")
        claimed = await post.senders[0].claim(())
        assert claimed is not None
        assert await post.senders[0].claim(()) is None, "what follows may not overtake it"
        await post.senders[0]._attempt(claimed)  # it arrives, and nobody writes that down
    async with open_post(tmp_path, webhook(url=receiver.url)) as post:
        await post.settle()
        assert [one["data"]["seq"] for one in receiver.taken] == [seq, seq, after]
        assert receiver.attempts[0] == receiver.attempts[1] != receiver.attempts[2]


async def test_a_receiver_that_hangs_holds_up_no_other(
    tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has a worker of its own: the other one gets everything while the first does not answer, and each event of a
    run is sent as soon as the one before it has arrived, not at the worker's next look."""
    monkeypatch.setattr("agent_runtime.worker.POLL_SECONDS", 3600)
    hanging, well = webhook("hanging", url=receiver.url + "-a"), webhook("well", url=receiver.url + "-b")
    receiver.mood = lambda: HANGS if receiver.paths[-1].endswith("-a") else TAKEN
    async with open_post(tmp_path, hanging, well, patience=timedelta(seconds=2 * PATIENCE)) as post:
        of_one = [await post.happens("R1") for _ in range(12)]
        others = [await post.happens(f"R{run}") for run in range(2, 6)]
        async with post.working(), asyncio.timeout(PATIENCE):
            while len(receiver.seqs) < len(of_one + others):
                await receiver.hears()
            assert [seq for seq in receiver.seqs if seq in of_one] == of_one
            assert sum(path.endswith("-a") for path in receiver.paths) == AT_ONCE
            receiver.patience_ends.set()


async def test_webhooks_leave_slacks_rows_alone_and_slack_theirs(tmp_path: Path, receiver: Receiver) -> None:
    """A storm of events for a receiver, and Slack's worker finds its own card as if there were none: both look into
    their own part of one index, however much is in the other's."""
    async with open_post(tmp_path, webhook(url=receiver.url)) as post:
        await post.much_happens(500)
        now = post.clock.now() + timedelta(days=9)
        assert await post.db.read(outbox.claimable, now, ()) is None
        await post.db.transact(outbox.want, "card:A1:0", "card", "A1", 20, now)
        found = await post.db.read(outbox.claimable, now, ())
        assert found is not None
        assert found.key == "card:A1:0"
        assert await post.senders[0].claim(()) is not None
        theirs = await post.db.read(webhooks.claimable, "crm", now, ())
        assert theirs is not None
        assert theirs.kind == webhooks.KIND


async def test_neither_secret_nor_address_is_ever_logged_or_stored(
    tmp_path: Path, receiver: Receiver, logs: list[Any]
) -> None:
    """Not by failures of every kind, nor in what a person reads about them."""
    moods = iter([500, SLAMS, HANGS, 302, 410])
    receiver.mood = lambda: next(moods, 410)
    async with open_post(tmp_path, webhook(url=receiver.url), patience=timedelta(milliseconds=80)) as post:
        seq = await post.happens()
        await post.settle_all()
        said = json.dumps(logs, default=str) + repr(post.senders[0]._line.endpoint)
        assert (await post.row(seq)).status is DEAD
    stored = (tmp_path / "signoff.db").read_bytes()
    assert HOST in said
    for secret in (SECRET, SECRET.removeprefix("whsec_"), "path-that-nobody-may-know"):
        assert secret not in said
        assert secret.encode() not in stored


async def test_without_webhooks_the_log_writes_no_row(tmp_path: Path) -> None:
    """Whoever uses none pays for none."""
    async with open_post(tmp_path) as post:
        await post.happens()
        assert await post.db.read(webhooks.tallies) == []


async def test_only_the_events_that_a_webhook_names_are_for_it(tmp_path: Path, receiver: Receiver) -> None:
    """By patterns; without any it is everything but noise."""
    some = webhook("some", url=receiver.url, events=("request.*", "run.failed"))
    async with open_post(tmp_path, some, webhook("all", url=receiver.url)) as post:
        for event in (Event.REQUEST_OPENED, Event.RUN_STARTED, Event.RUN_FAILED, Event.NOISE):
            await post.happens(event=event)
        found = {tally.webhook: tally.count for tally in await post.db.read(webhooks.tallies)}
        assert found == {"all": 3, "some": 2}


async def test_a_webhook_that_left_the_file_is_given_up_and_one_that_came_back_can_be_replayed(
    tmp_path: Path, receiver: Receiver
) -> None:
    """Its events do not wait for ever, their rows say why, and what a later boot knows again can be sent."""
    async with open_post(tmp_path, webhook(url=receiver.url), webhook("other", url=receiver.url)) as post:
        seq = await post.happens()
    async with open_post(tmp_path, webhook("other", url=receiver.url)) as post:
        dead = await post.row(seq)
        assert (dead.status, dead.error) == (DEAD, "there is no webhook of this name in the policy file any more")
        assert (await post.row(seq, "other")).status is DUE
    async with open_post(tmp_path, webhook(url=receiver.url)) as post:
        assert await post.db.transact(webhooks.replay, "crm", post.clock.now()) == 1
        await post.settle()
        assert receiver.seqs == [seq]
        assert await post.db.transact(webhooks.replay, "crm", post.clock.now(), seq) == 1
        assert await post.db.transact(webhooks.replay, "crm", post.clock.now(), seq + 1) == 0
        await post.settle()
        assert receiver.attempts[0] == receiver.attempts[1]
