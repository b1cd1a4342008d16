"""Who may not decide is refused, told once and privately, and every refusal is a row of the audit."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.workspace import Message
from bot.workspace.demo_world import PARTNER
from storage.types import RequestStatus, RunStatus
from tests.scenarios.agents import MANAGERS
from tests.scenarios.effects import mails
from tests.scenarios.house import House, open_house

TASK = "Send email to team about meeting"
CHAIN = """
[slack]
approvals_channel = "#approvals"
[default.stage]
approvers = ["usergroup:managers"]
[[policy]]
tool = "send_email"
[[policy.stage]]
name = "manager"
approvers = ["usergroup:managers"]
[[policy.stage]]
name = "finance"
approvers = ["usergroup:finance", "usergroup:managers"]
quorum = 2
"""
"""Two stages; the managers are named in both."""


async def waiting(house: House) -> Message:
    """A card that waits for the managers."""
    await house.start("ana", "approval", TASK)
    return house.card("Approve send_email?", "Approve")


async def forged(house: House, card: Message, user: dict[str, Any]) -> None:
    """A click that Slack signed, by somebody who cannot be acted as."""
    await house.person("fred").click(card, "Reject")  # refused; its payload is the pattern
    payload = json.loads(json.dumps(house.ws.deliveries[-1].payload))
    payload["user"] = {**payload["user"], **user}
    payload["actions"][0]["action_id"] = "signoff_approve"
    assert (await house.ws.deliver("interactive", payload)).status == 200
    await house.settle()


async def reason_of_last(house: House) -> str:
    """Why the last refusal was made, as the audit has it."""
    text = await house.text_of((await house.audit("decision.refused"))[-1])
    return str(text["refusal"])


async def untouched(house: House) -> bool:
    run = (await house.audit("run.started"))[0].run_id
    return mails(house.dir) == [] and (await house.run(run)).status is RunStatus.WAITING


@pytest.mark.parametrize(
    ("who", "reason", "words"),
    [
        ("fred", "not_an_approver", "you are not an approver"),
        ("gus", "guest", "guests may not decide"),
        ("ana", "own_request", "nobody approves their own"),
    ],
)
async def test_who_may_not_decide_is_told_why_and_who_can(house: House, who: str, reason: str, words: str) -> None:
    """The notice is private, says that nothing changed, why, and who can decide; the audit has the reason."""
    card = await waiting(house)
    person = house.person(who)
    await person.click(card, "Approve")
    await house.settle()
    notice = person.ephemerals[-1]
    assert "Nothing was changed" in notice.plain()
    assert words in notice.plain().lower()
    assert "@managers can decide" in notice.plain()
    assert notice.channel == "#approvals"
    assert await reason_of_last(house) == reason
    assert await untouched(house)
    assert len(house.ws.channel("#approvals").everything) == 1, "nobody else is told"


async def test_people_of_another_team_decide_nothing(house: House) -> None:
    """Somebody who shares the channel from another company is refused, by the team Slack says is theirs."""
    house.ws.channel("#approvals").invite("olga")
    card = await waiting(house)
    await house.person("olga").click(card, "Approve")
    await house.settle()
    assert await reason_of_last(house) == "other_team"
    assert await untouched(house)


@pytest.mark.parametrize(
    ("user", "reason"),
    [
        ({"id": "U0EVE000001"}, "deactivated"),
        ({"id": "UNOBODY0001"}, "unknown_person"),
        ({"id": "U0MARIA0001", "team_id": PARTNER.id}, "other_team"),
        ({"id": "U0MARIA0001", "team_id": ""}, "other_team"),
    ],
)
async def test_accounts_that_are_no_members_decide_nothing(house: House, user: dict[str, Any], reason: str) -> None:
    """Deactivated, unknown, or with another team's id: refused, whatever group would name them."""
    house.ws.admin.set_group("managers", ["maria", "eve"])
    card = await waiting(house)
    await forged(house, card, user)
    assert await reason_of_last(house) == reason
    assert await untouched(house)


async def test_bots_decide_nothing(house: House) -> None:
    """Not even ours, and not even in the approvers' group."""
    house.ws.admin.set_group("managers", ["maria", "signoff"])
    card = await waiting(house)
    await forged(house, card, {"id": house.ws.world.app.bot_user})
    assert await reason_of_last(house) == "bot"
    assert await untouched(house)


async def test_every_refusal_is_a_row_and_at_most_one_notice(house: House) -> None:
    """Ten clicks of somebody who may not decide: ten rows, one private sentence."""
    card = await waiting(house)
    fred = house.person("fred")
    for _ in range(10):
        await fred.click(card, "Approve")
    await house.settle()
    assert len(await house.audit("decision.refused")) == 10
    assert len(fred.ephemerals) == 1


async def test_a_form_is_not_opened_for_who_may_not_decide(house: House) -> None:
    """Reject asks for words only from those whose words count."""
    card = await waiting(house)
    answer = await house.person("fred").click(card, "Reject")
    await house.settle()
    assert answer.view is None
    assert "not an approver" in house.person("fred").ephemerals[-1].plain()
    assert await reason_of_last(house) == "not_an_approver"


async def test_who_is_too_late_is_told_who_decided(house: House) -> None:
    """Two managers click: the second learns who was first, and what they said."""
    house.ws.admin.set_group("managers", ["maria", "dora"])
    card = await waiting(house)
    await house.person("maria").click(card, "Approve")
    dora = house.person("dora")
    await dora.click_stale(card, "Approve")
    await house.settle()
    (notice,) = dora.ephemerals
    assert "Too late" in notice.plain()
    assert "closed by @maria" in notice.plain()
    assert "approved" in notice.plain()
    assert await reason_of_last(house) == "too_late"
    assert len(mails(house.dir)) == 1


async def test_a_second_click_of_the_same_person_is_quiet(house: House) -> None:
    """Impatience is not an offence: the audit has it, the person is not told off."""
    card = await waiting(house)
    maria = house.person("maria")
    for _ in range(3):
        await maria.click_stale(card, "Approve")
    await house.settle()
    assert maria.ephemerals == []
    assert len(await house.audit("decision.made")) == 1
    assert len(await house.audit("decision.refused")) == 2
    assert len(mails(house.dir)) == 1


async def test_changing_ones_mind_too_late_is_told(house: House) -> None:
    """Approve and then Reject is not the same click again."""
    card = await waiting(house)
    maria = house.person("maria")
    await maria.click(card, "Approve")
    await maria.click_stale(card, "Reject")
    await house.settle()
    assert "closed by you" in maria.ephemerals[-1].plain()
    assert len(mails(house.dir)) == 1


async def test_an_outdated_copy_decides_nothing_in_the_next_stage(tmp_path: Path) -> None:
    """A copy of stage one cannot vote in stage two, though its owner may decide there; the card is redrawn."""
    async with open_house(tmp_path, policy=CHAIN) as house:
        house.ws.admin.set_group("managers", ["maria", "sam"])
        card = await waiting(house)
        await house.person("maria").click(card, "Approve")
        await house.settle()
        sam = house.person("sam")
        await sam.click_stale(card, "Approve")
        await house.settle()
        assert await reason_of_last(house) == "outdated"
        assert "look again" in sam.ephemerals[-1].plain()
        (request,) = await house.requests((await house.audit("run.started"))[0].run_id)
        assert (request.stage, request.votes_in_stage) == (1, 0)


async def test_two_of_a_quorum_are_two_people(tmp_path: Path) -> None:
    """Each stage opens a card of its own; one person votes once per request, and the last vote closes it."""
    async with open_house(tmp_path, policy=CHAIN) as house:
        first = await waiting(house)
        await house.person("maria").click(first, "Approve")
        await house.settle()
        second = house.card("Stage 2 of 2", "Approve")
        assert second.ts != first.ts
        assert "@finance" in second.mentions
        await house.person("maria").click(second, "Approve")
        await house.settle()
        assert await reason_of_last(house) == "already_voted"
        await house.person("fred").click(second, "Approve")
        await house.person("fred").click_stale(second, "Approve")
        await house.settle()
        assert mails(house.dir) == []
        assert "2 approvals needed · 1 so far" in house.card("Stage 2 of 2", "Approve").plain()
        await house.person("ines").click(second, "Approve")
        await house.settle()
        assert len(mails(house.dir)) == 1
        for card in (first, second):
            shown = card.now()
            assert shown is not None
            assert (shown.labels, "Approved: send_email" in shown.plain()) == ([], True)


async def test_one_no_closes_a_chain(tmp_path: Path) -> None:
    """A rejection in the second stage closes the request, whatever the first stage said."""
    async with open_house(tmp_path, policy=CHAIN) as house:
        await house.person("maria").click(await waiting(house), "Approve")
        await house.settle()
        fred = house.person("fred")
        pressed = await fred.click(house.card("Stage 2 of 2", "Reject"), "Reject")
        assert pressed.view is not None
        await fred.fill_and_submit(pressed.view, {"Reason": ""})
        await house.settle()
        (request,) = await house.requests((await house.audit("run.started"))[0].run_id)
        assert request.status is RequestStatus.REJECTED
        assert mails(house.dir) == []


async def test_a_decision_that_the_policy_does_not_offer_is_refused(tmp_path: Path) -> None:
    """Skip is on no card here; a click that claims it is refused."""
    async with open_house(tmp_path, policy=MANAGERS) as house:
        card = await waiting(house)
        assert card.labels == ["Approve", "Reject", "More..."]
        await forged(house, card, {})
        maria = house.person("maria")
        payload = json.loads(json.dumps(house.ws.deliveries[-1].payload))
        payload["user"] |= {"id": maria.id, "name": "maria"}
        payload["actions"][0]["action_id"] = "signoff_skip"
        await house.ws.deliver("interactive", payload)
        assert await reason_of_last(house) == "not_offered"
        assert await untouched(house)


async def test_an_old_notice_is_not_sent_late(house: House) -> None:
    """A refusal that could not be told within a minute is not told at all; the audit has it anyway."""
    card = await waiting(house)
    fault = house.ws.fail("chat.postEphemeral", status=503, times=None)
    await house.person("fred").click(card, "Approve")
    await house.bot.settle()
    assert fault.hits
    house.clock.advance(timedelta(minutes=2))
    house.ws.heal()
    await house.settle()
    assert house.person("fred").ephemerals == []
    assert await reason_of_last(house) == "not_an_approver"
