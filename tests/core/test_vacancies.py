"""A request that the people who are there cannot close raises an alert, whoever of them has spoken already."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from agent_runtime.policy import Policy
from bot.vacancies import Vacancies
from storage.types import Actor
from tests.core.agent import one
from tests.core.world import ANA, BOB, CLEO, SAM, World, policy_set, stage

BUY = one("buy", {"amount": 10})
MINUTE = timedelta(minutes=1, seconds=1)


class Town:
    """A directory in which everybody whom a selector names lives, until they leave."""

    def __init__(self, *people: Actor) -> None:
        self.people = list(people)
        self.looks = 0

    async def deciders(self, selectors: Sequence[str], **_: bool) -> tuple[Actor, ...]:
        self.looks += 1
        return tuple(one for one in self.people if f"user:{one.id}" in selectors)


async def people_left(vacancies: Vacancies) -> list[Any]:
    """How many could decide, of each request that too few can."""
    found = await vacancies.find()
    assert found is not None
    return [trouble.facts["people"] for trouble in found]


async def test_a_stage_that_only_earlier_signers_could_sign_is_vacant(worlds: Any) -> None:
    """Ana signed the first stage, and nobody else is asked by the second; where she may sign both, all is well."""
    for same in (False, True):
        asked = policy_set(Policy(stages=(stage(ANA, BOB, name="a"), stage(ANA, name="b")), allow_same_person=same))
        world: World = await worlds(BUY, policies=asked)
        vacancies = Vacancies(world.runtime, Town(ANA, BOB))  # type: ignore[arg-type]
        await world.waiting()
        assert await people_left(vacancies) == []
        await world.decide(ANA)
        assert await people_left(vacancies) == ([] if same else [0])


async def test_who_has_spoken_in_the_present_stage_still_counts_for_its_quorum(worlds: Any) -> None:
    """Two are needed and there are two: that one of them has signed leaves one, which is enough."""
    world: World = await worlds(BUY, policies=policy_set(Policy(stages=(stage(ANA, BOB, quorum=2),))))
    vacancies = Vacancies(world.runtime, Town(ANA, BOB))  # type: ignore[arg-type]
    await world.waiting()
    await world.decide(ANA)
    assert await people_left(vacancies) == []


async def test_accounts_of_one_person_are_one_who_could_decide(worlds: Any) -> None:
    """Neither two of an approver's fill a quorum, nor does another of whoever started the run."""
    world: World = await worlds(BUY, policies=policy_set(Policy(stages=(stage(ANA, BOB, CLEO, quorum=2),))))
    anne, anne_too, sam_too = (
        actor.model_copy(update={"person": person}) for actor, person in ((ANA, "a"), (BOB, "a"), (CLEO, "s"))
    )
    town = Town(anne, anne_too, sam_too)
    await world.waiting(SAM.model_copy(update={"person": "s"}))
    assert await people_left(Vacancies(world.runtime, town)) == [1]  # type: ignore[arg-type]


async def test_too_few_are_looked_at_again_sooner_than_enough(worlds: Any) -> None:
    """So that the alert ends soon after somebody was named; many requests that ask the same cost one look."""
    world: World = await worlds(BUY, policies=policy_set(Policy(stages=(stage(ANA, BOB),))))
    town = Town()
    vacancies = Vacancies(world.runtime, town)  # type: ignore[arg-type]
    for _ in range(3):
        await world.waiting()
    assert (await people_left(vacancies), town.looks) == ([0, 0, 0], 1)
    assert (await people_left(vacancies), town.looks) == ([0, 0, 0], 1)
    town.people = [ANA]
    world.clock.advance(MINUTE)
    assert (await people_left(vacancies), town.looks) == ([], 2)
    world.clock.advance(MINUTE)
    assert (await people_left(vacancies), town.looks) == ([], 2)
