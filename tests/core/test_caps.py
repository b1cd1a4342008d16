"""Caps against fatigue, how long people take to decide, and what they approve every time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from agent_runtime.approvals import Accepted, Refused
from agent_runtime.audit import Event
from agent_runtime.pace import Habit, read_habits, read_pace
from agent_runtime.policy import Caps, Policy
from agent_runtime.reading import read_request
from agent_runtime.refusals import RefusalReason
from storage import runs
from storage.models import Run
from storage.types import RunStatus
from tests.core.agent import one
from tests.core.world import ANA, BOB, CLEO, EDIT, EVE, HOURS, MINUTES, NO, OPS, SAM, YES, World, policy_set, stage

BUY = one("buy", {"amount": 10})
SECOND = timedelta(seconds=1)


async def capped(worlds: Any, *policies: Policy, **caps: Any) -> World:
    world: World = await worlds(BUY, policies=policy_set(*policies, caps=Caps(**caps)))
    return world


async def test_one_person_starts_only_so_many_runs_an_hour(worlds: Any) -> None:
    """The third is refused and recorded; others are not held up, and an hour later it works again."""
    world = await capped(worlds, max_starts_per_hour=2)
    await world.start()
    await world.start()
    assert await world.try_start(world.member(SAM)) is RefusalReason.TOO_MANY_STARTS
    assert await world.count(Event.START_REFUSED) == 1
    assert isinstance(await world.try_start(world.member(EVE)), Run)
    world.clock.advance(HOURS)
    assert isinstance(await world.try_start(world.member(SAM)), Run)


async def test_a_start_delivered_twice_counts_once(worlds: Any) -> None:
    """The same delivery again is the same run, and no refusal."""
    world = await capped(worlds, max_starts_per_hour=1)
    run = await world.start(dedupe="d1")
    assert (await world.start(dedupe="d1")).id == run.id


async def test_one_starter_has_only_so_many_open_requests(worlds: Any) -> None:
    """With two open nothing more is started, and a run that was already going fails with the key to mend."""
    world = await capped(worlds, max_open_per_starter=2)
    for _ in range(3):
        await world.start()
    await world.settle()
    assert len(await world.all_pending()) == 2
    failed = [run for run in await all_runs(world) if run.status is RunStatus.FAILED]
    assert len(failed) == 1
    assert "max_open_per_starter" in failed[0].error
    assert await world.try_start(world.member(SAM)) is RefusalReason.TOO_MANY_OPEN
    assert isinstance(await world.try_start(world.member(EVE)), Run)


async def test_a_second_account_starts_nothing_more(worlds: Any) -> None:
    """Where addresses are read, all accounts with one of them are one starter; others are not held up."""
    world = await capped(worlds, max_starts_per_hour=2, max_open_per_starter=1)
    await world.try_start(world.member(SAM, "sam"))
    await world.settle()
    assert await world.try_start(world.member(EVE, "sam")) is RefusalReason.TOO_MANY_OPEN
    await world.decide(ANA)
    assert isinstance(await world.try_start(world.member(EVE, "sam")), Run)
    await world.settle()
    assert await world.try_start(world.member(SAM, "sam")) is RefusalReason.TOO_MANY_STARTS
    assert isinstance(await world.try_start(world.member(CLEO, "cleo")), Run)
    assert isinstance(await world.try_start(world.member(BOB)), Run)


async def test_the_same_people_are_asked_only_so_much_at_once(worlds: Any) -> None:
    """Whoever is named in two open requests is not asked a third time; a request to others goes through."""
    world = await capped(worlds, Policy(tools=("pay",), stages=(stage(CLEO),)), max_open_per_approver=2)
    made = [await world.waiting(actor) for actor in (SAM, EVE, SAM)]
    assert [run.status for run in made] == [RunStatus.WAITING, RunStatus.WAITING, RunStatus.FAILED]
    assert "max_open_per_approver" in made[2].error
    world.agent.steps = (one("pay", {}),)
    assert (await world.waiting()).status is RunStatus.WAITING
    await world.decide(ANA, YES, (await world.all_pending())[0])
    world.agent.steps = (BUY,)
    await world.settle()
    assert (await world.waiting()).status is RunStatus.WAITING


async def test_whoever_is_asked_later_or_by_an_edit_is_capped_too(worlds: Any) -> None:
    """Cleo is in the second stage of one open request: another asks her neither in its second stage nor after an edit
    that would; what asks her already may be edited."""
    both = Policy(tools=("buy",), when="args.amount < 100", stages=(stage(ANA, name="a"), stage(CLEO, name="b")))
    other = Policy(tools=("buy",), when="args.amount == 150", stages=(stage(OPS, name="a"), stage(CLEO, name="b")))
    alone = Policy(tools=("buy",), when="args.amount == 200", stages=(stage(BOB),))
    dear = Policy(tools=("buy",), stages=(stage(CLEO),))
    edits = {"decisions": (YES, NO, EDIT)}
    changing = [policy.model_copy(update=edits) for policy in (both, other, alone, dear)]
    world = await capped(worlds, *changing, max_open_per_approver=1)
    assert (await world.waiting()).status is RunStatus.WAITING
    world.agent.steps = (one("buy", {"amount": 150}),)
    assert "1 open request asks user:UCLEO" in (await world.waiting()).error
    (first,) = await world.all_pending()
    world.agent.steps = (one("buy", {"amount": 200}, step="m2"),)
    assert (await world.waiting(EVE)).status is RunStatus.WAITING
    (second,) = [asked for asked in await world.all_pending() if asked.id != first.id]
    refused = await world.edit(BOB, {"amount": 300}, second)
    assert isinstance(refused, Refused)
    assert "1 open request asks user:UCLEO" in refused.message
    assert isinstance(await world.edit(ANA, {"amount": 300}, first), Accepted)


async def test_without_caps_nothing_is_counted(worlds: Any) -> None:
    """They are off unless stated."""
    world = await worlds(BUY)
    for _ in range(5):
        assert (await world.waiting()).status is RunStatus.WAITING


@pytest.mark.parametrize(("after", "fast"), [(2 * SECOND, True), (3 * SECOND, False)])
async def test_an_approval_faster_than_anybody_reads_is_marked(worlds: Any, after: timedelta, fast: bool) -> None:
    """In the audit log, and on the closed request; it counts all the same."""
    world = await capped(worlds, fast_approval=3 * SECOND)
    run = await world.waiting()
    request = await world.pending()
    world.clock.advance(after)
    await world.decide(ANA)
    assert await world.count(Event.APPROVED_FAST) == int(fast)
    view = await world.db.read(read_request, request.id)
    assert view is not None
    assert [vote.fast for vote in view.votes] == [fast]
    await world.settle()
    assert await world.status(run) is RunStatus.SUCCEEDED


async def test_a_fast_no_is_nobodys_business(worlds: Any) -> None:
    """Only a yes can be too quick."""
    world = await capped(worlds, fast_approval=HOURS)
    await world.waiting()
    await world.decide(ANA, NO)
    assert await world.count(Event.APPROVED_FAST) == 0


async def test_the_weeks_median_is_of_what_people_decided(worlds: Any) -> None:
    """Time-outs and older weeks do not count."""
    world = await worlds(BUY)
    assert (await world.db.read(read_pace, world.clock.now())).median is None
    for minutes in (1, 2, 30):
        await world.waiting()
        world.clock.advance(minutes * MINUTES)
        await world.decide(ANA)
        await world.settle()
    await world.waiting()
    await world.pass_time(5 * HOURS)
    pace = await world.db.read(read_pace, world.clock.now())
    assert (pace.decided, pace.median) == (3, 2 * MINUTES)
    world.clock.advance(timedelta(days=8))
    assert (await world.db.read(read_pace, world.clock.now())).decided == 0


async def test_what_is_always_approved_unchanged_is_told(worlds: Any) -> None:
    """Three in a row, by the same policy; one no, or one edit, and the count begins anew."""
    world = await worlds(BUY)

    async def habits() -> list[Habit]:
        return await world.db.read(read_habits, world.clock.now(), 8 * timedelta(days=7), 3)

    async def decided(kind: Any = YES) -> None:
        await world.waiting()
        world.clock.advance(MINUTES)
        await world.decide(BOB, kind)
        await world.settle()

    for _ in range(3):
        assert await habits() == []
        await decided()
    assert await habits() == [Habit("agent", "buy", "default", 3)]
    await decided(NO)
    assert await habits() == []
    for _ in range(3):
        await decided()
    assert await habits() == [Habit("agent", "buy", "default", 3)]


async def all_runs(world: World) -> list[Run]:
    return await world.db.read(runs.recent, 100)
