"""Killed at every point, and started again on the same files."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash.drive import drive

MET = 0.75
"""The least part of the points at which a kill must be met: where calls run at the same time they may share commits, so
that the last numbers do not always come."""


@pytest.mark.parametrize(
    "pattern",
    [
        "approval",
        "parallel-sampled",
        pytest.param("parallel", marks=pytest.mark.slow),
        pytest.param("delivered", marks=pytest.mark.slow),
        pytest.param("nested", marks=pytest.mark.slow),
    ],
)
def test_a_kill_between_any_two_commits_loses_nothing_and_starts_nothing_twice(pattern: str, tmp_path: Path) -> None:
    """After a kill at each commit and around each effect, a restart leaves every accepted run and decision in place,
    every approved effect done once, every refused one undone, and a question about exactly the calls left open. The
    kinds of commits are all in `approval`; of those of calls in parallel, one in three is enough for each run."""
    tally = drive(pattern, tmp_path)
    assert tally.problems == []
    assert len(tally.points) > (12 if pattern.endswith("sampled") else 20)
    assert tally.met >= MET * len(tally.points)
    assert tally.unknown > 0


@pytest.mark.slow
def test_a_kill_at_any_moment_of_a_time_out_leaves_one_time_out(tmp_path: Path) -> None:
    """A request that nobody answers is closed once, whichever commit the process was killed after."""
    tally = drive("overdue", tmp_path)
    assert tally.problems == []
    assert tally.met == len(tally.points)


def test_a_lost_journal_would_be_seen(tmp_path: Path) -> None:
    """With the memory of what was started taken away between two lives, these tests do find doubled effects."""
    tally = drive("forgetful", tmp_path)
    assert len(tally.problems) == tally.met > 0
    assert all("happened more than once" in problem for problem in tally.problems)
