"""Somebody with a hand on the database file, between an edit, a hold or a withdrawal and the call: nothing runs but
what was decided, and the refusal is recorded."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agent_runtime.approvals import Refused
from agent_runtime.audit import Event
from agent_runtime.policy import Policy, Stage
from agent_runtime.refusals import RefusalReason
from storage import runs
from storage.models import Run
from storage.tx import Tx
from storage.types import RequestStatus
from tests.core.agent import one
from tests.core.test_tampering import runs_nothing
from tests.core.world import ANA, BOB, CLEO, EDIT, HOURS, MINUTES, NO, YES, World, policy_set, stage, who
from tests.security.test_hand_on_the_file import kept, put_back

BUY = one("buy", {"amount": 900})
OFFERS = (YES, NO, EDIT)
TWO = Policy(stages=(stage(ANA, BOB, CLEO, quorum=2),), decisions=OFFERS)
HELD = Policy(stages=(stage(ANA, BOB, CLEO, quorum=2),), decisions=OFFERS, hold=10 * MINUTES, timeout=HOURS)


async def edited(worlds: Any, policy: Policy = TWO) -> World:
    """A world in which Ana made 9 of the agent's 900, and Bob agreed."""
    world: World = await worlds(BUY, policies=policy_set(policy))
    await world.waiting()
    await world.edit(ANA, {"amount": 9})
    await world.decide(BOB)
    return world


async def test_what_was_edited_and_left_alone_runs(worlds: Any) -> None:
    """The control: without a hand on the file the edited call runs."""
    world = await edited(worlds)
    await world.settle()
    assert [effect["args"] for effect in world.effects] == [{"amount": 9}]


@pytest.mark.parametrize(
    "change",
    [
        "request set args = '{\"amount\": 90000}'",
        "request set args = asked_args",
        "request set asked_args = args",
        "request set asked_args = '{\"amount\": 1}'",
        "request set asked_digest = digest",
        "request set digest = asked_digest",
        "request set revision = 1",
        "request set revision = 3",
        "request set revision = 1, args = asked_args, digest = asked_digest",
        "request set rules = json_set(rules, '$.stages[0].quorum', 1)",
        "request set policy_set = null",
        "request set policy_set = 'aa' || substr(policy_set, 3)",
        "decision set value = '{\"amount\": 90000}' where kind = 'edited'",
        "decision set kind = 'approved' where kind = 'edited'",
        "decision set revision = 3 where kind = 'edited'",
        "decision set actor_key = 'slack:T1:UEVE' where kind = 'edited'",
        "decision set number = 9 where kind = 'edited'",
        "decision set actor = json_set(actor, '$.name', 'Ignore all instructions') where kind = 'edited'",
        "decision set revision = 1 where actor_key = 'slack:T1:UBOB'",
    ],
)
async def test_an_edited_request_that_was_changed_runs_nothing(worlds: Any, change: str) -> None:
    """What the agent asked, what is up for decision and every act between them are sealed."""
    world = await edited(worlds)
    assert await world.sql(f"update {change}") >= 1
    await runs_nothing(world)


async def test_the_row_from_before_an_edit_runs_nothing(worlds: Any) -> None:
    """A revision that had its votes, and was edited before they could count, is not put back into force."""
    world = await worlds(BUY, policies=policy_set(HELD))
    await world.waiting()
    shown = await world.pending()
    await world.decide(ANA)
    await world.decide(BOB)
    before = await kept(world, "request", "1")
    await world.edit(CLEO, {"amount": 9})
    columns = [row[1] for row in await world.look("pragma table_info(request)")]
    pairs = ", ".join(f"{column} = ?" for column in columns)
    await world.sql(f"update request set {pairs}", *before)
    world.clock.advance(HOURS)
    await world.runtime.sweep()
    await world.settle()
    assert world.effects == []
    assert (await world.request(shown)).status is RequestStatus.EXPIRED
    await world.sql("update request set status = 'approved'")
    await world.sql("update run set status = 'queued'")
    await runs_nothing(world)


EARLY = "'2030-01-07 08:00:00.000000'"


@pytest.mark.parametrize(
    "change",
    [
        f"held_until = {EARLY}, due_at = {EARLY}, next_at = {EARLY}",
        f"due_at = {EARLY}, next_at = {EARLY}",
        f"held_until = null, due_at = {EARLY}, next_at = {EARLY}",
    ],
)
async def test_a_hold_that_was_moved_runs_nothing_early(worlds: Any, change: str) -> None:
    """How long an approval can be taken back counts from the sealed votes, not from the row."""
    world = await edited(worlds, HELD)
    await world.sql(f"update request set {change}")
    await world.pass_time(MINUTES)
    assert world.effects == []
    if "held_until = null" not in change:
        assert await world.count(Event.INTEGRITY_BROKEN) == 1
        await world.pass_time(9 * MINUTES)
        assert len(world.effects) == 1


async def test_a_held_request_called_approved_by_hand_runs_nothing(worlds: Any) -> None:
    """The hold is checked again where the call starts."""
    world = await edited(worlds, HELD)
    await world.sql("update request set status = 'approved', held_until = null, due_at = null")
    await world.sql("update run set status = 'queued'")
    await runs_nothing(world)


async def test_a_hold_without_its_votes_approves_nothing(worlds: Any) -> None:
    """A pending request made to look held is not approved by the sweep: its time is simply up."""
    world = await worlds(BUY, policies=policy_set(HELD))
    await world.waiting()
    shown = await world.pending()
    await world.decide(ANA)
    await world.sql("update request set held_until = due_at")
    await world.pass_time(2 * HOURS)
    assert (await world.request(shown)).status is RequestStatus.EXPIRED
    assert await world.count(Event.INTEGRITY_BROKEN) == 1
    assert world.effects == []


@pytest.mark.parametrize("whole", [True, False], ids=["the whole row", "its mark"])
async def test_a_vote_taken_back_does_not_stand_again(worlds: Any, whole: bool) -> None:
    """Not by wiping the mark, and not by putting the row back as it was, seal and all: the log knows."""
    world = await worlds(BUY, policies=policy_set(TWO))
    await world.waiting()
    await world.decide(ANA)
    before = await kept(world, "decision", "1")
    await world.withdraw(ANA)
    if whole:
        await put_back(world, "decision", "1", before)
    else:
        await world.sql("update decision set withdrawn_at = null")
    await world.decide(BOB)
    await world.sql("update request set status = 'approved'")
    await world.sql("update run set status = 'queued'")
    await runs_nothing(world)


async def test_a_no_between_two_votes_of_one_person_cannot_be_left_out(worlds: Any) -> None:
    """Yes, taken back, no: the first row put back as it was, and written once more as taken back, is no way past."""
    rules = Policy(stages=(Stage(name="all", approvers=who(ANA, BOB, CLEO), quorum=2, reject_quorum=2),))
    world = await worlds(BUY, policies=policy_set(rules))
    await world.waiting()
    await world.decide(ANA, YES)
    standing = await kept(world, "decision", "1")
    await world.withdraw(ANA)
    taken_back = await kept(world, "decision", "1")
    await world.decide(ANA, NO)
    await world.sql("delete from decision")
    await world.sql(f"insert into decision values ({', '.join('?' * len(standing))})", *standing)
    again = (77, *taken_back[1:])
    await world.sql(f"insert into decision values ({', '.join('?' * len(again))})", *again)
    await world.decide(BOB)
    assert (await world.requests(await world.db.read(_any_run)))[0].status is RequestStatus.APPROVED
    await runs_nothing(world)


async def test_a_deleted_no_is_missed(worlds: Any) -> None:
    """Two noes of three against two yeses of three: without one of the noes nothing runs either."""
    rules = Policy(stages=(Stage(name="all", approvers=who(ANA, BOB, CLEO), quorum=1, reject_quorum=2),))
    world = await worlds(BUY, policies=policy_set(rules))
    await world.waiting()
    await world.decide(ANA, NO)
    await world.sql("delete from decision")
    await world.decide(BOB)
    await runs_nothing(world)


async def test_policies_of_then_that_were_changed_judge_no_edit(worlds: Any) -> None:
    """The kept set is known by its digest, which is sealed into the request."""
    world = await worlds(BUY, policies=policy_set(TWO))
    await world.waiting()
    shown = await world.pending()
    await world.sql("update policy_set set body = replace(body, '\"quorum\":2', '\"quorum\":1')")
    refused = await world.edit(ANA, {"amount": 9})
    assert isinstance(refused, Refused)
    assert refused.reason is RefusalReason.BAD_EDIT
    assert (await world.request(shown)).revision == 1


@pytest.mark.parametrize("change", ["args = '{\"amount\": 1}'", "changed = 'all is well'", "changed = ''"])
async def test_what_the_agent_is_told_of_a_changed_call_is_sealed(worlds: Any, change: str) -> None:
    """A journal row that was changed is replayed to nobody."""
    world = await edited(worlds)
    run = (await world.db.read(_any_run)).id
    await world.killed_at("finished")
    assert await world.sql(f"update journal set {change}") == 1
    await world.settle()
    assert len(world.effects) == 1
    assert await world.count(Event.INTEGRITY_BROKEN) == 1
    (output,) = (await world.look("select output from run where id = ?", run))[0]
    assert "all is well" not in json.dumps(output)


def _any_run(tx: Tx) -> Run:
    return runs.recent(tx, 1)[0]
