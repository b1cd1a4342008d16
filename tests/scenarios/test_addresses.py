"""`emails = true`: two accounts of one person are one person, and people can be named by address."""

from __future__ import annotations

from pathlib import Path

from agent_runtime.demo.conversation import PlannedCall
from bot.workspace.demo_world import add_person
from storage.types import RunStatus
from tests.scenarios.agents import MANAGERS, calling, noting
from tests.scenarios.house import MANAGERS_DECIDE, House, open_house

BY_ADDRESS = MANAGERS.replace("[slack]", "[slack]\nemails = true").replace(
    '"usergroup:managers"', '"email:maria@lanternworks.example", "usergroup:finance"'
)


def double(house: House) -> None:
    """A second account of Ana's, which is in the group that may approve."""
    add_person(house.ws.world, "ana2", "Ana (admin)").email = "ANA@lanternworks.example"
    house.ws.admin.set_group("finance", ["ana2"])


async def test_a_second_account_with_the_requesters_address_may_not_approve(tmp_path: Path) -> None:
    """Ana started it; her other account is refused as she would be. Maria, named by her address, may."""
    done: list[str] = []
    agent = calling(PlannedCall("note", {"text": "hello"}), tools=[noting(done)])
    async with open_house(tmp_path, policy=BY_ADDRESS, agents={"noter": agent}) as house:
        double(house)
        run = await house.start("ana", "noter", "go")
        card = house.card("Approve note?")
        await house.person("ana2").click(card, "Approve")
        await house.settle()
        (refused,) = await house.audit("decision.refused")
        assert (await house.text_of(refused))["refusal"] == "own_request"
        assert done == []
        await house.person("maria").click(card, "Approve")
        await house.settle()
        assert (await house.run(run.id)).status is RunStatus.SUCCEEDED
        assert done == ["hello"]


async def test_a_second_account_does_not_stand_in_for_the_first(tmp_path: Path) -> None:
    """Ana hands over to her own other account: refused, they are one person."""
    async with open_house(tmp_path, policy=BY_ADDRESS, agents={}) as house:
        double(house)
        answer = await house.person("ana").command("/approvals", "away 3d @ana2")
        assert "full member" in answer.text


async def test_two_accounts_with_one_address_fill_no_quorum_and_grant_themselves_nothing(tmp_path: Path) -> None:
    """Maria's other account is told so; what Dora and Maria then grant lets nothing of that other account through."""
    done: list[str] = []
    agent = calling(PlannedCall("note", {"text": "hello"}), tools=[noting(done)])
    two = (
        MANAGERS_DECIDE.replace("[slack]", "[slack]\nemails = true")
        + """
[[policy]]
tool = "note"
grants = { scopes = ["agent"], max_count = 5, max_age = "1h" }
[[policy.stage]]
approvers = ["usergroup:managers"]
quorum = 2
"""
    )
    async with open_house(tmp_path, policy=two, agents={"noter": agent}) as house:
        add_person(house.ws.world, "maria2", "Maria (admin)").email = "MARIA@lanternworks.example"
        house.ws.admin.set_group("managers", ["maria", "maria2", "dora"])
        await house.start("ana", "noter", "go")
        await _approve_this_and_the_next(house, "maria")
        other = house.person("maria2")
        await other.click(house.card("Approve note?", "Approve"), "Approve")
        await house.settle()
        assert any("Another account with your address" in message.plain() for message in house.messages())
        assert done == []
        await _approve_this_and_the_next(house, "dora")
        assert done == ["hello"]
        assert (await house.start("fred", "noter", "go")).status is RunStatus.SUCCEEDED
        assert (await house.start("maria2", "noter", "go")).status is RunStatus.WAITING


async def _approve_this_and_the_next(house: House, name: str) -> None:
    person = house.person(name)
    more = await person.click(house.card("Approve note?", "More..."), "More...")
    assert more.view is not None
    await person.click(more.view, "Approve this and the next")
    assert person.view is not None
    await person.fill_and_submit(person.view, {})
    await house.settle()
