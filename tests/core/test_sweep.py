"""Time: deadlines fire once, in order, in unpaused time, and never say yes."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from agent_runtime.approvals import Accepted, Refused
from agent_runtime.audit import Event
from agent_runtime.policy import Policy
from agent_runtime.reading import read_request
from storage.database import Database
from storage.types import OnTimeout, RequestStatus, RunStatus
from tests.core.agent import Calls, Questions, call, one
from tests.core.world import ANA, BOB, HOURS, MINUTES, SAM, YES, moved, policy_set, stage

BUY = one("buy", {"amount": 10})


def timed(on_timeout: OnTimeout, **fields: Any) -> Any:
    return policy_set(Policy(timeout=10 * MINUTES, on_timeout=on_timeout, **fields))


@pytest.mark.parametrize(
    ("on_timeout", "request_status", "run_status", "told"),
    [
        (OnTimeout.REJECT, RequestStatus.EXPIRED, RunStatus.SUCCEEDED, "Nobody decided about buy in time"),
        (OnTimeout.SKIP, RequestStatus.EXPIRED, RunStatus.SUCCEEDED, "This step was skipped"),
        (OnTimeout.FAIL, RequestStatus.EXPIRED, RunStatus.FAILED, ""),
        (OnTimeout.KEEP, RequestStatus.PENDING, RunStatus.WAITING, ""),
    ],
)
async def test_what_silence_does(
    worlds: Any, on_timeout: OnTimeout, request_status: RequestStatus, run_status: RunStatus, told: str
) -> None:
    """Each `on_timeout` has its own end, none of which runs the call."""
    world = await worlds(BUY, policies=timed(on_timeout))
    run = await world.waiting()
    shown = await world.pending()
    await world.pass_time(10 * MINUTES - MINUTES / 60)
    assert (await world.request(shown)).status is RequestStatus.PENDING
    await world.pass_time(MINUTES / 60)
    assert (await world.request(shown)).status is request_status
    run = await world.run(run)
    assert run.status is run_status
    assert told in str(run.output)
    assert world.effects == []
    assert (await world.verify()).problem == ""


async def test_a_kept_request_is_told_of_once_and_can_still_be_decided(worlds: Any) -> None:
    """`keep` alerts and waits on."""
    world = await worlds(BUY, policies=timed(OnTimeout.KEEP))
    await world.waiting()
    for _ in range(3):
        await world.pass_time(10 * MINUTES)
    assert await world.count(Event.REQUEST_OVERDUE) == 1
    assert isinstance(await world.decide(ANA), Accepted)
    await world.settle()
    assert len(world.effects) == 1


async def test_a_kept_request_can_be_decided_though_the_sweep_was_late(worlds: Any) -> None:
    """The first click after the deadline of a kept request counts."""
    world = await worlds(BUY, policies=timed(OnTimeout.KEEP))
    await world.waiting()
    world.clock.advance(HOURS)
    assert isinstance(await world.decide(ANA), Accepted)


async def test_a_question_nobody_answers_fails_the_run(worlds: Any) -> None:
    """An agent's question has no refusal it would understand: the run fails and its retry asks again."""
    world = await worlds(Questions({"q": "Which?"}))
    run = await world.waiting()
    await world.pass_time(4 * HOURS)
    assert await world.status(run) is RunStatus.FAILED
    await world.retry(run)
    await world.settle()
    await world.answer(SAM, "blue")
    await world.settle()
    assert (await world.run(run)).output == {"q": "blue"}


async def test_overdue_at_start_fires_once_and_in_order(worlds: Any) -> None:
    """Deadlines that passed while the server was down close in their own order, each once."""
    calls = Calls(tuple(call(f"t{n}", call_id=f"c{n}") for n in range(6)))
    policies = [Policy(tools=(f"t{n}",), timeout=(10 - n) * MINUTES) for n in range(6)]
    world = await worlds(calls, policies=policy_set(*policies))
    await world.waiting()
    await world.db.close()
    world.clock.advance(24 * HOURS)
    world.db = Database(world.url)
    await world._boot()
    assert await world.runtime.sweep() == 6
    assert await world.runtime.sweep() == 0
    closed = await world.look("select tool from audit where event = 'request.closed' order by seq")
    assert [tool for (tool,) in closed] == ["t5", "t4", "t3", "t2", "t1", "t0"]


async def test_a_time_out_that_fails_the_run_closes_its_siblings_once(worlds: Any) -> None:
    """Two deadlines of one run in one sweep: the first fails the run, the second finds its request closed."""
    calls = Calls((call("a"), call("b", call_id="c2")))
    world = await worlds(calls, policies=timed(OnTimeout.FAIL))
    run = await world.waiting()
    await world.pass_time(10 * MINUTES)
    first, second = await world.requests(run)
    assert (first.status, second.status) == (RequestStatus.EXPIRED, RequestStatus.CANCELLED)
    assert await world.count(Event.REQUEST_CLOSED) == 2
    assert await world.count(Event.RUN_FAILED) == 1


async def test_a_click_and_the_sweep_at_once_close_once(worlds: Any) -> None:
    """Whoever is first at the deadline, the request closes once and says by whom."""
    calls = Calls(tuple(call("buy", {"n": n}, call_id=f"c{n}") for n in range(20)))
    world = await worlds(calls, policies=timed(OnTimeout.REJECT))
    await world.waiting()
    waiting = await world.all_pending()
    world.clock.advance(10 * MINUTES - MINUTES / 600)
    clicks = [asyncio.ensure_future(world.decide(ANA, YES, request)) for request in waiting]
    world.clock.advance(MINUTES / 600)
    late = [asyncio.ensure_future(world.decide(ANA, YES, request)) for request in waiting]
    await world.runtime.sweep()
    verdicts = await asyncio.gather(*clicks, *late)
    assert await world.count(Event.REQUEST_CLOSED) == 20
    for request in waiting:
        assert (await world.request(request)).status in {RequestStatus.APPROVED, RequestStatus.EXPIRED}
    accepted = sum(isinstance(verdict, Accepted) for verdict in verdicts)
    assert accepted == sum([(await world.request(one)).status is RequestStatus.APPROVED for one in waiting])
    await world.settle()
    assert len(world.effects) == accepted


async def test_a_pause_stops_the_clock_of_deadlines(worlds: Any) -> None:
    """While paused no timer fires; afterwards every open request has the time it had left."""
    world = await worlds(BUY, policies=timed(OnTimeout.REJECT))
    await world.waiting()
    shown = await world.pending()
    await world.pass_time(4 * MINUTES)
    await world.stop()
    await world.pass_time(24 * HOURS)
    assert (await world.request(shown)).status is RequestStatus.PENDING
    await world.go()
    await world.pass_time(5 * MINUTES)
    assert (await world.request(shown)).status is RequestStatus.PENDING
    await world.pass_time(MINUTES)
    assert (await world.request(shown)).status is RequestStatus.EXPIRED


async def test_a_click_while_paused_is_recorded_and_runs_after_the_pause(worlds: Any) -> None:
    """People may decide while everything is stopped; nothing is executed until it goes on."""
    world = await worlds(BUY, policies=timed(OnTimeout.REJECT))
    await world.waiting()
    await world.stop()
    world.clock.advance(24 * HOURS)
    assert isinstance(await world.decide(ANA), Accepted)
    await world.settle()
    assert world.effects == []
    await world.go()
    await world.settle()
    assert len(world.effects) == 1


async def test_deadlines_set_after_a_pause_are_not_late(worlds: Any) -> None:
    """A request opened after a pause of a day is due after its own timeout, and people are shown that time."""
    world = await worlds(BUY, policies=timed(OnTimeout.REJECT))
    await world.stop()
    world.clock.advance(24 * HOURS)
    await world.go()
    await world.waiting()
    shown = await world.pending()
    view = await world.db.read(read_request, shown.id)
    assert view.due_at == world.clock.now() + 10 * MINUTES
    await world.pass_time(9 * MINUTES)
    assert (await world.request(shown)).status is RequestStatus.PENDING
    await world.pass_time(MINUTES)
    assert (await world.request(shown)).status is RequestStatus.EXPIRED


async def test_a_second_stage_after_a_pause_is_not_late(worlds: Any) -> None:
    """A stage's deadline is reckoned in unpaused time, too."""
    stages = (stage(ANA), stage(BOB, name="two"))
    world = await worlds(BUY, policies=timed(OnTimeout.REJECT, stages=stages))
    await world.stop()
    world.clock.advance(24 * HOURS)
    await world.go()
    await world.waiting()
    await world.decide(ANA)
    shown = await world.pending()
    await world.pass_time(10 * MINUTES)
    assert (await world.request(shown)).status is RequestStatus.EXPIRED


async def test_a_clock_set_back_fires_nothing_early_and_nothing_twice(worlds: Any) -> None:
    """A clock an hour behind only delays; a clock an hour ahead expires once."""
    world = await worlds(BUY, policies=timed(OnTimeout.REJECT))
    await world.waiting()
    shown = await world.pending()
    with moved(world, -HOURS):
        assert await world.runtime.sweep() == 0
    with moved(world, HOURS):
        assert await world.runtime.sweep() == 1
    refused = await world.decide(ANA, YES, shown)
    assert isinstance(refused, Refused)
    assert await world.runtime.sweep() == 0


@pytest.mark.parametrize("change", ["rules = '{}'", "rules = '[]'", "stage = 9"])
async def test_a_request_whose_rules_nobody_can_read_ends_all_the_same(worlds: Any, change: str) -> None:
    """By its time-out, and with its run; what was changed by hand keeps nobody from cancelling, nor others waiting."""
    world = await worlds(BUY, policies=timed(OnTimeout.REJECT))
    first, second = await world.waiting(), await world.waiting()
    asked, other = await world.all_pending()
    await world.sql(f"update request set {change} where id = '{asked.id}'")
    await world.sql(f"update request set {change} where id = '{other.id}'")
    await world.cancel(second)
    await world.pass_time(10 * MINUTES)
    assert (await world.request(asked)).status is RequestStatus.EXPIRED
    assert (await world.request(other)).status is RequestStatus.CANCELLED
    assert [await world.status(run) for run in (first, second)] == [RunStatus.SUCCEEDED, RunStatus.CANCELLED]
    assert world.effects == []


async def test_a_request_that_cannot_be_swept_keeps_no_other_from_its_time(worlds: Any) -> None:
    """It is left as it was, and tried again in a minute."""
    world = await worlds(BUY, policies=timed(OnTimeout.REJECT))
    await world.waiting()
    await world.waiting()
    broken, other = await world.all_pending()
    kept = "quiet = '[1]', quiet_until = opened_at, next_at = opened_at"
    await world.sql(f"update request set {kept} where id = '{broken.id}'")
    await world.pass_time(10 * MINUTES)
    assert (await world.request(other)).status is RequestStatus.EXPIRED
    left = await world.request(broken)
    assert (left.status, left.quiet_until) == (RequestStatus.PENDING, broken.opened_at)
    await world.sql(f"update request set quiet = null where id = '{broken.id}'")
    await world.pass_time(MINUTES)
    assert (await world.request(broken)).status is RequestStatus.EXPIRED


async def test_many_overdue_requests_are_swept_in_batches(worlds: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than one batch of overdue requests is closed by one sweep."""
    monkeypatch.setattr("agent_runtime.runtime.SWEEP_BATCH", 3)
    calls = Calls(tuple(call("buy", {"n": n}, call_id=f"c{n}") for n in range(8)))
    world = await worlds(calls, policies=timed(OnTimeout.REJECT))
    await world.waiting()
    world.clock.advance(HOURS)
    assert await world.runtime.sweep() == 8
