"""Second thoughts: votes taken back, holds, reject quorums, reasons, and one person in several stages."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from agent_runtime import approvals
from agent_runtime.approvals import Accepted, Refused, Withdrawal
from agent_runtime.audit import Event
from agent_runtime.people import Unreachable
from agent_runtime.policy import Policy, Stage
from agent_runtime.reading import read_request
from agent_runtime.refusals import RefusalReason
from storage.types import RequestStatus, RunStatus
from tests.core.agent import one
from tests.core.world import ANA, BOB, CLEO, EDIT, HOURS, MINUTES, NO, SKIP, SURFACE, YES, policy_set, stage, who

BUY = one("buy", {"amount": 10})
SECONDS = timedelta(seconds=1)
HELD = Policy(stages=(stage(ANA, BOB),), hold=30 * SECONDS, timeout=HOURS)


def refusal(verdict: Any) -> RefusalReason | None:
    return verdict.reason if isinstance(verdict, Refused) else None


async def test_a_held_approval_runs_when_its_hold_ends(worlds: Any) -> None:
    """The last vote closes nothing yet; the sweep after the hold does, in the name of whoever approved."""
    world = await worlds(BUY, policies=policy_set(HELD))
    run = await world.waiting()
    shown = await world.pending()
    verdict = await world.decide(ANA)
    assert isinstance(verdict, Accepted)
    assert not verdict.closed
    view = await world.db.read(read_request, shown.id)
    assert (view.status, view.held_until) == (RequestStatus.PENDING, world.clock.now() + 30 * SECONDS)
    await world.pass_time(29 * SECONDS)
    assert world.effects == []
    assert refusal(await world.decide(BOB)) is RefusalReason.HELD
    await world.pass_time(SECONDS)
    assert len(world.effects) == 1
    after = await world.request(shown)
    assert (after.status, after.closed_by["name"], after.held_until) == (RequestStatus.APPROVED, "Ana", None)
    assert (await world.run(run)).status is RunStatus.SUCCEEDED
    assert (await world.verify()).problem == ""


async def test_a_hold_counts_unpaused_time(worlds: Any) -> None:
    """While everything is stopped no hold ends, and it goes on where it was."""
    world = await worlds(BUY, policies=policy_set(HELD))
    await world.waiting()
    await world.decide(ANA)
    await world.pass_time(20 * SECONDS)
    await world.stop()
    await world.pass_time(HOURS)
    await world.go()
    await world.pass_time(9 * SECONDS)
    assert world.effects == []
    await world.pass_time(SECONDS)
    assert len(world.effects) == 1


async def test_an_approval_taken_back_in_its_hold_approves_nothing(worlds: Any) -> None:
    """The request waits again with all of its time, and others may decide it."""
    world = await worlds(BUY, policies=policy_set(HELD))
    await world.waiting()
    await world.decide(ANA)
    world.clock.advance(10 * SECONDS)
    verdict = await world.withdraw(ANA)
    assert isinstance(verdict, Accepted)
    await world.pass_time(MINUTES)
    assert world.effects == []
    asked = await world.pending()
    assert (asked.held_until, asked.due_at) == (None, world.clock.now() - MINUTES + HOURS)
    assert await world.count(Event.DECISION_WITHDRAWN) == 1
    await world.decide(BOB)
    await world.pass_time(30 * SECONDS)
    assert len(world.effects) == 1


async def test_whoever_took_their_vote_back_may_vote_again(worlds: Any) -> None:
    """Once more, and the hold counts from then."""
    world = await worlds(BUY, policies=policy_set(HELD))
    await world.waiting()
    await world.decide(ANA)
    await world.withdraw(ANA)
    world.clock.advance(29 * SECONDS)
    assert isinstance(await world.decide(ANA), Accepted)
    await world.pass_time(29 * SECONDS)
    assert world.effects == []
    await world.pass_time(SECONDS)
    assert len(world.effects) == 1


async def test_a_rejection_or_an_edit_ends_a_hold(worlds: Any) -> None:
    """What was approved is not run where somebody says no, or wants another call, before its hold ends."""
    world = await worlds(BUY, policies=policy_set(HELD))
    await world.waiting()
    await world.decide(ANA)
    await world.decide(BOB, NO)
    await world.pass_time(MINUTES)
    assert world.effects == []
    held = Policy(stages=(stage(ANA, BOB, quorum=2),), hold=30 * SECONDS, decisions=(YES, NO, EDIT))
    third = held.model_copy(update={"stages": (Stage(name="all", approvers=who(ANA, BOB, CLEO), quorum=2),)})
    world = await worlds(BUY, policies=policy_set(third))
    await world.waiting()
    await world.decide(ANA)
    await world.decide(BOB)
    verdict = await world.edit(CLEO, {"amount": 9})
    assert isinstance(verdict, Accepted)
    assert verdict.request.held_until is None
    await world.pass_time(MINUTES)
    assert world.effects == []
    await world.decide(ANA)
    await world.pass_time(30 * SECONDS)
    assert [effect["args"] for effect in world.effects] == [{"amount": 9}]


async def test_a_hold_is_not_cut_short_by_the_deadline_nor_by_a_late_sweep(worlds: Any) -> None:
    """Approved in time is in time; and as long as nothing ran, an approval can be taken back."""
    world = await worlds(BUY, policies=policy_set(HELD))
    await world.waiting()
    world.clock.advance(HOURS - SECONDS)
    await world.decide(ANA)
    world.clock.advance(HOURS)
    assert isinstance(await world.withdraw(ANA), Accepted)
    await world.decide(ANA)
    await world.pass_time(30 * SECONDS)
    assert len(world.effects) == 1


async def test_a_vote_taken_back_from_a_passed_stage_opens_it_again(worlds: Any) -> None:
    """The later stage waits until the earlier one has its votes again; its own votes stand meanwhile."""
    stages = (stage(ANA, BOB, name="manager"), stage(BOB, CLEO, name="finance", quorum=2))
    world = await worlds(BUY, policies=policy_set(Policy(stages=stages, timeout=HOURS)))
    await world.waiting()
    await world.decide(ANA)
    await world.decide(CLEO)
    shown = await world.pending()
    assert shown.stage == 1
    await world.withdraw(ANA)
    asked = await world.pending()
    assert asked.stage == 0
    assert refusal(await world.decide(BOB, YES, shown)) is RefusalReason.OUTDATED
    await world.decide(ANA)
    asked = await world.pending()
    assert asked.stage == 1
    verdict = await world.decide(BOB)
    assert isinstance(verdict, Accepted)
    assert verdict.closed
    await world.settle()
    assert len(world.effects) == 1
    assert (await world.verify()).problem == ""


async def test_what_cannot_be_taken_back(worlds: Any) -> None:
    """Nobody's vote, a vote on an older revision, and a vote on what is closed."""
    rules = Policy(stages=(stage(ANA, BOB, quorum=2),), decisions=(YES, NO, EDIT))
    world = await worlds(BUY, policies=policy_set(rules))
    await world.waiting()
    shown = await world.pending()
    assert refusal(await world.withdraw(ANA)) is RefusalReason.NO_VOTE
    await world.decide(ANA)
    await world.edit(BOB, {"amount": 1})
    assert refusal(await world.withdraw(ANA, shown)) is RefusalReason.OUTDATED
    asked = await world.pending()
    await world.decide(ANA)
    assert refusal(await world.withdraw(ANA, asked)) is RefusalReason.TOO_LATE
    nobody = asked.model_copy(update={"id": "A9"})
    assert refusal(await world.withdraw(ANA, nobody)) is RefusalReason.UNKNOWN_REQUEST
    assert await world.count(Event.DECISION_REFUSED) == 4


async def test_a_yes_is_taken_back_even_by_whom_the_directory_does_not_know_now(worlds: Any) -> None:
    """Taking a yes back is always safe; taking a no back is not, and needs somebody who could still say it."""
    rules = Policy(stages=(Stage(name="all", approvers=who(ANA, BOB, CLEO), quorum=2, reject_quorum=2),))
    world = await worlds(BUY, policies=policy_set(rules))
    await world.waiting()
    asked = await world.pending()
    await world.decide(ANA, YES)
    await world.decide(BOB, NO)
    for actor, reason in ((ANA, None), (BOB, RefusalReason.DIRECTORY_DOWN)):
        taken = await world.db.transact(
            approvals.withdraw, world.context, Withdrawal(asked.id, 1), Unreachable(actor), SURFACE
        )
        assert refusal(taken) is reason
    assert isinstance(await world.withdraw(BOB), Accepted)


@pytest.mark.parametrize(("noes", "end"), [(1, RequestStatus.PENDING), (2, RequestStatus.REJECTED)])
async def test_a_reject_quorum_counts_noes(worlds: Any, noes: int, end: RequestStatus) -> None:
    """One no of two closes nothing, and does not stand in the way of enough yeses; two close."""
    rules = Policy(stages=(Stage(name="all", approvers=who(ANA, BOB, CLEO), quorum=1, reject_quorum=2),))
    world = await worlds(BUY, policies=policy_set(rules))
    await world.waiting()
    shown = await world.pending()
    for actor in (ANA, BOB)[:noes]:
        await world.decide(actor, NO)
    after = await world.request(shown)
    assert after.status is end
    if end is RequestStatus.PENDING:
        view = await world.db.read(read_request, shown.id)
        assert (view.rejections_in_stage, view.stages[0].reject_quorum) == (1, 2)
        await world.decide(BOB, YES)
    await world.settle()
    assert len(world.effects) == 2 - noes


async def test_a_skip_counts_with_the_noes(worlds: Any) -> None:
    """The no that makes them enough says how the request ends."""
    rules = Policy(
        stages=(Stage(name="all", approvers=who(ANA, BOB), reject_quorum=2),), decisions=(YES, NO, SKIP)
    )  # fmt: skip
    world = await worlds(BUY, policies=policy_set(rules))
    await world.waiting()
    shown = await world.pending()
    await world.decide(ANA, NO)
    await world.decide(BOB, SKIP)
    assert (await world.request(shown)).status is RequestStatus.SKIPPED


async def test_one_person_may_sit_in_several_stages_where_the_policy_lets_them(worlds: Any) -> None:
    """One vote for each stage, never two in one."""
    stages = (stage(ANA, BOB, name="manager"), stage(ANA, CLEO, name="finance", quorum=2))
    world = await worlds(BUY, policies=policy_set(Policy(stages=stages, allow_same_person=True)))
    await world.waiting()
    await world.decide(ANA)
    await world.decide(ANA)
    assert refusal(await world.decide(ANA)) is RefusalReason.ALREADY_VOTED
    await world.decide(CLEO)
    await world.settle()
    assert len(world.effects) == 1


@pytest.mark.parametrize("reason", ["", "  \n "])
async def test_a_reason_is_asked_for_where_the_policy_wants_one(worlds: Any, reason: str) -> None:
    """Only for the decisions it names; blanks are no reason; an edit approves, and needs what an approval needs."""
    rules = Policy(stages=(stage(ANA, BOB),), require_reason=(YES,), decisions=(YES, NO, EDIT))
    world = await worlds(BUY, policies=policy_set(rules))
    await world.waiting()
    shown = await world.pending()
    assert refusal(await world.decide(ANA, YES, reason=reason)) is RefusalReason.NEEDS_REASON
    assert refusal(await world.edit(ANA, {"amount": 1}, reason=reason)) is RefusalReason.NEEDS_REASON
    assert isinstance(await world.decide(ANA, YES, reason="needed for the trip"), Accepted)
    assert (await world.request(shown)).status is RequestStatus.APPROVED
    await world.waiting()
    assert isinstance(await world.decide(BOB, NO, reason=reason), Accepted)


async def test_a_later_sibling_does_not_shorten_nor_a_changed_time_lengthen_an_approval(worlds: Any) -> None:
    """How long an approval holds counts from the sealed audit log, whatever the row says it was closed at."""
    world = await worlds(BUY, policies=policy_set(Policy(stages=(stage(ANA),), valid_for=10 * MINUTES)))
    await world.waiting()
    await world.decide(ANA)
    world.clock.advance(11 * MINUTES)
    await world.sql("update request set closed_at = '2030-01-07 12:00:00.000000'")
    await world.settle()
    assert world.effects == []
    assert (await world.pending()).generation == 1


async def test_a_hold_survives_a_restart_and_ends_once(worlds: Any) -> None:
    """It is a date in a row: a new process ends it, and two sweeps at once end it once."""
    world = await worlds(BUY, policies=policy_set(HELD))
    await world.waiting()
    await world.decide(ANA)
    await world.reboot()
    world.clock.advance(30 * SECONDS)
    await asyncio.gather(world.runtime.sweep(), world.runtime.sweep())
    await world.settle()
    assert len(world.effects) == 1
    assert await world.count(Event.REQUEST_CLOSED) == 1


async def test_a_cancelled_run_ends_its_holds(worlds: Any) -> None:
    """What was approved and not run yet is cancelled with its run."""
    world = await worlds(BUY, policies=policy_set(HELD))
    run = await world.waiting()
    shown = await world.pending()
    await world.decide(ANA)
    await world.cancel(run)
    await world.pass_time(HOURS)
    after = await world.request(shown)
    assert (after.status, after.held_until, world.effects) == (RequestStatus.CANCELLED, None, [])
