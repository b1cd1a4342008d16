"""Somebody with a hand on the database file: whatever they write, nothing runs that people did not approve."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agent_runtime.agents import Interrupt, Paused
from agent_runtime.approvals import Refused
from agent_runtime.audit import Event
from agent_runtime.digest import Seal
from agent_runtime.policy import Action, Policy
from agent_runtime.refusals import RefusalReason
from storage.types import CallStatus, RequestKind, RequestStatus, RunStatus
from tests.core.agent import Questions, one
from tests.core.world import ANA, BOB, NO, SAM, YES, World, policy_set, stage

BUY = one("buy", {"amount": 10})
TWO_EYES = Policy(tools=("buy",), stages=(stage(ANA, BOB, quorum=2),))


async def runs_nothing(world: World) -> None:
    await world.settle()
    assert world.effects == []
    assert await world.count(Event.INTEGRITY_BROKEN) >= 1
    assert (await world.verify()).problem == ""


@pytest.mark.parametrize(
    "change",
    [
        "args = '{\"amount\": 1}'",
        "tool = 'look'",
        "step = 'm9'",
        "call_id = 'c9'",
        "agent = 'nice'",
        "digest = 'aa' || substr(digest, 3)",
        "rules_mac = 'aa' || substr(rules_mac, 3)",
        "rules_mac = 'ä'",
        "rules = json_set(rules, '$.stages[0].quorum', 1, '$.stages[0].approvers', json('[\"user:UEVE\"]'))",
        "rules = json_set(rules, '$.allow_self_approval', json('true'))",
        "rules = '{}'",
        "kind = 'question'",
        "starter_key = 'slack:T1:UEVE'",
        "subject = 'call:m9/c9'",
    ],
)
async def test_a_request_that_was_changed_cannot_be_decided(worlds: Any, change: str) -> None:
    """What a card shows and who may decide are sealed: after any change the click is refused and recorded."""
    world = await worlds(BUY)
    await world.waiting()
    shown = await world.pending()
    assert await world.sql(f"update request set {change}") == 1
    refused = await world.decide(ANA, YES, shown)
    assert isinstance(refused, Refused)
    assert refused.reason is RefusalReason.INTEGRITY
    assert await world.count(Event.INTEGRITY_BROKEN) == 1
    assert (await world.request(shown)).status is RequestStatus.PENDING


async def test_a_starter_rewritten_in_the_run_does_not_let_them_approve_themselves(worlds: Any) -> None:
    """Who started the run is sealed into its requests: a changed run row makes the click refused."""
    world = await worlds(BUY, policies=policy_set(Policy(stages=(stage(SAM, ANA),))))
    await world.waiting()
    shown = await world.pending()
    await world.sql("update run set starter = json_set(starter, '$.id', 'UEVE')")
    refused = await world.decide(SAM, YES, shown)
    assert isinstance(refused, Refused)
    assert refused.reason is RefusalReason.INTEGRITY


@pytest.mark.parametrize(
    "change",
    [
        "args = '{\"amount\": 1}'",
        "tool = 'look'",
        "digest = 'aa' || substr(digest, 3)",
        "rules = json_set(rules, '$.stages', json('[]'))",
        "rules = json_set(rules, '$.idempotent', json('true'))",
        "rules_mac = ''",
        "revision = 2",
        "kind = 'outcome'",
    ],
)
async def test_an_approved_request_that_was_changed_runs_nothing(worlds: Any, change: str) -> None:
    """Digest and seals are checked again in the `started` write."""
    world = await worlds(BUY)
    await world.waiting()
    await world.decide(ANA)
    await world.sql(f"update request set {change}")
    await runs_nothing(world)


@pytest.mark.parametrize(
    "change",
    [
        "kind = 'approved', actor_key = 'slack:T1:UEVE'",
        "digest = 'aa' || substr(digest, 3)",
        "revision = 2",
        "stage = 1",
        "reason = 'of course'",
        "at = '2031-01-01 00:00:00.000000'",
        "mac = 'aa' || substr(mac, 3)",
        "withdrawn_at = at",
        "value = 'NaN'",
    ],
)
async def test_a_decision_that_was_changed_counts_for_nothing(worlds: Any, change: str) -> None:
    """A decision is sealed with who, what, when and on which digest."""
    world = await worlds(BUY)
    await world.waiting()
    await world.decide(ANA)
    assert await world.sql(f"update decision set {change}") == 1
    await runs_nothing(world)


async def test_a_status_set_to_approved_by_hand_runs_nothing(worlds: Any) -> None:
    """`approved` without decisions is a word, not an approval."""
    world = await worlds(BUY)
    await world.waiting()
    await world.sql("update request set status = 'approved', closed_at = opened_at, due_at = null")
    await world.sql("update run set status = 'queued'")
    await runs_nothing(world)


async def test_a_rejection_turned_into_an_approval_by_hand_runs_nothing(worlds: Any) -> None:
    """Neither the status nor the decision's own kind can be turned round."""
    world = await worlds(BUY)
    await world.waiting()
    await world.decide(ANA, NO)
    await world.sql("update request set status = 'approved'")
    await world.sql("update decision set kind = 'approved'")
    await runs_nothing(world)


async def test_a_rejected_request_reopened_by_hand_stays_rejected(worlds: Any) -> None:
    """One genuine no stands against any number of later yeses on the same revision."""
    world = await worlds(BUY)
    await world.waiting()
    shown = await world.pending()
    await world.decide(ANA, NO)
    await world.sql("update request set status = 'pending', closed_at = null")
    await world.sql("update run set status = 'waiting'")
    await world.decide(BOB, YES, shown)
    assert (await world.request(shown)).status is RequestStatus.APPROVED
    await runs_nothing(world)


async def test_half_a_quorum_is_no_approval(worlds: Any) -> None:
    """One of two votes and a status set by hand run nothing, nor does the vote written twice."""
    world = await worlds(BUY, policies=policy_set(TWO_EYES))
    await world.waiting()
    await world.decide(ANA)
    await world.sql(
        "insert into decision (request_id, revision, stage, kind, actor, actor_key, reason, value, digest, mac, at)"
        " select request_id, revision, stage, kind, actor, 'slack:T1:UBOB', reason, value, digest, mac, at"
        " from decision"
    )
    await world.sql("update request set status = 'approved'")
    await world.sql("update run set status = 'queued'")
    await runs_nothing(world)


async def test_a_decision_copied_from_another_request_counts_for_nothing(worlds: Any) -> None:
    """An approval of one run's call is no approval of the same call in another run."""
    world = await worlds(BUY)
    first = await world.waiting()
    await world.decide(ANA)
    await world.waiting()
    second = await world.pending()
    await world.sql(
        "insert into decision (request_id, revision, stage, kind, actor, actor_key, reason, value, digest, mac, at)"
        f" select '{second.id}', revision, stage, kind, actor, actor_key, reason, value, digest, mac, at from decision"
    )
    await world.sql("update request set status = 'approved' where id = ?", second.id)
    await world.sql("update run set status = 'queued' where id = ?", second.run_id)
    await world.settle()
    assert [effect["run"] for effect in world.effects] == [first.id]
    assert await world.count(Event.INTEGRITY_BROKEN) == 1


@pytest.mark.parametrize("status", ["suspended", "finished", "unknown", "started", "failed"])
@pytest.mark.parametrize("approved", [True, False], ids=["approved", "undecided"])
async def test_a_journal_row_made_by_hand_lets_nothing_run_and_is_told_to_no_agent(
    worlds: Any, status: str, approved: bool
) -> None:
    """Rows of the journal are sealed: one that was not written by us neither starts a call nor replays a result."""
    world = await worlds(BUY)
    run = await world.waiting()
    request = await world.pending()
    if approved:
        await world.decide(ANA)
    await world.sql(
        "insert into journal (run_id, call_key, step, call_id, tool, args, digest, request_id, idempotent, status,"
        " owner, attempt, starts, started_at, format, outcome, summary, mac)"
        " values (?, 'm1/c1', 'm1', 'c1', 'buy', '{}', ?, ?, 1, ?, 'B0', 1, 1, '2030-01-01 00:00:00.000000', 'text',"
        " X'6C6965', 'lie', '')",
        run.id, request.digest, request.id, status,
    )  # fmt: skip
    await world.sql("update run set status = 'queued'")
    await runs_nothing(world)
    assert "lie" not in json.dumps((await world.run(run)).output)


@pytest.mark.parametrize(
    "change",
    [
        "status = 'suspended'",
        "status = 'unknown', idempotent = 1",
        "idempotent = 1, status = 'started', owner = 'B0'",
        "outcome = X'6C6965'",
        "summary = 'lie'",
        "format = 'other'",
        "starts = 2",
    ],
)
async def test_a_finished_call_cannot_be_made_to_run_again(worlds: Any, change: str) -> None:
    """A finished row that was changed neither runs nor replays what it says now."""
    world = await worlds(BUY)
    run = await world.waiting()
    await world.decide(ANA)
    await world.killed_at("finished")
    assert await world.sql(f"update journal set {change}") == 1
    await world.settle()
    assert len(world.effects) == 1
    assert await world.count(Event.INTEGRITY_BROKEN) == 1
    assert "lie" not in json.dumps((await world.run(run)).output)


@pytest.mark.parametrize("allowed", [True, False], ids=["allowed by policy", "approved"])
async def test_a_deleted_journal_row_does_not_let_a_call_run_again(worlds: Any, allowed: bool) -> None:
    """The audit log remembers the start, even where the journal and the taking of the verdict were wiped."""
    world = await worlds(BUY, policies=policy_set(Policy(action=Action.ALLOW)) if allowed else None)
    await world.start()
    if not allowed:
        await world.settle()
        await world.decide(ANA)
    await world.killed_at("acted")
    await world.sql("delete from journal")
    await world.sql("update request set consumed_at = null")
    await world.settle()
    assert len(world.effects) == 1
    assert await world.count(Event.INTEGRITY_BROKEN) == 1


async def test_the_end_of_a_call_does_not_seal_a_row_that_was_changed(worlds: Any) -> None:
    """A row changed while the tool ran is reported, and its end does not make it genuine."""
    world = await worlds(BUY)

    def tamper(point: str, _call: object) -> None:
        if point == "acted":
            world.db.submit(
                lambda tx: tx._connection.exec_driver_sql("update journal set idempotent = 1") and None
            ).result()

    run = await world.waiting()
    await world.decide(ANA)
    world.agent.at = tamper
    await world.settle()
    assert await world.count(Event.INTEGRITY_BROKEN) == 1
    assert (await world.call(run)).status is CallStatus.STARTED


async def test_run_again_cannot_be_said_by_hand(worlds: Any) -> None:
    """An answer about an unknown outcome counts only as the genuine decision of an operator."""
    world = await worlds(BUY)
    await world.waiting()
    await world.decide(ANA)
    await world.killed_at("acted")
    await world.settle()
    asked = await world.pending()
    await world.sql(
        "update request set status = 'answered', answer = '{\"action\": \"run_again\"}', due_at = null where id = ?",
        asked.id,
    )
    await world.sql("update run set status = 'queued'")
    await world.settle()
    assert len(world.effects) == 1


async def test_an_agents_own_question_cannot_pose_as_the_question_about_an_outcome(worlds: Any) -> None:
    """The starter answers the agent's questions; whatever they are called, they let no call run again."""
    world = await worlds(BUY)
    run = await world.waiting()
    await world.decide(ANA)
    await world.killed_at("acted")
    payload = {"question": "go on?", "answer_schema": {"type": "object"}}
    own = Interrupt(key="outcome:m1/c1", kind=RequestKind.QUESTION, payload=payload)
    world.agent.give = lambda turn: Paused((own,))
    await world.settle()
    await world.answer(SAM, {"action": "run_again"})
    world.agent.give = None
    await world.settle()
    assert len(world.effects) == 1
    assert await world.status(run) in {RunStatus.WAITING, RunStatus.FAILED}


async def test_an_answered_question_whose_answer_was_changed_reaches_no_agent(worlds: Any) -> None:
    """The agent gets the value of the genuine decision or none."""
    world = await worlds(Questions({"q": "Which?"}))
    run = await world.waiting()
    await world.answer(SAM, "the blue one")
    await world.sql("update request set answer = '\"the red one\"'")
    await world.settle()
    assert (await world.run(run)).output == {"q": "the blue one"}
    again = await world.waiting()
    await world.answer(SAM, "the blue one")
    await world.sql("update decision set value = '\"the red one\"'")
    await world.settle()
    assert (await world.run(again)).status is not RunStatus.SUCCEEDED


async def test_another_hosts_key_makes_nothing_genuine(worlds: Any) -> None:
    """Seals made with another key decide nothing here: a copied database needs its key."""
    world = await worlds(BUY)
    await world.waiting()
    await world.decide(ANA)
    world.runtime.seal = Seal(b"another key")
    await world.settle()
    assert world.effects == []
    assert (await world.verify()).problem != "" or await world.count(Event.INTEGRITY_BROKEN)
