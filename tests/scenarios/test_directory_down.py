"""Slack does not say who may decide: nobody is authorised by that, and everybody is told to try again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot import directory
from storage.types import RunStatus
from tests.scenarios.effects import mails
from tests.scenarios.house import House

TASK = "Send email to team about meeting"
FRESH = timedelta(seconds=61)
DOWN = {
    "people": ("users.info", {"status": 503}),
    "group members": ("usergroups.users.list", {"error": "fatal_error"}),
    "a lost answer": ("usergroups.users.list", {"drop": "before"}),
    "a rate limit": ("users.info", {"status": 429, "retry_after": 60}),
    "no answer": ("users.info", {"hang": "before"}),
}


@pytest.mark.parametrize(("method", "fault"), DOWN.values(), ids=DOWN.keys())
async def test_no_answer_authorises_nobody(
    house: House, monkeypatch: pytest.MonkeyPatch, method: str, fault: dict[str, object]
) -> None:
    """The click is refused and told in time; when Slack is back, the same click counts."""
    run = await house.start("ana", "approval", TASK)
    card = house.card("Approve send_email?")
    house.clock.advance(FRESH)
    house.ws.fail(method, times=None, **fault)  # type: ignore[arg-type]
    maria = house.person("maria")
    with monkeypatch.context() as hurried:
        if "hang" in fault:
            hurried.setattr(directory, "LIMIT", timedelta(seconds=0.05))
        answer = await maria.click(card, "Approve")
    assert answer.status == 200
    await house.bot.settle()
    assert (await house.run(run.id)).status is RunStatus.WAITING
    assert "try again in a minute" in maria.ephemerals[-1].plain()
    (refused,) = await house.audit("decision.refused")
    assert (await house.text_of(refused))["refusal"] == "directory_down"
    house.ws.heal()
    await house.advance(FRESH)
    await maria.click(card, "Approve")
    await house.settle()
    assert len(mails(house.dir)) == 1


async def test_no_answer_starts_and_cancels_nothing(house: House) -> None:
    """Commands are refused with the same words, and work later."""
    run = await house.start("ana", "approval", TASK)
    house.clock.advance(FRESH)
    house.ws.fail("users.info", status=503, times=None)
    ana = house.person("ana")
    for text in ("multi-step Buy 1 mouse for 250", f"cancel {run.id}"):
        assert "try again in a minute" in (await ana.command("/agent", text)).text
    assert (await house.run(run.id)).status is RunStatus.WAITING
    house.ws.heal()
    await house.advance(FRESH)
    await ana.command("/agent", f"cancel {run.id}")
    await house.settle()
    assert (await house.run(run.id)).status is RunStatus.CANCELLED
