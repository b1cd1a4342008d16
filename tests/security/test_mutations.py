"""Thousands of random changes to arguments, revisions, digests, decisions, policy snapshots, checkpoints and other rows
between the card and the call: no call runs that differs from the one that was decided, and each refusal is recorded."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import pytest

from agent_runtime.agents import Completed, Paused, Turn
from agent_runtime.policy import Policy
from storage.models import Request
from storage.types import Json
from tests.core.agent import ScriptedAgent, one
from tests.core.world import ANA, BOB, CLEO, EDIT, HOURS, MINUTES, NO, YES, World, counting, policy_set, stage
from tests.security.harms import HARMS, Victim

OFFERS = (YES, NO, EDIT)
BOARD = stage(ANA, BOB, CLEO, quorum=2)
POLICIES = policy_set(
    Policy(tools=("wire",), stages=(BOARD,), decisions=OFFERS, hold=10 * MINUTES),
    Policy(tools=("euro",), stages=(BOARD,), decisions=OFFERS, sets={"currency": "EUR"}),
    Policy(tools=("buy",), stages=(BOARD,), decisions=OFFERS, valid_for=HOURS),
)
ASKED: Json = {"amount": 900, "to": {"name": "Oslo", "tags": ["a", "b"]}}
EDITED: Json = {"amount": 9, "to": {"name": "Oslo", "tags": ["a"]}}
FIXED: Json = {**ASKED, "currency": "EUR"}
RECORDED = {
    "integrity.broken", "call.refused", "run.failed", "request.opened", "approval.lapsed", "request.closed",
    "run.paused", "call.unknown",
}  # fmt: skip
RUNS, COPIES = 20, 5
"""Runs in one store, and copies of it: so many changes times so many for each seed."""


class FromRows(ScriptedAgent):
    """Asks for what its run's rows say, each time: its checkpoint, or its input before there is one."""

    async def advance(self, turn: Turn) -> Completed | Paused:
        args = turn.checkpoint if turn.checkpoint is not None else turn.input["args"]  # type: ignore[call-overload,index]
        self.steps = (one(turn.input["tool"], args),)  # type: ignore[call-overload,index,arg-type]
        result = await super().advance(turn)
        return Paused(result.interrupts, checkpoint=args) if isinstance(result, Paused) else result


Rows = list[tuple[Any, ...]]


@dataclass(frozen=True)
class Played:
    """What was decided: the arguments that may run, None for no call at all; and rows of votes from before they were
    taken back, as somebody may have kept them."""

    args: Any
    taken_back: Rows = field(default_factory=list)


async def take_back(world: World, asked: Request) -> Rows:
    """Ana votes and takes it back; her vote's row as it was between."""
    await world.decide(ANA, YES, asked)
    rows = await world.look("select * from decision where request_id = ?", asked.id)
    await world.withdraw(ANA, asked)
    return rows


async def approved(world: World, asked: Request) -> Played:
    """Two of three said yes."""
    await world.decide(ANA, YES, asked)
    await world.decide(BOB, YES, asked)
    return Played(asked.args)


async def edited(world: World, asked: Request) -> Played:
    """One voted, another edited, a third agreed to that."""
    await world.decide(CLEO, YES, asked)
    await world.edit(ANA, EDITED, asked)
    await world.decide(BOB, YES, await world.request(asked))
    return Played(EDITED)


async def thought_again(world: World, asked: Request) -> Played:
    """One took their yes back, and two others said it."""
    rows = await take_back(world, asked)
    await world.decide(BOB, YES, asked)
    await world.decide(CLEO, YES, asked)
    return Played(asked.args, rows)


async def half(world: World, asked: Request) -> Played:
    """Two yeses, of which one was taken back."""
    rows = await take_back(world, asked)
    await world.decide(BOB, YES, asked)
    return Played(None, rows)


async def rejected(world: World, asked: Request) -> Played:
    """A yes, an edit, and a no to that."""
    await world.decide(ANA, YES, asked)
    await world.edit(BOB, EDITED, asked)
    await world.decide(CLEO, NO, await world.request(asked))
    return Played(None)


Story = Callable[[World, Request], Awaitable[Played]]
STORIES: tuple[tuple[str, Story], ...] = (
    ("buy", approved), ("buy", edited), ("buy", thought_again), ("buy", half), ("buy", rejected),
    ("euro", approved), ("euro", half), ("euro", rejected), ("wire", half), ("wire", edited),
)  # fmt: skip


@dataclass(frozen=True)
class Decided:
    """Runs between their cards and their calls: what was decided about each, and their requests' rows at first."""

    path: Path
    asked: list[Request]
    before: dict[str, tuple[Any, ...]]
    played: dict[str, Played]


async def opened(world: World, stories: Sequence[tuple[str, Story]]) -> list[Request]:
    """One run for each story, each with its card."""
    employ(world)
    runs = [await world.start(input={"tool": tool, "args": ASKED}) for tool, _ in stories]
    await world.settle()
    return [request for run in runs for request in await world.requests(run)]


def employ(world: World) -> None:
    """Give the world the agent that asks for what its rows say."""
    world.agent = FromRows(world.agent.effects)
    world.runtime.agents = {"agent": world.agent}


async def decide(world: World, stories: Sequence[tuple[str, Story]]) -> Decided:
    """Play each story up to the call."""
    asked = await opened(world, stories)
    before = {one.id: (await world.look("select * from request where id = ?", one.id))[0] for one in asked}
    played: dict[str, Played] = {}
    for (tool, story), request in zip(stories, asked, strict=True):
        end = await story(world, request)
        played[request.run_id] = Played(None, end.taken_back) if tool == "wire" else end  # those are held for a while
    return Decided(world.db.path, asked, before, played)


def copy_store(path: Path, home: Path) -> None:
    """The store, as it is committed, in a new folder."""
    home.mkdir()
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(home / "signoff.db")) as target:
        source.backup(target)


@asynccontextmanager
async def copy_of(decided: Decided, home: Path) -> AsyncIterator[World]:
    """The same store in another folder, and a new process on it."""
    copy_store(decided.path, home)
    world = World(home, policies=POLICIES)
    world.ids = counting(500_000)
    async with world:
        employ(world)
        yield world


async def play(worlds: Any, home: Path, rng: Random) -> None:
    """Some runs that were decided, harmed in several ways each; every one of them is judged."""
    decided = await decide(await worlds(policies=POLICIES), [rng.choice(STORIES) for _ in range(RUNS)])
    for number in range(COPIES):
        async with copy_of(decided, home / f"copy{number}") as world:
            last = (await world.look("select max(seq) from audit"))[0][0]
            for request in decided.asked:
                await harm(world, rng, decided, request)
            await world.settle()
            for run_id, end in decided.played.items():
                await judge(world, run_id, end.args, last)


async def harm(world: World, rng: Random, decided: Decided, request: Request) -> None:
    """Do one to three harms to one run, and let a worker have it."""
    now, other = await world.request(request), await world.request(rng.choice(decided.asked))
    end = decided.played[request.run_id]
    victim = Victim(world, now, decided.before[request.id], other, end.taken_back)
    for one_harm in rng.sample(HARMS, rng.choice([1, 1, 2, 3])):
        await one_harm(rng, victim)
    if end.args is None and rng.random() < 0.8:
        await world.sql("update request set status = 'approved' where id = ?", request.id)
    await world.sql("update run set status = 'queued', owner = null where id = ?", request.run_id)


async def judge(world: World, run_id: str, decided: Any, last: int) -> None:
    """What the run did is what was decided, at most once; where it did nothing, the log says why, or it still waits for
    its people."""
    done = [effect["args"] for effect in world.effects if effect["run"] == run_id]
    assert done in ([], [decided]), (run_id, done, decided)
    if not done:
        events = await world.look("select event from audit where run_id = ? and seq > ?", run_id, last)
        waits = await world.look("select 1 from request where run_id = ? and status = 'pending'", run_id)
        assert waits or {event for (event,) in events} & RECORDED, (run_id, events)


async def test_what_was_decided_runs_where_nobody_harms_it(worlds: Any) -> None:
    """The control: each story ends as it was decided, so that the harms below are what stops the others."""
    world: World = await worlds(policies=POLICIES)
    asked = await opened(world, STORIES)
    expected = {}
    for (tool, story), request in zip(STORIES, asked, strict=True):
        end = await story(world, request)
        expected[request.run_id] = [] if end.args is None or tool == "wire" else [end.args]
    await world.settle()
    for run_id, args in expected.items():
        assert [effect["args"] for effect in world.effects if effect["run"] == run_id] == args
    await world.pass_time(HOURS)
    assert [effect["args"] for effect in world.effects if effect["tool"] == "wire"] == [EDITED]
    assert [effect["args"] for effect in world.effects if effect["tool"] == "euro"] == [FIXED]


@pytest.mark.parametrize("seed", range(2))
async def test_two_hundred_changes_let_nothing_else_run(worlds: Any, tmp_path: Path, seed: int) -> None:
    """The same two hundred in every run of the tests."""
    await play(worlds, tmp_path, Random(seed))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1000, 1100))
async def test_ten_thousand_changes_let_nothing_else_run(worlds: Any, tmp_path: Path, seed: int) -> None:
    """Ten thousand of them."""
    await play(worlds, tmp_path, Random(seed))
