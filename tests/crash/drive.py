"""Starts the driver: pytest's own processes have threads and loops, and may not be forked."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.crash.sweep import Tally

ROOT = Path(__file__).parents[2]
LONGEST = 900
"""Seconds."""


def drive(job: str, home: Path) -> Tally:
    """Do a job of the driver in a process of its own."""
    command = [sys.executable, "-m", "tests.crash.driver", str(home), job]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LONGEST, check=False)
    assert done.returncode == 0, done.stderr
    return Tally(**json.loads(done.stdout))
