"""The whole bot, killed while people use it. `make chaos` does this hundreds of times."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.crash.drive import LONGEST, ROOT


def test_a_bot_that_is_killed_at_random_loses_and_doubles_nothing() -> None:
    """Six kills while people start runs and press buttons: afterwards every run has ended as it was decided, every
    effect happened once, and Slack shows each end once with no button left."""
    done = chaos("--kills", "6", "--seed", "11")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.rstrip().endswith("1 passed, 0 failed")


@pytest.mark.slow
def test_a_bot_without_a_journal_would_be_seen() -> None:
    """With the memory of what was started taken away at each kill, the same judgement finds doubled effects."""
    done = chaos("--kills", "12", "--seed", "11", "--forget")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "happened more than once" in done.stdout


def chaos(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m tests.chaos`."""
    command = [sys.executable, "-m", "tests.chaos", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LONGEST, check=False)
