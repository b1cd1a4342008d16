"""Settings may take people's place: then calls run, and who would have been asked is on record. A deny stays a deny."""

from __future__ import annotations

from typing import Any

import pytest

from agent_runtime.context import Asking
from agent_runtime.policy import Action, Policy
from storage import audit, outbox
from storage.tx import Tx
from storage.types import RunStatus
from tests.core.agent import Questions, one
from tests.core.world import ANA, BOB, YES, World, policy_set, who

BUY = one("buy", {"n": 5})
REPLACED = [Asking.AUTO_APPROVE, Asking.LOG_ONLY]


def _told(tx: Tx, event: str) -> list[tuple[Any, str]]:
    """The texts of the entries of a kind, each with the line in the run's thread."""
    found = [entry for entry in audit.entries(tx, 0, 100_000) if entry.event == event]
    texts = audit.texts(tx, [entry.seq or 0 for entry in found])
    lines = [outbox.get(tx, f"note:{entry.seq}") for entry in found]
    return [
        (texts[entry.seq or 0].body, str(line.body["text"]) if line else "")
        for entry, line in zip(found, lines, strict=True)
    ]


@pytest.mark.parametrize("asking", REPLACED)
async def test_a_call_runs_and_who_would_have_been_asked_is_on_record(worlds: Any, asking: Asking) -> None:
    """One row and one line in the thread for each, with the policy; the chain stays whole."""
    world: World = await worlds(BUY, policies=policy_set(Policy(tools=("buy",), sets={"n": 3})))
    world.runtime.asking = asking
    run = await world.waiting()
    assert (await world.status(run), await world.requests(run)) == (RunStatus.SUCCEEDED, [])
    assert world.effects[0]["args"] == {"n": 3}
    ((text, line),) = await world.db.read(_told, "call.unasked")
    assert (text["policy"], text["asking"]) == ('policy 1 (tool = "buy")', asking.value)
    assert text["approvers"] == [list(who(ANA, BOB))]
    assert 'policy 1 (tool = "buy")' in line
    assert asking.sentence in line
    assert (await world.verify()).broken_at is None


@pytest.mark.parametrize("asking", REPLACED)
async def test_what_a_policy_denies_never_runs(worlds: Any, asking: Asking) -> None:
    """Only people are replaced."""
    world: World = await worlds(BUY, policies=policy_set(Policy(action=Action.DENY)))
    world.runtime.asking = asking
    await world.waiting()
    assert world.effects == []


@pytest.mark.parametrize("asking", REPLACED)
async def test_questions_are_still_asked(worlds: Any, asking: Asking) -> None:
    """Nobody but a person knows the answer."""
    world: World = await worlds(Questions({"q": {"question": "Which?"}}))
    world.runtime.asking = asking
    run = await world.waiting()
    assert await world.status(run) is RunStatus.WAITING


async def test_a_request_that_waits_still_waits_for_people(worlds: Any) -> None:
    """Switching it on decides nothing that people were asked before."""
    world: World = await worlds(BUY)
    run = await world.waiting()
    world.runtime.asking = Asking.AUTO_APPROVE
    await world.settle()
    assert await world.status(run) is RunStatus.WAITING
    await world.decide(ANA, YES)
    await world.settle()
    assert len(world.effects) == 1
    assert await world.db.read(_told, "call.unasked") == []
