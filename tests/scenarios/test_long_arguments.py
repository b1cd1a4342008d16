"""Nobody approves what they could not see: what does not fit a card is decided after its last page."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from agent_runtime.demo.conversation import PlannedCall
from bot.workspace import Message, Person, View
from storage.types import RequestStatus, RunStatus
from tests.scenarios.agents import MANAGERS, calling, noting
from tests.scenarios.house import House, open_house

LINES = [f"{number:05d} the quick brown fox" for number in range(1, 1001)]
TEXT = "\n".join(LINES)


@asynccontextmanager
async def long_call(tmp_path: Path) -> AsyncIterator[tuple[House, Message, list[str]]]:
    """A house in which a call of a thousand lines waits: the house, its card, and what was noted."""
    done: list[str] = []
    agents = {"noter": calling(PlannedCall("note", {"text": TEXT}), tools=[noting(done)])}
    async with open_house(tmp_path, policy=MANAGERS, agents=agents) as house:
        house.ws.admin.set_group("managers", ["maria", "dora"])
        await house.start("ana", "noter", "go")
        yield house, house.card("Approve note?"), done


def top(person: Person) -> View:
    assert person.view is not None
    return person.view


async def last_page(person: Person, card: Message) -> View:
    """Open everything there is to read, and turn to its end."""
    await person.click(card, "Review everything")
    while "Next page" in top(person).labels:
        await person.click(top(person), "Next page")
    return top(person)


async def test_the_card_has_no_approve_and_says_what_it_leaves_out(tmp_path: Path) -> None:
    """Head, count, tail; and the first button leads to everything."""
    async with long_call(tmp_path) as (_, card, _done):
        assert card.labels == ["Review everything", "Reject", "More..."]
        assert LINES[0] in card.plain()
        assert LINES[-1] in card.plain()
        assert LINES[500] not in card.plain()
        assert "characters not shown" in card.plain()


async def test_every_line_can_be_read_before_the_approve(tmp_path: Path) -> None:
    """The pages hold every line in order; only the last one has the decision; it runs exactly what was read."""
    async with long_call(tmp_path) as (house, card, done):
        maria = house.person("maria")
        await maria.click(card, "Review everything")
        read = top(maria).plain()
        while "Next page" in top(maria).labels:
            assert "Approve" not in top(maria).labels
            await maria.click(top(maria), "Next page")
            read += top(maria).plain()
        positions = [read.find(line) for line in LINES]
        assert -1 not in positions
        assert positions == sorted(positions)
        assert top(maria).labels == ["Previous page", "Approve", "Reject", "More..."]
        await maria.click(top(maria), "Approve")
        assert top(maria).title == "Recorded"
        await house.settle()
        assert done == [TEXT]


async def test_pages_turn_back(tmp_path: Path) -> None:
    """Previous shows the page before, without the decision."""
    async with long_call(tmp_path) as (house, card, _done):
        maria = house.person("maria")
        await maria.click(card, "Review everything")
        first = top(maria).plain()
        await maria.click(top(maria), "Next page")
        assert top(maria).plain() != first
        await maria.click(top(maria), "Previous page")
        assert top(maria).plain() == first


async def test_reject_inside_the_view_closes_everything(tmp_path: Path) -> None:
    """The reason form lies on top of the pages; sending it closes both and rejects."""
    async with long_call(tmp_path) as (house, card, done):
        maria = house.person("maria")
        await maria.click(await last_page(maria, card), "Reject")
        assert top(maria).title == "Reject"
        assert len(maria.modals) == 2
        await maria.fill_and_submit(top(maria), {"Reason": "Too long"})
        assert maria.modals == []
        await house.settle()
        (request,) = await house.requests((await house.audit("run.started"))[0].run_id)
        assert request.status is RequestStatus.REJECTED
        assert done == []


async def test_reject_on_the_card_needs_no_reading(tmp_path: Path) -> None:
    """Refusing what one has not read harms nobody."""
    async with long_call(tmp_path) as (house, card, done):
        maria = house.person("maria")
        await maria.click(card, "Reject")
        await maria.fill_and_submit(top(maria), {"Reason": ""})
        await house.settle()
        assert (await house.audit("request.closed"))[0].run_id
        assert done == []


async def test_closed_meanwhile_is_said_in_the_view(tmp_path: Path) -> None:
    """Somebody else decides while Maria reads: her Approve says who it was, and turning a page does too."""
    async with long_call(tmp_path) as (house, card, done):
        maria, dora = house.person("maria"), house.person("dora")
        reading = await last_page(maria, card)
        await dora.click(await last_page(dora, card), "Approve")
        await maria.click(reading, "Approve")
        assert top(maria).title == "Nothing was changed"
        assert "closed by @dora" in top(maria).plain()
        await house.settle()
        assert done == [TEXT]


async def test_the_next_page_of_a_closed_request_offers_nothing(tmp_path: Path) -> None:
    """After the request closed, the pages can still be read and decide nothing."""
    async with long_call(tmp_path) as (house, card, _done):
        maria, dora = house.person("maria"), house.person("dora")
        await maria.click(card, "Review everything")
        await dora.click(await last_page(dora, card), "Approve")
        await house.settle()
        while "Next page" in top(maria).labels:
            await maria.click(top(maria), "Next page")
        assert not {"Approve", "Reject"} & set(top(maria).labels)
        assert "Closed by" in top(maria).plain()


async def test_a_closed_card_can_be_read_whole_by_those_who_may(tmp_path: Path) -> None:
    """Its approvers and whoever started the run turn its pages, which decide nothing; others are told privately."""
    async with long_call(tmp_path) as (house, card, _done):
        maria, fred = house.person("maria"), house.person("fred")
        await maria.click(await last_page(maria, card), "Approve")
        await house.settle()
        closed = house.card("Approved: note")
        assert closed.labels == ["Show everything"]
        for name in ("ana", "dora"):
            reader = house.person(name)
            await reader.click(closed, "Show everything")
            read = top(reader).plain()
            while "Next page" in top(reader).labels:
                await reader.click(top(reader), "Next page")
                read += top(reader).plain()
            assert all(line in read for line in LINES)
            assert set(top(reader).labels) == {"Previous page"}
        await fred.click(closed, "Show everything")
        await house.settle()
        assert fred.view is None
        assert "operators may read all of `note`" in fred.ephemerals[-1].plain()


async def test_reading_and_more_lead_to_one_another_for_ever(tmp_path: Path) -> None:
    """In one place: Slack lays no more than three modals on each other, and a form still comes on top."""
    async with long_call(tmp_path) as (house, card, _done):
        maria = house.person("maria")
        await maria.click(card, "More...")
        for back in ("Review everything", "Back to it", "Back to it"):
            await maria.click(top(maria), back)
            while "Next page" in top(maria).labels:
                await maria.click(top(maria), "Next page")
            await maria.click(top(maria), "More...")
        await maria.click(top(maria), "Ask a question")
        assert [view.title for view in maria.modals] == ["More", "Ask a question"]


async def test_who_may_not_decide_is_not_shown_the_pages(tmp_path: Path) -> None:
    """The view opens for approvers; others are told so privately."""
    async with long_call(tmp_path) as (house, card, _done):
        fred = house.person("fred")
        await fred.click(card, "Review everything")
        await house.settle()
        assert fred.view is None
        assert "not an approver" in fred.ephemerals[-1].plain()


@pytest.mark.parametrize("action", ["signoff_approve", "signoff_approve_because", "signoff_allow_next", "signoff_edit"])
async def test_a_yes_that_claims_to_come_from_the_card_opens_the_pages(tmp_path: Path, action: str) -> None:
    """A card of such a request has no such button; a click that says it had one decides nothing and opens no form."""
    async with long_call(tmp_path) as (house, card, done):
        maria = house.person("maria")
        await maria.click(card, "Reject")
        payload = json.loads(json.dumps(house.ws.deliveries[-1].payload))
        payload["actions"][0]["action_id"] = action
        payload["trigger_id"] = house.ws.world.trigger(maria.id).id
        await house.ws.deliver("interactive", payload)
        await house.settle()
        run = (await house.audit("run.started"))[0].run_id
        assert (await house.run(run)).status is RunStatus.WAITING
        assert top(maria).title == "Review everything"
        assert done == []


async def test_a_yes_that_claims_to_come_from_more_opens_the_pages(tmp_path: Path) -> None:
    """What stands behind More... is not the last page of everything."""
    async with long_call(tmp_path) as (house, card, done):
        maria = house.person("maria")
        await maria.click(card, "More...")
        await maria.click(top(maria), "Ask a question")
        payload = json.loads(json.dumps(house.ws.deliveries[-1].payload))
        payload["actions"][0]["action_id"] = "signoff_approve"
        payload["trigger_id"] = house.ws.world.trigger(maria.id, payload["view"]["id"]).id
        await house.ws.deliver("interactive", payload)
        await house.settle()
        assert [view.title for view in maria.modals] == ["Review everything", "Ask a question"]
        assert done == []
