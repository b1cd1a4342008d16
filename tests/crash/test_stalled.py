"""Stopped past the end of its lease, and woken when another worker has taken over."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash.drive import drive


@pytest.mark.parametrize("job", ["stalled", pytest.param("stalled-everywhere", marks=pytest.mark.slow)])
def test_a_stalled_and_woken_worker_changes_nothing(job: str, tmp_path: Path) -> None:
    """A worker that is stopped past its lease, in a tool or between commits, and woken after another one has finished
    its run with the people's help, is told that its lease is lost, and no row and no effect is different."""
    tally = drive(job, tmp_path)
    assert tally.problems == []
    assert tally.met >= len(tally.points) - 2  # the last commits may be shared, and have no number of their own
    assert tally.unknown > 0


def test_what_a_woken_worker_knows_is_evidence_while_nobody_has_answered(tmp_path: Path) -> None:
    """The late end of a call is taken, its question is withdrawn, and the run goes on without a second start."""
    tally = drive("unanswered", tmp_path)
    assert tally.problems == []
    assert tally.met == len(tally.points) == 4
