"""What `signoff demo` does: open the stage, then play by itself, ask at the console, or serve until stopped."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

from agent_runtime.refusals import RefusalReason
from agent_runtime.registry import nearest
from agent_runtime.runs import Order
from bot.console import Console, ConsolePeople, console_origin
from bot.demo.effects import compare_effects
from bot.demo.play import Play, PlayFailed
from bot.demo.scenes import SCENES
from bot.demo.stage import Stage, open_stage
from bot.desk import Desk
from storage.types import Actor, ActorKind, RunStatus

ok, failed, usage = 0, 1, 2
REQUESTER = Actor(kind=ActorKind.CLI, id="requester", name="The demo's requester")


def run(*, auto: bool = False, console: str | None = None, data_dir: Path | None = None) -> int:
    """Exit code: 0 when everything went as it should. The play works in a folder of its own, so that its effects can
    be compared exactly."""
    folder = data_dir or Path(tempfile.mkdtemp(prefix="signoff-demo-"))
    folder.mkdir(parents=True, exist_ok=True)
    if console is not None:
        return asyncio.run(_ask(folder, console))
    return asyncio.run(_play(folder) if auto else _serve(folder))


async def _play(folder: Path) -> int:
    print(f"The demo's data is in {folder}")  # noqa: T201
    async with open_stage(folder) as stage:
        play = Play(stage, print)
        try:
            for scene in SCENES:
                await scene(play)
        except PlayFailed as failure:
            print(f"\nThe play stopped: {failure}")  # noqa: T201
            return failed
        problems = stage.workspace.problems
    return _judge(folder, problems)


def _judge(folder: Path, problems: list[str]) -> int:
    differences = compare_effects(folder) + [f"the workspace noticed: {problem}" for problem in problems]
    for line in differences:
        print(line)  # noqa: T201
    if differences:
        return failed
    print("\nEvery effect on disk is one that was approved or allowed: nothing missing, doubled or unapproved.")  # noqa: T201
    return ok


async def _serve(folder: Path) -> int:
    async with open_stage(folder) as stage:
        _introduce(stage)
        await asyncio.Event().wait()
    return ok


def _introduce(stage: Stage) -> None:
    print(f"A local workspace serves at {stage.workspace.url}, with the bot in it.")  # noqa: T201
    print("signoff demo --auto plays every demo agent in it. Ctrl-C stops it.")  # noqa: T201


async def _ask(folder: Path, agent: str) -> int:
    """One run of an agent, its questions asked at this terminal. The run is started by somebody else than the person
    who sits here, because nobody approves their own."""
    async with open_stage(folder) as stage:
        runtime = stage.bot.runtime
        known = runtime.agents.get(agent)
        if known is None:
            near = nearest(agent, list(runtime.agents))
            hint = f" Did you mean {near}?" if near else ""
            print(f"No agent is called {agent}.{hint} There are: {', '.join(sorted(runtime.agents))}.")  # noqa: T201
            return usage
        desk = Desk(runtime, ConsolePeople(runtime.clock))
        started = await desk.start(Order(agent, known.example, {}), REQUESTER, console_origin())
        if isinstance(started, RefusalReason):
            print(f"Nothing was started: {started.sentence}")  # noqa: T201
            return failed
        print(f"{REQUESTER.name} starts {agent}: {known.example}")  # noqa: T201
        ended = await Console(desk, sys.stdin, sys.stdout).play(started.id)
    return ok if ended.status is RunStatus.SUCCEEDED else failed
