"""Several calls of one pause on one card: each is read, decided and told by itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agent_runtime.demo.conversation import PlannedCall
from storage.types import RequestStatus, RunStatus
from tests.scenarios.agents import calling, noting
from tests.scenarios.house import MANAGERS_DECIDE, House, open_house

LONG = "\n".join(f"line {number}" for number in range(30))
POLICY = (
    MANAGERS_DECIDE
    + """
[[policy]]
tool = "note"
when = "args.text == 'chained'"
decisions = ["approve", "edit", "reject"]

[[policy.stage]]
name = "managers"
approvers = ["usergroup:managers"]

[[policy.stage]]
name = "finance"
approvers = ["usergroup:finance"]

[[policy]]
tool = "note"
decisions = ["approve", "edit", "reject"]

[[policy.stage]]
name = "managers"
approvers = ["usergroup:managers"]
"""
)
TEXTS = ("one", "two", LONG, "chained", "five")


@pytest.fixture
def done() -> list[str]:
    """What was noted."""
    return []


@pytest.fixture
async def house(tmp_path: Path, done: list[str]) -> AsyncIterator[House]:
    """A house in which five calls of one step wait."""
    agents = {"noter": calling(*(PlannedCall("note", {"text": text}) for text in TEXTS), tools=[noting(done)])}
    async with open_house(tmp_path, policy=POLICY, agents=agents) as opened:
        await opened.start("ana", "noter", "go")
        yield opened


async def test_each_call_is_decided_by_itself_on_the_card_they_share(house: House, done: list[str]) -> None:
    """One yes, one no, one read first, one that goes on to the next people and one that is changed: the card shows what
    became of each, and the run goes on with each verdict."""
    card, maria = house.card("Approve 5 calls?"), house.person("maria")
    assert len(house.ws.channel("#approvals").messages) == 1
    assert card.text.startswith("Approve 5 calls? note, note, note, note, note. Agent “noter”, started by ")
    assert card.mentions >= {"@managers"}
    assert card.labels == [
        *(["Approve", "Reject", "Edit", "More..."] * 2),
        "Review everything", "Reject", "More...",
        *(["Approve", "Reject", "Edit", "More..."] * 2),
    ]  # fmt: skip

    def shown() -> str:
        now = card.now()
        assert now is not None
        return now.plain()

    await maria.click(card, "Approve", of='"one"')
    await house.settle()
    assert "Approve 5 calls? 4 still open" in shown()
    assert "1. Approved: note" in shown()
    assert "1 approval needed for each call" in shown()
    assert "1 of 5 decided · Approved: 1" in shown().replace("*", "")

    pressed = await maria.click(card, "Reject", of='"two"')
    assert pressed.view is not None
    await maria.fill_and_submit(pressed.view, {"Reason": "Once is enough"})
    await house.settle()
    assert "2. Rejected: note" in shown()
    assert "Once is enough" in shown()

    await maria.click(card, "Review everything")
    assert maria.view is not None
    assert "line 15" not in shown()
    assert "line 15" in maria.view.plain()
    await maria.click(maria.view, "Approve")
    await house.settle()

    await maria.click(card, "Approve", of='"chained"')
    await house.settle()
    assert "4. Asked anew: note" in shown()
    assert "Approve 5 calls? 1 still open" in shown()
    following = house.card("Approve note?", "Approve")
    assert following.mentions >= {"@finance"}
    assert following.ts.replace(".", "") in str((card.now() or card).blocks)

    pressed = await maria.click(card, "Edit", of='"five"')
    assert pressed.view is not None
    await maria.fill_and_submit(pressed.view, {"text": "5"})
    assert maria.view is not None
    await maria.submit(maria.view)
    await house.settle()
    assert "Asked anew: 1 of 5 calls" in shown()
    assert "The run waits for 1 more decision" in shown()
    assert done == []
    await house.person("fred").click(following, "Approve")
    await house.settle()
    assert "Approved: 4 · Rejected: 1" in shown()
    assert (card.now() or card).labels == ["Show everything"] * 2  # of what is long, and of what was changed
    assert done == ["one", LONG, "chained", "5"]
    (run,) = {entry.run_id for entry in await house.audit("run.started")}
    statuses = [request.status for request in await house.requests(run)]
    assert statuses == [RequestStatus.APPROVED, RequestStatus.REJECTED, *[RequestStatus.APPROVED] * 3]
    assert (await house.run(run)).status is RunStatus.SUCCEEDED
