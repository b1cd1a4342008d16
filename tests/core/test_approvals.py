"""Decisions: one winner, only those who may, bound to what was shown; and every reason to refuse."""

from __future__ import annotations

import asyncio
import random
from datetime import timedelta
from typing import Any

import pytest

from agent_runtime.approvals import Accepted, Act, Refused, may_decide
from agent_runtime.audit import Event
from agent_runtime.people import Unreachable
from agent_runtime.policy import AgentRule, Policy
from agent_runtime.refusals import RefusalReason
from storage.models import Request
from storage.types import Actor, ActorKind, DecisionKind, RequestStatus, RunStatus
from tests.core.agent import Calls, Questions, call, one
from tests.core.world import (
    ANA,
    ANSWER,
    BOB,
    CLEO,
    EVE,
    MINUTES,
    NO,
    OPS,
    SAM,
    SKIP,
    SURFACE,
    YES,
    World,
    person,
    policy_set,
    stage,
    who,
)  # fmt: skip

BUY = one("buy", {"amount": 10})


def refusal(verdict: Accepted | Refused) -> RefusalReason | None:
    return verdict.reason if isinstance(verdict, Refused) else None


@pytest.mark.parametrize("requests", [20, pytest.param(100, marks=pytest.mark.slow)])
async def test_simultaneous_clicks_have_one_winner_each(worlds: Any, requests: int) -> None:
    """Decisions of ten people on each of many requests, all at once, a thousand in the long tests: each request has one
    winner and nine refusals, each an audit row, the chain intact."""
    people = [person(number) for number in range(10)]
    policy = Policy(stages=(stage(*people),))
    world = await worlds(
        Calls(tuple(call("buy", {"n": n}, call_id=f"c{n}") for n in range(requests // 2))), policies=policy_set(policy)
    )
    for _ in range(2):
        await world.waiting()
    waiting = await world.all_pending()
    assert len(waiting) == requests
    clicks = [(request, who, YES if number % 2 else NO) for request in waiting for number, who in enumerate(people)]
    random.Random(7).shuffle(clicks)
    verdicts = await asyncio.gather(*[world.decide(actor, kind, request) for request, actor, kind in clicks])
    won = [click for click, verdict in zip(clicks, verdicts, strict=True) if isinstance(verdict, Accepted)]
    assert sorted(request.id for request, _, _ in won) == sorted(request.id for request in waiting)
    assert [refusal(verdict) for verdict in verdicts].count(RefusalReason.TOO_LATE) == 9 * requests
    assert await world.count(Event.DECISION_MADE) == await world.count(Event.REQUEST_CLOSED) == requests
    assert await world.count(Event.DECISION_REFUSED) == 9 * requests
    for request, actor, kind in won:
        after = await world.request(request)
        assert (after.status.value, after.closed_by["id"]) == (kind.value, actor.id)
    assert (await world.verify()).problem == ""
    await world.settle()
    assert len(world.effects) == sum(kind is YES for _, _, kind in won)


async def test_the_loser_is_told_who_decided(worlds: Any) -> None:
    """A click that comes second changes nothing and learns the winner from the request it gets back."""
    world = await worlds(BUY)
    await world.waiting()
    shown = await world.pending()
    await asyncio.gather(world.decide(ANA, YES, shown))
    late = await world.decide(BOB, NO, shown)
    assert isinstance(late, Refused)
    assert (late.reason, late.repeated) == (RefusalReason.TOO_LATE, False)
    assert late.request is not None
    assert late.request.closed_by["name"] == "Ana"


async def test_the_same_click_twice_is_known_as_such(worlds: Any) -> None:
    """A doubled delivery of one click is refused as repeated, so that nobody is told twice."""
    world = await worlds(BUY)
    await world.waiting()
    shown = await world.pending()
    await world.decide(ANA, YES, shown)
    again = await world.decide(ANA, YES, shown)
    assert isinstance(again, Refused)
    assert again.repeated


async def test_a_quorum_counts_people(worlds: Any) -> None:
    """Two of three must agree; the same person's second click does not make two."""
    world = await worlds(BUY, policies=policy_set(Policy(stages=(stage(ANA, BOB, CLEO, quorum=2),))))
    await world.waiting()
    shown = await world.pending()
    first = await world.decide(ANA, YES, shown)
    assert isinstance(first, Accepted)
    assert not first.closed
    assert refusal(await world.decide(ANA, YES, shown)) is RefusalReason.ALREADY_VOTED
    assert (await world.request(shown)).status is RequestStatus.PENDING
    second = await world.decide(CLEO, YES, shown)
    assert isinstance(second, Accepted)
    assert second.closed
    await world.settle()
    assert len(world.effects) == 1


async def test_one_no_closes_whatever_the_quorum(worlds: Any) -> None:
    """A rejection needs no quorum."""
    world = await worlds(BUY, policies=policy_set(Policy(stages=(stage(ANA, BOB, CLEO, quorum=3),))))
    run = await world.waiting()
    shown = await world.pending()
    await world.decide(ANA, YES, shown)
    await world.decide(BOB, NO, shown)
    assert (await world.request(shown)).status is RequestStatus.REJECTED
    await world.settle()
    assert world.effects == []
    assert (await world.run(run)).status is RunStatus.SUCCEEDED


async def test_stages_pass_one_after_the_other(worlds: Any) -> None:
    """The second stage opens when the first has its quorum, with people and time of its own."""
    stages = (stage(ANA, BOB, name="manager"), stage(BOB, CLEO, name="finance", quorum=2))
    policy = Policy(stages=stages, timeout=60 * MINUTES)
    world = await worlds(BUY, policies=policy_set(policy))
    await world.waiting()
    first = await world.pending()
    assert refusal(await world.decide(CLEO, YES, first)) is RefusalReason.NOT_AN_APPROVER
    world.clock.advance(30 * MINUTES)
    await world.decide(ANA, YES, first)
    second = await world.pending()
    assert (second.stage, second.due_at) == (1, world.clock.now() + 60 * MINUTES)
    assert refusal(await world.decide(BOB, YES, first)) is RefusalReason.OUTDATED
    assert refusal(await world.decide(ANA, YES, second)) is RefusalReason.NOT_AN_APPROVER
    await world.decide(BOB, YES, second)
    await world.settle()
    assert world.effects == []
    await world.decide(CLEO, YES, second)
    await world.settle()
    assert len(world.effects) == 1
    assert await world.count(Event.STAGE_PASSED) == 1


async def test_a_person_votes_once_over_all_stages(worlds: Any) -> None:
    """Somebody who sits in both stages gives one vote, so that two stages are two people."""
    world = await worlds(BUY, policies=policy_set(Policy(stages=(stage(ANA), stage(ANA, BOB, name="two")))))
    await world.waiting()
    await world.decide(ANA)
    assert refusal(await world.decide(ANA)) is RefusalReason.ALREADY_VOTED
    await world.decide(BOB)
    await world.settle()
    assert len(world.effects) == 1


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"taken_at": None}, RefusalReason.DIRECTORY_DOWN),
        ({"taken_at": timedelta(seconds=-61)}, RefusalReason.DIRECTORY_DOWN),
        ({"taken_at": timedelta(seconds=61)}, RefusalReason.DIRECTORY_DOWN),
        ({"home_team": "T2"}, RefusalReason.OTHER_TEAM),
        ({"known": False}, RefusalReason.UNKNOWN_PERSON),
        ({"deleted": True}, RefusalReason.DEACTIVATED),
        ({"bot": True}, RefusalReason.BOT),
        ({"guest": True}, RefusalReason.GUEST),
        ({"holds": frozenset()}, RefusalReason.NOT_AN_APPROVER),
        ({"holds": frozenset(who(EVE))}, RefusalReason.NOT_AN_APPROVER),
        ({"person": "sam", "starter_person": "sam"}, RefusalReason.OWN_REQUEST),
    ],
    ids=lambda value: value.value if isinstance(value, RefusalReason) else "",
)
async def test_who_may_not_decide(worlds: Any, facts: dict[str, Any], reason: RefusalReason) -> None:
    """Each thing the directory can say against a person refuses them, is recorded, and leaves the request open."""
    world: World = await worlds(BUY)
    await world.waiting()
    shown = await world.pending()
    taken = facts.get("taken_at", timedelta(0))
    if taken is None:
        refused = await world.decide_as(Unreachable(ANA), YES, shown)
    else:
        member = world.member(ANA, **{**facts, "taken_at": world.clock.now() + taken})
        refused = await world.decide_as(member, YES, shown)
    assert refusal(refused) is reason
    assert await world.count(Event.DECISION_REFUSED) == 1
    assert (await world.request(shown)).status is RequestStatus.PENDING
    assert await world.votes(shown) == []


async def test_nobody_approves_their_own_run_unless_the_policy_lets_them(worlds: Any) -> None:
    """The starter is refused even as a named approver; `allow_self_approval` turns that off."""
    for allowed in (False, True):
        policy = Policy(stages=(stage(SAM),), allow_self_approval=allowed)
        world = await worlds(BUY, policies=policy_set(policy))
        await world.waiting()
        assert refusal(await world.decide(SAM)) is (None if allowed else RefusalReason.OWN_REQUEST)


async def test_guests_decide_only_where_the_policy_lets_them(worlds: Any) -> None:
    """`allow_guests` admits a guest who is named."""
    world = await worlds(BUY, policies=policy_set(Policy(stages=(stage(ANA),), allow_guests=True)))
    await world.waiting()
    assert isinstance(await world.decide_as(world.member(ANA, guest=True)), Accepted)


async def test_an_act_on_what_was_not_shown_is_outdated(worlds: Any) -> None:
    """Another revision or stage than the request's own is refused and its card is redrawn."""
    world = await worlds(BUY)
    await world.waiting()
    shown = await world.pending()
    for wrong in ({"revision": 0}, {"revision": 2}, {"stage": 1}, {"stage": -1}):
        assert refusal(await world.decide(ANA, YES, shown, **wrong)) is RefusalReason.OUTDATED
    wanted = await world.look("select wanted from outbox where key = ?", f"card:{shown.id}:1:0")
    assert wanted[0][0] >= 5


async def test_other_reasons_to_refuse_a_decision(worlds: Any) -> None:
    """A request nobody knows, a decision the policy does not offer, and a reason too long to keep."""
    world = await worlds(BUY)
    await world.waiting()
    shown = await world.pending()
    nobody = Request(**{**shown.model_dump(), "id": "A999999"})
    assert refusal(await world.decide(ANA, YES, nobody)) is RefusalReason.UNKNOWN_REQUEST
    assert refusal(await world.decide(ANA, SKIP, shown)) is RefusalReason.NOT_OFFERED
    assert refusal(await world.decide(ANA, ANSWER, shown, value="yes")) is RefusalReason.NOT_OFFERED
    assert refusal(await world.decide(ANA, NO, shown, reason="x" * 3001)) is RefusalReason.BAD_ANSWER
    assert await world.count(Event.DECISION_REFUSED) == 4


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "number"}, "NaN"),
        ({"type": "number"}, "1e999"),
        ({"type": "string"}, "\ud83d"),
        ({}, {"a": float("inf")}),
        ({}, "[" * 100 + "]" * 100),
        ({"type": "array"}, "[" * 100 + "]" * 100),
    ],
)
async def test_an_answer_that_cannot_be_kept_is_refused_in_words(worlds: Any, schema: Any, value: Any) -> None:
    """What JSON cannot hold is no answer: the person is told, and the question stays open or takes it as text."""
    world = await worlds(Questions({"q": {"question": "How many?", "answer_schema": schema}}))
    await world.waiting()
    verdict = await world.answer(SAM, value)
    if isinstance(verdict, Accepted):
        assert isinstance(verdict.request.answer, str)
    else:
        assert verdict.reason is RefusalReason.BAD_ANSWER
        assert verdict.message


async def test_an_answer_of_null_reaches_the_agent(worlds: Any) -> None:
    """`null` is a value where the agent's schema allows it, and not the absence of an answer."""
    world = await worlds(Questions({"q": {"question": "Which?", "answer_schema": {"enum": [None, 1]}}}))
    run = await world.waiting()
    await world.answer(SAM, None)
    await world.settle()
    run = await world.run(run)
    assert (run.status, run.output) == (RunStatus.SUCCEEDED, {"q": None})


async def test_half_a_character_in_a_reason_does_not_lose_the_decision(worlds: Any) -> None:
    """A person's words are kept as far as the store can take them."""
    world = await worlds(BUY)
    await world.waiting()
    shown = await world.pending()
    assert isinstance(await world.decide(ANA, NO, shown, reason="no \ud83d"), Accepted)
    assert (await world.request(shown)).close_reason == "no ?"


async def test_a_click_after_the_deadline_closes_the_request_and_does_not_count(worlds: Any) -> None:
    """The sweep may be late (the server was down): the deadline holds all the same."""
    world = await worlds(BUY, policies=policy_set(Policy(timeout=10 * MINUTES)))
    run = await world.waiting()
    shown = await world.pending()
    world.clock.advance(10 * MINUTES)
    assert refusal(await world.decide(ANA, YES, shown)) is RefusalReason.TOO_LATE
    assert (await world.request(shown)).status is RequestStatus.EXPIRED
    assert await world.runtime.sweep() == 0
    await world.settle()
    assert world.effects == []
    assert (await world.run(run)).status is RunStatus.SUCCEEDED


async def test_a_form_is_refused_before_it_is_opened(worlds: Any) -> None:
    """Somebody who may not decide is not asked for words first; the refusal is recorded once."""
    world = await worlds(BUY)
    await world.waiting()
    shown = await world.pending()
    act = Act(shown.id, shown.revision, shown.stage, NO)
    refused = await world.db.transact(may_decide, world.context, act, world.member(EVE), SURFACE)
    assert refusal(refused) is RefusalReason.NOT_AN_APPROVER
    assert await world.db.transact(may_decide, world.context, act, world.member(ANA), SURFACE) is None
    unknown = Act("A9", 1, 0, NO)
    refused = await world.db.transact(may_decide, world.context, unknown, world.member(ANA), SURFACE)
    assert refusal(refused) is RefusalReason.UNKNOWN_REQUEST
    assert await world.count(Event.DECISION_REFUSED) == 2
    assert await world.votes(shown) == []


async def test_the_host_decides_without_a_directory(worlds: Any) -> None:
    """A person at the command line is known by the host; they still need to be an approver."""
    world = await worlds(BUY)
    await world.waiting()
    root = Actor(kind=ActorKind.CLI, id="root", team="")
    outsider = world.member(root, holds=frozenset(), taken_at=world.clock.now() - timedelta(days=1))
    assert refusal(await world.decide_as(outsider)) is RefusalReason.NOT_AN_APPROVER
    assert refusal(await world.decide_as(Unreachable(root))) is RefusalReason.DIRECTORY_DOWN
    named = world.member(root, holds=frozenset(who(ANA)))
    assert isinstance(await world.decide_as(named), Accepted)


async def test_a_policy_edit_does_not_change_who_decides_on_an_open_request(worlds: Any) -> None:
    """The rules are those of the snapshot taken when the request opened."""
    world = await worlds(BUY)
    await world.waiting()
    world.use(policy_set(Policy(stages=(stage(EVE),))))
    assert refusal(await world.decide(EVE)) is RefusalReason.NOT_AN_APPROVER
    assert isinstance(await world.decide(ANA), Accepted)


async def test_every_reason_to_refuse_can_be_met(worlds: Any) -> None:
    """No refusal is a word without a case: those of decisions above, and those of starts and commands here."""
    world = await worlds(BUY, policies=policy_set(agents=(AgentRule(name="agent", starters=who(SAM)),)))
    met = {await world.try_start(world.member(EVE))}
    run = await world.waiting()
    met |= {await world.cancel(run, EVE), await world.retry(run, SAM)}
    await world.cancel(run, OPS)
    met |= {await world.cancel(run, SAM), await world.retry(run, SAM)}
    nowhere = run.model_copy(update={"id": "R9"})
    met |= {await world.cancel(nowhere), await world.retry(nowhere)}
    assert met == {
        RefusalReason.NOT_A_STARTER, RefusalReason.NOT_YOUR_RUN, RefusalReason.RUN_ACTIVE, RefusalReason.RUN_OVER,
        RefusalReason.UNKNOWN_RUN,
    }  # fmt: skip
    of_decisions = {
        RefusalReason.TOO_LATE, RefusalReason.OUTDATED, RefusalReason.ALREADY_VOTED, RefusalReason.NOT_OFFERED,
        RefusalReason.BAD_ANSWER, RefusalReason.UNKNOWN_REQUEST, RefusalReason.NOT_AN_APPROVER,
        RefusalReason.OWN_REQUEST, RefusalReason.OTHER_TEAM, RefusalReason.DEACTIVATED, RefusalReason.BOT,
        RefusalReason.GUEST, RefusalReason.UNKNOWN_PERSON, RefusalReason.DIRECTORY_DOWN, RefusalReason.INTEGRITY,
    }  # fmt: skip
    elsewhere = {
        RefusalReason.HELD_ENOUGH,
        RefusalReason.NO_VOTE, RefusalReason.HELD, RefusalReason.NEEDS_REASON, RefusalReason.BAD_EDIT,
        RefusalReason.DENIED, RefusalReason.NOT_YOUR_START, RefusalReason.BAD_WISH, RefusalReason.UNKNOWN_GRANT,
        RefusalReason.NOT_YOUR_GRANT, RefusalReason.NOT_AN_OPERATOR,
        RefusalReason.DECIDED_FOR_YOU, RefusalReason.DECIDED_BY_THEM, RefusalReason.OTHER_ACCOUNT,
        RefusalReason.BAD_DELEGATE,
        RefusalReason.DELEGATE_AWAY, RefusalReason.DELEGATE_BUSY, RefusalReason.BAD_MOMENT, RefusalReason.NOT_AWAY,
        RefusalReason.TOO_MANY_STARTS, RefusalReason.TOO_MANY_OPEN,
        RefusalReason.UNKNOWN_ALERT, RefusalReason.NOT_YOUR_ALERT, RefusalReason.ALERT_OVER,
        RefusalReason.ALREADY_REMINDED,
        RefusalReason.ALREADY_PAUSED, RefusalReason.NOT_PAUSED,
        RefusalReason.ALREADY_ANSWERED, RefusalReason.NOT_ASKED, RefusalReason.ASKED_ENOUGH, RefusalReason.BAD_INQUIRY,
    }  # fmt: skip
    assert met | of_decisions | elsewhere == set(RefusalReason)
    assert await world.count(Event.DECISION_REFUSED) == 6
    assert await world.count(Event.START_REFUSED) == 1
    votes = {kind.value for kind in DecisionKind} - {DecisionKind.EDITED.value}
    assert votes <= {status.value for status in RequestStatus}
