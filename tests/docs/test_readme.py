"""What the README shows of a running Signoff, compared with one that runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from agent_runtime.registry import load_agents
from bot.init import STARTER_FILE
from storage.types import RunStatus
from tests.docs.blocks import ROOT, blocks
from tests.docs.claims import MACHINES
from tests.docs.reader import shows
from tests.scenarios.house import House, open_house

README = list(blocks(ROOT / "README.md"))


def test_the_diagrams_show_every_machine() -> None:
    """Each of the three has its diagram, with the arrows that are legal, no more and no fewer."""
    drawn = [set(re.findall(r"(\w+) --> (\w+)", block.text)) for block in README if block.language == "mermaid"]
    assert drawn == MACHINES


async def test_the_card_it_shows_is_the_one_that_people_get(tmp_path: Path) -> None:
    """Line by line, as it can be read in Slack."""
    (card,) = [block for block in README if block.text.startswith("Approve send_email?")]
    async with open_house(tmp_path) as house:
        await house.start("ana", "approval", "Send email to team about meeting")
        assert shows(card.text, house.card("Approve send_email?").plain()) == []


async def test_what_it_tells_you_to_try_works(tmp_path: Path) -> None:
    """The command as Ana, the button as Maria, and the mail is sent."""
    told = re.sub(r"\s+", " ", (ROOT / "README.md").read_text())
    match = re.search(r"Type `(/agent) (\S+) ([^`]+)` as (\w+), become (\w+), and press (\w+)\.", told)
    assert match is not None
    _, agent, text, starter, approver, button = match.groups()
    async with open_house(tmp_path) as house:
        run = await house.start(starter.lower(), agent, text)
        await house.person(approver.lower()).click(house.card("send_email"), button)
        await house.settle()
        assert (await house.run(run.id)).status is RunStatus.SUCCEEDED
    assert len(list((tmp_path / "mail" / "new").iterdir())) == 1


async def test_ones_own_graph_is_gated_by_the_lines_it_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The README's agent deletes the file only after a person approved it: under its policy, and the starter's."""
    (code,) = [block for block in README if block.language == "python"]
    (short,) = [block.text for block in README if block.language == "toml"]
    starter = re.sub(r"approvers = \[.*?\]", 'approvers = ["usergroup:managers"]', STARTER_FILE)
    assert code.file is not None
    (tmp_path / code.file).write_text(code.text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    for number, policy in enumerate((short, starter)):
        (tmp_path / "notes.txt").write_text("old")
        agents = load_agents(("my_agents:agents",), tmp_path)
        (tmp_path / str(number)).mkdir()
        async with open_house(tmp_path / str(number), policy=policy, agents=agents) as house:
            await _delete(house, tmp_path / "notes.txt")


async def _delete(house: House, file: Path) -> None:
    run = await house.start("ana", "cleaner", file.name)
    assert run.status is RunStatus.WAITING
    assert there(file)
    await house.person("maria").click(house.card("delete_file"), "Approve")
    await house.settle()
    assert (await house.run(run.id)).status is RunStatus.SUCCEEDED
    assert not there(file)


def there(file: Path) -> bool:
    return file.exists()
