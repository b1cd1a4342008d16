"""The `feedback` agent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.demo.play import Refused, play

TASK = "Write a report about Q3 sales"


def reports(data_dir: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in (data_dir / "reports").glob("*")}


async def test_an_accepted_draft_is_published_word_for_word(tmp_path: Path) -> None:
    """The file holds exactly the draft that was shown."""
    run = play(tmp_path, "feedback")
    [shown] = (await run.start(TASK)).questions
    assert reports(tmp_path) == {}
    ending = await run.answer({"action": "accept"})
    assert ending.result == "Published “Q3 sales” as reports/q3-sales.md."
    assert reports(tmp_path) == {"q3-sales.md": f"# Q3 sales\n\n{shown['draft']}"}


async def test_feedback_becomes_a_section_of_the_next_draft(tmp_path: Path) -> None:
    """The next round shows the revised draft beside the one before it, as a question with an id of its own."""
    run = play(tmp_path, "feedback")
    first = await run.start(TASK)
    second = await run.answer({"action": "changes", "feedback": "Add more data"})
    shown = second.questions[0]
    assert shown == {
        "kind": "review",
        "title": "Q3 sales",
        "draft": shown["draft"],
        "round": 2,
        "max_rounds": 5,
        "previous": first.questions[0]["draft"],
    }
    assert shown["draft"].startswith(shown["previous"])
    assert "> Add more data\n" in shown["draft"]
    assert first.ids != second.ids
    await run.answer({"action": "accept"})
    assert reports(tmp_path) == {"q3-sales.md": f"# Q3 sales\n\n{shown['draft']}"}


async def test_five_rounds_without_an_accept_end_the_run(tmp_path: Path) -> None:
    """The fifth wish for changes is the last, and nothing is published."""
    run = play(tmp_path, "feedback")
    ending = await run.start(TASK)
    for number in range(1, 6):
        assert ending.questions[0]["round"] == number
        ending = await run.answer({"action": "changes", "feedback": f"more {number}"})
    assert ending.result == "The report “Q3 sales” was not published: 5 rounds of review ended without an accept."
    assert reports(tmp_path) == {}


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"action": "reject", "feedback": "wrong topic"}, "the reviewer said no: wrong topic"),
        ({"action": "reject"}, "the reviewer said no"),
        ({"action": "ACCEPT!"}, "the review was neither accept, changes nor reject"),
        ("accept", "the review was neither accept, changes nor reject"),
        (None, "the review was neither accept, changes nor reject"),
    ],
)
async def test_whatever_is_no_accept_publishes_nothing(tmp_path: Path, answer: Any, said: str) -> None:
    """Only the word itself, in its place, is a yes."""
    run = play(tmp_path, "feedback")
    await run.start(TASK)
    ending = await run.answer(answer)
    assert ending.result == f"The report “Q3 sales” was not published: {said}."
    assert reports(tmp_path) == {}


async def test_a_report_never_overwrites_another_of_its_name(tmp_path: Path) -> None:
    """The second of two equal titles gets a number, and no draft file stays behind."""
    for run_id in ("R1", "R2"):
        run = play(tmp_path, "feedback", run=run_id)
        await run.start(TASK)
        ending = await run.answer({"action": "accept"})
    assert ending.result.endswith("reports/q3-sales-2.md.")
    assert sorted(reports(tmp_path)) == ["q3-sales-2.md", "q3-sales.md"]


async def test_a_refused_publication_is_told(tmp_path: Path) -> None:
    """Where a policy asks for approval of publishing too, its refusal is the result."""
    run = play(tmp_path, "feedback", Refused("rejected", "embargo"))
    await run.start(TASK)
    ending = await run.answer({"action": "accept"})
    assert ending.result == "The report “Q3 sales” was not published: a person said no: embargo."
    assert reports(tmp_path) == {}
