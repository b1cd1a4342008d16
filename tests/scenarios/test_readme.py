"""What the README says, done."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from agent_runtime.lifecycle import CALL_MOVES, REQUEST_MOVES, RUN_MOVES
from agent_runtime.registry import load_agents
from bot.init import STARTER_FILE
from storage.types import RunStatus
from tests.scenarios.house import open_house

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    """The README's code blocks in a language."""
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_diagrams_show_exactly_the_legal_moves() -> None:
    """Each state diagram has the arrows of the machine it draws, no more and no fewer."""
    drawn = [set(re.findall(r"(\w+) --> (\w+)", block)) for block in blocks("mermaid")]
    machines = [
        {(str(old), str(new)) for old, targets in moves.items() for new in targets}
        for moves in (RUN_MOVES, REQUEST_MOVES, CALL_MOVES)
    ]
    assert drawn == machines


def test_its_make_commands_are_targets() -> None:
    """Every `make TARGET` of the README exists in the Makefile."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"^make ([a-z-]+)", "\n".join(blocks("sh")), re.MULTILINE))
    assert named
    assert named <= targets


async def test_ones_own_graph_is_gated_by_the_lines_it_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The README's agent, under the starter policy, deletes the file only after a person approved it."""
    (code,) = blocks("python")
    (tmp_path / "my_agents.py").write_text(code)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "notes.txt").write_text("old")
    agents = load_agents(("my_agents:agents",), tmp_path)
    policy = re.sub(r"approvers = \[.*?\]", 'approvers = ["usergroup:managers"]', STARTER_FILE)
    async with open_house(tmp_path, policy=policy, agents=agents) as house:
        run = await house.start("ana", "cleaner", "notes.txt")
        assert run.status is RunStatus.WAITING
        assert (tmp_path / "notes.txt").exists()
        await house.person("maria").click(house.card("delete_file"), "Approve")
        await house.settle()
        assert (await house.run(run.id)).status is RunStatus.SUCCEEDED
        assert not (tmp_path / "notes.txt").exists()
