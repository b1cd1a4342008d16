"""Runs: started once, cancelled anywhere, retried from where they were, and never stuck without a word."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from agent_runtime import runs
from agent_runtime.agents import Completed, Interrupt, Paused
from agent_runtime.audit import Event
from agent_runtime.errors import AgentError
from agent_runtime.policy import Action, Caps, Policy
from agent_runtime.runtime import MOST_CRASHES
from agent_runtime.worker import LEASE
from storage import checkpoints
from storage.models import Checkpoint, Run
from storage.types import CallStatus, OnTimeout, RequestKind, RequestStatus, RunStatus
from tests.core.agent import Calls, Killed, Questions, call, one
from tests.core.world import ANA, BOB, MINUTES, NO, OPS, SAM, SURFACE, YES, World, policy_set

BUY = one("buy", {"amount": 10})
FREE = policy_set(Policy(action=Action.ALLOW))


async def test_the_same_start_twice_is_one_run(worlds: Any) -> None:
    """A delivery that Slack repeats gives the run that the first one made."""
    world = await worlds(BUY)
    first = await world.start(dedupe="trigger 1")
    again = await world.start(dedupe="trigger 1")
    assert again.id == first.id
    assert await world.count(Event.RUN_STARTED) == 1


async def test_a_taken_id_is_not_used_again(worlds: Any) -> None:
    """Ids collide rarely; when they do, another one is taken."""
    world = await worlds(BUY)
    taken = (await world.start()).id
    numbers = iter([taken, taken, "R000077"])
    world.runtime._ids = lambda prefix: next(numbers)
    assert (await world.start()).id == "R000077"


async def test_an_agent_that_is_gone_fails_the_run_with_the_known_names(worlds: Any) -> None:
    """A run of an agent that was renamed says which agents there are."""
    world = await worlds(BUY)
    run = await world.waiting(agent="agnet")
    assert run.status is RunStatus.FAILED
    assert "known are: agent" in run.error


async def test_cancelling_a_queued_run_ends_it_at_once(worlds: Any) -> None:
    """Nothing of it is ever advanced."""
    world = await worlds(BUY)
    run = await world.start()
    ended = await world.cancel(run)
    assert isinstance(ended, Run)
    assert ended.status is RunStatus.CANCELLED
    await world.settle()
    assert world.agent.advances == 0


async def test_cancelling_a_waiting_run_closes_its_requests_and_tells_of_unused_approvals(worlds: Any) -> None:
    """Open requests are cancelled, an approval that was not used yet is named in the audit log, and nothing runs."""
    world = await worlds(Calls((call("buy"), call("buy", call_id="c2"))))
    run = await world.waiting()
    first, second = await world.all_pending()
    await world.decide(ANA, YES, first)
    await world.cancel(run, OPS)
    assert (await world.request(first)).status is RequestStatus.APPROVED
    assert (await world.request(second)).status is RequestStatus.CANCELLED
    assert await world.count(Event.APPROVAL_UNUSED) == 1
    await world.settle()
    assert world.effects == []


async def test_cancelling_a_running_run_stops_it_before_the_next_call(worlds: Any) -> None:
    """The call under way ends; the next one never starts; the run is cancelled."""
    world = await worlds(Calls((call("buy"), call("buy", call_id="c2"))), policies=FREE)
    run = await world.start()

    def cancel(point: str, _call: object) -> None:
        if point == "acted" and len(world.effects) == 1:
            world.db.submit(runs.cancel, world.context, run.id, world.member(SAM), SURFACE).result()

    world.agent.at = cancel
    await world.settle()
    assert await world.status(run) is RunStatus.CANCELLED
    assert len(world.effects) == 1
    assert (await world.call(run)).status is CallStatus.FINISHED


async def test_a_cancelled_run_that_fails_is_cancelled(worlds: Any) -> None:
    """The agent raised after a person had pressed Cancel: what the person wanted counts."""
    world = await worlds()
    run = await world.start()
    claimed = await world.runtime.claim(())
    await world.cancel(run)
    world.agent.raises = ValueError("boom")
    await world.runtime.advance(claimed)
    assert await world.status(run) is RunStatus.CANCELLED


async def test_cancelling_what_a_dead_worker_held_says_that_the_outcome_is_unknown(worlds: Any) -> None:
    """A call that was under way when its worker died is not left looking as if it still ran."""
    world = await worlds(BUY, policies=FREE)
    run = await world.start()
    await world.killed_at("acted")
    await world.cancel(run)
    await world.settle()
    assert await world.status(run) is RunStatus.CANCELLED
    assert (await world.call(run)).status is CallStatus.UNKNOWN
    assert len(world.effects) == 1
    assert await world.all_pending() == []


async def test_a_retry_goes_on_where_the_run_was(worlds: Any) -> None:
    """What was done is not done again, and what was never decided is asked anew."""
    policy = Policy(tools=("mail",), on_timeout=OnTimeout.FAIL, timeout=10 * MINUTES)
    world = await worlds(one("buy", step="m1"), one("mail", step="m2"), policies=policy_set(policy))
    run = await world.waiting()
    await world.decide(ANA)
    await world.settle()
    first = await world.pending()
    await world.pass_time(10 * MINUTES)
    run = await world.run(run)
    assert run.status is RunStatus.FAILED
    assert "nobody decided in time" in run.error
    retried = await world.retry(run)
    assert isinstance(retried, Run)
    await world.settle()
    assert (await world.request(first)).status is RequestStatus.LAPSED
    second = await world.pending()
    assert (second.subject, second.generation) == (first.subject, 1)
    await world.decide(ANA)
    await world.settle()
    assert [effect["tool"] for effect in world.effects] == ["buy", "mail"]
    assert await world.count(Event.REQUEST_SET_ASIDE) == 1


async def test_a_retry_asks_again_about_an_unknown_outcome(worlds: Any) -> None:
    """A run that failed while an outcome was asked about asks again after its retry, and does not go in circles."""
    policy = Policy(tools=("mail",), on_timeout=OnTimeout.FAIL, timeout=10 * MINUTES)
    world = await worlds(Calls((call("buy"), call("mail", call_id="c2"))), policies=policy_set(policy))
    run = await world.waiting()
    for request in await world.all_pending():
        await world.decide(ANA, YES, request)
    await world.killed_at("acted")
    await world.settle()
    assert (await world.pending()).kind is RequestKind.OUTCOME
    await world.sql("update run set status = 'failed'")
    await world.sql("update request set status = 'cancelled' where kind = 'outcome'")
    await world.retry(run)
    await world.settle()
    assert (await world.pending()).kind is RequestKind.OUTCOME
    assert await world.status(run) is RunStatus.WAITING


async def test_an_error_worth_another_try_is_tried_again_with_growing_waits(worlds: Any) -> None:
    """A retryable failure comes back by itself, later each time, and fails for a person after five."""
    world = await worlds()
    world.agent.raises = AgentError("the model is busy", retryable=True)
    run = await world.start()
    waits = []
    while (await world.run(run)).status is not RunStatus.FAILED:
        await world.settle()
        run = await world.run(run)
        waits.append(run.due_at - world.clock.now())
        world.clock.advance(max(timedelta(0), run.due_at - world.clock.now()))
    assert [wait.total_seconds() for wait in waits[:4]] == [4, 8, 16, 32]
    assert world.agent.advances == 5
    assert run.error == "the model is busy"


async def test_an_error_nobody_expected_fails_the_run_with_its_words(worlds: Any) -> None:
    """An exception of the agent's is kept as it reads, even where the store could not take its text."""
    world = await worlds()
    world.agent.raises = ValueError("no such file: \udcff" + "x" * 20_000)
    run = await world.waiting()
    assert run.status is RunStatus.FAILED
    assert run.error.startswith("ValueError: no such file: ?")
    assert len(run.error) < 11_000


@pytest.mark.parametrize(
    ("result", "words"),
    [
        (Completed(object()), "output is not JSON"),
        (Completed({"x": float("nan")}), "output is not JSON"),
        (Paused((Interrupt("q", RequestKind.QUESTION, payload=b"?"),)), "not JSON"),
        (Paused((Interrupt("q", RequestKind.QUESTION, payload="\ud83d"),)), "not JSON"),
        (Paused((Interrupt("q", RequestKind.QUESTION, payload="x" * 200_001),)), "nobody could read"),
        (Paused((), checkpoint={1, 2}), "checkpoint is not JSON"),
        (Paused((Interrupt("call:m1/c1", RequestKind.TOOL),)), "carries no call"),
        (Paused((Interrupt("q", RequestKind.REVIEW, call=call("buy")),)), "carries a call"),
        (Paused(()), "pauses again and again"),
    ],
)  # fmt: skip
async def test_what_nobody_could_keep_or_see_fails_the_run_with_the_reason(
    worlds: Any, result: Any, words: str
) -> None:
    """An agent that gives back what the store or people cannot take is told about once, not advanced for ever."""
    world = await worlds()
    world.agent.give = lambda turn: result
    run = await world.waiting()
    assert run.status is RunStatus.FAILED
    assert words in run.error
    assert world.agent.advances <= 3


async def test_half_a_character_in_the_agents_reason_does_not_stop_the_request(worlds: Any) -> None:
    """A model's cut emoji is shown as far as it goes."""
    world = await worlds(one("buy", reason="because \ud83d"))
    await world.waiting()
    assert (await world.pending()).reason == "because ?"


async def test_a_progress_that_cannot_be_recorded_is_tried_again_and_then_told(worlds: Any) -> None:
    """A store that refuses the settling of a run leaves it queued with a wait, and failed after five times."""
    world = await worlds()
    world.agent.give = lambda turn: Completed({"ok": True})
    await world.sql("create trigger no_end before update on run when new.status = 'succeeded' begin"
                    " select raise(abort, 'the disk says no'); end")  # fmt: skip
    run = await world.waiting()
    assert (run.status, run.failures) == (RunStatus.QUEUED, 1)
    await world.sql("drop trigger no_end")
    await world.pass_time(1 * MINUTES)
    assert await world.status(run) is RunStatus.SUCCEEDED


async def test_a_run_that_kills_its_workers_is_left_for_a_person(worlds: Any) -> None:
    """After many workers died in a row, the run fails visibly instead of killing the next one."""
    world = await worlds()
    world.agent.raises = Killed("out of memory")
    run = await world.start()
    for _ in range(MOST_CRASHES + 1):
        with pytest.raises(Killed):
            await world.settle()
        world.clock.advance(LEASE)
    await world.settle()
    assert await world.status(run) is RunStatus.FAILED
    assert "workers died in a row" in (await world.run(run)).error
    world.agent.raises = None
    await world.retry(run)
    await world.settle()
    assert await world.status(run) is RunStatus.SUCCEEDED


async def test_a_run_may_not_ask_without_end(worlds: Any) -> None:
    """The request over the cap fails the run, and what it asked before is closed."""
    steps = Calls(tuple(call("buy", {"n": n}, call_id=f"c{n}") for n in range(4)))
    world = await worlds(steps, policies=policy_set(caps=Caps(max_requests=3)))
    run = await world.waiting()
    assert run.status is RunStatus.FAILED
    assert "asked people 3 times" in run.error
    assert [one.status for one in await world.requests(run)] == [RequestStatus.CANCELLED] * 3


async def test_a_run_may_not_ask_again_after_too_many_rejections(worlds: Any) -> None:
    """An agent that hears no and asks on is stopped."""
    world = await worlds(*(one("buy", {"n": n}, step=f"m{n}") for n in range(5)),
                         policies=policy_set(caps=Caps(max_reasks=2)))  # fmt: skip
    run = await world.waiting()
    for _ in range(3):
        await world.decide(ANA, NO)
        await world.settle()
    assert await world.status(run) is RunStatus.FAILED
    assert "after 3 rejections" in (await world.run(run)).error


async def test_only_the_starter_and_operators_command_a_run(worlds: Any) -> None:
    """An approver may not cancel or retry what is not theirs."""
    world = await worlds(BUY)
    run = await world.waiting()
    assert not isinstance(await world.cancel(run, BOB), Run)
    assert isinstance(await world.cancel(run, OPS), Run)


async def test_two_boots_never_both_settle(worlds: Any) -> None:
    """A worker that comes back after its lease was taken writes nothing: one effect, one end."""
    world = await worlds(BUY)
    await world.waiting()
    await world.decide(ANA)
    first = await world.runtime.claim(())
    world.clock.advance(LEASE)
    other = world.another_runtime()
    second = await other.claim(())
    assert second is not None
    assert second.attempt == first.attempt + 1
    await other.advance(second)
    await world.runtime.advance(first)
    assert len(world.effects) == 1
    assert await world.count(Event.RUN_SUCCEEDED) == 1


async def test_a_new_boot_takes_over_what_the_dead_one_held(worlds: Any) -> None:
    """After a crash the run goes on at once, without waiting for the lease."""
    world = await worlds(BUY)
    run = await world.waiting()
    await world.decide(ANA)
    await world.killed_at("before start")
    await world.settle()
    assert await world.status(run) is RunStatus.SUCCEEDED
    assert len(world.effects) == 1


async def test_a_heartbeat_keeps_what_is_being_executed(worlds: Any) -> None:
    """Leases of held runs move on with the heartbeat; those of others do not."""
    world = await worlds(BUY)
    held, other = await world.start(), await world.start()
    await world.runtime.claim(())
    await world.runtime.claim(())
    world.runtime.worker._held.add(held.id)
    world.clock.advance(LEASE / 2)
    world.runtime.beat(())
    assert (await world.run(held)).lease_until == world.clock.now() + LEASE
    assert (await world.run(other)).lease_until == world.clock.now() + LEASE / 2


async def test_an_agent_changed_while_it_waited_and_lost_an_approved_call_fails_with_words(worlds: Any) -> None:
    """New code that no longer makes the approved call is not quietly a success."""
    world = await worlds(BUY)
    run = await world.waiting()
    await world.decide(ANA)
    world.agent.steps, world.agent.fingerprint = (), "2"
    await world.settle()
    assert await world.status(run) is RunStatus.FAILED
    assert "buy was never executed" in (await world.run(run)).error


async def test_a_failed_run_can_be_cancelled_and_then_stays_so(worlds: Any) -> None:
    """Cancelling a failed run ends it for good."""
    world = await worlds()
    world.agent.raises = ValueError("boom")
    run = await world.waiting()
    await world.cancel(run)
    assert await world.status(run) is RunStatus.CANCELLED
    assert not isinstance(await world.retry(run), Run)


@pytest.mark.parametrize(("end", "kept"), [("waits", 1), ("fails", 1), ("succeeds", 0), ("is cancelled", 0)])
async def test_what_a_run_goes_on_from_is_kept_until_it_never_goes_on(worlds: Any, end: str, kept: int) -> None:
    """Every step of an agent's whole state would fill the store for good; a failed run needs its own for a retry."""
    world = await worlds(BUY)
    run = await world.waiting()
    state = Checkpoint(thread_id=run.id, namespace="", id="1", format="", body=b"", about={})
    await world.db.transact(checkpoints.put, state)
    if end == "fails":
        world.agent.raises = AgentError("the model is gone")
    if end == "is cancelled":
        await world.cancel(run)
    elif end != "waits":
        await world.decide(ANA)
        await world.settle()
    assert len(await world.db.read(checkpoints.find, thread_id=run.id)) == kept


async def test_questions_come_back_with_their_answers(worlds: Any) -> None:
    """Parallel questions are answered one by one; the run goes on when the last is."""
    world: World = await worlds(Questions({"a": "Which?", "b": {"draft": "Dear all"}}))
    run = await world.waiting()
    first, second = await world.all_pending()
    await world.answer(SAM, "blue", first)
    await world.settle()
    assert await world.status(run) is RunStatus.WAITING
    await world.answer(SAM, {"action": "accept"}, second)
    await world.settle()
    assert (await world.run(run)).output == {"a": "blue", "b": {"action": "accept"}}
