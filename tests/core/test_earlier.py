"""What earlier requests of a run say about a call: by the rows, and no more than its readers may know."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from agent_runtime.policy import Policy
from agent_runtime.reading import read_request
from agent_runtime.views import ArgumentChange, RequestView
from storage.types import DecisionKind
from tests.core.agent import one
from tests.core.world import ANA, BOB, MINUTES, NO, World, policy_set, stage

FIRST, SECOND = one("buy", {"item": "desk", "amount": 900}), one("buy", {"item": "desk", "amount": 700}, step="m2")


async def now_asked(world: World) -> RequestView:
    """The only open request as people see it."""
    view = await world.db.read(read_request, (await world.pending()).id)
    assert view is not None
    return view


async def test_a_call_after_a_rejection_says_whose_it_was_why_and_what_changed(worlds: Any) -> None:
    """Of the same tool only, and not where it was time that said no."""
    world = await worlds(FIRST, SECOND, one("sell", step="m3"), policies=policy_set())
    await world.waiting()
    await world.decide(ANA, NO, reason="too dear")
    await world.settle()
    again = (await now_asked(world)).asked_again
    assert again is not None
    assert (again.actor, again.reason, again.changes) == (ANA, "too dear", (ArgumentChange("amount", 900, 700),))
    await world.decide(BOB, NO)
    await world.settle()
    assert (await now_asked(world)).asked_again is None


async def test_what_time_rejected_is_nobodys_no(worlds: Any) -> None:
    """A call that is asked again after a time-out follows nobody's rejection."""
    world = await worlds(FIRST, SECOND, policies=policy_set(Policy(timeout=10 * MINUTES)))
    await world.waiting()
    await world.pass_time(timedelta(minutes=11))
    assert (await now_asked(world)).asked_again is None


async def test_a_call_after_an_approved_one_follows_no_rejection(worlds: Any) -> None:
    """Rejected, then approved: the next one of that tool is a new matter, with an approval before it."""
    world = await worlds(FIRST, SECOND, one("buy", {"item": "lamp", "amount": 700}, step="m3"), policies=policy_set())
    await world.waiting()
    await world.decide(ANA, NO)
    await world.settle()
    await world.decide(BOB)
    await world.settle()
    asked = await now_asked(world)
    assert asked.asked_again is None
    (before,) = asked.approved_before
    assert (before.tool, before.actors, before.same, before.other) == ("buy", (BOB,), ("amount",), ("item",))


async def test_what_is_redacted_now_or_was_then_is_not_shown(worlds: Any) -> None:
    """Neither as what changed, nor in the words of the rejection, nor as something that stayed the same."""
    hiding = Policy(when="args.amount > 500", stages=(stage(ANA, BOB),), redact=("/card",))
    steps = [
        one("buy", {"amount": amount, "card": "4111 1111", "memo": memo}, step=f"m{amount}")
        for amount, memo in ((900, "card 4111 1111"), (100, "x"), (50, "4111 1111"))
    ]
    world = await worlds(*steps, policies=policy_set(hiding))
    await world.waiting()
    await world.decide(ANA, NO, reason="not with 4111 1111")
    await world.settle()
    asked = await now_asked(world)
    assert asked.asked_again is not None
    assert "4111" not in repr(asked.asked_again)
    await world.decide(ANA, DecisionKind.APPROVED)
    await world.settle()
    (before,) = (await now_asked(world)).approved_before
    assert before.same == ("card",)  # open in both calls


async def test_what_was_open_then_and_is_redacted_now_is_not_quoted(worlds: Any) -> None:
    """Neither as the value before, nor in the words with which the earlier call was rejected."""
    hiding = Policy(when="args.amount > 500", stages=(stage(ANA, BOB),), redact=("/card",))
    steps = [one("buy", {"amount": amount, "card": f"{amount} 1111"}, step=f"m{amount}") for amount in (100, 900)]
    world = await worlds(*steps, policies=policy_set(hiding))
    await world.waiting()
    await world.decide(ANA, NO, reason="not with 100 1111")
    await world.settle()
    again = (await now_asked(world)).asked_again
    assert again is not None
    assert [one.name for one in again.changes or ()] == ["amount", "card"]
    assert "1111" not in repr(again)


async def test_whoever_was_not_asked_then_reads_nothing_of_that_call(worlds: Any) -> None:
    """The earlier call asked Ana only, this one asks Bob: that it was rejected and why, but no values."""
    director = Policy(when="args.amount > 800", stages=(stage(ANA),))
    world = await worlds(FIRST, SECOND, policies=policy_set(director, Policy(stages=(stage(BOB),))))
    await world.waiting()
    await world.decide(ANA, NO, reason="too dear")
    await world.settle()
    again = (await now_asked(world)).asked_again
    assert again is not None
    assert (again.reason, again.changes) == ("too dear", None)
