"""What waits for one person: found in the time that a directory gets, however many ways there are of being asked."""

from __future__ import annotations

import asyncio
from typing import Any

from agent_runtime.people import Member
from agent_runtime.policy import Policy
from bot.offers import Offers
from storage.types import Actor
from tests.core.agent import Calls, call
from tests.core.world import ANA, World, policy_set, stage
from tests.patience import PATIENCE


class Both:
    """A directory that says nothing before it was asked twice."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._asked = asyncio.Barrier(2)

    async def look_up(self, actor: Actor, _selectors: Any, **_: Any) -> Member:
        await self._asked.wait()
        return self._world.member(actor)


async def test_the_directory_is_waited_for_once(worlds: Any) -> None:
    """Stages that may ask a public channel and those that may not are looked up at the same time: a directory that says
    nothing does not cost the answer."""
    public = stage(ANA).model_copy(update={"allow_public": True})
    policies = policy_set(Policy(tools=("buy",), stages=(stage(ANA),)), Policy(tools=("sell",), stages=(public,)))
    world: World = await worlds(Calls((call("buy"), call("sell", call_id="c2"))), policies=policies)
    await world.waiting()
    offers = Offers(world.runtime, Both(world), Both(world))  # type: ignore[arg-type]
    async with asyncio.timeout(PATIENCE):
        found = await offers.decidable(ANA, await offers.open_requests(), 10)
    assert found is not None
    assert {view.tool for view in found} == {"buy", "sell"}
