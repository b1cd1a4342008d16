"""Reviews: a draft goes round by round until it is accepted, or the rounds are over."""

from __future__ import annotations

from datetime import timedelta

from agent_runtime.demo.feedback import MAX_ROUNDS
from agent_runtime.demo.planner import draft, revised
from bot.cards.ids import FieldId
from storage.types import RunStatus
from tests.scenarios.effects import reports
from tests.scenarios.house import IN_LONG_TESTS, House

TASK = "Write a report about Q3 sales"
FIRST = draft("Q3 sales")

OVER_BOTH = IN_LONG_TESTS


async def request_changes(house: House, feedback: str) -> None:
    """Ask for changes on the newest draft."""
    ana = house.person("ana")
    pressed = await ana.click(house.card("Review", "Request changes"), "Request changes")
    assert pressed.view is not None
    sent = await ana.fill_and_submit(pressed.view, {"What should change?": feedback})
    assert sent.closed, sent.errors
    await house.settle()


async def test_the_accepted_draft_is_exactly_what_is_published(house: House) -> None:
    """After a round of changes the second draft is accepted, and it is the report, to the letter."""
    run = await house.start("ana", "feedback", TASK)
    await request_changes(house, "Add the figures for Europe")
    assert reports(house.dir) == {}
    await house.person("ana").click(house.card("round 2, at most 5", "Accept"), "Accept")
    await house.settle()
    assert (await house.run(run.id)).status is RunStatus.SUCCEEDED
    accepted = revised(FIRST, "Add the figures for Europe", 1)
    assert reports(house.dir) == {"q3-sales.md": f"# Q3 sales\n\n{accepted}"}


async def test_each_round_shows_what_changed_since_the_one_before(house: House) -> None:
    """The first round shows the draft alone; the second marks the lines that are new."""
    await house.start("ana", "feedback", TASK)
    first = house.card("Review Q3 sales (round 1, at most 5)")
    assert "Changes since the previous draft" not in first.plain()
    await request_changes(house, "Name the customers")
    second = house.card("Review Q3 sales (round 2, at most 5)")
    assert "Changes since the previous draft" in second.plain()
    assert "+ > Name the customers" in second.plain()
    assert "- ## Summary" not in second.plain()
    closed = first.now()
    assert closed is not None
    assert "Changes requested (round 1, at most 5)" in closed.plain()
    assert "Name the customers" in closed.plain()
    assert closed.labels == []


async def test_the_last_round_is_accepted_or_rejected_with_a_reason(house: House) -> None:
    """After so many rounds no more changes can be asked for; a no needs words, and then nothing is published."""
    run = await house.start("ana", "feedback", TASK)
    for number in range(1, MAX_ROUNDS):
        await request_changes(house, f"Change number {number}")
    last = house.card(f"round {MAX_ROUNDS}, the last one", "Accept")
    assert last.labels[:2] == ["Accept", "Reject"]
    ana = house.person("ana")
    pressed = await ana.click(last, "Reject")
    assert pressed.view is not None
    sent = await ana.fill_and_submit(pressed.view, {"Reason": ""})
    assert set(sent.errors) == {FieldId.REASON.value}
    assert (await ana.fill_and_submit(pressed.view, {"Reason": "It says nothing"})).closed
    await house.settle()
    ended = await house.run(run.id)
    assert ended.status is RunStatus.SUCCEEDED
    assert "the reviewer said no: It says nothing" in str(ended.output)
    assert reports(house.dir) == {}


async def test_all_rounds_can_be_used_and_the_last_draft_published(house: House) -> None:
    """Four changes and an accept: the report holds all four."""
    await house.start("ana", "feedback", TASK)
    for number in range(1, MAX_ROUNDS):
        await request_changes(house, f"Change number {number}")
    await house.person("ana").click(house.card(f"round {MAX_ROUNDS}", "Accept"), "Accept")
    await house.settle()
    (text,) = reports(house.dir).values()
    assert all(f"> Change number {number}" in text for number in range(1, MAX_ROUNDS))


async def test_feedback_for_an_old_draft_changes_nothing(house: House) -> None:
    """A form that was opened on the first draft and sent after it was accepted says that it is too late."""
    run = await house.start("ana", "feedback", TASK)
    ana = house.person("ana")
    card = house.card("round 1", "Accept")
    pressed = await ana.click(card, "Request changes")
    assert pressed.view is not None
    await ana.click(card, "Accept")
    await house.settle()
    await ana.fill_and_submit(pressed.view, {"What should change?": "Everything"})
    shown = pressed.view.now()
    assert shown is not None
    assert shown.title == "Already closed"
    await house.settle()
    assert (await house.run(run.id)).status is RunStatus.SUCCEEDED
    assert reports(house.dir) == {"q3-sales.md": f"# Q3 sales\n\n{FIRST}"}


async def test_only_the_starter_reviews(house: House) -> None:
    """Somebody else's accept publishes nothing."""
    run = await house.start("ana", "feedback", TASK)
    await house.person("maria").click(house.card("round 1", "Accept"), "Accept")
    await house.settle()
    assert (await house.run(run.id)).status is RunStatus.WAITING
    assert reports(house.dir) == {}


async def test_a_review_that_nobody_gives_fails_the_run(house: House) -> None:
    """Silence publishes nothing; a retry shows the same round again."""
    run = await house.start("ana", "feedback", TASK)
    await request_changes(house, "Shorter")
    await house.advance(timedelta(hours=5))
    assert (await house.run(run.id)).status is RunStatus.FAILED
    assert reports(house.dir) == {}
    await house.person("ana").click(house.root(run.id), "Retry")
    await house.settle()
    await house.person("ana").click(house.card("round 2, at most 5", "Accept"), "Accept")
    await house.settle()
    assert "> Shorter" in reports(house.dir)["q3-sales.md"]
