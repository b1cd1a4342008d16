"""Who may decide is asked at the click: people come and go after a card was posted."""

from __future__ import annotations

from datetime import timedelta

from storage.types import RunStatus
from tests.scenarios.effects import mails
from tests.scenarios.house import House

TASK = "Send email to team about meeting"
FRESH = timedelta(seconds=61)
"""Longer than what the directory may remember."""


async def test_who_was_removed_from_the_group_may_not_approve(house: House) -> None:
    """Maria was asked, then moved on: her click is refused though her name may still stand on the card."""
    run = await house.start("ana", "approval", TASK)
    card = house.card("Approve send_email?")
    house.ws.admin.set_group("managers", ["dora"])
    await house.advance(FRESH)
    maria = house.person("maria")
    await maria.click(card, "Approve")
    await house.settle()
    assert "not an approver" in maria.ephemerals[-1].plain()
    assert (await house.run(run.id)).status is RunStatus.WAITING
    assert mails(house.dir) == []


async def test_who_was_added_to_the_group_may_approve(house: House) -> None:
    """Dora became a manager after the card was posted."""
    run = await house.start("ana", "approval", TASK)
    card = house.card("Approve send_email?")
    dora = house.person("dora")
    await dora.click(card, "Approve")
    assert (await house.run(run.id)).status is RunStatus.WAITING
    house.ws.admin.set_group("managers", ["dora"])
    await house.advance(FRESH)
    await dora.click(card, "Approve")
    await house.settle()
    assert (await house.run(run.id)).status is RunStatus.SUCCEEDED
    assert len(mails(house.dir)) == 1


async def test_an_empty_group_authorises_nobody(house: House) -> None:
    """No approver left: nobody can approve, and silence is still a no."""
    await house.start("ana", "approval", TASK)
    card = house.card("Approve send_email?")
    house.ws.admin.set_group("managers", [])
    await house.advance(FRESH)
    for name in ("maria", "dora", "sam"):
        await house.person(name).click(card, "Approve")
    await house.advance(timedelta(hours=5))
    assert len(await house.audit("decision.refused")) == 3
    assert mails(house.dir) == []


async def test_a_member_who_became_a_guest_may_not_approve(house: House) -> None:
    """Maria is a contractor now, and still in the group."""
    await house.start("ana", "approval", TASK)
    card = house.card("Approve send_email?")
    house.ws.admin.make_guest("maria")
    await house.advance(FRESH)
    await house.person("maria").click(card, "Approve")
    await house.settle()
    assert "guests may not decide" in house.person("maria").ephemerals[-1].plain().lower()
    assert mails(house.dir) == []


async def test_an_approver_who_left_does_not_block_the_others(house: House) -> None:
    """One manager's account is closed; another one approves."""
    house.ws.admin.set_group("managers", ["maria", "dora"])
    await house.start("ana", "approval", TASK)
    house.ws.admin.deactivate("maria")
    await house.advance(FRESH)
    await house.person("dora").click(house.card("Approve send_email?"), "Approve")
    await house.settle()
    assert len(mails(house.dir)) == 1


async def test_a_starter_who_left_the_staff_starts_nothing_more(house: House) -> None:
    """Starters are asked at the command, too."""
    await house.start("ana", "multi-step", "Buy 1 mouse for 250")
    house.ws.admin.set_group("staff", ["maria"])
    await house.advance(FRESH)
    answer = await house.person("ana").command("/agent", "multi-step Buy 1 lamp for 90")
    assert "may not start" in answer.text
    assert len(await house.audit("start.refused")) == 1
