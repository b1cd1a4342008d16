"""Shared cards: which calls of a pause stand on one, and that whatever happens to one of them redraws it."""

from __future__ import annotations

from typing import Any

from agent_runtime.agents import Interrupt, Lease, Paused
from agent_runtime.outbound import Topic, card_key
from agent_runtime.policy import Policy
from agent_runtime.reading import read_request
from agent_runtime.runs import settle
from storage.models import Request
from storage.types import OnTimeout, RequestKind, RunStatus
from tests.core.agent import Calls, call
from tests.core.world import ANA, BOB, CLEO, EDIT, HOURS, MINUTES, NO, YES, World, policy_set, stage

OFFERS = (YES, NO, EDIT)


def calls(*tools: str) -> Calls:
    """One call of each of these tools, in one message."""
    return Calls(tuple(call(tool, {"n": n}, call_id=f"c{n}") for n, tool in enumerate(tools)))


async def cards(world: World) -> dict[str, list[str]]:
    """The tools that are asked on each card."""
    found: dict[str, list[str]] = {}
    for request in sorted(await world.all_pending(), key=lambda one: one.ordinal):
        found.setdefault(card_key(request), []).append(request.tool)
    keys = {row[0] for row in await world.look("select key from outbox where kind = ?", Topic.CARD.value)}
    assert set(found) <= keys
    return found


async def wanted(world: World, request: Request) -> int:
    """How often the card on which a request stood first was to be redrawn."""
    rows = await world.look("select wanted from outbox where key = ?", f"card:{request.card}:1:0")
    return int(rows[0][0])


async def test_calls_of_one_pause_for_the_same_people_share_a_card(worlds: Any) -> None:
    """One card for up to five of them; the sixth has the next one."""
    world = await worlds(calls(*"abcdef"))
    await world.waiting()
    assert list((await cards(world)).values()) == [["a", "b", "c", "d", "e"], ["f"]]


async def test_calls_that_are_asked_otherwise_have_cards_of_their_own(worlds: Any) -> None:
    """Other people, another time or what follows it, one press more or a while to take it back: none of them is mixed
    with others."""
    plain, others = (stage(ANA, BOB),), (stage(ANA, CLEO),)
    policies = policy_set(
        Policy(tools=("others",), stages=others),
        Policy(tools=("channel",), stages=(plain[0].model_copy(update={"channel": "#ops"}),)),
        Policy(tools=("quorum",), stages=(stage(ANA, BOB, quorum=2),)),
        Policy(tools=("sooner",), stages=plain, timeout=HOURS),
        Policy(tools=("skipped",), stages=plain, on_timeout=OnTimeout.SKIP),
        Policy(tools=("confirmed",), stages=plain, confirm=True),
        Policy(tools=("held",), stages=plain, hold=MINUTES),
        Policy(tools=("chained",), stages=(plain[0], stage(CLEO))),
        Policy(tools=("noted",), stages=plain, note="Look twice.", decisions=OFFERS),
    )
    alone = ("others", "channel", "quorum", "sooner", "skipped", "confirmed", "held")
    world = await worlds(calls("plain", *alone, "chained", "noted"), policies=policies)
    await world.waiting()
    found = list((await cards(world)).values())
    assert found == [["plain", "chained", "noted"], *([one] for one in alone)]


async def test_questions_share_no_card(worlds: Any) -> None:
    """What people answer in words has a card to itself, even beside a call of the same pause."""
    world = await worlds()
    await world.start()
    run = await world.runtime.claim(())
    asked = tuple(Interrupt(f"q{n}", RequestKind.QUESTION, payload="Which?") for n in range(2))
    pause = Paused((*asked, Interrupt("call:m1/c1", RequestKind.TOOL, call("buy"))))
    await world.db.transact(settle, world.context, run, Lease(run.owner, run.attempt), pause, "1", {})
    assert len(await cards(world)) == 3
    assert {one.card for one in await world.all_pending()} == {""}


async def test_whatever_is_decided_about_one_call_redraws_the_shared_card(worlds: Any) -> None:
    """Each call has its own verdict; the card they share shows each of them."""
    world = await worlds(calls("buy", "drop"))
    run = await world.waiting()
    buy, drop = sorted(await world.all_pending(), key=lambda one: one.ordinal)
    before = await wanted(world, buy)
    await world.decide(ANA, NO, drop)
    assert await wanted(world, buy) == before + 1
    await world.decide(BOB, YES, buy)
    await world.settle()
    assert [effect["tool"] for effect in world.effects] == ["buy"]
    assert await wanted(world, buy) > before + 2
    assert await world.status(run) is RunStatus.SUCCEEDED
    assert len(await world.look("select key from outbox where kind = ?", Topic.CARD.value)) == 1


async def test_a_call_that_is_asked_anew_leaves_the_shared_card(worlds: Any) -> None:
    """Its next stage and its next revision have cards of their own; the others stay where they are."""
    chain = Policy(tools=("chained",), stages=(stage(ANA, BOB), stage(CLEO)), decisions=OFFERS)
    world = await worlds(calls("a", "chained", "b"), policies=policy_set(chain))
    await world.waiting()
    first, chained, _ = sorted(await world.all_pending(), key=lambda one: one.ordinal)
    before = await wanted(world, first)
    await world.decide(ANA, YES, chained)
    assert list((await cards(world)).values()) == [["a", "b"], ["chained"]]
    assert await wanted(world, first) == before + 1
    views = [await world.db.read(read_request, one.id) for one in (first, chained)]
    assert [view.card for view in views if view] == [first.id, ""]


async def test_the_first_call_may_leave_the_card_that_it_shares(worlds: Any) -> None:
    """The card keeps its name when the call that gave it is asked anew elsewhere."""
    chain = Policy(tools=("chained",), stages=(stage(ANA, BOB), stage(CLEO)))
    world = await worlds(calls("chained", "b"), policies=policy_set(chain))
    await world.waiting()
    chained, other = sorted(await world.all_pending(), key=lambda one: one.ordinal)
    await world.decide(ANA, YES, chained)
    assert await cards(world) == {f"card:{chained.id}:2:1": ["chained"], f"card:{chained.id}:1:0": ["b"]}
    assert other.card == chained.card == chained.id
