"""What stands behind More...: votes taken back, and a yes that counts for the next calls, too."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agent_runtime.demo.conversation import PlannedCall
from bot.workspace import Person, View
from tests.scenarios.agents import calling, noting
from tests.scenarios.house import IN_LONG_TESTS, MANAGERS_DECIDE, House, open_house

OVER_BOTH = IN_LONG_TESTS
POLICY = (
    MANAGERS_DECIDE
    + """
[[policy]]
tool = "note"
agent = "grants"
grants = { scopes = ["requester", "agent"], max_count = 2, max_age = "1h" }

[[policy]]
tool = "note"
agent = "reasons"
require_reason = ["approve"]

[[policy]]
tool = "note"
[[policy.stage]]
approvers = ["usergroup:managers"]
quorum = 2
"""
)


@pytest.fixture
def done() -> list[str]:
    """What was noted."""
    return []


@pytest.fixture
async def house(tmp_path: Path, transport: str, done: list[str]) -> AsyncIterator[House]:
    """A house with agents that note one thing, each by a policy of its own."""
    agents = {
        name: calling(PlannedCall("note", {"text": "x"}), tools=[noting(done)]) for name in ("grants", "reasons", "two")
    }
    async with open_house(tmp_path, policy=POLICY, agents=agents, transport=transport) as opened:
        opened.ws.admin.set_group("managers", ["maria", "dora"])
        yield opened


async def more(house: House, who: str = "maria") -> tuple[Person, View]:
    """Press More... on the card."""
    person = house.person(who)
    pressed = await person.click(house.card("Approve note?", "More..."), "More...")
    assert pressed.view is not None
    return person, pressed.view


async def test_a_vote_can_be_taken_back_while_others_are_asked(house: House, done: list[str]) -> None:
    """One of two has approved and takes it back: the other's yes is then not enough."""
    await house.start("ana", "two", "go")
    maria = house.person("maria")
    await maria.click(house.card("Approve note?", "Approve"), "Approve")
    await house.settle()
    _, view = await more(house)
    await maria.click(view, "Take my vote back")
    assert maria.view is not None
    assert "taken back" in maria.view.plain()
    await house.settle()
    await house.person("dora").click(house.card("Approve note?", "Approve"), "Approve")
    await house.settle()
    assert done == []
    assert "1 so far" in house.card("Approve note?").plain()


async def test_a_yes_counts_for_as_many_further_calls_as_were_chosen(house: House, done: list[str]) -> None:
    """One more call of the same starter runs unasked, and the one after it asks again."""
    await house.start("ana", "grants", "go")
    maria, view = await more(house)
    await maria.click(view, "Approve this and the next")
    assert maria.view is not None
    sent = await maria.fill_and_submit(maria.view, {"At most": "1 further call"})
    assert sent.closed, sent.errors
    assert maria.modals == []
    await house.settle()
    assert done == ["x"]
    await house.start("ana", "grants", "again")
    assert done == ["x", "x"]
    await house.start("ana", "grants", "once more")
    assert done == ["x", "x"]
    assert house.card("Approve note?", "Approve")


async def test_it_is_offered_only_where_the_policy_permits_it(house: House) -> None:
    """A policy without grants has no such button."""
    await house.start("ana", "two", "go")
    _, view = await more(house)
    assert view.labels == ["Review everything", "Ask a question", "I'm on it", "Hand over"]


async def test_who_may_not_decide_sees_nothing_of_it(house: House) -> None:
    """More... opens for approvers; others are told privately."""
    await house.start("ana", "two", "go")
    for name in ("ana", "fred"):
        person = house.person(name)
        await person.click(house.card("Approve note?", "More..."), "More...")
        await house.settle()
        assert person.view is None
        assert "Nothing was changed" in person.ephemerals[-1].plain()


async def test_an_approval_that_needs_a_reason_asks_for_it(house: House, done: list[str]) -> None:
    """Approve opens a form; blanks are no reason; the words stand on the card."""
    await house.start("ana", "reasons", "go")
    maria = house.person("maria")
    pressed = await maria.click(house.card("Approve note?", "Approve"), "Approve")
    assert pressed.view is not None
    assert (await maria.fill_and_submit(pressed.view, {"Reason": " "})).errors
    assert done == []
    assert (await maria.fill_and_submit(pressed.view, {"Reason": "Agreed with Fred"})).closed
    await house.settle()
    assert done == ["x"]
    assert "Agreed with Fred" in house.card("Approved: note").plain()


async def test_a_question_to_the_starter_is_answered_in_the_thread_and_stands_on_the_card(
    house: House, done: list[str]
) -> None:
    """The request stays open and both texts are on record; who was not asked cannot answer."""
    run = await house.start("ana", "grants", "go")
    maria, view = await more(house)
    await maria.click(view, "Ask a question")
    assert maria.view is not None
    sent = await maria.fill_and_submit(maria.view, {"signoff_question": "What is it for?"})
    assert sent.closed, sent.errors
    await house.settle()
    asked = house.card("What is it for?", "Answer")
    assert "@ana" in asked.mentions
    assert asked.thread_ts == house.root(run.id).ts
    await house.person("fred").click(asked, "Answer")
    await house.settle()
    assert "Only the person who started the run" in house.person("fred").ephemerals[-1].plain()
    ana = house.person("ana")
    pressed = await ana.click(asked, "Answer")
    assert pressed.view is not None
    assert (await ana.fill_and_submit(pressed.view, {"Answer": "For the <fair>"})).closed
    await house.settle()
    card = house.card("Approve note?", "Approve")
    for words in ("asked", "What is it for?", "answered", "For the <fair>"):
        assert words in card.plain()
    assert done == []
    answered = asked.now()
    assert answered is not None
    assert "For the <fair>" in answered.plain()
    assert answered.labels == []
    texts = [await house.text_of(entry) for entry in await house.audit() if entry.event.startswith("inquiry.")]
    assert "What is it for?" in str(texts)
    assert "For the <fair>" in str(texts)


async def test_a_reply_in_the_thread_answers_an_approver_after_one_click(house: House, done: list[str]) -> None:
    """Ana writes in her run's thread; the proposal says what it would answer, and nothing is answered before her click.
    Fred's words there are his own."""
    run = await house.start("ana", "grants", "go")
    maria, view = await more(house)
    await maria.click(view, "Ask a question")
    assert maria.view is not None
    await maria.fill_and_submit(maria.view, {"signoff_question": "What is it for?"})
    await house.settle()
    ana, fred = house.person("ana"), house.person("fred")
    for person in (fred, ana):
        await person.say("For the <fair>", thread=house.root(run.id))
        await house.settle()
    assert fred.ephemerals == []
    proposed = ana.ephemerals[-1]
    assert "Maria Lindqvist asks: What is it for?" in proposed.plain()
    assert proposed.labels == ["Yes", "No"]
    assert "no answer yet" in house.card("Approve note?", "Approve").plain()
    await ana.click(proposed, "Yes")
    await house.settle()
    assert "For the <fair>" in house.card("Approve note?", "Approve").plain()
    settled = proposed.now()
    assert settled is not None
    assert "It approves nothing by itself" in settled.plain()
    assert done == []
    await ana.say("More", thread=house.root(run.id))
    await house.settle()
    assert ana.ephemerals[-1].ts == proposed.ts, "an answered question proposes nothing"


async def test_a_question_after_the_end_is_told_so(house: House) -> None:
    """Maria's form is open while Dora approves: nothing is asked any more."""
    await house.start("ana", "grants", "go")
    maria, view = await more(house)
    await maria.click(view, "Ask a question")
    await house.person("dora").click(house.card("Approve note?", "Approve"), "Approve")
    await house.settle()
    assert maria.view is not None
    await maria.fill_and_submit(maria.view, {"signoff_question": "What is it for?"})
    assert maria.view is not None
    assert maria.view.title == "Nothing was changed"
    assert await house.audit("inquiry.made") == []


async def test_a_question_nobody_answered_ends_with_its_request(house: House, done: list[str]) -> None:
    """Its message loses its button; a copy that still has it says that it is too late."""
    await house.start("ana", "grants", "go")
    maria, view = await more(house)
    await maria.click(view, "Ask a question")
    assert maria.view is not None
    await maria.fill_and_submit(maria.view, {"signoff_question": "What is it for?"})
    await house.settle()
    asked = house.card("What is it for?", "Answer")
    await maria.click(house.card("Approve note?", "Approve"), "Approve")
    await house.settle()
    assert done == ["x"]
    now = asked.now()
    assert now is not None
    assert now.labels == []
    assert "closed before an answer came" in now.plain()
    ana = house.person("ana")
    await ana.click_stale(asked, "Answer")
    assert ana.view is not None
    await ana.fill_and_submit(ana.view, {"Answer": "For the fair"})
    assert ana.view is not None
    assert ana.view.title == "Nothing was changed"
    assert await house.audit("inquiry.answered") == []


async def test_approvals_are_handed_over_from_a_card(house: House, done: list[str]) -> None:
    """Whoever was chosen is told, and decides in her stead; nobody hands over to themselves."""
    await house.start("ana", "grants", "go")
    maria, view = await more(house)
    await maria.click(view, "Hand over")
    assert maria.view is not None
    refused = await maria.fill_and_submit(maria.view, {"To whom?": "maria"})
    assert refused.errors
    await maria.fill_and_submit(maria.view, {"To whom?": "fred", "For how long?": "3 days"})
    assert maria.view is not None
    assert "decides in your stead until" in maria.view.plain()
    await house.settle()
    fred = house.person("fred")
    assert any("is away until" in message.plain() for message in fred.direct)
    await fred.click(house.card("Approve note?", "Approve"), "Approve")
    await house.settle()
    assert done == ["x"]
    assert "in the stead of @maria" in house.card("Approved: note").plain()
