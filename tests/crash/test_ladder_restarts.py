"""Ladders over many restarts: whatever is started, ended or killed around its moment, each timer fires once."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.crash.drive import LONGEST, ROOT


@pytest.mark.parametrize(
    ("restarts", "kills"),
    [(20, 3), pytest.param(1_000, 50, marks=pytest.mark.slow)],
)
def test_every_timer_fires_once_whatever_restarts_there_are(tmp_path: Path, restarts: int, kills: int) -> None:
    """Restarts just before, at and just after the moments at which something falls due, some in the middle of a sweep:
    every reminder, escalation and time-out happens once, in its order, and not before its time."""
    command = [sys.executable, "-m", "tests.crash.ladder_lives", str(tmp_path), str(restarts), str(kills)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LONGEST, check=False)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["problems"] == []
    assert (report["lives"], report["timers"]) == (restarts, max(1, restarts // 100) * 60)
    assert report["killed"] == kills
