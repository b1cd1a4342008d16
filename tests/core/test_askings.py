"""Askings: each time the approvers of a request are asked there is one more card, and the earlier ones are redrawn."""

from __future__ import annotations

from typing import Any

from agent_runtime.approvals import Accepted
from agent_runtime.outbound import Topic
from agent_runtime.policy import Policy
from storage import outbox
from tests.core.agent import one
from tests.core.world import ANA, BOB, CLEO, EDIT, NO, YES, World, policy_set, stage

BUY = one("buy", {"amount": 10})
OFFERS = (YES, NO, EDIT)
CHAIN = Policy(
    stages=(stage(ANA, BOB, name="managers"), stage(BOB, CLEO, name="finance", quorum=2)),
    decisions=OFFERS,
    allow_same_person=True,
)
PAIR = Policy(stages=(stage(ANA, BOB, quorum=2),), decisions=OFFERS)
EURO = Policy(tools=("buy",), sets={"currency": "EUR"}, stages=(stage(ANA, BOB),), decisions=OFFERS)


async def cards(world: World) -> list[str]:
    """What names the cards there are, after the request: asking and stage."""
    (asked,) = {row[0] for row in await world.look("select id from request")}
    keys = await world.db.read(outbox.keys_about, Topic.CARD, asked)
    return [key.removeprefix(f"card:{asked}:") for key in keys]


async def test_each_stage_is_asked_on_a_card_of_its_own(worlds: Any) -> None:
    """A stage passed makes one more card, and a vote in a stage none."""
    world = await worlds(BUY, policies=policy_set(CHAIN))
    await world.waiting()
    assert await cards(world) == ["1:0"]
    await world.decide(ANA)
    assert await cards(world) == ["1:0", "2:1"]
    await world.decide(CLEO)
    await world.decide(BOB)
    assert await cards(world) == ["1:0", "2:1"]


async def test_a_stage_that_is_asked_again_has_a_new_card(worlds: Any) -> None:
    """Whoever takes back the vote that passed a stage has it asked anew, and so is the next one after it."""
    world = await worlds(BUY, policies=policy_set(CHAIN))
    await world.waiting()
    await world.decide(ANA)
    assert isinstance(await world.withdraw(ANA), Accepted)
    assert await cards(world) == ["1:0", "2:1", "3:0"]
    await world.decide(ANA)
    assert await cards(world) == ["1:0", "2:1", "3:0", "4:1"]


async def test_a_vote_taken_back_in_its_own_stage_asks_nobody_anew(worlds: Any) -> None:
    """Those who are asked have their card already."""
    world = await worlds(BUY, policies=policy_set(PAIR))
    await world.waiting()
    await world.decide(ANA)
    await world.withdraw(ANA)
    assert await cards(world) == ["1:0"]


async def test_an_edit_asks_anew_unless_it_decides(worlds: Any) -> None:
    """A changed call that waits for somebody has a new card; one that its editor approves alone has not."""
    world = await worlds(BUY, policies=policy_set(PAIR))
    await world.waiting()
    await world.edit(ANA, {"amount": 9})
    assert await cards(world) == ["1:0", "2:0"]
    alone = await worlds(BUY, policies=policy_set(EURO))
    await alone.waiting()
    verdict = await alone.edit(ANA, {"amount": 9})
    assert isinstance(verdict, Accepted)
    assert verdict.closed
    assert await cards(alone) == ["1:0"]


async def test_what_a_policy_changes_at_the_opening_is_asked_once(worlds: Any) -> None:
    """The approvers have seen nothing else before."""
    world = await worlds(BUY, policies=policy_set(EURO))
    await world.waiting()
    asked = await world.pending()
    assert (asked.revision, asked.asking) == (2, 1)
    assert await cards(world) == ["1:0"]
