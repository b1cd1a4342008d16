"""What an installation carries."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_wheel_carries_the_three_packages_and_their_files(tmp_path: Path) -> None:
    """A wheel holds every module, the demo's policy, the migrations, and nothing of the tests."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"agent_runtime/demo/signoff.toml", "storage/migrations/env.py", "bot/__main__.py"} <= names
    assert {"bot/py.typed", "agent_runtime/py.typed", "storage/py.typed"} <= names
    assert any(name.startswith("storage/migrations/versions/0001") for name in names)
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {"bot", "agent_runtime", "storage"}
