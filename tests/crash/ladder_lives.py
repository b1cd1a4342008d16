"""Many lives around the moments at which ladders and deadlines fall due, some of them killed in the middle of a sweep;
and a look at what the last one left. A process of its own: `python -m tests.crash.ladder_lives HOME RESTARTS KILLS`."""

from __future__ import annotations

import asyncio
import json
import os
import random
import secrets
import signal
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from agent_runtime.audit import Event
from agent_runtime.clock import MovableClock
from agent_runtime.digest import Seal
from agent_runtime.ladder import Step, steps
from agent_runtime.policy import Policy, PolicySet, Rules, Rung, Stage
from agent_runtime.runtime import Runtime
from agent_runtime.verification import verify
from storage import audit, requests, runs
from storage.database import Database, migrate
from storage.models import AuditEntry, Request
from storage.tx import Tx
from storage.types import RequestStatus, RunStatus
from tests.core.agent import Calls, ScriptedAgent, call
from tests.core.world import ANA, BOB, CLEO, KEY, MINUTES, START, World, policy_set, who
from tests.crash import forks

SEED = 20_300_107
TOOLS = 10
CALLS_OF_A_RUN = Calls(tuple(call(f"t{number}", call_id=f"c{number}") for number in range(TOOLS)))
SECOND = timedelta(seconds=1)


@dataclass
class Report:
    """What was seen: the lives, how many of them a signal ended, the timers there were, and every breach."""

    lives: int = 0
    killed: int = 0
    timers: int = 0
    problems: list[str] = field(default_factory=list)


def policies() -> PolicySet:
    """A ladder for each tool, no two with the same times."""
    return policy_set(*(_policy(number) for number in range(TOOLS)))


def _policy(number: int) -> Policy:
    first = (11 + number) * MINUTES
    rungs = (
        Rung(after=first, remind=True, repeat=2),
        Rung(after=4 * first, escalate_to=who(BOB)),
        Rung(after=5 * first, escalate_to=who(CLEO), channel="#x"),
    )
    asked = Stage(name="s", approvers=who(ANA), rungs=rungs)
    return Policy(tools=(f"t{number}",), stages=(asked,), timeout=6 * first + SECOND)


def begin(home: Path, started: int) -> None:
    """Start the runs, seven minutes apart, and ask."""
    os.chdir(home)

    async def live() -> None:
        async with World(home, CALLS_OF_A_RUN, policies=policies()) as world:
            for _ in range(started):
                await world.waiting()
                world.clock.advance(7 * MINUTES + SECOND)

    asyncio.run(live())


def live(home: Path, moments: Sequence[datetime], strike: int = 0) -> None:
    """A new boot on the files at each of these moments, with a sweep; `strike`: the process kills itself in the middle
    of a transaction, when so many entries of the log were begun, or after the sweep where it is none so long."""
    begun = 0

    def salt() -> bytes:
        nonlocal begun
        begun += 1
        if begun == strike:
            os.kill(os.getpid(), signal.SIGKILL)
        return secrets.token_bytes(16)

    async def boot(now: datetime) -> None:
        agent = ScriptedAgent(home / "effects.jsonl", (CALLS_OF_A_RUN,))
        async with Database(f"sqlite:///{home / 'signoff.db'}") as db:
            runtime = Runtime(db, {"agent": agent}, policies(), Seal(KEY), MovableClock(now), salt=salt)
            await runtime.boot()
            await runtime.sweep()
            if strike:
                os.kill(os.getpid(), signal.SIGKILL)
            await runtime.worker.run_once()

    for now in moments:
        asyncio.run(boot(now))


def judge(home: Path, report: Report) -> None:
    """Every timer fired once, at its time or later, in order, and nothing else happened."""

    async def look() -> None:
        async with Database(f"sqlite:///{home / 'signoff.db'}") as db:
            asked, entries, states, verified = await db.read(_read)
        by_request: dict[str, list[AuditEntry]] = defaultdict(list)
        for entry in entries:
            by_request[entry.request_id].append(entry)
        for request in asked:
            report.timers += len(_ladder(request)) + 1
            report.problems += _breaches(request, by_request[request.id])
        report.problems += [f"a run is {status}" for status in states if status is not RunStatus.SUCCEEDED]
        report.problems += [verified] if verified else []
        if (home / "effects.jsonl").exists():
            report.problems.append("something took effect")

    asyncio.run(look())


def _read(tx: Tx) -> tuple[list[Request], list[AuditEntry], list[RunStatus], str]:
    found = runs.recent(tx, 100)
    asked = [request for run in found for request in requests.of_run(tx, run.id)]
    return asked, audit.entries(tx, 0, 1_000_000), [run.status for run in found], verify(tx, Seal(KEY)).problem


def _ladder(request: Request) -> tuple[Step, ...]:
    return steps(Rules.model_validate(request.rules).stages[0])


def _breaches(request: Request, entries: Sequence[AuditEntry]) -> list[str]:
    ladder = _ladder(request)
    told = [entry for entry in entries if entry.event in _OF_LADDERS]
    wanted = [_event(step.escalate_to) for step in ladder]
    found = [f"{request.id}: {Counter(one.event for one in told)}"] if [one.event for one in told] != wanted else []
    early = [one.seq for one, step in zip(told, ladder, strict=False) if one.at < request.opened_at + step.after]
    found += [f"{request.id}: entries {early} came too soon"] if early else []
    closed = [entry for entry in entries if entry.event == Event.REQUEST_CLOSED.value]
    if len(closed) != 1 or request.status is not RequestStatus.EXPIRED or (told and told[-1].seq > closed[0].seq):
        found.append(f"{request.id}: closed {len(closed)} times, and is {request.status}")
    return found


_OF_LADDERS = frozenset({Event.REQUEST_REMINDED.value, Event.REQUEST_ESCALATED.value})


def _event(escalates: Sequence[str]) -> str:
    return (Event.REQUEST_ESCALATED if escalates else Event.REQUEST_REMINDED).value


def moments_of(due: Sequence[datetime], restarts: int, chance: random.Random) -> list[datetime]:
    """Just before, at and just after moments at which something falls due, in order."""
    return sorted(chance.choice(due) + chance.choice((-SECOND, 0 * SECOND, SECOND)) for _ in range(restarts - 1))


def timers(started: int) -> list[datetime]:
    """When something falls due."""
    due = []
    for run in range(started):
        for policy in policies().policies:
            opened = START + run * (7 * MINUTES + SECOND)
            due += [opened + step.after for step in steps(policy.stages[0])]
            assert policy.timeout is not None
            due.append(opened + policy.timeout)
    return due


def main(home: Path, restarts: int, kills: int) -> Report:
    """Live all lives one after the other, in processes that are forked from this warm one."""
    started = max(1, restarts // 100)
    chance = random.Random(SEED)
    report, log = Report(), home / "log"
    migrate(f"sqlite:///{home / 'signoff.db'}")
    due = timers(started)
    moments = moments_of(due, restarts, chance)
    killed = set(chance.sample(_busy(due, moments), kills))
    _forked(report, home, lambda: begin(home, started))
    quiet: list[datetime] = []
    for number, now in enumerate(moments):
        report.lives += 1
        if number not in killed:
            quiet.append(now)
            continue
        _forked(report, home, _lives(home, tuple(quiet)))
        quiet.clear()
        end = forks.wait(forks.fork(_lives(home, (now,), chance.choice((1, 2, 3))), log))
        report.killed += end.killed
        if not (end.killed or end.fine):
            report.problems.append(f"a life ended with {end}")
    report.lives += 1
    quiet.append(moments[-1] + timedelta(days=1))
    _forked(report, home, _lives(home, tuple(quiet)))
    _forked(report, home, _lives(home, (moments[-1] + timedelta(days=2),) * started))
    judge(home, report)
    return report


def _busy(due: Sequence[datetime], moments: Sequence[datetime]) -> list[int]:
    """Which lives have something to do."""
    before = [START, *moments]
    return [at for at, now in enumerate(moments) if any(before[at] < one <= now for one in due)]


def _lives(home: Path, moments: tuple[datetime, ...], strike: int = 0) -> Callable[[], None]:
    return lambda: live(home, moments, strike)


def _forked(report: Report, home: Path, task: Callable[[], None]) -> None:
    end = forks.wait(forks.fork(task, home / "log", longest=250))
    if not end.fine:
        report.problems.append(f"a life ended with {end}: {(home / 'log').read_text()[-2000:]}")


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asdict(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))))
