"""A message that is updated notifies nobody: whoever is asked anew gets a new one, and the old one points to it."""

from __future__ import annotations

from pathlib import Path

from agent_runtime.demo.conversation import PlannedCall
from tests.scenarios.agents import calling, noting
from tests.scenarios.house import MANAGERS_DECIDE, open_house

POLICY = (
    MANAGERS_DECIDE
    + """
[[policy]]
tool = "note"
decisions = ["approve", "edit", "reject"]

[[policy.stage]]
name = "managers"
approvers = ["usergroup:managers"]
quorum = 2

[[policy.stage]]
name = "finance"
approvers = ["usergroup:finance"]
"""
)


async def test_whoever_is_asked_anew_gets_a_new_message(tmp_path: Path) -> None:
    """After an edit, after a stage, and after a vote that is taken back: the approvers are mentioned in a new message,
    all earlier ones lose their buttons and link to it, and each of them shows the end."""
    done: list[str] = []
    agents = {"noter": calling(PlannedCall("note", {"text": "x"}), tools=[noting(done)])}
    async with open_house(tmp_path, policy=POLICY, agents=agents) as house:
        house.ws.admin.set_group("managers", ["maria", "dora"])
        await house.start("ana", "noter", "go")
        maria, dora, fred = (house.person(name) for name in ("maria", "dora", "fred"))
        asked = [house.card("Approve note?", "Approve")]

        async def asks_anew(mention: str) -> None:
            await house.settle()
            earlier, newest = asked[-1].now(), house.card("Approve note?", "Approve")
            assert earlier is not None
            assert newest.ts > earlier.ts
            assert mention in newest.mentions
            assert earlier.labels == []
            assert "Asked anew: note" in earlier.plain()
            assert newest.ts.replace(".", "") in str(earlier.blocks)
            asked.append(newest)

        pressed = await maria.click(asked[-1], "Edit")
        assert pressed.view is not None
        await maria.fill_and_submit(pressed.view, {"text": "y"})
        assert maria.view is not None
        await maria.submit(maria.view)
        await asks_anew("@managers")
        await dora.click(asked[-1], "Approve")
        await asks_anew("@finance")
        pressed = await maria.click(asked[-1], "More...")
        assert pressed.view is not None
        await maria.click(pressed.view, "Take my vote back")
        await asks_anew("@managers")
        await maria.click(asked[-1], "Approve")
        await asks_anew("@finance")
        await fred.click(asked[-1], "Approve")
        await house.settle()
        assert done == ["y"]
        assert ["Approved: note" in str(now and now.plain()) for now in (one.now() for one in asked)] == [True] * 5
