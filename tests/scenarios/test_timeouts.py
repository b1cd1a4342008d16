"""Nobody answers: what each `on_timeout` does, and what becomes of clicks that come too late."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from agent_runtime.reading import read_recent_runs
from bot.demo.stage import POLICY_FILE
from storage.types import RequestStatus, RunStatus
from tests.scenarios.effects import mails
from tests.scenarios.house import House, open_house

TASK = "Send email to team about budget"
OVERDUE = timedelta(hours=4, seconds=1)


def policy(on_timeout: str) -> str:
    """The demo's policy with another end of patience."""
    return POLICY_FILE.read_text().replace('on_timeout = "reject"', f'on_timeout = "{on_timeout}"')


async def test_nothing_happens_before_the_deadline(house: House) -> None:
    """A second before its time is up a request is still open, and can still be approved."""
    run = await house.start("ana", "approval", TASK)
    card = house.card("Approve send_email?")
    await house.advance(timedelta(hours=4) - timedelta(seconds=1))
    assert (await house.run(run.id)).status is RunStatus.WAITING
    await house.person("maria").click(card, "Approve")
    await house.settle()
    assert len(mails(house.dir)) == 1


@pytest.mark.parametrize(
    ("on_timeout", "status", "card_says"),
    [
        ("reject", RunStatus.SUCCEEDED, "Timed out, rejected"),
        ("skip", RunStatus.SUCCEEDED, "Timed out, skipped"),
        ("fail", RunStatus.FAILED, "Timed out, run failed"),
    ],
)
async def test_silence_is_never_a_yes(tmp_path: Path, on_timeout: str, status: RunStatus, card_says: str) -> None:
    """Whatever the policy does with silence, nothing is sent, and card, run and audit say what happened."""
    async with open_house(tmp_path, policy=policy(on_timeout)) as house:
        run = await house.start("ana", "approval", TASK)
        card = house.card("Approve send_email?")
        await house.advance(OVERDUE)
        ended = await house.run(run.id)
        assert ended.status is status
        assert mails(house.dir) == []
        shown = card.now()
        assert shown is not None
        assert card_says in shown.plain()
        assert shown.labels == ["Ask again"]
        assert [request.status for request in await house.requests(run.id)] == [RequestStatus.EXPIRED]
        (closed,) = await house.audit("request.closed")
        assert closed.actor.startswith("scheduler:")


async def test_keep_stays_open_and_says_so(tmp_path: Path) -> None:
    """With `keep` the request outlives its deadline, is audited as overdue once, and can still be approved."""
    async with open_house(tmp_path, policy=policy("keep")) as house:
        run = await house.start("ana", "approval", TASK)
        card = house.card("Approve send_email?")
        await house.advance(OVERDUE)
        await house.advance(timedelta(hours=20))
        assert (await house.run(run.id)).status is RunStatus.WAITING
        assert len(await house.audit("request.overdue")) == 1
        assert any("overdue" in reply.plain() for reply in house.root(run.id).thread)
        await house.person("maria").click(card, "Approve")
        await house.settle()
        assert len(mails(house.dir)) == 1


async def test_a_failed_run_can_be_retried_and_asks_again(tmp_path: Path) -> None:
    """After `fail` the starter presses Retry: a new card asks, and its approval sends the mail once."""
    async with open_house(tmp_path, policy=policy("fail")) as house:
        run = await house.start("ana", "approval", TASK)
        old = house.card("Approve send_email?")
        await house.advance(OVERDUE)
        root = house.root(run.id)
        assert "nobody decided in time" in root.plain()
        await house.person("ana").click(root, "Retry")
        await house.settle()
        new = house.card("Approve send_email?", "Approve")
        assert new.ts != old.ts
        await house.person("maria").click(new, "Approve")
        await house.settle()
        assert (await house.run(run.id)).status is RunStatus.SUCCEEDED
        assert len(mails(house.dir)) == 1


async def test_a_card_that_timed_out_and_failed_its_run_asks_again(tmp_path: Path) -> None:
    """Its button goes on with the run, as Retry does; others than whoever started it, and operators, may not."""
    async with open_house(tmp_path, policy=policy("fail")) as house:
        await house.start("ana", "approval", TASK)
        old = house.card("Approve send_email?")
        await house.advance(OVERDUE)
        maria = house.person("maria")
        await maria.click(old.now(), "Ask again")
        await house.settle()
        assert "Only the person who started a run, or an operator" in maria.ephemerals[-1].plain()
        await house.person("ana").click(old.now(), "Ask again")
        await house.settle()
        assert house.card("Approve send_email?", "Approve").ts != old.ts
        assert old.now().labels == []


async def test_a_card_that_timed_out_though_its_run_went_on_asks_again(house: House) -> None:
    """Nothing was run: its button opens the form with what the run was started with, for whoever started it."""
    first = await house.start("ana", "approval", TASK)
    old = house.card("Approve send_email?")
    await house.advance(OVERDUE)
    ana = house.person("ana")
    await ana.click(old.now(), "Ask again")
    assert ana.view is not None
    assert (await ana.fill_and_submit(ana.view, {})).closed
    await house.settle()
    assert house.card("Approve send_email?", "Approve").ts != old.ts
    newest, *_ = await house.bot.runtime.db.read(read_recent_runs, 2)
    assert (newest.id != first.id, newest.input) == (True, first.input)


async def test_a_click_after_the_time_out_is_told_so(house: House) -> None:
    """A person whose client still shows the buttons learns that the request timed out; nothing is sent."""
    await house.start("ana", "approval", TASK)
    card = house.card("Approve send_email?")
    await house.advance(OVERDUE)
    maria = house.person("maria")
    await maria.click_stale(card, "Approve")
    await house.settle()
    assert "Too late" in maria.ephemerals[-1].plain()
    assert "timed out, rejected" in maria.ephemerals[-1].plain()
    assert mails(house.dir) == []
    assert len(await house.audit("decision.refused")) == 1


async def test_a_click_between_the_deadline_and_the_sweep_is_too_late(house: House) -> None:
    """The deadline on the card holds even if the click arrives before the scheduler does: silence has ended it."""
    run = await house.start("ana", "approval", TASK)
    card = house.card("Approve send_email?")
    house.clock.advance(OVERDUE)
    maria = house.person("maria")
    await maria.click(card, "Approve")
    await house.settle()
    assert mails(house.dir) == []
    assert [request.status for request in await house.requests(run.id)] == [RequestStatus.EXPIRED]
    assert "Too late" in maria.ephemerals[-1].plain()


async def test_a_time_out_at_the_second_checkpoint_buys_nothing(house: House) -> None:
    """Each request has a deadline of its own, counted from when it was asked."""
    run = await house.start("ana", "multi-step", "Buy 1 sofa for 3000")
    await house.advance(timedelta(hours=3))
    await house.person("maria").click(house.card("manager_signoff", "Approve"), "Approve")
    await house.settle()
    await house.advance(timedelta(hours=3))
    assert (await house.run(run.id)).status is RunStatus.WAITING, "finance was asked three hours ago, not six"
    await house.advance(timedelta(hours=1, seconds=1))
    assert (await house.run(run.id)).status is RunStatus.SUCCEEDED
    assert not (house.dir / "purchases.jsonl").exists()


async def test_after_a_long_sleep_all_overdue_requests_fire_in_order(house: House) -> None:
    """Every request that fell due meanwhile is closed once, the oldest deadline first."""
    for number in range(5):
        await house.start("ana", "approval", f"Send email to team about thing {number}")
        house.clock.advance(timedelta(minutes=1))
    await house.advance(timedelta(days=3))
    closed = await house.audit("request.closed")
    opened = await house.audit("request.opened")
    assert [entry.request_id for entry in closed] == [entry.request_id for entry in opened]
    assert mails(house.dir) == []
