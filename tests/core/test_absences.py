"""Whoever is away has somebody decide in their stead: one person, until a moment, and never a requester."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from agent_runtime.absences import absence_of, end_absence, hand_over, read_absences, stood_in_for
from agent_runtime.approvals import Accepted, Refused
from agent_runtime.audit import Event
from agent_runtime.people import Member, Membership, Unreachable
from agent_runtime.policy import Policy, Stage
from agent_runtime.refusals import RefusalReason
from agent_runtime.views import AbsenceView
from storage.models import Request
from storage.types import Actor, DecisionKind, RequestStatus, RunStatus
from tests.core.agent import Questions, one
from tests.core.world import ANA, BOB, CLEO, EVE, HOURS, NO, OPS, SAM, SURFACE, YES, World, policy_set, stage, who

BUY = one("buy", {"amount": 10})
TWO = policy_set(Policy(tools=("buy",), stages=(stage(ANA, BOB, CLEO, quorum=2),)))
ONE = policy_set(Policy(tools=("buy",), stages=(stage(ANA),)))


async def away(world: World, person: Actor, delegate: Actor, span: timedelta = HOURS) -> AbsenceView | RefusalReason:
    return await hands(world, world.member(person), world.member(delegate), span)


async def hands(
    world: World, person: Membership, delegate: Membership, span: timedelta = HOURS
) -> AbsenceView | RefusalReason:
    until = world.clock.now() + span
    return await world.db.transact(hand_over, world.context, person, delegate, until, SURFACE)


async def back(world: World, person: Actor) -> AbsenceView | RefusalReason:
    return await world.db.transact(end_absence, world.context, world.member(person), SURFACE)


async def decide_for(
    world: World,
    delegate: Actor,
    *absent: Actor,
    kind: DecisionKind = YES,
    request: Request | None = None,
    **facts: Any,
) -> Accepted | Refused:
    """A click of somebody behind whom the surface saw these people; whether they are is for the transaction to say."""
    behind = tuple(world.member(one, **facts) for one in absent)
    return await world.decide_as(world.member(delegate, stands_for=behind), kind, request)


def reason_of(verdict: Accepted | Refused) -> RefusalReason:
    assert isinstance(verdict, Refused), verdict
    return verdict.reason


async def test_a_delegate_decides_where_the_absent_person_may(worlds: Any) -> None:
    """The call runs, and the decision says in whose stead it was made."""
    world = await worlds(BUY, policies=ONE)
    run = await world.waiting()
    assert isinstance(await away(world, ANA, EVE), AbsenceView)
    verdict = await decide_for(world, EVE, ANA)
    assert isinstance(verdict, Accepted)
    (vote,) = await world.votes(verdict.request)
    assert (vote.actor_key, vote.on_behalf_of["id"]) == (EVE.key, ANA.id)
    await world.settle()
    assert await world.status(run) is RunStatus.SUCCEEDED
    assert (await world.verify()).problem == ""


async def test_nobody_stands_in_who_was_not_asked_to(worlds: Any) -> None:
    """What a surface says of who stands behind somebody is not believed."""
    world = await worlds(BUY, policies=ONE)
    await world.waiting()
    await away(world, ANA, BOB)
    assert reason_of(await decide_for(world, EVE, ANA)) is RefusalReason.NOT_AN_APPROVER


async def test_the_end_of_an_absence_ends_it(worlds: Any) -> None:
    """By the clock, or because the person is back."""
    world = await worlds(BUY, policies=ONE)
    await world.waiting()
    await away(world, ANA, EVE)
    world.clock.advance(HOURS)
    assert reason_of(await decide_for(world, EVE, ANA)) is RefusalReason.NOT_AN_APPROVER
    await away(world, ANA, EVE)
    assert isinstance(await back(world, ANA), AbsenceView)
    assert await back(world, ANA) is RefusalReason.NOT_AWAY
    assert reason_of(await decide_for(world, EVE, ANA)) is RefusalReason.NOT_AN_APPROVER


async def test_a_new_hand_over_takes_the_place_of_the_old_one(worlds: Any) -> None:
    """One delegate at a time."""
    world = await worlds(BUY, policies=ONE)
    await world.waiting()
    await away(world, ANA, EVE)
    await away(world, ANA, BOB)
    assert [one.delegate for one in await world.db.read(read_absences, world.context)] == [BOB]
    assert reason_of(await decide_for(world, EVE, ANA)) is RefusalReason.NOT_AN_APPROVER
    assert isinstance(await decide_for(world, BOB, ANA), Accepted)


async def test_what_was_handed_over_is_not_handed_on(worlds: Any) -> None:
    """Ana to Bob, then Bob to Cleo: Cleo stands in for Bob, and for nobody behind him."""
    world = await worlds(BUY, policies=ONE)
    await world.waiting()
    await away(world, ANA, BOB)
    await away(world, BOB, CLEO)
    assert await world.db.read(stood_in_for, world.context, CLEO.key) == [BOB]
    assert reason_of(await decide_for(world, CLEO, BOB, ANA)) is RefusalReason.NOT_AN_APPROVER
    chained = replace(world.member(BOB), stands_for=(world.member(ANA),))
    verdict = await world.decide_as(world.member(CLEO, stands_for=(chained,)))
    assert reason_of(verdict) is RefusalReason.NOT_AN_APPROVER


async def test_nobody_hands_over_to_who_is_away(worlds: Any) -> None:
    """Neither in a row nor in a ring: nobody would decide."""
    world = await worlds(BUY)
    await away(world, ANA, BOB)
    assert await away(world, BOB, ANA) is RefusalReason.DELEGATE_AWAY
    assert await away(world, CLEO, ANA) is RefusalReason.DELEGATE_AWAY
    assert await world.count(Event.ABSENCE_REFUSED) == 2


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"deleted": True}, RefusalReason.BAD_DELEGATE),
        ({"bot": True}, RefusalReason.BAD_DELEGATE),
        ({"guest": True}, RefusalReason.BAD_DELEGATE),
        ({"known": False}, RefusalReason.BAD_DELEGATE),
        ({"home_team": "T2"}, RefusalReason.BAD_DELEGATE),
        ({"person": "ana"}, RefusalReason.BAD_DELEGATE),
    ],
)
async def test_only_another_full_member_stands_in(worlds: Any, facts: Any, reason: RefusalReason) -> None:
    """No bot, guest, stranger, closed account, nor a second account of the same person."""
    world = await worlds(BUY)
    person = world.member(ANA, person="ana")
    assert await hands(world, person, world.member(EVE, **facts)) is reason
    assert await hands(world, person, person) is RefusalReason.BAD_DELEGATE
    assert await hands(world, person, Unreachable(EVE)) is RefusalReason.DIRECTORY_DOWN
    assert await world.db.read(absence_of, world.context, ANA.key) is None


async def test_a_guest_hands_over_nothing(worlds: Any) -> None:
    """Whoever may decide only where a policy lets guests does so in person."""
    world = await worlds(BUY)
    assert await hands(world, world.member(ANA, guest=True), world.member(BOB)) is RefusalReason.GUEST


@pytest.mark.parametrize("span", [timedelta(0), -HOURS, timedelta(days=91)])
async def test_a_moment_that_is_past_or_far_off_is_refused(worlds: Any, span: timedelta) -> None:
    """Until when is a moment within ninety days."""
    world = await worlds(BUY)
    assert await away(world, ANA, BOB, span) is RefusalReason.BAD_MOMENT


async def test_nobody_stands_in_for_approvals_of_their_own_run(worlds: Any) -> None:
    """Sam started it: Ana's hand-over to Sam lets nothing through."""
    world = await worlds(BUY, policies=ONE)
    await world.waiting()
    await away(world, ANA, SAM)
    assert reason_of(await decide_for(world, SAM, ANA)) is RefusalReason.OWN_REQUEST


async def test_not_even_where_requesters_may_approve(worlds: Any) -> None:
    """`allow_self_approval` is about a requester who is an approver, not about one who stands in."""
    policy = Policy(tools=("buy",), stages=(stage(ANA),), allow_self_approval=True)
    world = await worlds(BUY, policies=policy_set(policy))
    await world.waiting()
    await away(world, ANA, SAM)
    assert reason_of(await decide_for(world, SAM, ANA)) is RefusalReason.NOT_AN_APPROVER


async def test_a_requester_does_not_approve_through_a_delegate(worlds: Any) -> None:
    """Ana started it and is an approver: whoever stands in for her may not either."""
    world = await worlds(BUY, policies=policy_set(Policy(tools=("buy",), stages=(stage(ANA, BOB),))))
    await world.waiting(ANA)
    await away(world, ANA, EVE)
    assert reason_of(await decide_for(world, EVE, ANA)) is RefusalReason.NOT_AN_APPROVER


async def test_a_second_account_of_the_requester_hands_over_nothing_either(worlds: Any) -> None:
    """Bob's account has Sam's address: it may not approve Sam's run, nor may whoever stands in for it."""
    world = await worlds(BUY, policies=policy_set(Policy(tools=("buy",), stages=(stage(BOB),))))
    await world.waiting()
    await away(world, BOB, EVE)
    verdict = await decide_for(world, EVE, BOB, person="sam", starter_person="sam")
    assert reason_of(verdict) is RefusalReason.NOT_AN_APPROVER


@pytest.mark.parametrize(
    "facts", [{"deleted": True}, {"bot": True}, {"guest": True}, {"holds": frozenset()}, {"home_team": "T2"}]
)
async def test_who_may_not_decide_themselves_has_nobody_decide_in_their_stead(worlds: Any, facts: Any) -> None:
    """Deactivated, out of the group, a guest by now: seen fresh at the click."""
    world = await worlds(BUY, policies=ONE)
    await world.waiting()
    await away(world, ANA, EVE)
    assert reason_of(await decide_for(world, EVE, ANA, **facts)) is RefusalReason.NOT_AN_APPROVER


async def test_a_directory_that_says_nothing_about_the_absent_one_authorises_nobody(worlds: Any) -> None:
    """Refused as what it is, so that the person tries again."""
    world = await worlds(BUY, policies=ONE)
    await world.waiting()
    await away(world, ANA, EVE)
    verdict = await world.decide_as(world.member(EVE, stands_for=(Unreachable(ANA),)))
    assert reason_of(verdict) is RefusalReason.DIRECTORY_DOWN
    stale = world.clock.now() - timedelta(minutes=2)
    assert reason_of(await decide_for(world, EVE, ANA, taken_at=stale)) is RefusalReason.DIRECTORY_DOWN


async def test_a_delegate_who_is_a_guest_by_now_decides_nothing(worlds: Any) -> None:
    """Full member when it was handed over, and not any more."""
    policy = Policy(tools=("buy",), stages=(stage(ANA),), allow_guests=True)
    world = await worlds(BUY, policies=policy_set(policy))
    await world.waiting()
    await away(world, ANA, EVE)
    verdict = await world.decide_as(world.member(EVE, guest=True, stands_for=(world.member(ANA),)))
    assert reason_of(verdict) is RefusalReason.NOT_AN_APPROVER


async def test_the_absent_one_and_their_delegate_are_one_voice(worlds: Any) -> None:
    """Two must say yes: Ana and whoever stands in for her are not two, in either order."""
    world = await worlds(BUY, policies=TWO)
    await world.waiting()
    await away(world, ANA, EVE)
    await decide_for(world, EVE, ANA)
    assert reason_of(await world.decide(ANA)) is RefusalReason.DECIDED_FOR_YOU
    assert reason_of(await world.decide(ANA, NO)) is RefusalReason.DECIDED_FOR_YOU
    assert isinstance(await world.withdraw(ANA), Accepted)
    assert isinstance(await world.decide(ANA), Accepted)
    assert reason_of(await decide_for(world, EVE, ANA)) is RefusalReason.DECIDED_BY_THEM
    assert (await world.pending()).status is RequestStatus.PENDING
    assert isinstance(await world.decide(BOB), Accepted)
    assert await world.all_pending() == []


async def test_one_delegate_of_two_people_is_one_voice(worlds: Any) -> None:
    """Eve stands in for Ana and Bob, who are two; she is one."""
    world = await worlds(BUY, policies=TWO)
    await world.waiting()
    await away(world, ANA, EVE)
    await away(world, BOB, EVE)
    assert isinstance(await decide_for(world, EVE, ANA, BOB), Accepted)
    assert reason_of(await decide_for(world, EVE, ANA, BOB)) is RefusalReason.ALREADY_VOTED
    assert len(await world.all_pending()) == 1


async def test_an_approver_who_stands_in_decides_in_their_own_name(worlds: Any) -> None:
    """Bob may himself: Ana's word is not used up by him, and Ana may still give it."""
    world = await worlds(BUY, policies=TWO)
    await world.waiting()
    await away(world, ANA, BOB)
    verdict = await decide_for(world, BOB, ANA)
    assert isinstance(verdict, Accepted)
    assert (await world.votes(verdict.request))[0].on_behalf_of is None
    assert reason_of(await decide_for(world, BOB, ANA)) is RefusalReason.ALREADY_VOTED
    assert isinstance(await world.decide(ANA), Accepted)
    assert await world.all_pending() == []


async def test_one_voice_does_not_carry_two_stages(worlds: Any) -> None:
    """Ana in the first stage: neither she nor her delegate in the second, unless the policy allows the same person."""
    stages = (stage(ANA), Stage(name="two", approvers=who(ANA, BOB)))
    world = await worlds(BUY, policies=policy_set(Policy(tools=("buy",), stages=stages)))
    await world.waiting()
    await away(world, ANA, EVE)
    await world.decide(ANA)
    assert reason_of(await decide_for(world, EVE, ANA)) is RefusalReason.DECIDED_BY_THEM
    world.use(policy_set(Policy(tools=("buy",), stages=stages, allow_same_person=True)))
    await world.decide(BOB)
    await world.settle()
    await world.waiting()
    await decide_for(world, EVE, ANA)
    assert isinstance(await decide_for(world, EVE, ANA), Accepted)
    assert await world.all_pending() == []


async def test_a_delegate_answers_a_question_in_the_stead_of_its_starter(worlds: Any) -> None:
    """An agent's question is its starter's to answer, and so their delegate's."""
    world = await worlds(Questions({"q": "Which?"}))
    run = await world.waiting()
    await away(world, SAM, EVE)
    member: Member = world.member(EVE, stands_for=(world.member(SAM),))
    verdict = await world.decide_as(member, DecisionKind.ANSWERED, value="blue")
    assert isinstance(verdict, Accepted)
    await world.settle()
    assert await world.status(run) is RunStatus.SUCCEEDED


async def test_an_operator_who_is_away_does_not_hand_over_that(worlds: Any) -> None:
    """Approvals are handed over; cancelling and revoking are not."""
    world = await worlds(BUY)
    run = await world.waiting()
    await away(world, OPS, EVE)
    stopped = await world.cancel(run, EVE, stands_for=(world.member(OPS),))
    assert stopped is RefusalReason.NOT_YOUR_RUN


@pytest.mark.parametrize(
    "change",
    [
        "delegate_key = 'slack:T1:UCLEO', delegate = json_set(delegate, '$.id', 'UCLEO')",
        "person_key = 'slack:T1:UBOB', person = json_set(person, '$.id', 'UBOB')",
        "until = '2031-01-01 00:00:00.000000'",
        "mac = 'aa' || substr(mac, 3)",
    ],
)
async def test_an_absence_changed_by_hand_holds_nothing(worlds: Any, change: str) -> None:
    """Its row is sealed as a whole."""
    world = await worlds(BUY, policies=ONE)
    await away(world, ANA, EVE)
    await world.sql(f"update absence set {change}")
    for delegate in (EVE, CLEO):
        assert await world.db.read(stood_in_for, world.context, delegate.key) == []


async def test_an_ended_absence_put_back_holds_nothing(worlds: Any) -> None:
    """Its old seal fits, and the log knows that it ended."""
    world = await worlds(BUY, policies=ONE)
    await away(world, ANA, EVE)
    ((mac,),) = await world.look("select mac from absence")
    await back(world, ANA)
    await world.sql("update absence set ended_at = null, mac = ?", mac)
    assert await world.db.read(stood_in_for, world.context, EVE.key) == []


async def test_in_whose_stead_a_vote_was_given_is_sealed(worlds: Any) -> None:
    """A vote turned into one for somebody else, or into the delegate's own, runs nothing."""
    for change in ("on_behalf_of = null", "on_behalf_of = json_set(on_behalf_of, '$.id', 'UBOB')"):
        world = await worlds(BUY, policies=ONE)
        await world.waiting()
        await away(world, ANA, EVE)
        await decide_for(world, EVE, ANA)
        await world.sql(f"update decision set {change}")
        await world.settle()
        assert world.effects == []
        assert await world.count(Event.INTEGRITY_BROKEN) >= 1
