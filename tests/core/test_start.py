"""The `started` write: what was approved is what runs, at most once, and only while the lease, the run and the pause
switch let it."""

from __future__ import annotations

from typing import Any

import pytest

from agent_runtime.agents import Ask, Go, Lease, Refuse, Replay
from agent_runtime.audit import Event
from agent_runtime.errors import ExecutionPaused, LeaseLost, RunCancelled
from agent_runtime.ledger import StoreLedger, take_snapshot
from agent_runtime.policy import Action, Policy
from storage.models import Run
from storage.types import CallStatus, RequestStatus, RunStatus
from tests.core.agent import Calls, call, one
from tests.core.world import ANA, BOB, MINUTES, NO, SAM, SKIP, YES, World, policy_set

BUY = one("buy", {"amount": 10})
CALL = call("buy", {"amount": 10})


async def claimed(world: World) -> tuple[Run, StoreLedger]:
    """A run under a lease of this boot, and its ledger."""
    run = await world.runtime.claim(())
    assert run is not None
    return run, await ledger_of(world, run)


async def ledger_of(world: World, run: Run) -> StoreLedger:
    snapshot = await world.db.read(take_snapshot, run.id)
    return StoreLedger(world.db, world.runtime.context, run, Lease(run.owner or "", run.attempt), snapshot)


async def test_an_approved_call_runs_with_exactly_the_arguments_that_were_shown(worlds: Any) -> None:
    """Start, pause, approve, run: one effect, its result told to the agent, and a chain that explains it."""
    world = await worlds(BUY)
    run = await world.waiting()
    assert run.status is RunStatus.WAITING
    assert world.effects == []
    shown = await world.pending()
    assert (shown.tool, shown.args) == ("buy", {"amount": 10})
    await world.decide(ANA)
    await world.settle()
    assert [effect["args"] for effect in world.effects] == [{"amount": 10}]
    run = await world.run(run)
    assert (run.status, run.output) == (RunStatus.SUCCEEDED, {"m1/c1": "buy done"})
    assert await world.events(run) == [
        "run.started", "request.opened", "run.paused", "decision.made", "request.closed", "call.started",
        "call.finished", "run.succeeded",
    ]  # fmt: skip
    assert (await world.verify()).problem == ""


@pytest.mark.parametrize(("kind", "words"), [(NO, "said no to buy"), (SKIP, "was skipped: buy")])
async def test_a_refused_call_never_runs_and_the_agent_is_told(worlds: Any, kind: Any, words: str) -> None:
    """A rejection and a skip each reach the agent as their own sentence, with the person's words as data."""
    world = await worlds(BUY, policies=policy_set(Policy(decisions=(YES, NO, SKIP))))
    run = await world.waiting()
    await world.decide(ANA, kind, reason="too dear »ignore this«")
    await world.settle()
    told = (await world.run(run)).output["m1/c1"]
    assert words in told
    assert "«too dear ›ignore this‹»" in told
    assert world.effects == []


async def test_a_start_without_a_decision_asks(worlds: Any) -> None:
    """`start` without any decision asks, whatever an agent hoped."""
    world = await worlds(BUY)
    await world.start()
    _, ledger = await claimed(world)
    assert isinstance(await ledger.start(CALL), Ask)
    assert world.effects == []


async def test_a_policy_may_allow_and_deny(worlds: Any) -> None:
    """An allowed call runs and is journaled without people; a denied one is refused with its reason."""
    policies = policy_set(
        Policy(tools=("read",), action=Action.ALLOW),
        Policy(tools=("drop",), action=Action.DENY, reason="never on Mondays"),
    )
    world = await worlds(Calls((call("read"), call("drop", call_id="c2"))), policies=policies)
    run = await world.waiting()
    assert run.status is RunStatus.SUCCEEDED
    assert [effect["tool"] for effect in world.effects] == ["read"]
    assert (await world.call(run)).status is CallStatus.FINISHED
    assert "never on Mondays" in run.output["m1/c2"]


@pytest.mark.parametrize(
    "args",
    [
        {"x": float("nan")},
        {"x": b"bytes"},
        {"x": "\ud83d"},
        {1: "x"},
        {"x": {"deep": [object()]}},
        {"x": "a" * 200_001},
    ],
    ids=["nan", "bytes", "half a character", "key", "object", "too long"],
)
async def test_arguments_nobody_could_be_shown_are_refused_with_a_reason(worlds: Any, args: Any) -> None:
    """Arguments that are not JSON, or too long to review, ask nobody, run nothing, and the agent is told why."""
    world = await worlds(one("buy", args))
    run = await world.waiting()
    assert run.status is RunStatus.SUCCEEDED
    assert "does not allow buy" in run.output["m1/c1"]
    assert await world.requests(run) == []
    assert world.effects == []
    assert await world.count(Event.CALL_REFUSED) == 1


async def test_arguments_changed_after_the_approval_do_not_run(worlds: Any) -> None:
    """The agent comes back with another amount under the same call id: refused, and recorded as broken."""
    world = await worlds(BUY)
    run = await world.waiting()
    await world.decide(ANA)
    world.agent.steps = (one("buy", {"amount": 10_000}),)
    await world.settle()
    assert world.effects == []
    assert "not the one that was approved" in (await world.run(run)).output["m1/c1"]
    assert await world.count(Event.INTEGRITY_BROKEN) == 1


async def test_arguments_changed_while_a_started_call_is_unknown_do_not_run(worlds: Any) -> None:
    """After a crash the same call id with other arguments is neither the started call nor an approved one."""
    world = await worlds(BUY)
    await world.start()
    await world.settle()
    await world.decide(ANA)
    await world.killed_at("started")
    world.agent.steps = (one("buy", {"amount": 10_000}),)
    await world.settle()
    assert world.effects == []
    assert await world.count(Event.INTEGRITY_BROKEN) == 1


async def test_the_agent_cannot_change_the_arguments_between_the_check_and_the_tool(worlds: Any) -> None:
    """What `Go` carries is a copy of our own: an agent that keeps writing to its dictionary changes nothing."""
    world = await worlds(BUY, policies=policy_set(Policy(action=Action.ALLOW)))
    await world.start()
    _, ledger = await claimed(world)
    args = {"to": ["ana"]}
    answer = await ledger.start(call("mail", args))
    args["to"].append("eve")
    assert isinstance(answer, Go)
    assert answer.args == {"to": ["ana"]}


async def test_an_approval_serves_one_start(worlds: Any) -> None:
    """A second start of a finished call gives the recorded result and runs nothing."""
    world = await worlds(BUY)
    await world.waiting()
    await world.decide(ANA)
    _run, ledger = await claimed(world)
    assert isinstance(await ledger.start(CALL), Go)
    again = await ledger.start(CALL)
    assert isinstance(again, Ask)
    assert again.interrupt.kind.value == "outcome"


async def test_every_start_writes_started_before_it_says_go(worlds: Any) -> None:
    """When the tool is entered, the journal already holds the start of this lease."""
    world = await worlds(BUY)
    await world.waiting()
    await world.decide(ANA)
    run, ledger = await claimed(world)
    await ledger.start(CALL)
    entry = await world.call(run)
    assert (entry.status, entry.owner, entry.attempt) == (CallStatus.STARTED, run.owner, run.attempt)
    assert (await world.requests(run))[0].consumed_at is not None


async def test_a_lost_lease_starts_nothing(worlds: Any) -> None:
    """After another worker took the run, the earlier one is told so and nothing is written."""
    world = await worlds(BUY)
    await world.waiting()
    await world.decide(ANA)
    _run, ledger = await claimed(world)
    world.clock.advance(1 * MINUTES)
    await world.another_runtime().claim(())
    with pytest.raises(LeaseLost):
        await ledger.start(CALL)
    assert await world.look("select count(*) from journal") == [(0,)]


async def test_a_cancelled_run_starts_nothing(worlds: Any) -> None:
    """A person pressed Cancel while the agent was on its way to the tool."""
    world = await worlds(BUY)
    await world.waiting()
    await world.decide(ANA)
    run, ledger = await claimed(world)
    await world.cancel(run)
    with pytest.raises(RunCancelled):
        await ledger.start(CALL)


async def test_nothing_starts_while_paused(worlds: Any) -> None:
    """An operator's stop reaches an advance that is under way; it goes on where it was when they let it."""
    world = await worlds(BUY)
    await world.waiting()
    await world.decide(ANA)
    run, ledger = await claimed(world)
    await world.stop()
    with pytest.raises(ExecutionPaused):
        await ledger.start(CALL)
    await world.runtime.advance(run)
    assert await world.status(run) is RunStatus.QUEUED
    await world.settle()
    assert world.effects == []
    await world.go()
    await world.settle()
    assert len(world.effects) == 1
    assert await world.status(run) is RunStatus.SUCCEEDED


async def test_an_approval_lapses_and_people_are_asked_anew(worlds: Any) -> None:
    """An approval that was not used within `valid_for` runs nothing; a new request does."""
    world = await worlds(BUY, policies=policy_set(Policy(valid_for=10 * MINUTES)))
    run = await world.waiting()
    first = await world.pending()
    await world.decide(ANA)
    world.clock.advance(11 * MINUTES)
    await world.settle()
    assert world.effects == []
    assert (await world.request(first)).status is RequestStatus.LAPSED
    await world.decide(ANA)
    await world.settle()
    assert len(world.effects) == 1
    assert await world.count(Event.APPROVAL_LAPSED) == 1
    assert (await world.run(run)).status is RunStatus.SUCCEEDED


async def test_the_verdicts_of_a_step_are_one_snapshot(worlds: Any) -> None:
    """A yes that lands between two look-ups of one advance changes neither; the next advance sees both."""
    world = await worlds(BUY)
    await world.waiting()
    request = await world.pending()
    await world.sql("update run set status = 'queued'")
    _, ledger = await claimed(world)
    before = ledger.interrupt_for(CALL)
    await world.decide(ANA, YES, request)
    assert ledger.interrupt_for(CALL) == before
    assert before is not None


async def test_all_calls_of_a_step_pause_together(worlds: Any) -> None:
    """Parallel calls are asked about in one pause and run once the last is decided."""
    world = await worlds(Calls(tuple(call("buy", {"n": n}, call_id=f"c{n}") for n in range(5))))
    run = await world.waiting()
    waiting = await world.all_pending()
    assert [one.ordinal for one in waiting] == list(range(5))
    for request in waiting[:4]:
        await world.decide(ANA, YES, request)
        await world.settle()
    assert world.effects == []
    await world.decide(BOB, NO, waiting[4])
    await world.settle()
    assert [effect["args"]["n"] for effect in world.effects] == [0, 1, 2, 3]
    assert (await world.run(run)).status is RunStatus.SUCCEEDED


async def test_a_recorded_result_is_never_computed_again(worlds: Any) -> None:
    """A worker killed after the end was written gives the agent the recorded result."""
    world = await worlds(BUY)
    run = await world.waiting()
    await world.decide(ANA)
    await world.killed_at("finished")
    await world.settle()
    assert len(world.effects) == 1
    assert (await world.run(run)).output == {"m1/c1": "buy done"}


async def test_a_recorded_failure_is_told_again(worlds: Any) -> None:
    """A tool's recorded error is replayed as an error."""
    world = await worlds(BUY)
    world.agent.failing = frozenset({"buy"})
    await world.waiting()
    await world.decide(ANA)
    await world.killed_at("finished")
    _run, ledger = await claimed(world)
    answer = await ledger.start(CALL)
    assert isinstance(answer, Replay)
    assert answer.failed


async def test_the_same_model_call_id_in_another_message_is_another_call(worlds: Any) -> None:
    """Models reuse ids such as `call_0`: one approval never serves two messages."""
    world = await worlds(one("buy", {"n": 1}, step="m1"), one("buy", {"n": 1}, step="m2"))
    await world.waiting()
    await world.decide(ANA)
    await world.settle()
    assert [effect["key"] for effect in world.effects] == ["m1/c1"]
    await world.decide(ANA)
    await world.settle()
    assert [effect["key"] for effect in world.effects] == ["m1/c1", "m2/c1"]


async def test_two_different_calls_under_one_id_never_share_an_approval(worlds: Any) -> None:
    """One message that uses an id twice: the second call is not what was approved under that id."""
    world = await worlds(Calls((call("buy", {"n": 1}), call("buy", {"n": 1000}))))
    run = await world.waiting()
    while await world.all_pending():
        for request in await world.all_pending():
            await world.decide(ANA, YES, request)
        await world.settle()
    assert [effect["args"]["n"] for effect in world.effects] in ([1], [1000])
    assert await world.count(Event.INTEGRITY_BROKEN) >= 1
    assert (await world.run(run)).status in {RunStatus.SUCCEEDED, RunStatus.FAILED}


async def test_a_suspended_call_goes_on_from_its_own_top(worlds: Any) -> None:
    """A tool that asked something itself is entered again, once, on the approval it already has."""
    world = await worlds(BUY)
    await world.waiting()
    await world.decide(ANA)
    run, ledger = await claimed(world)
    await ledger.start(CALL)
    await ledger.suspend(CALL)
    assert (await world.call(run)).status is CallStatus.SUSPENDED
    assert ledger.interrupt_for(CALL) is None
    assert isinstance(await ledger.start(CALL), Go)
    entry = await world.call(run)
    assert (entry.status, entry.starts) == (CallStatus.STARTED, 2)


async def test_a_policy_that_came_to_allow_needs_nobody(worlds: Any) -> None:
    """A call that lapsed runs by a policy reloaded meanwhile; one that people rejected stays rejected."""
    world = await worlds(BUY)
    run = await world.waiting()
    await world.decide(ANA, NO)
    world.use(policy_set(Policy(action=Action.ALLOW)))
    await world.settle()
    assert world.effects == []
    assert (await world.run(run)).status is RunStatus.SUCCEEDED


async def test_a_policy_that_came_to_require_asks_before_an_idempotent_call_runs_again(worlds: Any) -> None:
    """A call that a policy once allowed needs people if the policy has changed before it runs again."""
    world = await worlds(BUY, policies=policy_set(Policy(action=Action.ALLOW, idempotent=True)))
    await world.start()
    await world.killed_at("acted")
    world.use(policy_set())
    await world.settle()
    assert len(world.effects) == 1
    await world.decide(ANA)
    await world.settle()
    assert len(world.effects) == 2
    assert (await world.all_pending()) == []


async def test_an_unknown_tool_needs_people(worlds: Any) -> None:
    """A tool that no policy names is asked about, never let through."""
    world = await worlds(one("something new"), policies=policy_set(Policy(tools=("read_*",), action=Action.ALLOW)))
    run = await world.waiting()
    assert run.status is RunStatus.WAITING
    assert SAM.key == run.starter_key


async def test_refusals_of_the_ledger_are_recorded_with_their_decision(worlds: Any) -> None:
    """A refused start is an audit row, and the refusal carries the decision's word for programs."""
    world = await worlds(BUY)
    await world.waiting()
    await world.decide(ANA, NO, reason="no")
    _, ledger = await claimed(world)
    answer = await ledger.start(CALL)
    assert isinstance(answer, Refuse)
    assert (answer.decision, answer.reason) == ("rejected", "no")
    assert await world.count(Event.CALL_REFUSED) == 1
