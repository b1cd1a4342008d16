"""Runs the sweeps in a process that may fork: `python -m tests.crash.driver HOME JOB`. One line of JSON comes out."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path

from tests.crash.patterns import PATTERNS
from tests.crash.stalled import Stall
from tests.crash.sweep import Sweep, Tally, forget_starts

Job = Callable[[Path], Tally]


def everywhere(_point: str) -> bool:
    """No point is left out."""
    return True


def killed(pattern: str, choose: Callable[[str], bool] = everywhere) -> Job:
    """Kill a pattern at some of its points."""

    def job(home: Path) -> Tally:
        sweep = Sweep(home, pattern)
        return sweep.everywhere(sweep.kill, choose)

    return job


def stalled(pattern: str, choose: Callable[[str], bool]) -> Job:
    """Stall a pattern at some of its points, with everything answered meanwhile."""

    def job(home: Path) -> Tally:
        stall = Stall(home, pattern)
        return stall.everywhere(stall.answered, choose)

    return job


def unanswered(home: Path) -> Tally:
    """Stall calls in parallel inside each of their tools, with nobody there meanwhile."""
    stall = Stall(home, "parallel")
    return stall.everywhere(stall.unanswered, in_shops)


def forgetful(home: Path) -> Tally:
    """Kill calls in parallel after their effects, and lose every memory of them: calls must be seen to run twice."""
    sweep = Sweep(home, "parallel", forget_starts)
    return sweep.everywhere(sweep.kill, lambda point: point.startswith("after"))


def in_shops(point: str) -> bool:
    """Inside one of the approved calls, with others beside it and without, before its effect and after."""
    return "buy pens" in point or "buy paper" in point


def one_commit_in(many: int, inside: Callable[[str], bool]) -> Callable[[str], bool]:
    """Points inside tools, and after one commit in so many."""

    def chosen(point: str) -> bool:
        return int(point.split()[1]) % many == 0 if point.startswith("commit") else inside(point)

    return chosen


JOBS: Mapping[str, Job] = {
    **{pattern: killed(pattern) for pattern in PATTERNS},
    "parallel-sampled": killed("parallel", one_commit_in(3, everywhere)),
    "stalled": stalled("parallel", one_commit_in(5, in_shops)),
    "stalled-everywhere": stalled("nested", everywhere),
    "unanswered": unanswered,
    "forgetful": forgetful,
}


def main(home: str, name: str) -> None:
    """Do a job in an empty folder, and print its tally."""
    print(json.dumps(asdict(JOBS[name](Path(home)))))  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
