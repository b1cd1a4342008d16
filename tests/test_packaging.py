"""What an installation carries."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from bot.manifest import as_shape, for_address, read_manifest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel, built once."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_carries_the_three_packages_and_their_files(wheel: Path) -> None:
    """A wheel holds every module, the demo's policy and page, the migrations, and nothing of the tests."""
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {
        "agent_runtime/demo/signoff.toml",
        "bot/manifest.yml",
        "storage/migrations/env.py",
        "bot/__main__.py",
    } <= names
    assert {"bot/py.typed", "agent_runtime/py.typed", "storage/py.typed"} <= names
    assert any(name.startswith("storage/migrations/versions/0001") for name in names)
    page = {path.relative_to(ROOT).as_posix() for path in (ROOT / "bot/workspace/page").rglob("*") if path.is_file()}
    assert "bot/workspace/page/index.html" in page
    assert page <= names, "the demo's page"
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {"bot", "agent_runtime", "storage"}


def test_an_installation_prints_the_manifest(wheel: Path, tmp_path: Path) -> None:
    """`signoff manifest` needs no checkout: the package carries the file."""
    zipfile.ZipFile(wheel).extractall(tmp_path)
    command = [sys.executable, "-P", "-m", "bot", "manifest", "--url", "https://bot.example.com"]
    environment = {"PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    told = subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True, text=True)
    assert as_shape(told.stdout) == as_shape(for_address(read_manifest(), "https://bot.example.com"))
    command[2:] = ["-c", "import bot.manifest; print(bot.manifest.__file__)"]
    told = subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True, text=True)
    assert Path(told.stdout.strip()).is_relative_to(tmp_path), "it was the checkout that printed it"
