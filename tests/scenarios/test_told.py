"""Who a policy has told, and what it has shown: lines that ask nobody anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bot.workspace.demo_world import demo_world
from storage.types import RequestStatus
from tests.scenarios.house import House, open_house

POLICY = """\
agents = "agent_runtime.demo:agents"
[slack]
approvals_channel = "#approvals"
[default.stage]
approvers = ["channel:#approvers"]
[[policy]]
agent = "ops"
tool = "read_file"
action = "allow"
show = true
[[policy]]
agent = "ops"
tool = "write_file"
notify = ["channel:#purchasing", "{person}"]
redact = ["/content"]
confirm = true
when = 'within(args.path, ".") && args.lines < 5'
"""


def said(house: House, words: str) -> list[Any]:
    return [one for one in house.messages() if words in one.plain()]


async def test_a_policy_tells_a_channel_and_a_person_when_it_asks_and_how_it_ends(tmp_path: Path) -> None:
    """Two lines each, without buttons; the card alone asks, once more before a yes counts, and says what was odd."""
    dora = next(user.id for user in demo_world().users.values() if user.name == "dora")
    async with open_house(tmp_path, policy=POLICY.replace("{person}", f"user:{dora}")) as house:
        run = await house.start("sam", "ops", "write notes.txt: the vault is 4711-0815")
        card = house.card("Approve write_file?", "Approve")
        assert "could not be evaluated (no such key: lines), so it counts as matching" in card.plain()
        assert "••• redacted" in card.plain()
        maria = house.person("maria")
        await maria.click(card, "Approve", confirm=False)
        await house.settle()
        assert [one.status for one in await house.requests(run.id)] == [RequestStatus.PENDING]
        await maria.click(house.card("Approve write_file?", "Approve"), "Approve")
        await house.settle()
        waits, ended = (
            said(house, "ops waits for people about write_file"),
            said(house, "write_file: approved by Maria"),
        )
        assert len(waits) == 2
        assert len([one for one in ended if "for ops" in one.plain()]) == 2
        assert all(not one.buttons for one in (*waits, *ended))
        assert not said(house, "4711-0815")


async def test_an_allowed_call_is_shown_in_the_runs_thread_where_its_policy_says_so(tmp_path: Path) -> None:
    """One line under the run's own message, by which policy; nobody is asked."""
    async with open_house(tmp_path, policy=POLICY.replace("{person}", "channel:#alerts")) as house:
        (house.dir / "sandbox").mkdir()
        (house.dir / "sandbox" / "notes.txt").write_text("milk")
        run = await house.start("sam", "ops", "read notes.txt")
        (line,) = said(house, "read_file runs without asking anybody, by policy 1")
        assert line.thread_ts == house.root(run.id).ts
