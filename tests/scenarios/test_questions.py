"""Questions: an agent asks something, its starter answers in the run's thread."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from bot.cards.ids import FieldId
from bot.workspace import Message, Person, View
from storage.types import RequestStatus, RunStatus
from tests.scenarios.agents import MANAGERS, asking
from tests.scenarios.effects import records
from tests.scenarios.house import House, open_house

TASK = "Book a flight to Rome"


async def answer(house: House, who: str, words: str, value: str) -> None:
    """Answer the newest question that says these words."""
    person = house.person(who)
    pressed = await person.click(house.card(words, "Answer"), "Answer")
    assert pressed.view is not None
    sent = await person.fill_and_submit(pressed.view, {"Answer": value})
    assert sent.closed, sent.errors
    await house.settle()


async def reach_form(person: Person, card: Message) -> View:
    """The answer form: behind the card's button, or behind the last page of everything there is to read."""
    if "Answer" in card.labels:
        await person.click(card, "Answer")
    else:
        await person.click(card, "Review everything")
        assert person.view is not None
        while "Next page" in person.view.labels:
            await person.click(person.view, "Next page")
        await person.click(person.view, "Answer")
    assert person.view is not None
    return person.view


async def test_the_chosen_answer_is_what_is_booked(house: House) -> None:
    """The question shows its choices; the booking is for the one that was chosen."""
    run = await house.start("ana", "input", TASK)
    card = house.card("Answer needed: Which airline?")
    for choice in ("1. Aurora Air", "2. Meridian", "3. Skylark"):
        assert choice in card.plain()
    assert records(house.dir, "bookings") == []
    await answer(house, "ana", "Which airline?", "2. Meridian")
    assert (await house.run(run.id)).status is RunStatus.SUCCEEDED
    (booking,) = records(house.dir, "bookings")
    assert booking["args"] == {"destination": "Rome", "airline": "Meridian"}
    closed = card.now()
    assert closed is not None
    assert "Answered" in closed.plain()
    question, options, given = (closed.plain().index(words) for words in ("The agent asked", "1. Aurora", "The answer"))
    assert question < options < given
    assert closed.labels == []


async def test_a_question_stands_in_the_thread_of_its_run_and_asks_its_starter(house: House) -> None:
    """Nobody but the starter is asked, and where they started."""
    run = await house.start("ana", "input", TASK)
    card = house.card("Answer needed")
    assert (card.channel, card.thread_ts) == ("#general", house.root(run.id).ts)
    assert card.mentions == {"@ana"}


async def test_nobody_answers_for_the_starter(house: House) -> None:
    """Another person gets no form, is told why, and changes nothing."""
    run = await house.start("ana", "input", TASK)
    pressed = await house.person("maria").click(house.card("Answer needed"), "Answer")
    await house.settle()
    assert pressed.view is None
    assert "not an approver" in house.person("maria").ephemerals[-1].plain()
    assert (await house.run(run.id)).status is RunStatus.WAITING
    assert [entry.event for entry in await house.audit("decision.refused")] == ["decision.refused"]


async def test_a_typed_answer_reaches_the_agent_as_it_was_typed(tmp_path: Path) -> None:
    """A plain question takes any text: blanks around it go, everything else stays."""
    async with open_house(tmp_path, policy=MANAGERS, agents={"asker": asking(colour="What colour?")}) as house:
        run = await house.start("ana", "asker", "go")
        await answer(house, "ana", "What colour?", "  blue & <green>, *not* red\n— ünïcödé 🙂 ")
        ended = await house.run(run.id)
        assert ended.output == repr({"colour": "blue & <green>, *not* red\n— ünïcödé 🙂"})


async def test_a_wrong_answer_stays_on_its_field(tmp_path: Path) -> None:
    """What the agent's schema refuses is said on the field, the form stays open, and the right answer goes through."""
    question = {"question": "How many?", "answer_schema": {"type": "integer", "minimum": 1}}
    async with open_house(tmp_path, policy=MANAGERS, agents={"asker": asking(number=question)}) as house:
        run = await house.start("ana", "asker", "go")
        ana = house.person("ana")
        pressed = await ana.click(house.card("How many?", "Answer"), "Answer")
        assert pressed.view is not None
        for wrong in ("many", "0", "1.5"):
            sent = await ana.fill_and_submit(pressed.view, {"Answer": wrong})
            assert set(sent.errors) == {FieldId.ANSWER.value}, wrong
            assert not sent.closed
        assert (await house.run(run.id)).status is RunStatus.WAITING
        assert (await ana.fill_and_submit(pressed.view, {"Answer": "3"})).closed
        await house.settle()
        assert (await house.run(run.id)).output == "{'number': 3}"


async def test_blanks_are_no_answer(tmp_path: Path) -> None:
    """A form filled with blanks says so on its field."""
    async with open_house(tmp_path, policy=MANAGERS, agents={"asker": asking(colour="What colour?")}) as house:
        run = await house.start("ana", "asker", "go")
        ana = house.person("ana")
        pressed = await ana.click(house.card("What colour?", "Answer"), "Answer")
        assert pressed.view is not None
        sent = await ana.fill_and_submit(pressed.view, {"Answer": "   "})
        assert sent.errors == {FieldId.ANSWER.value: "Type an answer."}
        assert (await house.run(run.id)).status is RunStatus.WAITING


@pytest.mark.parametrize("count", [1, 10, 11, 100])
async def test_every_number_of_choices_can_be_chosen_from(tmp_path: Path, count: int) -> None:
    """The last of one, ten, eleven or a hundred choices reaches the agent in full, however long its text is."""
    choices = [f"choice {number} {'x' * 200}" for number in range(1, count + 1)]
    agents = {"asker": asking(one={"question": "Which?", "choices": choices})}
    async with open_house(tmp_path, policy=MANAGERS, agents=agents) as house:
        run = await house.start("ana", "asker", "go")
        ana = house.person("ana")
        form = await reach_form(ana, house.card("Answer needed: Which?"))
        options = form.fields[0].element["options"]
        assert len(options) == count
        sent = await ana.fill_and_submit(form, {"Answer": options[-1]["text"]["text"]})
        assert sent.closed
        await house.settle()
        assert (await house.run(run.id)).output == repr({"one": choices[-1]})


async def test_parallel_answers_reach_their_own_question(tmp_path: Path) -> None:
    """Two questions of one step: the agent goes on when both are answered, each with its own answer."""
    agents = {"asker": asking(first="Which city?", second="Which month?")}
    async with open_house(tmp_path, policy=MANAGERS, agents=agents) as house:
        run = await house.start("ana", "asker", "go")
        await answer(house, "ana", "Which month?", "May")
        assert (await house.run(run.id)).status is RunStatus.WAITING
        assert "1 more decision" in house.card("Answered: Which month?").plain()
        await answer(house, "ana", "Which city?", "Oslo")
        assert (await house.run(run.id)).output == repr({"first": "Oslo", "second": "May"})


async def test_an_answer_is_no_approval(tmp_path: Path) -> None:
    """A starter who answers a question still cannot approve the call that follows from it."""
    policy = MANAGERS + '[[policy]]\nagent = "input"\ntool = "*"\n'
    async with open_house(tmp_path, policy=policy) as house:
        run = await house.start("ana", "input", TASK)
        await answer(house, "ana", "Which airline?", "3. Skylark")
        assert (await house.run(run.id)).status is RunStatus.WAITING
        card = house.card("Approve book_flight?", "Approve")
        await house.person("ana").click(card, "Approve")
        await house.settle()
        assert records(house.dir, "bookings") == []
        await house.person("maria").click(card, "Approve")
        await house.settle()
        assert [booking["args"]["airline"] for booking in records(house.dir, "bookings")] == ["Skylark"]


async def test_a_question_that_times_out_fails_the_run_and_retry_asks_again(house: House) -> None:
    """An agent's own question has no refusal it would understand: the run stops, and a person may ask again."""
    run = await house.start("ana", "input", TASK)
    card = house.card("Answer needed")
    await house.advance(timedelta(hours=4, minutes=1))
    assert (await house.run(run.id)).status is RunStatus.FAILED
    closed = card.now()
    assert closed is not None
    assert "Timed out" in closed.plain()
    await house.person("ana").click(house.root(run.id), "Retry")
    await house.settle()
    await answer(house, "ana", "Which airline?", "1. Aurora Air")
    assert (await house.run(run.id)).status is RunStatus.SUCCEEDED
    assert [booking["args"]["airline"] for booking in records(house.dir, "bookings")] == ["Aurora Air"]


async def test_a_form_of_a_question_that_closed_meanwhile_says_so(house: House) -> None:
    """The words are not lost on a dead question: the form says who closed it, and nothing is booked."""
    run = await house.start("ana", "input", TASK)
    ana = house.person("ana")
    pressed = await ana.click(house.card("Answer needed"), "Answer")
    assert pressed.view is not None
    await house.advance(timedelta(hours=5))
    await ana.fill_and_submit(pressed.view, {"Answer": "1. Aurora Air"})
    shown = pressed.view.now()
    assert shown is not None
    assert shown.title == "Already closed"
    assert shown.submit_label is None
    await house.settle()
    assert [one.status for one in await house.requests(run.id)] == [RequestStatus.EXPIRED]
    assert records(house.dir, "bookings") == []


async def test_a_policy_may_name_others_to_answer(tmp_path: Path) -> None:
    """With a policy for questions its approvers answer, and the starter does not."""
    policy = (
        MANAGERS + '[[policy]]\nkind = "question"\n[[policy.stage]]\nname = "x"\napprovers = ["usergroup:finance"]\n'
    )
    async with open_house(tmp_path, policy=policy, agents={"asker": asking(budget="What budget?")}) as house:
        run = await house.start("ana", "asker", "go")
        card = house.card("What budget?", "Answer")
        assert card.channel == "#approvals"
        assert (await house.person("ana").click(card, "Answer")).view is None
        await answer(house, "fred", "What budget?", "4000")
        assert (await house.run(run.id)).output == repr({"budget": "4000"})
