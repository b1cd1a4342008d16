"""The `input` agent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.demo.play import Edited, Refused, lines, play

TASK = "Book a flight to Rome"
BOOKED = {"run": "R1", "tool": "book_flight", "args": {"destination": "Rome", "airline": "Skylark"}}


async def test_the_airline_is_asked_for_and_then_booked(tmp_path: Path) -> None:
    """The run waits with one question; nothing is booked before its answer, and exactly that is booked after it."""
    run = play(tmp_path, "input")
    asked = await run.start(TASK)
    assert asked.questions == [{"question": "Which airline?", "choices": ["Aurora Air", "Meridian", "Skylark"]}]
    assert lines(tmp_path / "bookings.jsonl") == []
    ending = await run.answer("Skylark")
    assert ending.result == "Booked a flight to Rome with Skylark."
    assert lines(tmp_path / "bookings.jsonl") == [BOOKED]


async def test_an_airline_named_in_the_task_is_not_asked_for(tmp_path: Path) -> None:
    """Nobody is asked what they have already said."""
    ending = await play(tmp_path, "input").start("Book a flight to Rome with skylark")
    assert ending.questions == []
    assert lines(tmp_path / "bookings.jsonl") == [BOOKED]


async def test_an_answer_that_names_no_airline_is_asked_about_in_a_new_question(tmp_path: Path) -> None:
    """The second question has an id of its own, so that an answer to the first cannot reach it."""
    run = play(tmp_path, "input")
    first = await run.start(TASK)
    second = await run.answer("the cheap one")
    assert second.questions[0]["question"] == "Which airline? “the cheap one” is none of those that fly to Rome."
    assert second.ids != first.ids
    await run.answer(" SKYLARK ")
    assert lines(tmp_path / "bookings.jsonl") == [BOOKED]


@pytest.mark.parametrize("useless", ["", 7, None, ["Skylark"], {"airline": "Skylark"}])
async def test_three_useless_answers_end_the_run_without_a_booking(tmp_path: Path, useless: Any) -> None:
    """The agent does not ask for ever, and does not guess."""
    run = play(tmp_path, "input")
    await run.start(TASK)
    await run.answer(useless)
    await run.answer("x")
    ending = await run.answer(useless)
    assert ending.result == "No flight to Rome was booked: 3 answers named no airline."
    assert lines(tmp_path / "bookings.jsonl") == []


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        (Refused("rejected", "take the train"), "a person said no: take the train"),
        (
            Edited({"airline": "Nowhere"}),
            "There is no airline “Nowhere”, only Aurora Air, Meridian, Skylark",
        ),
        (Edited({"airline": 7}), "The arguments are wrong: airline: Input should be a valid string"),
    ],
)
async def test_a_booking_that_did_not_run_is_told_with_its_reason(
    tmp_path: Path, verdict: Refused | Edited, said: str
) -> None:
    """The result says why there is no booking, and there is none."""
    run = play(tmp_path, "input", verdict)
    await run.start(TASK)
    ending = await run.answer("Skylark")
    assert ending.result == f"The flight was not booked: {said}."
    assert lines(tmp_path / "bookings.jsonl") == []
