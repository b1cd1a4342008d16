"""Hundreds of random kills of the whole bot, restarted on the same files: `python -m tests.chaos`."""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.crash.nursery import Nursery
from tests.crash.town import Told, play

KILLS = 300
KILLS_IN_A_TOWN = 30
LONGEST = 1800.0
"""Seconds after which no further town is begun."""


def main() -> int:
    """Exit code: 0 when nothing was lost, doubled or left open in any town."""
    asked = _arguments()
    print(f"chaos: {asked.kills} kills, seed {asked.seed}")  # noqa: T201
    began, towns = time.monotonic(), list[Told]()
    sizes = [min(KILLS_IN_A_TOWN, asked.kills - done) for done in range(0, asked.kills, KILLS_IN_A_TOWN)]
    for number, size in enumerate(sizes):
        if time.monotonic() - began > asked.longest:
            print(f"out of time: {len(sizes) - number} towns were not tried")  # noqa: T201
            towns.append(Told(problems=["out of time"]))
            break
        towns.append(one_town(asked.seed + number, size, forget=asked.forget))
        _tell(number, len(sizes), towns[-1], time.monotonic() - began)
    return _sum_up(towns, time.monotonic() - began)


def one_town(seed: int, kills: int, *, forget: bool) -> Told:
    """A town in a folder of its own, which is kept where something went wrong that should not have."""
    folder = Path(tempfile.mkdtemp(prefix="signoff-chaos-"))
    nursery = Nursery.open(folder / "log")
    told = asyncio.run(_play(folder, nursery, seed, kills, forget))
    if told.problems and not forget:
        told.problems.append(f"seed {seed}; the files are in {folder}")
    else:
        shutil.rmtree(folder)
    return told


async def _play(folder: Path, nursery: Nursery, seed: int, kills: int, forget: bool) -> Told:
    try:
        return await play(folder, nursery, seed, kills, forget=forget)
    finally:
        await nursery.close()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=KILLS)
    parser.add_argument("--seed", type=int, default=2030)
    parser.add_argument("--longest", type=float, default=LONGEST, help="seconds")
    parser.add_argument("--forget", action="store_true", help="take the journal's memory away: problems must be found")
    return parser.parse_args()


def _tell(number: int, of: int, told: Told, seconds: float) -> None:
    what = f"{told.kills} kills, {told.runs} runs, {told.requests} requests, {told.outcomes} unknown outcomes"
    print(f"town {number + 1} of {of}, after {seconds:.0f} s: {what}, {len(told.problems)} problems")  # noqa: T201
    for problem in told.problems:
        print(f"  {problem}")  # noqa: T201
    sys.stdout.flush()


def _sum_up(towns: list[Told], seconds: float) -> int:
    kills, runs = sum(one.kills for one in towns), sum(one.runs for one in towns)
    requests, outcomes = sum(one.requests for one in towns), sum(one.outcomes for one in towns)
    failed = sum(bool(one.problems) for one in towns)
    print(  # noqa: T201
        f"{kills} kills in {seconds:.0f} s ({kills / seconds:.1f} a second): {runs} runs, {requests} requests, "
        f"{outcomes} unknown outcomes"
    )
    print(f"{len(towns) - failed} passed, {failed} failed")  # noqa: T201
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
