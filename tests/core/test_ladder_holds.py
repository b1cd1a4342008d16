"""Holds of a ladder: somebody is on it, puts it off, or asks; nobody is called meanwhile, and nothing is decided."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from agent_runtime import holding, inquiries
from agent_runtime.approvals import Accepted
from agent_runtime.audit import Event
from agent_runtime.holding import Hold, Why
from agent_runtime.policy import Policy
from agent_runtime.reading import read_request
from agent_runtime.refusals import RefusalReason
from storage.types import Actor, RequestStatus
from tests.core.agent import one
from tests.core.test_ladder import climbed, climbing
from tests.core.world import ANA, BOB, CLEO, EVE, HOURS, MINUTES, SAM, SURFACE, YES, policy_set, stage

BUY = one("buy", {"amount": 10})


async def hold(world: Any, actor: Actor, why: Why = Why.ON_IT, **shown: int) -> Any:
    """What a press on the button in More... does."""
    asked = await world.pending()
    act = Hold(asked.id, **{"revision": asked.revision, "stage": asked.stage, **shown}, why=why)
    return await world.db.transact(holding.hold_ladder, world.context, act, world.member(actor), SURFACE)


async def wait(world: Any, minutes: int) -> list[str]:
    """Let minutes pass, looking every five; the steps that were taken so far."""
    for _ in range(minutes // 5):
        await world.pass_time(5 * MINUTES)
    return await climbed(world)


async def test_while_somebody_is_on_it_nobody_is_called(worlds: Any) -> None:
    """For half an hour; the steps and the deadline come as much later, and the time that was left is left."""
    world = await worlds(BUY, policies=climbing())
    await world.waiting()
    due = (await world.pending()).due_at
    assert await wait(world, 20) == []
    await hold(world, ANA)
    asked = await world.pending()
    assert (asked.due_at, asked.quiet_until) == (due + 30 * MINUTES, world.clock.now() + 30 * MINUTES)
    assert await wait(world, 35) == []
    assert (await world.pending()).quiet_until is None
    assert await wait(world, 5) == ["reminded"]
    assert await wait(world, 30) == ["reminded", "escalated"]
    assert await world.count(Event.LADDER_HELD) == await world.count(Event.LADDER_RELEASED) == 1
    assert (await world.verify()).problem == ""


async def test_a_snooze_moves_no_deadline(worlds: Any) -> None:
    """The steps wait for an hour, and at the deadline it is over all the same."""
    world = await worlds(BUY, policies=climbing())
    run = await world.waiting()
    due = (await world.pending()).due_at
    await wait(world, 25)
    await hold(world, BOB, Why.SNOOZED)
    assert await wait(world, 60) == []
    assert await wait(world, 5) == ["reminded"]
    await hold(world, BOB, Why.SNOOZED)
    asked = await world.pending()
    assert (asked.due_at, asked.quiet_until) == (due, due)
    assert await wait(world, 30) == ["reminded"]
    assert (await world.requests(run))[0].status is RequestStatus.EXPIRED


async def test_nobody_keeps_a_request_open_for_ever(worlds: Any) -> None:
    """The deadline moves once for each person, and by no more than the time-out in all."""
    world = await worlds(BUY, policies=climbing(timeout=100 * MINUTES))
    await world.waiting()
    opened = (await world.pending()).due_at - 100 * MINUTES
    dues = []
    for actor in (ANA, ANA, BOB, BOB):
        await hold(world, actor)
        dues.append((await world.pending()).due_at - opened)
    assert dues == [130 * MINUTES, 130 * MINUTES, 160 * MINUTES, 160 * MINUTES]
    short = await worlds(BUY, policies=policy_set(Policy(stages=(stage(ANA, BOB),), timeout=40 * MINUTES)))
    await short.waiting()
    opened = (await short.pending()).due_at - 40 * MINUTES
    for actor in (ANA, BOB):
        await hold(short, actor)
    assert (await short.pending()).due_at - opened == 80 * MINUTES


@pytest.mark.parametrize("why", [Why.ON_IT, Why.SNOOZED])
async def test_nobody_alone_silences_a_ladder(worlds: Any, why: Why) -> None:
    """One person holds the ladder of a stage twice, however they do it; then it goes on, and others may hold it."""
    world = await worlds(BUY, policies=climbing(timeout=24 * HOURS))
    await world.waiting()
    for _ in range(2):
        assert not isinstance(await hold(world, ANA, why), RefusalReason)
        assert await wait(world, 5) == []
    assert await hold(world, ANA, Why.ON_IT) is RefusalReason.HELD_ENOUGH
    asked, ana = await world.pending(), world.member(ANA)
    await world.db.transact(inquiries.ask, world.context, asked.id, "Why?", ana, SURFACE)
    assert (await world.pending()).quiet_until == asked.quiet_until
    assert "reminded" in await wait(world, 90)
    assert not isinstance(await hold(world, BOB, why), RefusalReason)


async def test_two_accounts_of_one_person_hold_as_one(worlds: Any) -> None:
    """Where that is known: twice in all, and the deadline moves once."""
    ana, bob = (actor.model_copy(update={"person": "one"}) for actor in (ANA, BOB))
    world = await worlds(BUY, policies=climbing())
    await world.waiting()
    due = (await world.pending()).due_at
    for account in (ana, bob):
        assert not isinstance(await hold(world, account), RefusalReason)
        await wait(world, 5)
    assert (await world.pending()).due_at == due + 30 * MINUTES
    assert await hold(world, bob, Why.SNOOZED) is RefusalReason.HELD_ENOUGH


async def test_a_hold_ends_with_its_asking(worlds: Any) -> None:
    """The next stage has its own ladder, held by nobody."""
    rungs = climbing().policies[0].stages[0].rungs
    stages = tuple(stage(ANA, name=name).model_copy(update={"rungs": rungs}) for name in ("one", "two"))
    world = await worlds(BUY, policies=policy_set(Policy(stages=stages, timeout=2 * HOURS, allow_same_person=True)))
    await world.waiting()
    await hold(world, ANA)
    assert isinstance(await world.decide(ANA), Accepted)
    asked = await world.pending()
    assert (asked.stage, asked.quiet_until, asked.quiet) == (1, None, None)
    assert asked.due_at == world.clock.now() + 2 * HOURS


async def test_a_question_to_the_starter_holds_it_until_the_answer(worlds: Any) -> None:
    """For an hour at most; answered sooner, it goes on with the time that was left."""
    world = await worlds(BUY, policies=climbing())
    await world.waiting()
    await wait(world, 20)
    asked = await world.pending()
    ana = world.member(ANA)
    inquiry = await world.db.transact(inquiries.ask, world.context, asked.id, "Why?", ana, SURFACE)
    assert (await world.pending()).due_at == asked.due_at
    view = await world.db.read(read_request, asked.id)
    assert (view.ladder.hold.by, view.ladder.hold.why) == (ANA, "asked")
    assert await wait(world, 20) == []
    await world.db.transact(inquiries.answer, world.context, inquiry.id, "Because.", SAM, SURFACE)
    assert (await world.pending()).quiet_until is None
    assert await wait(world, 5) == []
    assert await wait(world, 5) == ["reminded"]


async def test_a_hold_decides_nothing_and_stops_nobody(worlds: Any) -> None:
    """Everybody who is asked may decide meanwhile."""
    world = await worlds(BUY, policies=climbing())
    await world.waiting()
    await hold(world, ANA)
    assert isinstance(await world.decide(BOB, YES), Accepted)
    await world.settle()
    assert len(world.effects) == 1
    assert await wait(world, 60) == []


async def test_the_vote_of_whoever_was_on_it_ends_their_hold(worlds: Any) -> None:
    """Where others are needed, too, they are called as if nobody had held it up."""
    policies = climbing()
    (policy,) = policies.policies
    both = policy.model_copy(update={"stages": (policy.stages[0].model_copy(update={"quorum": 2}),)})
    world = await worlds(BUY, policies=policies.model_copy(update={"policies": (both,)}))
    await world.waiting()
    assert await wait(world, 20) == []
    await hold(world, ANA)
    await world.decide(BOB)
    assert (await world.pending()).quiet_until is not None
    await world.withdraw(BOB)
    await world.decide(ANA)
    assert (await world.pending()).quiet_until is None
    assert await wait(world, 10) == ["reminded"]


async def test_a_hold_counts_unpaused_time(worlds: Any) -> None:
    """While everything is stopped no hold ends."""
    world = await worlds(BUY, policies=climbing())
    await world.waiting()
    await hold(world, ANA)
    await world.stop()
    await world.pass_time(24 * HOURS)
    await world.go()
    assert (await world.pending()).quiet_until is not None
    assert await wait(world, 30) == []
    assert (await world.pending()).quiet_until is None


@pytest.mark.parametrize(
    ("actor", "shown", "reason"),
    [
        (EVE, {}, RefusalReason.NOT_AN_APPROVER),
        (CLEO, {}, RefusalReason.NOT_AN_APPROVER),
        (SAM, {}, RefusalReason.NOT_AN_APPROVER),
        (ANA, {"stage": 1}, RefusalReason.OUTDATED),
        (ANA, {"revision": 2}, RefusalReason.OUTDATED),
    ],
)
async def test_only_those_who_may_decide_now_may_hold_it(
    worlds: Any, actor: Actor, shown: dict[str, int], reason: RefusalReason
) -> None:
    """On what they were shown; every refusal is on record."""
    world = await worlds(BUY, policies=climbing(allow_self_approval=actor is SAM))
    await world.waiting()
    assert await hold(world, actor, **shown) is reason
    assert (await world.pending()).quiet_until is None
    assert await world.count(Event.HOLD_REFUSED) == 1


async def test_whoever_it_was_escalated_to_may_hold_it(worlds: Any) -> None:
    """From then on, as they may decide."""
    world = await worlds(BUY, policies=climbing())
    await world.waiting()
    await wait(world, 60)
    assert not isinstance(await hold(world, CLEO), RefusalReason)


async def test_where_nothing_is_left_to_come_there_is_nothing_to_put_off(worlds: Any) -> None:
    """A snooze without a ladder would do nothing; being on it moves the deadline all the same."""
    world = await worlds(BUY, policies=policy_set(Policy(stages=(stage(ANA),), timeout=2 * HOURS)))
    await world.waiting()
    assert await hold(world, ANA, Why.SNOOZED) is RefusalReason.NOT_OFFERED
    due = (await world.pending()).due_at
    await hold(world, ANA)
    assert (await world.pending()).due_at - due == timedelta(minutes=30)
