"""Pauses become requests: once each, whatever is done twice, and anew when the agent asks something new."""

from __future__ import annotations

from typing import Any

import pytest

from agent_runtime.agents import Interrupt, Lease, Paused
from agent_runtime.policy import Action, Policy
from agent_runtime.runs import settle
from storage.types import RequestKind, RequestStatus, RunStatus
from tests.core.agent import Calls, Questions, call, one
from tests.core.world import ANA, SAM, policy_set, stage

BUY = one("buy", {"amount": 10})


async def test_a_pause_recorded_twice_opens_each_request_once(worlds: Any) -> None:
    """A worker that comes to the same pause again after a crash finds its requests there."""
    world = await worlds(Calls((call("buy"), call("buy", call_id="c2"))))
    run = await world.waiting()
    before = await world.all_pending()
    await world.sql("update run set status = 'queued'")
    await world.settle()
    assert await world.all_pending() == before
    assert await world.status(run) is RunStatus.WAITING


async def test_requests_runs_and_cards_are_one_transaction(worlds: Any) -> None:
    """When the settling of a pause breaks off, none of it is there."""
    world = await worlds(BUY)
    await world.start()
    run = await world.runtime.claim(())
    await world.sql("create trigger no_wait before update on run when new.status = 'waiting' begin"
                    " select raise(abort, 'no'); end")  # fmt: skip
    pause = Paused((Interrupt("call:m1/c1", RequestKind.TOOL, call("buy", {"amount": 10})),))
    with pytest.raises(Exception, match="no"):
        await world.db.transact(settle, world.context, run, Lease(run.owner, run.attempt), pause, "1", {})
    assert await world.all_pending() == []
    assert await world.look("select count(*) from outbox where kind = 'card'") == [(0,)]
    assert "request.opened" not in await world.events()


async def test_other_arguments_under_the_same_call_close_the_old_question(worlds: Any) -> None:
    """An agent that changed its mind before anybody decided is asked about anew; the old card is closed."""
    world = await worlds(BUY)
    await world.waiting()
    old = await world.pending()
    world.agent.steps = (one("buy", {"amount": 11}),)
    await world.sql("update run set status = 'queued'")
    await world.settle()
    new = await world.pending()
    assert (new.args, new.generation) == ({"amount": 11}, 1)
    assert (await world.request(old)).status is RequestStatus.CANCELLED
    await world.decide(ANA)
    await world.settle()
    assert [effect["args"] for effect in world.effects] == [{"amount": 11}]


async def test_a_new_payload_under_the_same_key_is_a_new_question(worlds: Any) -> None:
    """An answer reaches only the payload that was shown."""
    world = await worlds(Questions({"q": "Red or blue?"}))
    run = await world.waiting()
    await world.answer(SAM, "blue")
    world.agent.steps = (Questions({"q": "Delete everything?"}),)
    await world.settle()
    assert await world.status(run) is RunStatus.WAITING
    assert (await world.pending()).payload == "Delete everything?"


async def test_the_same_question_again_after_its_answer_is_a_new_question(worlds: Any) -> None:
    """An agent that was given the answer and asks the same once more gets a new one."""
    world = await worlds()
    world.agent.give = lambda turn: Paused((Interrupt("q", RequestKind.QUESTION, payload="More?"),))
    await world.waiting()
    first = await world.pending()
    await world.answer(SAM, "yes")
    await world.settle()
    second = await world.pending()
    assert (second.id != first.id, second.generation) == (True, 1)


async def test_a_request_keeps_the_rules_it_was_opened_with(worlds: Any) -> None:
    """The policy's note, stages and decisions are stored with the request."""
    policy = Policy(tools=("buy",), note="Spends {args.amount}", stages=(stage(ANA, name="manager"),))
    world = await worlds(BUY, policies=policy_set(policy))
    await world.waiting()
    request = await world.pending()
    assert request.rules["note"] == "Spends 10"
    assert [one["name"] for one in request.rules["stages"]] == ["manager"]
    assert request.rules["policy"] == 'policy 1 (tool = "buy")'


async def test_a_wish_that_a_policy_has_come_to_allow_opens_nothing(worlds: Any) -> None:
    """The policy was reloaded between the agent's pause and its settling: the call simply runs."""
    world = await worlds(BUY)
    await world.start()
    run = await world.runtime.claim(())
    world.use(policy_set(Policy(action=Action.ALLOW)))
    pause = Paused((Interrupt("call:m1/c1", RequestKind.TOOL, call("buy", {"amount": 10})),))
    await world.db.transact(settle, world.context, run, Lease(run.owner, run.attempt), pause, "1", {})
    await world.settle()
    assert await world.status(run) is RunStatus.SUCCEEDED
    assert len(world.effects) == 1
