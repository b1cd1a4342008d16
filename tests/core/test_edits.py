"""Other arguments: an edit is judged by the policies of then, asks the people of the new call, and is what runs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agent_runtime.approvals import Accepted, Act, Refused, may_decide
from agent_runtime.arguments import LARGEST_ARGUMENTS
from agent_runtime.audit import Event
from agent_runtime.policy import Action, Policy
from agent_runtime.reading import read_request
from agent_runtime.refusals import RefusalReason
from storage.types import ActorKind, DecisionKind, OnTimeout, RequestStatus, RunStatus
from tests.core.agent import Calls, call, one
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
    SURFACE,
    YES,
    World,
    policy_set,
    stage,
)

BUY = one("buy", {"amount": 900, "to": "Oslo"})
OFFERS = (YES, NO, EDIT)
POLICIES = policy_set(
    Policy(tools=("buy",), when="args.amount < 0", action=Action.DENY, reason="Nobody is paid backwards."),
    Policy(tools=("buy",), when="args.amount < 10", action=Action.ALLOW),
    Policy(tools=("buy",), when="args.amount < 1000", stages=(stage(ANA, BOB, name="manager"),), decisions=OFFERS),
    Policy(tools=("buy",), stages=(stage(ANA, BOB, name="manager"), stage(CLEO, name="director")), decisions=OFFERS,
           timeout=3 * HOURS, on_timeout=OnTimeout.SKIP),
)  # fmt: skip
"""Managers up to 1,000; above that the director, too."""
EURO = Policy(tools=("buy",), sets={"currency": "EUR"}, stages=(stage(ANA, BOB, name="manager"),), decisions=OFFERS)


def refusal(verdict: Any) -> RefusalReason | None:
    return verdict.reason if isinstance(verdict, Refused) else None


async def test_an_edited_call_runs_as_it_was_edited(worlds: Any) -> None:
    """What a manager made of the call, within what managers may approve, runs at once and as it was edited."""
    world = await worlds(BUY, policies=POLICIES)
    run = await world.waiting()
    shown = await world.pending()
    verdict = await world.edit(ANA, {"amount": 500, "to": "Oslo"})
    assert isinstance(verdict, Accepted)
    assert (verdict.closed, verdict.counted) == (True, True)
    await world.settle()
    assert [effect["args"] for effect in world.effects] == [{"amount": 500, "to": "Oslo"}]
    after = await world.request(shown)
    assert (after.revision, after.asked_args, after.args["amount"]) == (2, {"amount": 900, "to": "Oslo"}, 500)
    assert after.digest != after.asked_digest == shown.digest
    entry = await world.call(run)
    assert (entry.args, entry.digest) == ({"amount": 500, "to": "Oslo"}, shown.digest)
    assert await world.count(Event.REQUEST_EDITED) == 1
    assert (await world.verify()).problem == ""


async def test_the_agent_is_told_which_arguments_were_changed_and_by_whom(worlds: Any) -> None:
    """The sentence comes with the result, and again with the recorded result after a crash."""
    world = await worlds(BUY, policies=POLICIES)
    run = await world.waiting()
    await world.edit(ANA, {"amount": 500, "to": "Rome"})
    await world.killed_at("finished")
    await world.settle()
    assert len(world.effects) == 1
    told = (await world.run(run)).output["m1/c1"]
    assert told == (
        "Before buy ran, a person («Ana») changed the arguments «amount» and «to»; this is the result of the changed "
        "call. buy done"
    )
    assert (await world.call(run)).changed in told


async def test_a_manager_cannot_edit_their_way_past_the_director(worlds: Any) -> None:
    """900 made 50,000 by a manager waits for the director; the manager's approval counts for the manager's stage."""
    world = await worlds(BUY, policies=POLICIES)
    await world.waiting()
    verdict = await world.edit(ANA, {"amount": 50_000, "to": "Oslo"})
    assert isinstance(verdict, Accepted)
    assert (verdict.closed, verdict.counted) == (False, True)
    await world.settle()
    assert world.effects == []
    asked = await world.pending()
    assert (asked.revision, asked.stage, asked.on_timeout) == (2, 1, OnTimeout.SKIP)
    assert asked.due_at == world.clock.now() + 3 * HOURS
    assert refusal(await world.decide(BOB)) is RefusalReason.NOT_AN_APPROVER
    await world.decide(CLEO)
    await world.settle()
    assert [effect["args"]["amount"] for effect in world.effects] == [50_000]


async def test_an_edit_gives_the_reason_that_the_policy_of_the_new_call_wants(worlds: Any) -> None:
    """The editor's own yes needs the words that anybody's would."""
    large = Policy(tools=("buy",), when="args.amount >= 1000", stages=(stage(ANA),), require_reason=(YES,))
    world = await worlds(
        BUY, policies=policy_set(large, Policy(tools=("buy",), stages=(stage(ANA),), decisions=OFFERS))
    )
    await world.waiting()
    assert refusal(await world.edit(ANA, {"amount": 5000})) is RefusalReason.NEEDS_REASON
    await world.settle()
    assert world.effects == []
    assert isinstance(await world.edit(ANA, {"amount": 5000}, reason="It is cheaper by the dozen."), Accepted)
    await world.settle()
    assert [effect["args"]["amount"] for effect in world.effects] == [5000]


async def test_an_editor_who_may_not_decide_first_waits_for_those_who_may(worlds: Any) -> None:
    """The director's edit in her own stage starts again at the managers', and her approval is not counted there."""
    world = await worlds(one("buy", {"amount": 5000}), policies=POLICIES)
    await world.waiting()
    await world.decide(ANA)
    verdict = await world.edit(CLEO, {"amount": 4000})
    assert isinstance(verdict, Accepted)
    assert (verdict.closed, verdict.counted, verdict.request.stage) == (False, False, 0)
    assert refusal(await world.decide(CLEO)) is RefusalReason.NOT_AN_APPROVER
    await world.decide(ANA)  # her vote on the old call does not stand in the way
    await world.decide(CLEO)
    await world.settle()
    assert [effect["args"]["amount"] for effect in world.effects] == [4000]


async def test_votes_on_the_call_before_the_edit_do_not_count(worlds: Any) -> None:
    """Two of three: one yes to the old call and the editor's own are not two."""
    rules = Policy(stages=(stage(ANA, BOB, CLEO, quorum=2),), decisions=OFFERS, timeout=HOURS)
    world = await worlds(BUY, policies=policy_set(rules))
    await world.waiting()
    await world.decide(ANA)
    world.clock.advance(30 * MINUTES)
    verdict = await world.edit(BOB, {"amount": 1})
    assert isinstance(verdict, Accepted)
    assert not verdict.closed
    asked = await world.pending()
    assert asked.due_at == world.clock.now() + HOURS
    view = await world.db.read(read_request, asked.id)
    assert (view.votes_in_stage, [vote.actor for vote in view.votes]) == (1, [BOB])
    await world.decide(ANA)
    await world.settle()
    assert len(world.effects) == 1


async def test_an_edit_that_a_policy_denies_changes_nothing(worlds: Any) -> None:
    """The policy's own reason is told."""
    world = await worlds(BUY, policies=POLICIES)
    await world.waiting()
    shown = await world.pending()
    refused = await world.edit(ANA, {"amount": -1, "to": "Oslo"})
    assert refusal(refused) is RefusalReason.DENIED
    assert "Nobody is paid backwards." in refused.message
    assert (await world.request(shown)).model_dump() == shown.model_dump()
    assert await world.votes(shown) == []


async def test_an_edit_to_what_a_policy_allows_still_needs_people(worlds: Any) -> None:
    """Nothing a person edits runs on a policy's word alone: those who had to decide still do."""
    world = await worlds(one("buy", {"amount": 5000}), policies=POLICIES)
    await world.waiting()
    verdict = await world.edit(ANA, {"amount": 5})
    assert isinstance(verdict, Accepted)
    await world.settle()
    assert world.effects == []
    await world.decide(CLEO)
    await world.settle()
    assert [effect["args"] for effect in world.effects] == [{"amount": 5}]


async def test_an_edit_is_judged_by_the_policies_that_were_in_force_when_it_was_asked(worlds: Any) -> None:
    """A file reloaded meanwhile changes neither who decides nor who would have to."""
    world = await worlds(BUY, policies=POLICIES)
    await world.waiting()
    world.use(policy_set(Policy(tools=("buy",), stages=(stage(EVE),))))
    await world.edit(ANA, {"amount": 50_000})
    asked = await world.pending()
    assert [one["name"] for one in asked.rules["stages"]] == ["manager", "director"]


async def test_an_edit_of_an_edit_is_a_third_revision(worlds: Any) -> None:
    """Each edit is judged anew, and the card can tell the whole story."""
    rules = Policy(stages=(stage(ANA, BOB, CLEO, quorum=2),), decisions=OFFERS)
    world = await worlds(BUY, policies=policy_set(rules))
    await world.waiting()
    await world.edit(ANA, {"amount": 800, "to": "Oslo"}, reason="too much")
    await world.edit(BOB, {"amount": 800, "via": "Rome"})
    asked = await world.pending()
    view = await world.db.read(read_request, asked.id)
    assert (view.revision, view.asked_args) == (3, {"amount": 900, "to": "Oslo"})
    assert view.args == {"amount": 800, "via": "Rome"}
    first, second = view.edits
    assert (first.revision, first.actor, first.reason) == (2, ANA, "too much")
    assert [(change.name, change.before, change.after) for change in first.changes] == [("amount", 900, 800)]
    assert [(change.name, change.added, change.removed) for change in second.changes] == [
        ("to", False, True), ("via", True, False),
    ]  # fmt: skip
    await world.decide(CLEO)
    await world.settle()
    assert [effect["args"] for effect in world.effects] == [{"amount": 800, "via": "Rome"}]


@pytest.mark.parametrize(
    ("args", "fault"),
    [
        ({"amount": 900, "to": "Oslo"}, "already"),
        ({"to": "Oslo", "amount": 900.0}, "already"),
        ({"amount": float("nan")}, "not a JSON number"),
        ({"amount": "half \ud83d"}, "surrogate"),
        ({"note": "x" * LARGEST_ARGUMENTS}, "bytes of arguments"),
        ({"amount": "many"}, "amount: 'many' is not of type 'integer'"),
        ({"amount": 1, "more": 1}, "'more' was unexpected"),
        ({}, "'amount' is a required property"),
        ({"amount": 1, "to": "••• redacted"}, "redacted"),
        ([900], "a JSON object"),
    ],
)
async def test_arguments_that_cannot_be_asked_are_refused_in_words(worlds: Any, args: Any, fault: str) -> None:
    """The same again, what is no JSON, too much of it, what the tool would not take: the person is told which."""
    schema = {
        "type": "object",
        "properties": {"amount": {"type": "integer"}, "to": {"type": "string"}, "note": {"type": "string"}},
        "required": ["amount"],
        "additionalProperties": False,
    }
    world = await worlds(BUY, policies=POLICIES)
    await world.waiting()
    shown = await world.pending()
    refused = await world.edit(ANA, args, schema=schema)
    assert refusal(refused) is RefusalReason.BAD_EDIT
    assert fault in refused.message
    assert (await world.request(shown)).revision == 1
    assert await world.count(Event.DECISION_REFUSED) == 1


async def test_what_was_redacted_stays_as_it_was(worlds: Any) -> None:
    """An editor who was shown a mark in place of a secret does not write the mark, nor do they have to know the secret;
    and an edit that brings another policy into force hides no less."""
    rules = Policy(when="args.amount > 500", stages=(stage(ANA),), decisions=OFFERS, redact=("/card",))
    other = Policy(stages=(stage(ANA, BOB, quorum=2),), decisions=OFFERS)
    world = await worlds(one("buy", {"amount": 900, "card": "4111 1111"}), policies=policy_set(rules, other))
    await world.waiting()
    shown = await world.db.read(read_request, (await world.pending()).id)
    await world.edit(ANA, {**shown.args, "amount": 500})
    view = await world.db.read(read_request, shown.id)
    assert "4111" not in repr(view)
    await world.decide(BOB)
    await world.settle()
    assert [effect["args"] for effect in world.effects] == [{"amount": 500, "card": "4111 1111"}]
    assert "4111" not in str(await world.look("select body from audit_text"))


async def test_who_may_edit(worlds: Any) -> None:
    """Whoever may decide, where the policy offers it, on what they were shown, once."""
    world = await worlds(Calls((call("buy", {"amount": 900}), call("look", {}, call_id="c2"))), policies=POLICIES)
    await world.waiting()
    shown, other = await world.pending("call:m1/c1"), await world.pending("call:m1/c2")
    assert refusal(await world.edit(EVE, {"amount": 1}, shown)) is RefusalReason.NOT_AN_APPROVER
    named = frozenset({"user:UANA"})
    assert refusal(await world.edit(SAM, {"amount": 1}, shown, holds=named)) is RefusalReason.OWN_REQUEST
    assert refusal(await world.edit(ANA, {"amount": 1}, shown, stage=1)) is RefusalReason.OUTDATED
    assert refusal(await world.edit(ANA, {"amount": 1}, other)) is RefusalReason.NOT_OFFERED
    assert isinstance(await world.edit(ANA, {"amount": 2000}, shown), Accepted)
    again = await world.edit(ANA, {"amount": 2000}, shown)
    assert (refusal(again), again.repeated) == (RefusalReason.OUTDATED, True)
    assert refusal(await world.decide(BOB, YES, shown)) is RefusalReason.OUTDATED
    act = Act(shown.id, 2, 1, EDIT)
    assert await world.db.transact(may_decide, world.context, act, world.member(CLEO), SURFACE) is None


async def test_a_vote_must_be_taken_back_before_its_call_is_edited(worlds: Any) -> None:
    """Somebody who approved the call as it is cannot at once want another."""
    rules = Policy(stages=(stage(ANA, BOB, quorum=2),), decisions=OFFERS)
    world = await worlds(BUY, policies=policy_set(rules))
    await world.waiting()
    await world.decide(ANA)
    assert refusal(await world.edit(ANA, {"amount": 1})) is RefusalReason.ALREADY_VOTED
    await world.withdraw(ANA)
    assert isinstance(await world.edit(ANA, {"amount": 1}), Accepted)


async def test_a_policy_that_fixes_arguments_makes_the_second_revision(worlds: Any) -> None:
    """People see, decide about and run the call as the policy made it, and the agent is told."""
    world = await worlds(BUY, policies=policy_set(EURO))
    run = await world.waiting()
    view = await world.db.read(read_request, (await world.pending()).id)
    assert (view.revision, view.args["currency"], view.asked_args) == (2, "EUR", {"amount": 900, "to": "Oslo"})
    assert view.edits[0].actor.kind is ActorKind.POLICY
    await world.decide(ANA)
    await world.settle()
    assert world.effects[0]["args"] == {"amount": 900, "to": "Oslo", "currency": "EUR"}
    assert "a policy («policy 1" in (await world.run(run)).output["m1/c1"]


async def test_what_a_policy_fixes_nobody_edits_away(worlds: Any) -> None:
    """An edit is judged with what the policies fix in it."""
    world = await worlds(BUY, policies=policy_set(EURO))
    run = await world.waiting()
    assert refusal(await world.edit(ANA, {"amount": 900, "to": "Oslo", "currency": "USD"})) is RefusalReason.BAD_EDIT
    await world.edit(ANA, {"amount": 1, "currency": "USD"})
    await world.settle()
    assert world.effects[0]["args"] == {"amount": 1, "currency": "EUR"}
    told = (await world.run(run)).output["m1/c1"]
    assert "a policy («policy 1" in told
    assert "and a person («Ana») changed the arguments «amount», «to» and «currency»" in told


async def test_an_allowed_call_runs_with_what_the_policy_fixes(worlds: Any) -> None:
    """Without people, journaled as it ran, and told; the same again after a crash."""
    world = await worlds(BUY, policies=policy_set(Policy(action=Action.ALLOW, sets={"currency": "EUR"})))
    run = await world.start()
    await world.killed_at("finished")
    await world.settle()
    assert [effect["args"] for effect in world.effects] == [{"amount": 900, "to": "Oslo", "currency": "EUR"}]
    entry = await world.call(run)
    assert entry.args["currency"] == "EUR"
    assert entry.changed in (await world.run(run)).output["m1/c1"]


async def test_people_are_asked_about_the_outcome_of_what_ran(worlds: Any) -> None:
    """The question what happened to an edited call shows the edited call, and its answer is taken."""
    world = await worlds(BUY, policies=POLICIES)
    run = await world.waiting()
    await world.edit(ANA, {"amount": 5, "to": "Oslo"})
    await world.killed_at("acted")
    await world.settle()
    asked = await world.pending()
    assert asked.subject == "outcome:m1/c1"
    assert (asked.args, asked.asked_args["amount"]) == ({"amount": 5, "to": "Oslo"}, 900)
    assert isinstance(await world.answer(OPS, {"action": "run_again"}), Accepted)
    await world.settle()
    assert [effect["args"]["amount"] for effect in world.effects] == [5, 5]
    assert (await world.run(run)).status is RunStatus.SUCCEEDED


async def test_a_call_that_is_asked_again_is_the_agents_own_again(worlds: Any) -> None:
    """An edit holds for its request; where its approval lapsed, people are asked about what the agent asked."""
    rules = Policy(stages=(stage(ANA),), decisions=OFFERS, valid_for=10 * MINUTES)
    world: World = await worlds(BUY, policies=policy_set(rules))
    await world.waiting()
    await world.edit(ANA, {"amount": 1})
    await world.pass_time(11 * MINUTES)
    asked = await world.pending()
    assert (asked.generation, asked.revision, asked.args["amount"]) == (1, 1, 900)
    assert asked.status is RequestStatus.PENDING
    assert world.effects == []
    assert DecisionKind.EDITED not in {vote.kind for vote in await world.votes(asked)}


async def test_the_runs_thread_tells_an_edit_without_its_values(worlds: Any) -> None:
    """Who changed which arguments, and who is asked now."""
    world = await worlds(BUY, policies=POLICIES)
    await world.waiting()
    await world.edit(ANA, {"amount": 50_000, "via": "Rome"})
    notes = [json.loads(body)["text"] for (body,) in await world.look("select body from outbox where kind = 'note'")]
    assert "buy: Ana changed amount, to, via; manager is asked now." in notes
    assert "50000" not in "".join(notes)
