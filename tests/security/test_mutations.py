"""Ten thousand random changes to rows between the card and the call: no call runs that differs from the one that was
decided, and each refusal is recorded.

`stories` plays runs up to their calls, `harms` and its siblings say what is changed and how. Every seed does each kind
of change as often as `SHARES` says."""

from __future__ import annotations

import shutil
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest

from agent_runtime.clock import MovableClock
from tests.core.world import HOURS, World, counting
from tests.security import harms, harms_of_people, harms_of_runs
from tests.security.harms import Harm, Then, Victim
from tests.security.stories import (
    APPROVED,
    AWAY,
    GRAPH,
    KEPT,
    LATER,
    OPEN,
    POLICIES,
    RAN,
    WHY_NOT,
    Played,
    ask_by,
    employ,
    give,
    play_all,
)

KINDS: dict[str, Harm] = {
    "arguments": harms.change_arguments,
    "revision": harms.change_revision,
    "digest": harms.change_digest,
    "decision": harms_of_people.change_decision,
    "policy snapshot": harms_of_people.change_snapshot,
    "kept policies": harms_of_people.change_kept_policies,
    "hand-over": harms_of_people.change_absence,
    "grant": harms_of_people.change_grant,
    "checkpoint": harms_of_runs.change_checkpoint,
    "journal": harms_of_runs.change_journal,
    "other columns": harms.change_column,
}
COPIES = 5
"""Each seed plays its runs once, and harms them in so many copies of the store; in the first of these the log, too."""
TO_APPROVED = {"arguments": 11, "revision": 4, "digest": 4, "decision": 4, "policy snapshot": 4, "other columns": 3}
TO_OPEN = {"arguments": 2, "revision": 1, "digest": 1, "decision": 12, "policy snapshot": 13, "other columns": 1}
TO_OTHERS = {"checkpoint": 10, "kept policies": 5, "hand-over": 5, "journal": 10, "grant": 10}
SHARES = Counter(TO_APPROVED) + Counter(TO_OPEN) + Counter(TO_OTHERS)
"""How many of the hundred changes of a seed are of each kind."""
MORE = ("arguments", "digest", "decision", "policy snapshot", "other columns")
"""What one run in six suffers beside."""
REFUSED = {
    "integrity.broken", "call.refused", "decision.refused", "run.failed", "approval.lapsed", "approval.unused",
}  # fmt: skip
"""What the log says of a call that did not run. One that waits for people was not refused: it is asked about."""


@dataclass(frozen=True)
class Decided:
    """A store full of runs between their cards and their calls."""

    path: Path
    effects: Path
    approved: Sequence[Played]
    open: Sequence[Played]
    others: Sequence[tuple[Played, str]]
    """With the kind of change that is for them."""

    @property
    def runs(self) -> list[Played]:
        return [*self.approved, *self.open, *(run for run, _ in self.others)]


async def decide(world: World, rng: Random) -> Decided:
    """Play the stories: twenty runs, eleven of which may run, or ran, by a real yes."""
    employ(world)
    ran = await play_all(world, RAN, have_run=True)
    gifts = [await give(world), await give(world, rng.choice(WHY_NOT))]
    stories = [*APPROVED, *OPEN, GRAPH, GRAPH, KEPT, AWAY]
    played = await play_all(world, stories)
    approved, pending = played[: len(APPROVED)], played[len(APPROVED) : len(APPROVED) + len(OPEN)]
    kinds = [*["journal"] * 2, *["checkpoint"] * 2, "kept policies", "hand-over", *["grant"] * 2]
    others = [*ran, *played[-4:], *[await ask_by(world, gift) for gift in gifts]]
    return Decided(world.db.path, world.agent.effects, approved, pending, list(zip(others, kinds, strict=True)))


def deal(rng: Random, shares: dict[str, int]) -> list[str]:
    """As many of each kind as its share, in any order."""
    dealt = [kind for kind, share in shares.items() for _ in range(share)]
    rng.shuffle(dealt)
    return dealt


def plan(rng: Random, decided: Decided) -> list[list[tuple[Played, str]]]:
    """Which change each run suffers in each copy."""
    to_approved, to_open = deal(rng, TO_APPROVED), deal(rng, TO_OPEN)
    return [
        [
            *((run, to_approved.pop()) for run in decided.approved),
            *((run, to_open.pop()) for run in decided.open),
            *decided.others,
        ]
        for _ in range(COPIES)
    ]


def about(victim: Victim) -> object:
    """All that is decided by."""
    return victim.request, victim.votes()


def lay_hand_on(
    path: Path, rng: Random, decided: Decided, changes: Sequence[tuple[Played, str]], log: bool
) -> list[Then]:
    """Do it to the closed file; what is to be done once a process has it open."""
    asked = [run.request_id for run in decided.runs if run.request_id]
    then = []
    with closing(sqlite3.connect(path)) as file, file:
        file.row_factory = sqlite3.Row
        for run, kind in changes:
            victim = Victim(file, run.run.id, run.request_id, rng.choice(asked), run.kept, log)
            before = about(victim) if run.request_id else None
            wanted = [KINDS[kind](rng, victim)]
            if rng.random() < 1 / 6 and run.request_id and kind not in TO_OTHERS:
                wanted.append(KINDS[rng.choice(MORE)](rng, victim))
            if before is not None and about(victim) == before:
                wanted = []  # two changes undid each other: a vote that follows would be as good as any
            if run in decided.open and not any(wanted):
                harms.say_approved(rng, victim)
            then += [one for one in wanted if one]
            file.execute("update run set status = 'queued', owner = null where id = ?", (run.run.id,))
    return then


@asynccontextmanager
async def reopened(home: Path, clock: MovableClock) -> AsyncIterator[World]:
    """A new process on the store in this folder."""
    world = World(home, policies=POLICIES)
    world.ids, world.clock = counting(500_000), clock
    async with world:
        employ(world)
        yield world


async def play(worlds: Any, home: Path, rng: Random) -> None:
    """A hundred changes to twenty runs; every run is judged in every copy."""
    base: World = await worlds(policies=POLICIES)
    decided = await decide(base, rng)
    last = (await base.look("select max(seq) from audit"))[0][0]
    await base.db.close()
    base.clock.advance(LATER)
    for number, changes in enumerate(plan(rng, decided)):
        folder = home / f"copy{number}"
        folder.mkdir()
        for file in (decided.path, decided.effects):
            shutil.copy(file, folder / file.name)
        then = lay_hand_on(folder / decided.path.name, rng, decided, changes, log=number == 0)
        async with reopened(folder, base.clock) as world:
            for act in then:
                await act(world)
            await world.settle()
            await judge(world, changes, last)


async def judge(world: World, changes: Sequence[tuple[Played, str]], last: int) -> None:
    """What each run did is what was decided, once at most; where it did nothing, the log says why, or it waits for its
    people."""
    effects = world.effects
    told = set(await world.look("select run_id, event from audit where seq > ?", last))
    waiting = {run for (run,) in await world.look("select run_id from request where status = 'pending'")}
    for played, kind in changes:
        run = played.run.id
        done = [effect["args"] for effect in effects if effect["run"] == run]
        allowed = [[played.decided]] if played.ran else [[]] if played.decided is None else [[], [played.decided]]
        assert done in allowed, (kind, run, done, played)
        events = {event for whose, event in told if whose == run}
        assert done or run in waiting or events & REFUSED, (kind, run, events, played)


async def test_what_was_decided_runs_where_nobody_harms_it(worlds: Any) -> None:
    """The control: each story ends as it was decided, so that the changes are what stops the others."""
    world: World = await worlds(policies=POLICIES)
    decided = await decide(world, Random(0))
    world.clock.advance(LATER)
    await world.settle()
    for played in decided.runs:
        done = [effect["args"] for effect in world.effects if effect["run"] == played.run.id]
        assert done == ([] if played.decided is None else [played.decided]), played
    held = next(played.run.id for played, story in zip(decided.open, OPEN, strict=True) if story.tool == "wire")
    await world.pass_time(HOURS / 2)
    assert [effect["run"] for effect in world.effects if effect["tool"] == "wire"] == [held]


async def test_no_grant_serves_a_call_that_it_does_not_cover(worlds: Any) -> None:
    """The control for grants: each reason by itself leaves the call to people."""
    world: World = await worlds(policies=POLICIES)
    employ(world)
    gifts = [await give(world, why_not) for why_not in WHY_NOT]
    played = [await ask_by(world, gift) for gift in gifts]
    world.clock.advance(LATER)
    await world.settle()
    assert {one.run_id for one in await world.all_pending()} == {one.run.id for one in played}


def test_every_kind_of_change_is_drawn_as_often_as_stated() -> None:
    """A hundred changes to a seed, of every kind there is, and to each run as many as there are copies."""
    assert set(SHARES) == set(KINDS)
    assert SHARES.total() == 100
    runs = {"approved": len(APPROVED), "open": len(OPEN)}
    assert [sum(TO_APPROVED.values()), sum(TO_OPEN.values())] == [COPIES * number for number in runs.values()]


@pytest.mark.parametrize("seed", range(2))
async def test_two_hundred_changes_let_nothing_else_run(worlds: Any, tmp_path: Path, seed: int) -> None:
    """The same two hundred in every run of the tests."""
    await play(worlds, tmp_path, Random(seed))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1000, 1100))
async def test_ten_thousand_changes_let_nothing_else_run(worlds: Any, tmp_path: Path, seed: int) -> None:
    """Ten thousand of them."""
    await play(worlds, tmp_path, Random(seed))
