"""An approval may count for the next calls like it, where the policy permits it, and for nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from agent_runtime import grants
from agent_runtime.approvals import Accepted, Refused
from agent_runtime.audit import Event
from agent_runtime.givers import CONFIRMED_FOR, why_not_given, words_of_grants
from agent_runtime.grant_reading import read_grant, read_grants
from agent_runtime.people import Unreachable
from agent_runtime.policy import Action, GrantRule, Policy
from agent_runtime.redaction import MARK
from agent_runtime.refusals import RefusalReason
from agent_runtime.wishes import Wish
from storage import grants as rows
from storage.grants import Grant
from storage.models import Run
from storage.types import Actor, CallStatus, DecisionKind, GrantScope, RequestStatus, RunStatus
from tests.core.agent import Calls, Questions, call, one
from tests.core.world import (
    ANA,
    BOB,
    CLEO,
    EDIT,
    EVE,
    HOURS,
    MINUTES,
    NO,
    OPS,
    SAM,
    SKIP,
    SURFACE,
    YES,
    World,
    policy_set,
    stage,
    who,
)

RULE = GrantRule(scopes=tuple(GrantScope), max_count=3, max_age=2 * HOURS)
BUY = Policy(tools=("buy",), stages=(stage(ANA, BOB),), grant=RULE)
WISH = Wish(GrantScope.AGENT, 2, HOURS)
FIRST, SECOND = one("buy", {"amount": 10}, step="m1"), one("buy", {"amount": 10}, step="m2")


def wish(scope: GrantScope = GrantScope.AGENT, uses: int = 2, lasts: timedelta = HOURS) -> Wish:
    return Wish(scope, uses, lasts)


async def granted(world: World, actor: Actor = ANA, asked: Wish = WISH, starter: Actor = SAM) -> Grant:
    """One run's call is approved with this wish; the grant that came of it."""
    run = await world.waiting(starter)
    verdict = await world.decide(actor, YES, wish=asked)
    assert isinstance(verdict, Accepted), verdict
    found = await world.db.read(rows.of_request, verdict.request.id)
    assert found is not None
    await world.settle()
    assert await world.status(run) is RunStatus.SUCCEEDED
    return found


async def again(world: World, grant: Grant) -> Grant:
    found = await world.db.read(rows.get, grant.id)
    assert found is not None
    return found


async def revoke(world: World, grant: Grant, actor: Actor) -> Grant | RefusalReason:
    return await world.db.transact(grants.revoke, world.context, grant.id, world.member(actor), SURFACE)


async def asks(world: World, starter: Actor = SAM) -> bool:
    """Whether another run of the agent has to ask people."""
    run = await world.waiting(starter)
    asked = await world.status(run) is RunStatus.WAITING
    if asked:
        await world.cancel(run, starter)
    return asked


async def test_a_grant_lets_the_next_like_calls_through_and_no_more(worlds: Any) -> None:
    """Two further calls run on one yes; the third asks again."""
    world = await worlds(FIRST, policies=policy_set(BUY))
    grant = await granted(world)
    assert not await asks(world)
    assert not await asks(world)
    assert await asks(world)
    assert (await again(world, grant)).uses == 2
    assert len(world.effects) == 3
    assert await world.count(Event.GRANT_USED) == 2
    assert (await world.verify()).problem == ""


async def test_a_call_that_ran_by_a_grant_says_so_everywhere(worlds: Any) -> None:
    """The journal, the log's actor and the run's thread name the grant and who gave it."""
    world = await worlds(FIRST, policies=policy_set(BUY))
    grant = await granted(world)
    run = await world.waiting()
    assert (await world.call(run, "m1/c1")).grant_id == grant.id
    actors = await world.look("select actor from audit where run_id = ? and event = 'call.started'", run.id)
    assert actors == [(f"grant::{grant.id}",)]
    notes = await world.look("select body from outbox where kind = 'note' and subject = ?", run.id)
    assert any(f"grant {grant.id}, of Ana: 1 more, until 2030-01-07" in body for (body,) in notes), notes


@pytest.mark.parametrize(
    ("asked", "fault"),
    [
        (wish(uses=0), "1 to 3"),
        (wish(uses=4), "1 to 3"),
        (wish(lasts=3 * HOURS), "2 hours"),
        (wish(lasts=timedelta(0)), "2 hours"),
    ],
)
async def test_a_wish_beyond_the_policy_is_refused_with_the_reason(worlds: Any, asked: Wish, fault: str) -> None:
    """Nothing is decided: the person is told what the policy permits."""
    world = await worlds(FIRST, policies=policy_set(BUY))
    await world.waiting()
    refused = await world.decide(ANA, YES, wish=asked)
    assert isinstance(refused, Refused)
    assert refused.reason is RefusalReason.BAD_WISH
    assert fault in refused.message
    assert (await world.pending()).status is RequestStatus.PENDING


async def test_where_the_policy_says_nothing_no_approval_counts_twice(worlds: Any) -> None:
    """Grants are off unless a policy turns them on."""
    world = await worlds(FIRST)
    await world.waiting()
    refused = await world.decide(ANA, YES, wish=WISH)
    assert isinstance(refused, Refused)
    assert refused.reason is RefusalReason.BAD_WISH


async def test_a_scope_that_the_policy_does_not_name_is_refused(worlds: Any) -> None:
    """`run` alone permits nothing for other runs."""
    rule = RULE.model_copy(update={"scopes": (GrantScope.RUN,)})
    world = await worlds(FIRST, policies=policy_set(BUY.model_copy(update={"grant": rule})))
    await world.waiting()
    refused = await world.decide(ANA, YES, wish=wish(GrantScope.REQUESTER))
    assert isinstance(refused, Refused)
    assert "run" in refused.message


async def test_a_no_cannot_carry_a_wish(worlds: Any) -> None:
    """Only an approval counts for further calls."""
    world = await worlds(FIRST, policies=policy_set(BUY))
    await world.waiting()
    refused = await world.decide(ANA, NO, wish=WISH)
    assert isinstance(refused, Refused)
    assert refused.reason is RefusalReason.BAD_WISH


async def test_a_grant_for_a_run_ends_with_it(worlds: Any) -> None:
    """The rest of that run, and no other."""
    world = await worlds(FIRST, SECOND, policies=policy_set(BUY))
    await granted(world, asked=wish(GrantScope.RUN))
    assert len(world.effects) == 2
    assert await asks(world)


async def test_a_grant_for_a_requester_serves_nobody_else(worlds: Any) -> None:
    """Sam's runs, and not Eve's."""
    world = await worlds(FIRST, policies=policy_set(BUY))
    await granted(world, asked=wish(GrantScope.REQUESTER))
    assert await asks(world, EVE)
    assert not await asks(world)


async def test_other_arguments_ask_again(worlds: Any) -> None:
    """All arguments must be equal where the policy names none."""
    world = await worlds(FIRST, policies=policy_set(BUY))
    await granted(world)
    world.agent.steps = (one("buy", {"amount": 11}),)
    assert await asks(world)
    world.agent.steps = (one("buy", {"amount": 10, "fast": True}),)
    assert await asks(world)


async def test_named_keys_must_be_equal_and_others_may_differ(worlds: Any) -> None:
    """`keys` says in which arguments calls must be alike; an argument that is missing is not an equal one."""
    rule = RULE.model_copy(update={"keys": ("to",)})
    first = one("buy", {"to": "shop", "amount": 10})
    world = await worlds(first, policies=policy_set(BUY.model_copy(update={"grant": rule})))
    await granted(world)
    world.agent.steps = (one("buy", {"to": "shop", "amount": 99}),)
    assert not await asks(world)
    world.agent.steps = (one("buy", {"to": "other", "amount": 10}),)
    assert await asks(world)
    world.agent.steps = (one("buy", {"amount": 10}),)
    assert await asks(world)


async def test_what_two_calls_lack_does_not_make_them_alike(worlds: Any) -> None:
    """A call without one of the `keys`, as where its tool has another name for it, is like its equals only."""
    rule = RULE.model_copy(update={"keys": ("path",)})
    world = await worlds(one("buy", {"file": "notes"}), policies=policy_set(BUY.model_copy(update={"grant": rule})))
    grant = await granted(world)
    world.agent.steps = (one("buy", {"file": "passwords"}),)
    assert await asks(world)
    world.agent.steps = (one("buy", {"file": "notes", "path": None}),)
    assert await asks(world)
    world.agent.steps = (one("buy", {"file": "notes"}),)
    assert not await asks(world)
    view = await world.db.read(read_grant, grant.id)
    assert view is not None
    assert view.like == {"file": "notes"}


async def test_another_tool_asks(worlds: Any) -> None:
    """A grant is for one tool."""
    both = BUY.model_copy(update={"tools": ("buy", "sell")})
    world = await worlds(FIRST, policies=policy_set(both))
    await granted(world)
    world.agent.steps = (one("sell", {"amount": 10}),)
    assert await asks(world)


async def test_time_ends_a_grant(worlds: Any) -> None:
    """After its hour people are asked again."""
    world = await worlds(FIRST, policies=policy_set(BUY))
    await granted(world)
    world.clock.advance(59 * MINUTES)
    assert not await asks(world)
    world.clock.advance(2 * MINUTES)
    assert await asks(world)


@pytest.mark.parametrize("actor", [ANA, OPS])
async def test_whoever_gave_it_or_an_operator_ends_a_grant(worlds: Any, actor: Actor) -> None:
    """From then on people are asked; ending it again changes nothing."""
    world = await worlds(FIRST, policies=policy_set(BUY))
    grant = await granted(world)
    ended = await revoke(world, grant, actor)
    assert isinstance(ended, Grant)
    assert isinstance(await revoke(world, grant, actor), Grant)
    assert await world.count(Event.GRANT_REVOKED) == 1
    assert await asks(world)


async def test_a_grant_whose_givers_nobody_confirms_lets_nothing_through(worlds: Any) -> None:
    """Where somebody looks at givers, their last look is believed for a quarter of an hour; then people are asked
    again, until the next look."""
    world = await worlds(FIRST, policies=policy_set(BUY))
    world.runtime.confirmed = {}
    grant = await granted(world)
    world.clock.advance(CONFIRMED_FOR)
    assert not await asks(world)
    world.clock.advance(MINUTES / 60)
    assert await asks(world)
    world.runtime.confirmed = {grant.id: world.clock.now()}
    assert not await asks(world)


async def test_a_grant_of_somebody_who_may_no_longer_decide_ends_by_itself(worlds: Any) -> None:
    """Its end is on record with whose fault it is, told in its thread, and happens once."""
    world = await worlds(FIRST, policies=policy_set(BUY))
    grant = await granted(world)
    (word,) = (await world.db.read(words_of_grants, world.context))[grant.id]
    now = world.clock.now()
    assert why_not_given(word, world.member(ANA), world.member(ANA), now) is None
    gone = world.member(ANA, deleted=True)
    assert why_not_given(word, gone, gone, now) is RefusalReason.DEACTIVATED
    left = world.member(ANA, holds=frozenset())
    assert why_not_given(word, left, left, now) is RefusalReason.NOT_AN_APPROVER
    assert why_not_given(word, Unreachable(ANA), Unreachable(ANA), now) is RefusalReason.DIRECTORY_DOWN
    instead = replace(word, actor=CLEO, behind=ANA)
    assert why_not_given(instead, world.member(ANA), world.member(CLEO), now) is None
    assert why_not_given(instead, world.member(ANA), world.member(CLEO, deleted=True), now) is RefusalReason.DEACTIVATED
    lapsed = [RefusalReason.NOT_AN_APPROVER] * 2
    assert [await world.db.transact(grants.lapse, world.context, grant.id, ANA, why) for why in lapsed] == [True, False]
    assert await asks(world)
    assert await world.count(Event.GRANT_REVOKED) == 1
    notes = await world.look("select body from outbox where kind = 'note'")
    assert any("has ended: Ana may no longer decide" in body for (body,) in notes)
    assert (await world.verify()).problem == ""


async def test_nobody_else_ends_a_grant(worlds: Any) -> None:
    """Refused, recorded, and the grant stands."""
    world = await worlds(FIRST, policies=policy_set(BUY))
    grant = await granted(world)
    assert await revoke(world, grant, EVE) is RefusalReason.NOT_YOUR_GRANT
    assert await world.db.transact(
        grants.revoke, world.context, "GNONE", world.member(OPS), SURFACE
    ) is RefusalReason.UNKNOWN_GRANT  # fmt: skip
    assert await world.count(Event.DECISION_REFUSED) == 1
    assert not await asks(world)


@pytest.mark.parametrize(
    "changed",
    [
        BUY.model_copy(update={"grant": None}),
        BUY.model_copy(update={"stages": (stage(ANA, BOB, CLEO),)}),
        BUY.model_copy(update={"stages": (stage(ANA, BOB, quorum=2),)}),
        BUY.model_copy(update={"stages": (stage(ANA, BOB), stage(CLEO, name="two"))}),
        BUY.model_copy(update={"grant": RULE.model_copy(update={"scopes": (GrantScope.RUN,)})}),
        BUY.model_copy(update={"grant": RULE.model_copy(update={"keys": ("amount",)})}),
        BUY.model_copy(update={"allow_guests": True}),
        BUY.model_copy(update={"when": "args.nothing > 1"}),
    ],
)
async def test_a_changed_policy_takes_a_grants_word_away(worlds: Any, changed: Policy) -> None:
    """A grant speaks for those who gave it, by rules like those under which they did; a condition that fails asks."""
    world = await worlds(FIRST, policies=policy_set(BUY))
    await granted(world)
    world.use(policy_set(changed))
    assert await asks(world)


async def test_a_policy_that_denies_goes_before_a_grant(worlds: Any) -> None:
    """A grant stands in for people, never for a rule."""
    world = await worlds(FIRST, policies=policy_set(BUY))
    await granted(world)
    world.use(policy_set(Policy(tools=("buy",), action=Action.DENY)))
    assert not await asks(world)
    assert len(world.effects) == 1
    assert await world.count(Event.GRANT_USED) == 0


async def test_a_grant_does_not_serve_those_who_gave_it(worlds: Any) -> None:
    """Ana may not approve her own run: nor does her approval of Sam's."""
    world = await worlds(FIRST, policies=policy_set(BUY))
    await granted(world)
    assert await asks(world, ANA)
    assert not await asks(world, BOB)


FORGOTTEN = (
    "delete from decision where kind = 'rejected'",
    "update decision set withdrawn_at = '2030-01-07 09:00:00' where kind = 'rejected'",
    "update request set subject = 'look', run_id = (select max(id) from run) where status = 'rejected'",
)
"""How somebody with a hand on the file might make a run forget what people refused in it."""


@pytest.mark.parametrize(("kind", "change"), [(NO, ""), (SKIP, ""), *((NO, one) for one in FORGOTTEN)])
async def test_what_people_refused_in_a_run_no_grant_lets_through_in_it(
    worlds: Any, kind: DecisionKind, change: str
) -> None:
    """Sam's run was told no; a grant from another run does not undo that for the same call in it, nor where the rows
    forgot it."""
    policy = BUY.model_copy(update={"decisions": (YES, NO, SKIP)})
    world = await worlds(FIRST, Questions({"q": "Which?"}), SECOND, policies=policy_set(policy))
    refused = await world.waiting()
    await world.decide(BOB, kind)
    await world.settle()
    question = await world.pending("q")
    await world.start()
    await world.settle()
    await world.decide(ANA, YES, await world.pending("call:m1/c1"), wish=WISH)
    await world.settle()
    if change:
        await world.sql(change)
        await world.sql("update request set status = 'lapsed' where status = 'rejected'")
    await world.answer(SAM, "blue", question)
    await world.settle()
    (asked,) = [one.subject for one in await world.all_pending() if one.run_id == refused.id]
    assert asked == ("call:m1/c1" if change else "call:m2/c1")
    assert len(world.effects) == 1


async def test_everybody_whose_yes_counts_must_wish_it(worlds: Any) -> None:
    """Two stages, one wish: no grant. Two wishes: the smaller number and the shorter time."""
    two = BUY.model_copy(update={"stages": (stage(ANA), stage(BOB, name="two"))})
    world = await worlds(FIRST, policies=policy_set(two))
    await world.waiting()
    await world.decide(ANA, YES, wish=WISH)
    verdict = await world.decide(BOB, YES)
    assert isinstance(verdict, Accepted)
    assert await world.db.read(rows.of_request, verdict.request.id) is None
    await world.settle()
    await world.waiting()
    await world.decide(ANA, YES, wish=wish(uses=3, lasts=HOURS))
    verdict = await world.decide(BOB, YES, wish=wish(uses=1, lasts=2 * HOURS))
    assert isinstance(verdict, Accepted)
    grant = await world.db.read(rows.of_request, verdict.request.id)
    assert grant is not None
    assert (grant.max_uses, grant.expires_at - grant.created_at) == (1, HOURS)
    assert grant.approvers == sorted([ANA.key, BOB.key])


async def test_two_calls_at_once_take_two_uses(worlds: Any) -> None:
    """The advice counts what it promised: with one use left one of the two is asked about, before either runs."""
    pair = Calls((call("buy", {"amount": 10}, call_id="c1"), call("buy", {"amount": 10}, call_id="c2")))
    world = await worlds(FIRST, policies=policy_set(BUY))
    grant = await granted(world, asked=wish(uses=1))
    world.agent.steps = (pair,)
    await world.waiting()
    assert [one.subject for one in await world.all_pending()] == ["call:m1/c2"]
    assert len(world.effects) == 1
    await world.decide(BOB)
    await world.settle()
    assert len(world.effects) == 3
    assert (await again(world, grant)).uses == 1


@pytest.mark.parametrize("point", ["before start", "started", "acted", "finished"])
async def test_a_use_and_its_start_are_one_commit(worlds: Any, point: str) -> None:
    """Killed at any point, a use is counted if and only if the call was started, and no effect happens twice."""
    world = await worlds(FIRST, policies=policy_set(BUY))
    grant = await granted(world)
    run = await world.start()
    await world.killed_at(point)
    started = await world.look("select count(*) from journal where run_id = ?", run.id)
    assert (await again(world, grant)).uses == started[0][0]
    await world.settle()
    assert (await again(world, grant)).uses == 1
    assert len(world.effects) == (1 if point == "started" else 2)
    assert await world.count(Event.INTEGRITY_BROKEN) == 0


async def test_a_call_that_may_run_again_needs_no_second_use(worlds: Any) -> None:
    """An idempotent call goes on by the grant that let it start, though that one is used up and past its end, and its
    run's thread says so."""
    policy = BUY.model_copy(update={"idempotent": True})
    world = await worlds(FIRST, policies=policy_set(policy))
    grant = await granted(world, asked=wish(uses=1))
    run = await world.start()
    await world.killed_at("acted")
    world.clock.advance(2 * HOURS)
    await world.settle()
    assert await world.status(run) is RunStatus.SUCCEEDED
    assert (await again(world, grant)).uses == 1
    assert (await world.call(run, "m1/c1")).status is CallStatus.FINISHED
    told = await world.look("select body from outbox where kind = 'note' and subject = ?", run.id)
    assert sum(f"runs again by grant {grant.id}" in str(body) for (body,) in told) == 1


async def test_a_revoked_grant_does_not_even_let_its_own_call_go_on(worlds: Any) -> None:
    """Ended while its call lay unknown: people are asked before it runs again."""
    policy = BUY.model_copy(update={"idempotent": True})
    world = await worlds(FIRST, policies=policy_set(policy))
    grant = await granted(world)
    run = await world.start()
    await world.killed_at("acted")
    await revoke(world, grant, OPS)
    await world.settle()
    assert await world.status(run) is RunStatus.WAITING
    assert len(world.effects) == 2


async def test_a_hold_leaves_its_grant_when_it_ends(worlds: Any) -> None:
    """Until then the approval may be taken back, and the grant with it."""
    policy = BUY.model_copy(update={"hold": 10 * MINUTES})
    world = await worlds(FIRST, policies=policy_set(policy))
    run = await world.waiting()
    verdict = await world.decide(ANA, YES, wish=WISH)
    assert isinstance(verdict, Accepted)
    assert await world.db.read(rows.of_request, verdict.request.id) is None
    await world.pass_time(11 * MINUTES)
    assert await world.status(run) is RunStatus.SUCCEEDED
    assert await world.db.read(rows.of_request, verdict.request.id) is not None


@pytest.mark.parametrize(
    "change",
    [
        "uses = 0",
        "max_uses = 99",
        "expires_at = '2031-01-01 00:00:00.000000'",
        "scope = 'agent', starter_key = ''",
        "granted_by = json_set(granted_by, '$.name', 'Cleo')",
        "likeness = 'aa'",
        "keys = '[\"nothing\"]'",
        "approvers = '[]'",
        "mac = 'aa' || substr(mac, 3)",
        "tool = 'sell'",
    ],
)
async def test_a_grant_changed_by_hand_lets_nothing_through(worlds: Any, change: str) -> None:
    """Its row is sealed as a whole."""
    world = await worlds(FIRST, policies=policy_set(BUY))
    await granted(world, asked=wish(GrantScope.REQUESTER))
    assert not await asks(world)
    await world.sql(f"update approval_grant set {change}")
    assert await asks(world)
    assert len(world.effects) == 2


async def test_a_used_grants_older_row_put_back_lets_nothing_through(worlds: Any) -> None:
    """Its seal fits, and the log has counted more uses."""
    world = await worlds(FIRST, policies=policy_set(BUY))
    await granted(world)
    ((uses, mac),) = await world.look("select uses, mac from approval_grant")
    assert not await asks(world)
    await world.sql("update approval_grant set uses = ?, mac = ?", uses, mac)
    assert await asks(world)
    assert len(world.effects) == 2


async def test_a_revoked_grants_older_row_put_back_lets_nothing_through(worlds: Any) -> None:
    """The log knows that it ended."""
    world = await worlds(FIRST, policies=policy_set(BUY))
    grant = await granted(world)
    await revoke(world, grant, ANA)
    await world.sql("update approval_grant set revoked_at = null, revoked_by = null, mac = ?", grant.mac)
    assert await asks(world)


async def test_a_journal_row_cannot_borrow_a_grant(worlds: Any) -> None:
    """Which grant served a call is sealed with its row."""
    policy = BUY.model_copy(update={"idempotent": True})
    world = await worlds(FIRST, policies=policy_set(policy))
    grant = await granted(world)
    run: Run = await world.start()
    await world.killed_at("acted")
    await world.sql("update journal set grant_id = 'GOTHER' where grant_id = ?", grant.id)
    await world.settle()
    assert await world.count(Event.INTEGRITY_BROKEN) >= 1
    assert len([one for one in world.effects if one["run"] == run.id]) == 1


async def test_what_is_redacted_is_not_told_by_a_grant(worlds: Any) -> None:
    """The list of grants shows the arguments that calls must share, as the card shows them; they count as they are."""
    policy = BUY.model_copy(update={"redact": ("/card",)})
    world = await worlds(one("buy", {"amount": 10, "card": "4111-1111"}), policies=policy_set(policy))
    grant = await granted(world)
    (view,) = await world.db.read(read_grants, world.clock.now(), ANA.key)
    assert view.like == {"amount": 10, "card": MARK}
    assert (view.id, view.left, view.granted_by.id) == (grant.id, 2, ANA.id)
    assert await world.db.read(read_grants, world.clock.now(), EVE.key) == []
    world.agent.steps = (one("buy", {"amount": 10, "card": "4222-2222"}),)
    assert await asks(world)
    texts = await world.look("select body from audit_text")
    assert not any("4111-1111" in str(body) for (body,) in texts)


async def test_a_grant_covers_what_an_edit_made_of_a_call_and_not_what_the_agent_asked(worlds: Any) -> None:
    """People saw and approved the edited call; the agent's own is asked about again."""
    policy = BUY.model_copy(update={"decisions": (YES, NO, EDIT), "hold": MINUTES})
    world = await worlds(FIRST, policies=policy_set(policy))
    run = await world.waiting()
    await world.edit(CLEO, {"amount": 5}, holds=frozenset(who(ANA)))
    await world.withdraw(CLEO)
    assert isinstance(await world.decide(BOB, YES, wish=WISH), Accepted)
    await world.pass_time(2 * MINUTES)
    assert await world.status(run) is RunStatus.SUCCEEDED
    assert await asks(world)
    world.agent.steps = (one("buy", {"amount": 5}),)
    assert not await asks(world)


async def test_a_grant_serves_a_call_whose_own_approval_lapsed(worlds: Any) -> None:
    """People are not asked anew about what a grant of theirs covers; one that has ended covers it no more."""
    lasting = BUY.model_copy(update={"valid_for": 10 * MINUTES})
    world: World = await worlds(FIRST, policies=policy_set(lasting))
    for minutes, status in ((11, RunStatus.SUCCEEDED), (61, RunStatus.WAITING)):
        run = await world.waiting()
        await world.decide(ANA, YES, wish=wish(GrantScope.RUN))
        world.clock.advance(minutes * MINUTES)
        await world.settle()
        assert await world.status(run) is status
    assert await world.count(Event.APPROVAL_LAPSED) == 2
    assert await world.count(Event.GRANT_USED) == 1
