"""The five things a newcomer tries first, each on a desk and on a phone, with nothing but what the page says."""

from __future__ import annotations

import pytest

from bot.demo.effects import list_effects
from bot.demo.stage import Stage
from tests.browser.conftest import Open
from tests.browser.window import DESK, PHONE

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.parametrize("width", [DESK, PHONE]),
]


async def test_an_approval_runs_exactly_what_the_card_showed(stage: Stage, window: Open, width: int) -> None:
    """Ana starts the agent, Maria approves from the card, and one mail is there."""
    page = await window("ana", width=width)
    await page.send("/agent approval Send email to team about meeting")
    await page.reads("Waiting", "run R")
    await page.looks_right()
    await page.be("maria")
    await page.go("approvals")
    await page.reads("Approve send_email?", "team@example.com")
    await page.looks_right()
    await page.press("Approve", "Approve send_email?")
    await page.reads("Approved: send_email", "Ran in")
    await page.looks_right()
    assert list_effects(stage.data_dir) == ["mail to team@example.com: Meeting"]


async def test_a_rejection_says_why_and_the_revised_plan_is_what_runs(stage: Stage, window: Open, width: int) -> None:
    """Maria's reason goes into the next plan; that one is approved and sent, the first is not."""
    page = await window("ana", width=width)
    await page.send("/agent approval Send email to team about meeting")
    await page.be("maria")
    await page.go("approvals")
    await page.press("Reject", "Approve send_email?")
    await page.looks_right()
    await page.fill("Reason", "Say that it moved to Thursday", "Reject")
    await page.reads("Rejected", "Say that it moved to Thursday")
    await page.press("Approve", "Approve send_email?", "moved to Thursday")
    await page.reads("Approved: send_email", "Ran in")
    await page.looks_right()
    effects = list_effects(stage.data_dir)
    assert effects == ["mail to team@example.com: Meeting, revised: Say that it moved to Thursday"]


async def test_a_question_is_answered_where_the_run_was_started(stage: Stage, window: Open, width: int) -> None:
    """The agent asks in its run's thread, and its starter chooses an answer."""
    page = await window("ana", width=width)
    await page.send("/agent input Book a flight to Rome")
    await page.reads("Waiting for @ana")
    await page.open_thread("Started the agent input")
    await page.press("Answer", "airline")
    await page.looks_right()
    await page.modal.get_by_label("1. Aurora Air").check()
    await page.modal.get_by_role("button", name="Answer", exact=True).click()
    await page.reads("Finished", "Aurora Air")
    await page.looks_right()
    assert list_effects(stage.data_dir) == ["booking: Rome with Aurora Air"]


async def test_feedback_makes_another_draft_and_the_accepted_one_is_published(
    stage: Stage, window: Open, width: int
) -> None:
    """Words go in, a revised draft comes back, and accepting it publishes that one."""
    page = await window("ana", width=width)
    await page.send("/agent feedback Write a report about Q3 sales")
    await page.reads("Waiting for @ana")
    await page.open_thread("Started the agent feedback")
    await page.press("Request changes", "Review")
    await page.looks_right()
    await page.fill("What should change?", "Add the figures for Europe", "Send")
    await page.press("Accept", "Add the figures for Europe")
    await page.reads("Finished", "Published")
    await page.looks_right()
    assert list_effects(stage.data_dir) == ["report: q3-sales.md, with Europe"]


async def test_a_purchase_takes_two_people_one_after_the_other(stage: Stage, window: Open, width: int) -> None:
    """Maria signs as manager, then Fred for finance, and only then something is bought."""
    page = await window("ana", width=width, place="purchasing")
    await page.send("/agent multi-step Buy 3 laptops for 4500")
    await page.be("maria")
    await page.go("approvals")
    await page.press("Approve", "manager_signoff")
    await page.be("fred")
    await page.press("Approve", "finance_purchase")
    await page.reads("Approved: finance_purchase", "Ran in")
    await page.looks_right()
    await page.go("purchasing")
    await page.reads("Finished", "Bought")
    await page.looks_right()
    assert list_effects(stage.data_dir) == [
        "purchase: finance_purchase laptops for USD 4500",
        "signoff: manager_signoff laptops for USD 4500",
    ]
