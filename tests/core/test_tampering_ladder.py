"""Somebody with a hand on the database file climbs a ladder for nobody: whoever may decide by an escalation may by the
sealed log alone."""

from __future__ import annotations

from typing import Any

import pytest

from agent_runtime.approvals import Accepted, Refused
from agent_runtime.audit import Event
from agent_runtime.refusals import RefusalReason
from tests.core.agent import Calls, call, one
from tests.core.test_ladder import climbed, climbing
from tests.core.world import CLEO, MINUTES, OPS

BUY = one("buy", {"amount": 10})


def refusal(verdict: Any) -> RefusalReason | None:
    return verdict.reason if isinstance(verdict, Refused) else None


async def test_steps_that_were_never_taken_let_nobody_decide(worlds: Any) -> None:
    """The number of steps in a row is not believed."""
    world = await worlds(BUY, policies=climbing())
    await world.waiting()
    await world.sql("update request set rung = 3")
    assert [refusal(await world.decide(actor)) for actor in (CLEO, OPS)] == [RefusalReason.NOT_AN_APPROVER] * 2


@pytest.mark.parametrize("column", ["ladder_from", "ladder_from = '2029-01-01 00:00:00.000000', next_at"])
async def test_a_ladder_whose_beginning_was_moved_escalates_to_nobody_early(worlds: Any, column: str) -> None:
    """The log says since when the stage has been open; the ladder goes on from there."""
    world = await worlds(BUY, policies=climbing())
    await world.waiting()
    await world.sql(f"update request set {column} = '2029-01-01 00:00:00.000000'")
    await world.pass_time(30 * MINUTES)
    assert await climbed(world) == []
    assert await world.count(Event.INTEGRITY_BROKEN) == 1
    assert refusal(await world.decide(CLEO)) is RefusalReason.NOT_AN_APPROVER
    await world.pass_time(60 * MINUTES)
    assert isinstance(await world.decide(CLEO), Accepted)


@pytest.mark.parametrize(
    "change",
    [
        """update audit_text set body = replace(body, '"rung": 1', '"rung": 2') where body like '%"rung": 1%'""",
        "update audit set event = 'request.escalated' where event = 'request.reminded'",
    ],
)
async def test_an_entry_that_was_changed_escalates_to_nobody(worlds: Any, change: str) -> None:
    """Neither another step's number nor another event makes an escalation of what the log says."""
    world = await worlds(BUY, policies=climbing())
    await world.waiting()
    await world.pass_time(60 * MINUTES)
    assert await world.sql(change) == 1
    assert refusal(await world.decide(OPS)) is RefusalReason.NOT_AN_APPROVER


async def test_an_escalation_of_another_request_is_none_of_this_one(worlds: Any) -> None:
    """An entry that is told under another request's name breaks its seal."""
    calls = Calls((call("buy", {"n": 1}), call("buy", {"n": 2}, call_id="c2")))
    world = await worlds(calls, policies=climbing())
    await world.waiting()
    first, second = await world.all_pending()
    await world.sql("update request set next_at = due_at where id = ?", second.id)
    await world.pass_time(60 * MINUTES)
    await world.sql("update audit set request_id = ? where event = 'request.escalated'", second.id)
    assert refusal(await world.decide(CLEO, request=second)) is RefusalReason.NOT_AN_APPROVER
    await world.sql("update audit set request_id = ? where event = 'request.escalated'", first.id)
    assert isinstance(await world.decide(CLEO, request=first), Accepted)


async def test_an_escalation_whose_text_was_erased_counts_no_more(worlds: Any) -> None:
    """Without it nobody can say to whom it was escalated; the approvers still may decide."""
    world = await worlds(BUY, policies=climbing())
    await world.waiting()
    await world.pass_time(60 * MINUTES)
    await world.sql("delete from audit_text where body like '%\"rung\": 1%'")
    assert refusal(await world.decide(CLEO)) is RefusalReason.NOT_AN_APPROVER
