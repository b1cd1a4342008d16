"""The ladder: each step once, at its time, in unpaused time; whoever it escalates to may decide; nothing says yes."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from agent_runtime.approvals import Accepted, Refused
from agent_runtime.audit import Event
from agent_runtime.policy import Policy, Rung, Stage
from agent_runtime.refusals import RefusalReason
from agent_runtime.runtime import Runtime
from storage import requests
from storage.database import Database
from storage.types import OnTimeout, RequestStatus, RunStatus
from tests.core.agent import Calls, call, one
from tests.core.world import ANA, BOB, CLEO, EVE, HOURS, MINUTES, NO, OPS, SAM, YES, moved, policy_set, stage, who

BUY = one("buy", {"amount": 10})
SECOND = MINUTES / 60
RUNGS = (
    Rung(after=30 * MINUTES, remind=True),
    Rung(after=60 * MINUTES, escalate_to=who(CLEO)),
    Rung(after=90 * MINUTES, escalate_to=who(OPS), channel="#escalated"),
)


def climbing(*rungs: Rung, timeout: timedelta = 2 * HOURS, **fields: Any) -> Any:
    """Policies by which Ana and Bob are asked, with this ladder."""
    asked = Stage(name="approval", approvers=who(ANA, BOB), rungs=rungs or RUNGS)
    return policy_set(Policy(stages=(asked,), timeout=timeout, **fields))


async def told(world: Any) -> list[str]:
    """The keys of what people were told of steps."""
    rows = await world.look("select key from outbox where kind in ('reminder', 'direct') order by key")
    return [key.replace(f":{(await world.look('select id from request'))[0][0]}", "") for (key,) in rows]


async def climbed(world: Any) -> list[str]:
    """The steps that the log tells of, in order."""
    events = ("request.reminded", "request.escalated")
    return [event.removeprefix("request.") for event in await world.events() if event in events]


async def test_a_ladder_reminds_then_escalates_then_times_out(worlds: Any) -> None:
    """Each step at its time and not before, each told once: below the card, in its channel, and to persons directly."""
    world = await worlds(BUY, policies=climbing())
    run = await world.waiting()
    for step, said in (
        ([], []),
        (["reminded"], ["remind:1:0"]),
        (["reminded", "escalated"], ["dm:1:1:UCLEO", "remind:1:0", "remind:1:1", "remind:1:1:alerts"]),
        (
            ["reminded", "escalated", "escalated"],
            [
                "dm:1:1:UCLEO",
                "dm:1:2:UOPS",
                "remind:1:0",
                "remind:1:1",
                "remind:1:1:alerts",
                "remind:1:2",
                "remind:1:2:#escalated",
            ],
        ),
    ):
        assert (await climbed(world), await told(world)) == (step, said)
        await world.pass_time(30 * MINUTES - SECOND)
        assert await climbed(world) == step
        await world.pass_time(SECOND)
    assert await climbed(world) == ["reminded", "escalated", "escalated"]
    (asked,) = await world.requests(run)
    assert asked.status is RequestStatus.EXPIRED
    assert "Nobody decided about buy in time" in str((await world.run(run)).output)
    assert world.effects == []
    assert (await world.verify()).problem == ""


@pytest.mark.parametrize(
    ("on_timeout", "request_status", "run_status"),
    [
        (OnTimeout.REJECT, RequestStatus.EXPIRED, RunStatus.SUCCEEDED),
        (OnTimeout.SKIP, RequestStatus.EXPIRED, RunStatus.SUCCEEDED),
        (OnTimeout.FAIL, RequestStatus.EXPIRED, RunStatus.FAILED),
        (OnTimeout.KEEP, RequestStatus.PENDING, RunStatus.WAITING),
    ],
)
async def test_a_ladder_ends_as_its_policy_says(
    worlds: Any, on_timeout: OnTimeout, request_status: RequestStatus, run_status: RunStatus
) -> None:
    """Whatever silence means, the steps before it are the same, nothing comes after it, and it is never a yes."""
    world = await worlds(BUY, policies=climbing(on_timeout=on_timeout))
    run = await world.waiting()
    for _ in range(10):
        await world.pass_time(30 * MINUTES)
    (asked,) = await world.requests(run)
    assert (asked.status, await world.status(run)) == (request_status, run_status)
    assert await climbed(world) == ["reminded", "escalated", "escalated"]
    assert (asked.next_at, world.effects) == (None, [])


async def test_a_rung_is_repeated(worlds: Any) -> None:
    """As often as it says, at its own interval."""
    world = await worlds(BUY, policies=climbing(Rung(after=20 * MINUTES, remind=True, repeat=2)))
    await world.waiting()
    counts = []
    for _ in range(9):
        await world.pass_time(10 * MINUTES)
        counts.append(len(await climbed(world)))
    assert counts == [0, 1, 1, 2, 2, 3, 3, 3, 3]


async def test_whoever_it_was_escalated_to_may_decide_from_then_on(worlds: Any) -> None:
    """Not before their step, and then as the approvers may; the approvers still may, too."""
    world = await worlds(BUY, policies=climbing())
    run = await world.waiting()
    await world.pass_time(60 * MINUTES - SECOND)
    early = await world.decide(CLEO)
    assert isinstance(early, Refused)
    assert early.reason is RefusalReason.NOT_AN_APPROVER
    await world.pass_time(SECOND)
    later = await world.decide(OPS)
    assert isinstance(later, Refused)
    assert later.reason is RefusalReason.NOT_AN_APPROVER
    assert isinstance(await world.decide(CLEO), Accepted)
    await world.settle()
    assert (len(world.effects), await world.status(run)) == (1, RunStatus.SUCCEEDED)
    assert (await world.verify()).problem == ""


@pytest.mark.parametrize(
    ("actor", "facts", "reason"),
    [
        (SAM, {}, RefusalReason.OWN_REQUEST),
        (CLEO, {"guest": True}, RefusalReason.GUEST),
        (CLEO, {"person": "sam", "starter_person": "sam"}, RefusalReason.OWN_REQUEST),
        (CLEO, {"deleted": True}, RefusalReason.DEACTIVATED),
        (EVE, {}, RefusalReason.NOT_AN_APPROVER),
    ],
)
async def test_an_escalation_lifts_no_other_rule(worlds: Any, actor: Any, facts: Any, reason: RefusalReason) -> None:
    """Self-approval, guests, accounts that are gone: those whom it names are judged as approvers are."""
    world = await worlds(BUY, policies=climbing(Rung(after=30 * MINUTES, escalate_to=who(CLEO, SAM))))
    await world.waiting()
    await world.pass_time(30 * MINUTES)
    refused = await world.decide_as(world.member(actor, **facts))
    assert isinstance(refused, Refused)
    assert refused.reason is reason


async def test_an_escalation_counts_in_its_own_asking_only(worlds: Any) -> None:
    """The next stage, a revision and a stage that is asked anew begin with their own approvers and their own ladder."""
    first = Stage(name="one", approvers=who(ANA, BOB), rungs=(Rung(after=30 * MINUTES, escalate_to=who(CLEO)),))
    second = Stage(name="two", approvers=who(OPS), rungs=(Rung(after=30 * MINUTES, escalate_to=who(EVE)),))
    world = await worlds(BUY, policies=policy_set(Policy(stages=(first, second), timeout=HOURS)))
    await world.waiting()
    await world.pass_time(30 * MINUTES)
    assert isinstance(await world.decide(CLEO), Accepted)
    assert ((asked := await world.pending()).stage, asked.rung, asked.next_at - asked.ladder_from) == (
        1,
        0,
        30 * MINUTES,
    )
    assert isinstance(await world.decide(EVE), Refused)
    await world.withdraw(CLEO)
    assert ((asked := await world.pending()).stage, asked.rung) == (0, 0)
    refused = await world.decide(CLEO)
    assert isinstance(refused, Refused)
    assert refused.reason is RefusalReason.NOT_AN_APPROVER
    await world.pass_time(30 * MINUTES)
    assert isinstance(await world.decide(CLEO), Accepted)


async def test_an_edit_starts_the_ladder_anew(worlds: Any) -> None:
    """A new revision is asked of its approvers, with all of its time."""
    world = await worlds(BUY, policies=climbing(decisions=(YES, NO, "edited")))
    await world.waiting()
    await world.pass_time(60 * MINUTES)
    edited = await world.edit(CLEO, {"amount": 5})
    assert isinstance(edited, Accepted)
    assert (edited.counted, edited.request.rung, edited.request.revision) == (False, 0, 2)
    await world.pass_time(30 * MINUTES)
    assert await climbed(world) == ["reminded", "escalated", "reminded"]
    assert isinstance(await world.decide(ANA), Accepted)


@pytest.mark.parametrize("minutes", [10, 40, 70, 100])
async def test_a_click_between_any_two_rungs_ends_the_ladder(worlds: Any, minutes: int) -> None:
    """Nothing comes after a decision, and what was said before it stays said."""
    world = await worlds(BUY, policies=climbing())
    await world.waiting()
    for _ in range(minutes // 10):
        await world.pass_time(10 * MINUTES)
    before = await climbed(world)
    await world.decide(ANA)
    await world.pass_time(24 * HOURS)
    assert (await climbed(world), len(before)) == (before, minutes // 30)
    assert len(world.effects) == 1


async def test_a_restart_in_the_middle_goes_on_where_it_was(worlds: Any) -> None:
    """A new process on the same file takes each step that is left, once."""
    world = await worlds(BUY, policies=climbing())
    run = await world.waiting()
    for _ in range(12):
        await world.reboot()
        await world.pass_time(10 * MINUTES)
        assert await world.runtime.sweep() == 0
    assert await climbed(world) == ["reminded", "escalated", "escalated"]
    assert (await world.requests(run))[0].status is RequestStatus.EXPIRED


async def test_steps_that_are_due_together_are_told_together(worlds: Any) -> None:
    """After a sleep over several steps every one of them is on record, in order, and counts; people get one message."""
    world = await worlds(BUY, policies=climbing())
    await world.waiting()
    await world.pass_time(100 * MINUTES)
    assert await climbed(world) == ["reminded", "escalated", "escalated"]
    assert await told(world) == ["dm:1:2:UCLEO", "dm:1:2:UOPS", "remind:1:2", "remind:1:2:#escalated"]
    assert isinstance(await world.decide(CLEO), Accepted)


async def test_steps_found_after_the_deadline_come_before_it(worlds: Any) -> None:
    """A server that slept over the whole ladder records what it would have done, and then that time is up."""
    world = await worlds(BUY, policies=climbing())
    run = await world.waiting()
    await world.pass_time(24 * HOURS)
    found = [event for event in await world.events(run) if event.startswith("request.")]
    assert found[-4:] == ["request.reminded", "request.escalated", "request.escalated", "request.closed"]


async def test_steps_of_several_requests_come_in_the_order_of_their_times(worlds: Any) -> None:
    """What was due first of all is done first."""
    calls = Calls(tuple(call(f"t{n}", call_id=f"c{n}") for n in range(3)))
    policies = [
        Policy(
            tools=(f"t{n}",), timeout=HOURS,
            stages=(Stage(name="s", approvers=who(ANA), rungs=(Rung(after=(30 - n) * MINUTES, remind=True),)),),
        )
        for n in range(3)
    ]  # fmt: skip
    world = await worlds(calls, policies=policy_set(*policies))
    await world.waiting()
    await world.pass_time(45 * MINUTES)
    rows = await world.look("select tool from audit where event = 'request.reminded' order by seq")
    assert [tool for (tool,) in rows] == ["t2", "t1", "t0"]


async def test_no_step_comes_while_everything_is_stopped(worlds: Any) -> None:
    """Afterwards each comes as much later as it was stopped."""
    world = await worlds(BUY, policies=climbing())
    await world.waiting()
    await world.pass_time(20 * MINUTES)
    await world.stop()
    await world.pass_time(48 * HOURS)
    assert await climbed(world) == []
    await world.go()
    await world.pass_time(10 * MINUTES - SECOND)
    assert await climbed(world) == []
    await world.pass_time(SECOND)
    assert await climbed(world) == ["reminded"]
    await world.pass_time(30 * MINUTES)
    assert await climbed(world) == ["reminded", "escalated"]


async def test_a_clock_that_is_wrong_for_a_while_takes_no_step_twice(worlds: Any) -> None:
    """Behind it only delays; ahead it takes what is due then, and not again when it is right."""
    world = await worlds(BUY, policies=climbing())
    await world.waiting()
    world.clock.advance(20 * MINUTES)
    with moved(world, -HOURS):
        await world.runtime.sweep()
    assert await climbed(world) == []
    with moved(world, 15 * MINUTES):
        await world.runtime.sweep()
    for _ in range(3):
        await world.pass_time(5 * MINUTES)
    assert await climbed(world) == ["reminded"]


async def test_sweepers_that_race_take_each_step_once(worlds: Any) -> None:
    """Two processes on two connections at the same moment."""
    calls = Calls(tuple(call("buy", {"n": n}, call_id=f"c{n}") for n in range(10)))
    world = await worlds(calls, policies=climbing())
    await world.waiting()
    async with Database(world.url, exclusive=False) as other:
        second = Runtime(other, {"agent": world.agent}, world.policies, world.seal, world.clock, ids=world.ids)
        for _ in range(4):
            world.clock.advance(30 * MINUTES)
            await asyncio.gather(*(sweeper.sweep() for sweeper in (world.runtime, second) * 2))
    await world.settle()
    assert (await climbed(world)).count("reminded") == 10
    assert (await climbed(world)).count("escalated") == 20
    assert await world.count(Event.REQUEST_CLOSED) == 10
    assert (await world.verify()).problem == ""


async def test_a_quorum_may_be_made_of_both(worlds: Any) -> None:
    """One approver and one to whom it was escalated fill a quorum of two."""
    asked = Stage(name="s", approvers=who(ANA, BOB), quorum=2, rungs=(Rung(after=MINUTES, escalate_to=who(CLEO)),))
    world = await worlds(BUY, policies=policy_set(Policy(stages=(asked,))))
    await world.waiting()
    await world.decide(ANA)
    await world.pass_time(MINUTES)
    await world.decide(CLEO)
    await world.settle()
    assert len(world.effects) == 1


async def test_a_stage_without_a_ladder_waits_as_ever(worlds: Any) -> None:
    """One timer, its deadline."""
    world = await worlds(BUY, policies=policy_set(Policy(stages=(stage(ANA),), timeout=HOURS)))
    await world.waiting()
    asked = await world.pending()
    assert asked.next_at == asked.due_at
    await world.pass_time(59 * MINUTES)
    assert await climbed(world) == []


@pytest.mark.parametrize("moved_on", [{"rung": 1}, {"asking": 2}])
async def test_a_step_is_taken_from_where_the_ladder_stands(worlds: Any, moved_on: dict[str, int]) -> None:
    """Whoever read it before somebody else took a step, or asked anew, changes nothing."""
    world = await worlds(BUY, policies=climbing())
    await world.waiting()
    read = await world.pending()
    assert await world.db.transact(lambda tx: requests.climb(tx, read, **moved_on))
    assert not await world.db.transact(lambda tx: requests.climb(tx, read, rung=3))
    assert (await world.pending()).rung == moved_on.get("rung", 0)
