"""Read models: everything a surface shows, from rows alone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from agent_runtime.policy import Policy
from agent_runtime.reading import find_runs, read_pending, read_recent_runs, read_request, read_run
from storage.types import CallStatus, RequestStatus, RunStatus
from tests.core.agent import Calls, call
from tests.core.world import ANA, BOB, CLEO, MINUTES, NO, SAM, YES, policy_set, stage, who

TWO = Calls((call("buy", {"n": 1}, reason="it is cheap"), call("buy", {"n": 2}, call_id="c2")))


async def test_a_request_is_shown_with_all_that_is_known_of_it(worlds: Any) -> None:
    """Call, policy, stages, votes, siblings, deadline and the call's own end are in the view."""
    policy = Policy(stages=(stage(ANA, BOB, name="manager", quorum=2),), note="n = {args.n}", timeout=10 * MINUTES)
    world = await worlds(TWO, policies=policy_set(policy))
    await world.waiting()
    first, second = await world.all_pending()
    await world.decide(ANA, YES, first, reason="fine")
    view = await world.db.read(read_request, first.id)
    assert (view.tool, view.args, view.note, view.reason) == ("buy", {"n": 1}, "n = 1", "it is cheap")
    assert (view.stages[0].name, view.stages[0].approvers, view.stages[0].quorum) == ("manager", who(ANA, BOB), 2)
    assert (view.votes_in_stage, view.votes[0].actor, view.votes[0].reason) == (1, ANA, "fine")
    assert (view.open_siblings, view.due_at, view.starter) == (1, world.clock.now() + 10 * MINUTES, SAM)
    assert view.call is None
    await world.decide(BOB, YES, first)
    await world.decide(ANA, NO, second, reason="no")
    await world.settle()
    view = await world.db.read(read_request, first.id)
    assert (view.status, view.closed_by, view.open_siblings) == (RequestStatus.APPROVED, BOB, 0)
    assert (view.call.status, view.call.took, view.call.summary) == (CallStatus.FINISHED, timedelta(0), "buy done")
    view = await world.db.read(read_request, second.id)
    assert (view.status, view.call) == (RequestStatus.REJECTED, None)


async def test_a_run_is_shown_with_what_it_waits_for(worlds: Any) -> None:
    """A run's view holds its pending requests, oldest first, and its end."""
    world = await worlds(TWO)
    run = await world.waiting()
    view = await world.db.read(read_run, run.id)
    assert (view.status, [one.args for one in view.waiting_on]) == (RunStatus.WAITING, [{"n": 1}, {"n": 2}])
    await world.cancel(run)
    view = await world.db.read(read_run, run.id)
    assert (view.status, view.waiting_on) == (RunStatus.CANCELLED, ())


async def test_lists_are_in_the_order_people_expect(worlds: Any) -> None:
    """Runs newest first and by starter or prefix; pending requests by deadline."""
    world = await worlds(TWO)
    first = await world.waiting(SAM)
    world.clock.advance(MINUTES)
    second = await world.waiting(CLEO)
    assert [one.id for one in await world.db.read(read_recent_runs, 10)] == [second.id, first.id]
    assert [one.id for one in await world.db.read(read_recent_runs, 10, SAM.key)] == [first.id]
    assert [one.id for one in await world.db.read(find_runs, first.id)] == [first.id]
    assert await world.db.read(find_runs, "R_") == []
    assert [one.run_id for one in await world.db.read(read_pending, 10)] == [first.id] * 2 + [second.id] * 2
    assert [one.run_id for one in await world.db.read(read_pending, 1)] == [first.id]


async def test_what_is_not_there_is_none(worlds: Any) -> None:
    """Unknown ids are no errors."""
    world = await worlds()
    assert await world.db.read(read_request, "A9") is None
    assert await world.db.read(read_run, "R9") is None


@pytest.mark.parametrize("change", ["rules = '{}'", "stage = 9"])
async def test_a_request_whose_rules_nobody_can_read_hides_no_other(worlds: Any, change: str) -> None:
    """What was changed by hand is not shown; lists, and the run's own message, show the rest."""
    world = await worlds(TWO)
    run = await world.waiting()
    broken, other = await world.all_pending()
    await world.sql(f"update request set {change} where id = '{broken.id}'")
    assert await world.db.read(read_request, broken.id) is None
    assert [one.id for one in await world.db.read(read_pending, 10)] == [other.id]
    (shown,) = await world.db.read(read_recent_runs, 10)
    assert (shown.id, [one.id for one in shown.waiting_on]) == (run.id, [other.id])
