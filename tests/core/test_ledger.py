"""Ends of calls: recorded once, unknown when nobody can know, and late evidence."""

from __future__ import annotations

from typing import Any

import pytest

from agent_runtime.agents import Ask, Go, Outcome, Replay
from agent_runtime.approvals import Accepted, Refused
from agent_runtime.audit import Event
from agent_runtime.policy import Action, Policy
from agent_runtime.refusals import RefusalReason
from agent_runtime.worker import LEASE
from storage.models import Run
from storage.types import CallStatus, OnTimeout, RequestKind, RequestStatus, RunStatus
from tests.core.agent import call, one
from tests.core.test_start import BUY, CALL, claimed, ledger_of
from tests.core.world import ANA, BOB, OPS, SAM, World, policy_set, who

DONE = Outcome("text", b"bought", "bought")


async def left_unknown(worlds: Any, **fields: Any) -> tuple[World, Run]:
    """A run whose worker died after the effect and before its record; people are asked what happened."""
    world = await worlds(BUY, **fields)
    run = await world.waiting()
    await world.decide(ANA)
    await world.killed_at("acted")
    await world.settle()
    return world, run


async def test_an_unknown_outcome_is_asked_about_and_not_run_again(worlds: Any) -> None:
    """After a crash between effect and record, the call is unknown and operators are asked; nothing runs meanwhile."""
    world, run = await left_unknown(worlds)
    asked = await world.pending()
    assert (asked.kind, asked.tool, asked.args) == (RequestKind.OUTCOME, "buy", {"amount": 10})
    assert (await world.call(run)).status is CallStatus.UNKNOWN or (await world.call(run)).status is CallStatus.STARTED
    await world.settle()
    assert len(world.effects) == 1
    assert await world.status(run) is RunStatus.WAITING


async def test_it_happened(worlds: Any) -> None:
    """An operator tells the result: the agent gets it, and nothing runs again."""
    world, run = await left_unknown(worlds)
    assert isinstance(await world.answer(OPS, {"action": "happened", "result": "order 7"}), Accepted)
    await world.settle()
    assert (await world.run(run)).output == {"m1/c1": "order 7"}
    assert (await world.call(run)).status is CallStatus.FINISHED
    assert len(world.effects) == 1


@pytest.mark.parametrize("reason", ["", "the shop was closed"])
async def test_it_did_not_happen(worlds: Any, reason: str) -> None:
    """An operator tells that it failed: the agent gets an error, and nothing runs again."""
    world, run = await left_unknown(worlds)
    await world.answer(OPS, {"action": "failed", "reason": reason})
    await world.settle()
    assert (reason or "did not happen") in (await world.run(run)).output["m1/c1"]
    assert (await world.call(run)).status is CallStatus.FAILED
    assert len(world.effects) == 1


async def test_run_it_again_starts_exactly_once_more(worlds: Any) -> None:
    """The answer serves one start: a second crash asks again."""
    world, run = await left_unknown(worlds)
    await world.answer(OPS, {"action": "run_again"})
    await world.killed_at("acted")
    await world.settle()
    assert len(world.effects) == 2
    again = await world.pending()
    assert (again.kind, again.generation) == (RequestKind.OUTCOME, 1)
    await world.settle()
    assert len(world.effects) == 2
    await world.answer(OPS, {"action": "run_again"})
    await world.settle()
    assert len(world.effects) == 3
    assert (await world.call(run)).starts == 3
    assert await world.status(run) is RunStatus.SUCCEEDED


async def test_run_it_again_survives_a_crash_before_the_start(worlds: Any) -> None:
    """An answer that no start has taken yet still holds after a restart."""
    world, run = await left_unknown(worlds)
    await world.answer(OPS, {"action": "run_again"})
    await world.killed_at("before start")
    await world.settle()
    assert len(world.effects) == 2
    assert await world.status(run) is RunStatus.SUCCEEDED


async def test_only_operators_say_what_happened(worlds: Any) -> None:
    """Where operators are named, an approver may not say it; where none are, they may."""
    world, _ = await left_unknown(worlds)
    refused = await world.answer(ANA, {"action": "run_again"})
    assert isinstance(refused, Refused)
    assert refused.reason is RefusalReason.NOT_AN_APPROVER
    world, _ = await left_unknown(worlds, policies=policy_set(operators=()))
    assert isinstance(await world.answer(BOB, {"action": "run_again"}), Accepted)


async def test_the_question_waits_for_ever(worlds: Any) -> None:
    """Silence says nothing about an outcome: overdue is noted once, and the question stays."""
    world, run = await left_unknown(worlds)
    for _ in range(3):
        await world.pass_time(LEASE * 1000)
    assert (await world.pending()).on_timeout is OnTimeout.KEEP
    assert await world.count(Event.REQUEST_OVERDUE) == 1
    await world.answer(OPS, {"action": "happened", "result": "x"})
    await world.settle()
    assert await world.status(run) is RunStatus.SUCCEEDED


async def test_a_late_outcome_closes_the_question(worlds: Any) -> None:
    """A worker that was only slow reports after its lease was lost: accepted as late, and nobody need answer."""
    world = await worlds(BUY)
    await world.waiting()
    await world.decide(ANA)
    run, slow = await claimed(world)
    assert isinstance(await slow.start(CALL), Go)
    world.clock.advance(LEASE)
    await world.settle()
    asked = await world.pending()
    await slow.finish(CALL, DONE)
    assert (await world.request(asked)).status is RequestStatus.CANCELLED
    await world.settle()
    assert (await world.run(run)).output == {"m1/c1": "bought"}
    assert world.effects == []
    assert await world.count(Event.CALL_LATE) == 1


async def test_a_late_outcome_after_the_answer_is_only_evidence(worlds: Any) -> None:
    """Once a person said what happened, the late report changes nothing, and the audit log keeps it."""
    world = await worlds(BUY)
    await world.waiting()
    await world.decide(ANA)
    run, slow = await claimed(world)
    await slow.start(CALL)
    world.clock.advance(LEASE)
    await world.settle()
    await world.answer(OPS, {"action": "failed", "reason": "no"})
    await slow.finish(CALL, DONE)
    assert (await world.call(run)).status is CallStatus.FAILED
    assert await world.count(Event.CALL_LATE) == 1
    await world.settle()
    await slow.finish(CALL, DONE)
    assert (await world.run(run)).output == {"m1/c1": "no"}


async def test_a_late_outcome_after_run_again_started_is_only_evidence(worlds: Any) -> None:
    """The first start's report is not taken for the second's."""
    world = await worlds(BUY)
    await world.waiting()
    await world.decide(ANA)
    run, slow = await claimed(world)
    await slow.start(CALL)
    world.clock.advance(LEASE)
    await world.settle()
    await world.answer(OPS, {"action": "run_again"})
    _, second = await claimed(world)
    assert isinstance(await second.start(CALL), Go)
    await slow.finish(CALL, DONE)
    assert (await world.call(run)).status is CallStatus.STARTED
    assert await world.count(Event.CALL_LATE) == 1


async def test_an_idempotent_call_runs_again_by_itself(worlds: Any) -> None:
    """A call whose policy says so is simply run again after a crash."""
    for policy in (Policy(idempotent=True), Policy(action=Action.ALLOW, idempotent=True)):
        world = await worlds(BUY, policies=policy_set(policy))
        run = await world.waiting()
        if policy.action is not Action.ALLOW:
            await world.decide(ANA)
        else:
            run = await world.start()
        before = len(world.effects)
        await world.killed_at("acted")
        await world.settle()
        assert len(world.effects) == before + 2
        assert await world.status(run) is RunStatus.SUCCEEDED


async def test_a_call_that_was_left_is_unknown(worlds: Any) -> None:
    """A tool left while it may still act is unknown at once, in the same advance."""
    world = await worlds(BUY)
    await world.waiting()
    await world.decide(ANA)
    run, ledger = await claimed(world)
    await ledger.start(CALL)
    await ledger.lose(CALL)
    assert (await world.call(run)).status is CallStatus.UNKNOWN
    assert isinstance(await ledger.start(CALL), Ask)
    assert await world.count(Event.CALL_UNKNOWN) == 1


async def test_ends_of_calls_nobody_started_are_ignored(worlds: Any) -> None:
    """A report without a start changes nothing."""
    world = await worlds(BUY)
    await world.start()
    _, ledger = await claimed(world)
    await ledger.finish(call("other"), DONE)
    assert await world.look("select count(*) from journal") == [(0,)]


async def test_half_a_character_in_a_summary_does_not_lose_the_outcome(worlds: Any) -> None:
    """What the tool said is recorded as far as the store takes it: the effect has happened."""
    world = await worlds(BUY)
    await world.waiting()
    await world.decide(ANA)
    run, ledger = await claimed(world)
    await ledger.start(CALL)
    await ledger.finish(CALL, Outcome("text", b"\xff", "ok \ud83d"))
    entry = await world.call(run)
    assert (entry.status, entry.outcome, entry.summary) == (CallStatus.FINISHED, b"\xff", "ok ?")
    again = await (await ledger_of(world, run)).start(CALL)
    assert again == Replay(Outcome("text", b"\xff", "ok ?"))


async def test_a_call_that_a_policy_allows_and_whose_outcome_is_unknown_is_asked_about(worlds: Any) -> None:
    """Journaled without people, asked about with them."""
    world = await worlds(one("read"), policies=policy_set(Policy(action=Action.ALLOW)))
    run = await world.start(SAM)
    await world.killed_at("acted")
    await world.settle()
    assert (await world.pending()).kind is RequestKind.OUTCOME
    await world.answer(OPS, {"action": "run_again"})
    await world.settle()
    assert len(world.effects) == 2
    assert await world.status(run) is RunStatus.SUCCEEDED
    assert who(OPS) == world.policies.operators
