"""An approver asks whoever started the run: only those two may, both texts are on record, and it decides nothing."""

from __future__ import annotations

from typing import Any

import pytest
import pytest_asyncio

from agent_runtime import inquiries
from agent_runtime.audit import Event
from agent_runtime.inquiries import LONGEST_INQUIRY, MOST_INQUIRIES
from agent_runtime.policy import Policy
from agent_runtime.redaction import MARK
from agent_runtime.refusals import RefusalReason
from agent_runtime.views import InquiryView
from storage.types import Actor, RequestStatus
from tests.core.agent import one
from tests.core.world import ANA, BOB, SAM, SURFACE, World, policy_set, stage

SECRET = "4111-1111"
WORDS = "Why this one?"


@pytest_asyncio.fixture
async def world(worlds: Any) -> World:
    """A call waits for Ana; Sam started it."""
    rules = Policy(stages=(stage(ANA),), redact=("/card",))
    opened: World = await worlds(one("buy", {"amount": 900, "card": SECRET}), policies=policy_set(rules))
    await opened.waiting()
    return opened


async def ask(world: World, actor: Actor = ANA, text: str = WORDS) -> InquiryView | RefusalReason:
    request_id = (await world.pending()).id
    return await world.db.transact(inquiries.ask, world.context, request_id, text, world.member(actor), SURFACE)


async def answer(world: World, inquiry: Any, actor: Actor = SAM, text: str = "It is needed.") -> Any:
    return await world.db.transact(inquiries.answer, world.context, inquiry.id, text, actor, SURFACE)


async def test_a_question_and_its_answer_are_kept_once_and_decide_nothing(world: World) -> None:
    """The request is as it was; a second answer is refused."""
    asked = await world.pending()
    inquiry = await ask(world)
    assert isinstance(inquiry, InquiryView)
    answered = await answer(world, inquiry)
    assert (answered.question, answered.answer) == (WORDS, "It is needed.")
    assert await answer(world, inquiry, text="No.") is RefusalReason.ALREADY_ANSWERED
    after = await world.pending()
    assert (after.status, after.stage, after.due_at, after.digest) == (
        RequestStatus.PENDING, asked.stage, asked.due_at, asked.digest,
    )  # fmt: skip
    assert [await world.count(event) for event in (Event.INQUIRY_MADE, Event.INQUIRY_ANSWERED)] == [1, 1]
    assert await world.count(Event.INQUIRY_REFUSED) == 1


@pytest.mark.parametrize(("actor", "why"), [(BOB, RefusalReason.NOT_AN_APPROVER), (SAM, RefusalReason.OWN_REQUEST)])
async def test_only_who_may_decide_may_ask(world: World, actor: Actor, why: RefusalReason) -> None:
    """Strangers and the requester are refused, on record."""
    assert await ask(world, actor) is why
    assert await world.count(Event.INQUIRY_REFUSED) == 1
    assert await world.count(Event.INQUIRY_MADE) == 0


@pytest.mark.parametrize("actor", [ANA, BOB])
async def test_only_who_started_the_run_may_answer(world: World, actor: Actor) -> None:
    """Not even whoever asked."""
    inquiry = await ask(world)
    assert await answer(world, inquiry, actor) is RefusalReason.NOT_ASKED
    assert await world.count(Event.INQUIRY_ANSWERED) == 0


@pytest.mark.parametrize("text", ["", "  \n", "x" * (LONGEST_INQUIRY + 1)])
async def test_words_must_be_some_and_few(world: World, text: str) -> None:
    """Both ways."""
    assert await ask(world, text=text) is RefusalReason.BAD_INQUIRY
    assert await answer(world, await ask(world), text=text) is RefusalReason.BAD_INQUIRY


async def test_one_request_is_asked_about_so_often_and_no_more(world: World) -> None:
    """The thread is no chat."""
    for _ in range(MOST_INQUIRIES):
        assert isinstance(await ask(world), InquiryView)
    assert await ask(world) is RefusalReason.ASKED_ENOUGH


async def test_a_redacted_value_in_the_words_is_hidden(world: World) -> None:
    """Whoever writes it down, nobody reads it."""
    inquiry = await ask(world, text=f"Is it {SECRET}?")
    assert isinstance(inquiry, InquiryView)
    assert inquiry.question == f"Is it {MARK}?"
    assert (await answer(world, inquiry, text=f"Yes, {SECRET}.")).answer == f"Yes, {MARK}."
