"""What holds for every file of the project."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from storage import types
from storage.types import Described

ROOT = Path(__file__).parents[1]
PACKAGES = ("bot", "agent_runtime", "storage")
STEPS = ROOT / "storage" / "migrations" / "versions"
"""What Alembic generates, one file for each step of the schema."""
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py") if path.parent != STEPS)
BANNED = {"utils", "helpers", "common", "manager", "service", "data", "info"}


def test_imports_run_one_way() -> None:
    """Import Linter's contracts hold: bot, agent_runtime, storage, and each library in its own place."""
    linter = Path(sys.executable).parent / "lint-imports"
    ran = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_says_what_it_owns(path: Path) -> None:
    """The first lines of every module are a docstring, its name is a noun of its own, and it stays under 350 lines."""
    source = path.read_text()
    assert ast.get_docstring(ast.parse(source)), f"{path} does not say what it owns"
    assert len(source.splitlines()) <= 350
    assert path.stem not in BANNED
    assert not path.stem.startswith("process_")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_is_done_in_an_assertion(path: Path) -> None:
    """Python leaves assertions out with -O: a row that one of them writes would not be written."""
    asserted = [part for part in ast.walk(ast.parse(path.read_text())) if isinstance(part, ast.Assert)]
    calls = [part for one in asserted for part in ast.walk(one.test) if isinstance(part, ast.Call)]
    assert [ast.unparse(call) for call in calls if any(ast.unparse(given) == "tx" for given in call.args)] == []


def test_every_word_of_the_store_carries_a_sentence() -> None:
    """Each member of each enum of the store says when a row is in it."""
    words = [cls for cls in vars(types).values() if isinstance(cls, type) and issubclass(cls, Described)]
    members = [member for cls in words for member in cls]
    assert len(members) > 30
    assert all(member.sentence.endswith((".", "?")) for member in members)


def test_pins_name_no_place() -> None:
    """The constraints pin every package by version and name no index, file or address."""
    pins = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if line and not line.startswith("#")]
    assert pins
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!_-]+", pin) for pin in pins)
