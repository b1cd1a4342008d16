"""A callback decides in the place of people: its yes runs the call it was shown, all else is a no with a reason."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from agent_runtime.agents import Ask, Lease
from agent_runtime.callback import CallbackRequest, Said
from agent_runtime.digest import digest_payload
from agent_runtime.errors import ConfigError
from agent_runtime.policy import Action, Policy
from agent_runtime.registry import load_callbacks
from agent_runtime.start import start_call
from storage import audit
from storage.tx import Tx
from storage.types import RequestStatus, RunStatus
from tests.core.agent import call, one
from tests.core.world import ANA, YES, World, policy_set

PATH = "rules_of_ours:decide"
BUY = one("buy", {"n": 5})
RULE = Policy(tools=("buy",), callback=PATH, sets={"n": 3}, note="n = {args.n}", timeout=timedelta(seconds=30))


@dataclass
class Answer:
    """What the callbacks of other systems answer with."""

    decision: Any
    operator_input: str = ""


async def house(worlds: Any, callback: Any, *policies: Policy, steps: Any = BUY) -> World:
    """A house in which this function is the callback."""
    world: World = await worlds(steps, policies=policy_set(*(policies or (RULE,))))
    world.runtime.callbacks = {PATH: callback} if callback else {}
    return world


def _decided(tx: Tx) -> list[Any]:
    found = [entry for entry in audit.entries(tx, 0, 100_000) if entry.event == "call.decided"]
    texts = audit.texts(tx, [entry.seq or 0 for entry in found])
    return [(entry.actor, texts[entry.seq or 0].body) for entry in found]


async def test_a_yes_runs_the_call_it_was_shown(worlds: Any) -> None:
    """It is given the call as it would run, who asked, and how long it may take; nobody else is asked."""
    given: list[CallbackRequest] = []

    async def decide(request: CallbackRequest) -> str:
        given.append(request)
        request.args["n"] = 99  # type: ignore[index]  # its own copy
        return "approved"

    world = await house(worlds, decide)
    run = await world.waiting()
    assert (await world.status(run), await world.requests(run)) == (RunStatus.SUCCEEDED, [])
    assert [effect["args"] for effect in world.effects] == [{"n": 3}]
    (request,) = given
    assert (request.tool, request.requested_by, request.note) == ("buy", "user:USAM", "n = 3")
    assert request.timeout_seconds == 24
    ((actor, text),) = await world.db.read(_decided)
    assert (actor, text["decision"], text["policy"]) == (f"policy::{PATH}", "approved", 'policy 1 (tool = "buy")')
    assert (await world.verify()).broken_at is None


def fails(_request: CallbackRequest) -> str:
    raise RuntimeError("no such table")


@pytest.mark.parametrize(
    ("callback", "decision", "reason"),
    [
        (lambda _: "rejected", "rejected", ""),
        (lambda _: False, "rejected", ""),
        (lambda _: "skip", "skipped", ""),
        (lambda _: Answer("REJECTED", "too dear"), "rejected", "too dear"),
        (fails, "rejected", "the callback raised RuntimeError: no such table"),
        (lambda _: None, "rejected", "the callback answered with a NoneType that is no decision"),
        (lambda _: 1, "rejected", "the callback answered with a int that is no decision"),
        (lambda _: "yes please", "rejected", "the callback answered with a str that is no decision"),
        (lambda _: Answer("maybe"), "rejected", "the callback answered with a Answer that is no decision"),
    ],
)
async def test_all_else_is_a_no_with_its_reason(worlds: Any, callback: Any, decision: str, reason: str) -> None:
    """A no, a skip, a failure, and what is no decision: the call does not run, and the record says why."""
    world = await house(worlds, callback)
    await world.waiting()
    assert world.effects == []
    ((_, text),) = await world.db.read(_decided)
    assert (text["decision"], text["reason"]) == (decision, reason)


@pytest.mark.parametrize("sync", [True, False])
async def test_a_callback_that_takes_too_long_has_said_no(worlds: Any, sync: bool) -> None:
    """Four fifths of the time-out, and not a moment more of anybody's time."""
    free = threading.Event()

    async def waits(_request: CallbackRequest) -> str:
        await asyncio.Event().wait()
        return "approved"

    rule = RULE.model_copy(update={"timeout": timedelta(seconds=0.1)})
    world = await house(worlds, (lambda _: free.wait(5) and "approved") if sync else waits, rule)
    await world.waiting()
    free.set()
    ((_, text),) = await world.db.read(_decided)
    assert (text["decision"], text["reason"]) == ("rejected", "the callback gave no answer in 0.08 s")
    assert world.effects == []


async def test_without_the_function_people_are_asked(worlds: Any) -> None:
    """A path that a reload brought, and that no start has imported, decides nothing."""
    world = await house(worlds, None)
    run = await world.waiting()
    (request,) = await world.requests(run)
    assert request.status is RequestStatus.PENDING
    await world.decide(ANA, YES, request)
    await world.settle()
    assert len(world.effects) == 1


async def test_what_a_policy_denies_is_not_even_asked_about(worlds: Any) -> None:
    """Deny comes first."""
    world = await house(worlds, lambda _: "approved", Policy(action=Action.DENY), RULE)
    await world.waiting()
    assert (world.effects, await world.db.read(_decided)) == ([], [])


async def test_a_call_that_has_ended_is_not_decided_about_again(worlds: Any) -> None:
    """Killed after its effect and advanced anew: the recorded end is given, and the callback is left alone."""
    world = await house(worlds, lambda _: True, steps=BUY)
    await world.start()
    await world.killed_at("finished")
    world.runtime.callbacks = {PATH: fails}
    await world.settle()
    assert len(world.effects) == 1
    assert [text["decision"] for _, text in await world.db.read(_decided)] == ["approved"]


@pytest.mark.parametrize("changed", [{"digest": "0" * 64}, {"callback": "other:decide"}])
async def test_a_yes_to_another_call_or_by_another_function_asks_people(worlds: Any, changed: dict[str, str]) -> None:
    """What was said binds to the arguments it was said of, and to the function that the policies name now."""
    world = await house(worlds, lambda _: True)
    await world.start()
    run = await world.runtime.claim(())
    assert run is not None
    said = replace(Said(PATH, digest_payload({"n": 3}), YES), **changed)
    lease = Lease(run.owner or "", run.attempt)
    context = replace(world.context, said=said)
    assert isinstance(await world.db.transact(start_call, context, run, lease, call("buy", {"n": 5})), Ask)


def test_a_path_that_leads_to_no_function_is_a_fault() -> None:
    """Found at the start, not at the first call."""
    assert load_callbacks(["os.path:join"])["os.path:join"]
    for path in ("no_such_module:x", "os.path:nothing", "os:sep"):
        with pytest.raises(ConfigError) as caught:
            load_callbacks([path])
        assert caught.value.faults[0].key == "callback"
