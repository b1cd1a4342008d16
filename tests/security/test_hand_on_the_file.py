"""Somebody who may write to the database but has no key, and puts back rows that were genuine once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agent_runtime.approvals import Act, Refused
from agent_runtime.audit import Event
from agent_runtime.people import Membership, Unreachable
from agent_runtime.policy import Policy, Rules
from bot.desk import Desk
from storage.types import Actor, CallStatus, RequestKind, RequestStatus
from tests.core.agent import one
from tests.core.world import ANA, EVE, HOURS, MINUTES, NO, OPS, SURFACE, YES, World, policy_set, stage

BUY = one("buy", {"amount": 10})
SHORT = Policy(tools=("buy",), valid_for=5 * MINUTES, stages=(stage(ANA),), timeout=HOURS)


async def kept(world: World, table: str, where: str) -> tuple[Any, ...]:
    """A row as it is now."""
    (row,) = await world.look(f"select * from {table} where {where}")
    return row


async def put_back(world: World, table: str, where: str, row: tuple[Any, ...]) -> None:
    """The row as it was."""
    await world.sql(f"delete from {table} where {where}")
    await world.sql(f"insert into {table} values ({', '.join('?' * len(row))})", *row)


async def test_a_journal_put_back_to_before_its_last_start_starts_nothing(worlds: Any) -> None:
    """A call that was run again on a person's word is not run once more by restoring the rows from before."""
    world = await worlds(BUY)
    run = await world.waiting()
    await world.decide(ANA)
    await world.killed_at("acted")
    await world.settle()
    asked = await world.pending()
    lost = await kept(world, "journal", "call_key = 'm1/c1'")
    await world.answer(OPS, {"action": "run_again"})
    await world.settle()
    assert (len(world.effects), (await world.call(run)).status) == (2, CallStatus.FINISHED)

    await put_back(world, "journal", "call_key = 'm1/c1'", lost)
    await world.sql("update request set consumed_at = null where id = ?", asked.id)
    await world.sql("update run set status = 'queued', output = null")
    await world.settle()
    assert len(world.effects) == 2
    assert await world.count(Event.INTEGRITY_BROKEN) == 1


async def test_a_lapsed_approval_put_before_a_later_rejection_runs_nothing(worlds: Any) -> None:
    """Which request about a call is the newest is sealed: an older yes does not pass for a newer one than the no."""
    world = await worlds(BUY, policies=policy_set(SHORT))
    run = await world.waiting()
    first = await world.pending()
    await world.decide(ANA)
    world.clock.advance(10 * MINUTES)
    await world.settle()
    assert (await world.request(first)).status is RequestStatus.LAPSED
    await world.decide(ANA, NO)

    now = (await world.look("select opened_at from request where generation = 1"))[0][0]
    await world.sql("update request set generation = 2, status = 'approved', closed_at = ? where id = ?", now, first.id)
    await world.settle()
    assert world.effects == []
    assert await world.count(Event.INTEGRITY_BROKEN) == 1
    assert (await world.run(run)).status.value == "succeeded"


async def test_changed_rules_are_not_even_looked_up(worlds: Any) -> None:
    """The directory is asked by sealed rules only: rules put back before the transaction have changed nothing."""
    world = await worlds(BUY)
    await world.waiting()
    asked = await world.pending()
    await world.sql("update request set rules = json_set(rules, '$.stages[0].approvers', json('[\"channel:#all\"]'))")

    class Directory:
        async def member(self, actor: Actor, selectors: Sequence[str], **_: Any) -> Membership:
            assert tuple(selectors) == ()
            return Unreachable(actor)

        async def mentions(self, *_: Any) -> tuple[str, ...]:
            return ()

    act = Act(asked.id, asked.revision, asked.stage, YES)
    answered = await Desk(world.runtime, Directory()).decide(act, EVE, SURFACE)
    assert isinstance(answered.verdict, Refused)


async def test_broken_rules_do_not_let_the_starter_say_what_happened(worlds: Any) -> None:
    """A call that needed somebody else's yes still needs somebody else's word after its rules were changed by hand."""
    world = await worlds(BUY)
    await world.waiting()
    await world.decide(ANA)
    await world.killed_at("acted")
    await world.sql("update request set rules_mac = 'ff'")
    await world.settle()
    (asked,) = [one for one in await world.all_pending() if one.kind is RequestKind.OUTCOME]
    assert Rules.model_validate(asked.rules).allow_self_approval is False
