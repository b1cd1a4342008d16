"""A held call waits after its last approval: it can be taken back, rejected, and it runs when nobody does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from agent_runtime.demo.conversation import PlannedCall
from storage.types import RequestStatus
from tests.scenarios.agents import calling, noting
from tests.scenarios.house import IN_LONG_TESTS, MANAGERS_DECIDE, House, open_house

OVER_BOTH = IN_LONG_TESTS
POLICY = (
    MANAGERS_DECIDE
    + """
[[policy]]
tool = "note"
hold = "30s"
require_reason = ["reject"]
decisions = ["approve", "reject", "skip"]
"""
)
HELD = "about to run: note"


@pytest.fixture
def done() -> list[str]:
    """What was noted."""
    return []


@pytest.fixture
async def house(tmp_path: Path, transport: str, done: list[str]) -> AsyncIterator[House]:
    """A house in which a held call is approved by Maria."""
    agents = {"noter": calling(PlannedCall("note", {"text": "x"}), tools=[noting(done)])}
    async with open_house(tmp_path, policy=POLICY, agents=agents, transport=transport) as opened:
        opened.ws.admin.set_group("managers", ["maria", "dora"])
        await opened.start("ana", "noter", "go")
        await opened.person("maria").click(opened.card("Approve note?", "Approve"), "Approve")
        await opened.bot.settle()
        yield opened


async def test_it_runs_when_nobody_takes_it_back(house: House, done: list[str]) -> None:
    """The card says when; before that nothing runs, after it the approved call does."""
    card = house.card(HELD)
    assert card.labels == ["Take back", "Reject", "More..."]
    assert "30 s after the last approval" in card.plain()
    await house.advance(timedelta(seconds=29))
    assert done == []
    await house.advance(timedelta(seconds=2))
    assert done == ["x"]
    assert "Approved: note" in house.card("Approved: note").plain()


async def test_an_approval_that_is_taken_back_counts_no_more(house: House, done: list[str]) -> None:
    """The card asks again, says whose vote was withdrawn, and nothing runs; a new yes holds anew."""
    await house.person("maria").click(house.card(HELD, "Take back"), "Take back")
    await house.settle()
    await house.advance(timedelta(minutes=1))
    assert done == []
    card = house.card("Approve note?", "Approve")
    assert "(withdrawn)" in card.plain()
    await house.person("maria").click(card, "Approve")
    await house.bot.settle()
    await house.advance(timedelta(seconds=31))
    assert done == ["x"]


async def test_only_who_approved_can_take_it_back(house: House, done: list[str]) -> None:
    """Somebody without a vote is told so, and it runs."""
    await house.person("dora").click(house.card(HELD, "Take back"), "Take back")
    await house.bot.settle()
    assert "no vote of yours" in house.person("dora").ephemerals[-1].plain()
    await house.advance(timedelta(seconds=31))
    assert done == ["x"]


async def test_another_approver_can_still_say_no_and_must_say_why(house: House, done: list[str]) -> None:
    """The reason is required by the policy: without it the form does not close, with it the call never runs."""
    dora = house.person("dora")
    pressed = await dora.click(house.card(HELD, "Reject"), "Reject")
    assert pressed.view is not None
    assert (await dora.fill_and_submit(pressed.view, {"Reason": "   "})).errors
    assert (await dora.fill_and_submit(pressed.view, {"Reason": "Not today"})).closed
    await house.bot.settle()
    await house.advance(timedelta(seconds=31))
    assert done == []
    (request,) = await house.requests((await house.audit("run.started"))[0].run_id or "")
    assert request.status is RequestStatus.REJECTED


async def test_a_late_yes_to_a_held_call_changes_nothing(house: House, done: list[str]) -> None:
    """A copy of the card from before still has Approve: whoever presses it is told that enough people have."""
    dora = house.person("dora")
    stale = next(one for one in house.messages() if HELD in one.plain())
    await dora.click(stale, "More...")
    assert dora.view is not None
    assert dora.view.labels == ["Review everything", "Ask a question", "Skip", "Hand over"]
    await dora.click(dora.view, "Review everything")
    assert "Approve" not in (dora.view.labels if dora.view else [])
    await house.advance(timedelta(seconds=31))
    assert done == ["x"]
