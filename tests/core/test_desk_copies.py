"""A click on a copy that no row knows: it is taken for the card whose post was never answered, and for no other."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from agent_runtime.approvals import Accepted, Act
from agent_runtime.policy import Policy
from bot import desk_work
from bot.desk_work import Answered, Place
from storage import messages
from storage.models import Request
from storage.tx import Tx
from tests.core.agent import Calls, call, one
from tests.core.world import ANA, BOB, CLEO, SURFACE, YES, World, policy_set, stage

PAIR = Calls((call("buy", {"n": 1}), call("buy", {"n": 2}, call_id="c2")))
CHAIN = Policy(stages=(stage(ANA, BOB), stage(CLEO)))


def _posted(tx: Tx, key: str, ts: str, now: datetime) -> None:
    """A post of this card; its answer was never seen where `ts` is empty."""
    messages.begin_post(tx, key, "C1", "", now)
    if ts:
        messages.placed(tx, key, "C1", ts, "", now)


async def posted(world: World, key: str, ts: str = "") -> None:
    await world.db.transact(_posted, key, ts, world.clock.now())


async def stands_at(world: World, key: str) -> str | None:
    row = await world.db.read(messages.get, key)
    assert row is not None
    return row.ts


async def click(world: World, request: Request, ts: str) -> Answered:
    """Ana approves on the message at this place."""
    act = Act(request.id, request.revision, request.stage, YES)
    place = Place("C1", "", ts)
    return await world.db.transact(desk_work.decide, world.context, act, world.member(ANA), SURFACE, place, ())


async def test_a_click_on_one_call_finds_the_card_that_several_share(worlds: Any) -> None:
    """Whichever of its calls was clicked, the copy is the card of all of them."""
    world = await worlds(PAIR)
    await world.waiting()
    first, second = sorted(await world.all_pending(), key=lambda asked: asked.ordinal)
    shared = f"card:{first.id}:1:0"
    await posted(world, shared)
    assert isinstance((await click(world, second, "7.0")).verdict, Accepted)
    assert await stands_at(world, shared) == "7.0"


async def test_a_card_that_stands_is_not_taken_for_a_later_one(worlds: Any) -> None:
    """Whoever clicks on an old card while the new one is being posted is answered, and neither message moves."""
    world = await worlds(one("buy"), policies=policy_set(CHAIN))
    await world.waiting()
    asked = await world.pending()
    await world.decide(ANA)
    await world.withdraw(ANA)
    await posted(world, f"card:{asked.id}:1:0", "7.0")
    await posted(world, f"card:{asked.id}:3:0")
    assert isinstance((await click(world, asked, "7.0")).verdict, Accepted)
    assert await stands_at(world, f"card:{asked.id}:1:0") == "7.0"
    assert await stands_at(world, f"card:{asked.id}:3:0") is None
