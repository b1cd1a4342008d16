"""What `signoff demo` does: open the stage, then play by itself, ask at the console, or serve until stopped."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from bot.demo.effects import compare_effects
from bot.demo.play import Play, PlayFailed
from bot.demo.scenes import SCENES
from bot.demo.stage import Stage, open_stage

ok, failed = 0, 1


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
    raise NotImplementedError
