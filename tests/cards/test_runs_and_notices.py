"""The run's message, its thread, and what people are told privately."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from agent_runtime.refusals import RefusalReason
from bot.cards import notices, replies
from bot.cards.ids import ActionId
from bot.cards.run import result_of, run_card
from bot.cards.said import result_line
from storage.types import RequestStatus, RunStatus
from tests.cards.hostile import BUY, RUN, closed
from tests.cards.limits import check_message, elements, mrkdwn, texts


def said(message: object) -> str:
    check_message(message)  # type: ignore[arg-type]
    return " ".join(texts(message.blocks))  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("status", "words", "buttons"),
    [
        (RunStatus.QUEUED, "*Queued* since", [ActionId.CANCEL_RUN]),
        (RunStatus.RUNNING, "*Running* since", [ActionId.CANCEL_RUN]),
        (RunStatus.WAITING, "*Waiting* for <@U2BEN> since", [ActionId.CANCEL_RUN]),
        (RunStatus.SUCCEEDED, "*Finished*", [ActionId.START_AGAIN]),
        (RunStatus.FAILED, "*Failed*", [ActionId.RETRY_RUN, ActionId.START_AGAIN]),
        (RunStatus.CANCELLED, "*Cancelled*", [ActionId.START_AGAIN]),
    ],
)
def test_the_runs_message_says_where_it_stands(status: RunStatus, words: str, buttons: list[ActionId]) -> None:
    """Every state has its words, and the buttons that help in it."""
    message = run_card(replace(RUN, status=status, waiting_on=(BUY,)), mentions=["<@U2BEN>"])
    assert words in said(message)
    assert [one["action_id"] for one in elements(message.blocks)] == buttons
    assert all(one["value"] == RUN.id for one in elements(message.blocks))


def test_a_run_that_is_being_cancelled_offers_no_second_cancel() -> None:
    """It says that nothing new is started."""
    message = run_card(replace(RUN, cancel_requested=True))
    assert "nothing new is started" in said(message)
    assert not elements(message.blocks)


def test_a_finished_run_shows_its_result_and_a_failed_one_its_reason() -> None:
    """A result that does not fit is there in full for an upload."""
    assert "42" in said(run_card(replace(RUN, status=RunStatus.SUCCEEDED, output={"answer": 42})))
    assert "disk full" in said(run_card(replace(RUN, status=RunStatus.FAILED, error="disk full")))
    long = result_of(replace(RUN, output="word " * 9_000))
    assert not long.fits
    assert long.whole == "word " * 9_000


@pytest.mark.parametrize("reason", RefusalReason)
def test_every_refusal_says_that_nothing_was_changed(reason: RefusalReason) -> None:
    """And to what, in one sentence after it."""
    sentence = notices.refusal(reason, BUY, mentions=["<@U2BEN>"])
    assert sentence.startswith("Nothing was changed. `buy`: ")
    assert reason.sentence[1:] in sentence


def test_whoever_may_not_decide_is_told_who_can() -> None:
    """The approvers are mentioned; whoever was too late is told who was not."""
    told = notices.refusal(RefusalReason.NOT_AN_APPROVER, BUY, mentions=["<@U2BEN>", "<!subteam^S1FIN>"])
    assert told.endswith("You are not an approver of this stage. <@U2BEN>, <!subteam^S1FIN> can decide.")
    late = notices.refusal(RefusalReason.TOO_LATE, closed(BUY, RequestStatus.APPROVED))
    assert late.startswith("Too late: `buy` was closed by <@U2BEN> <!date^")
    assert late.endswith("(approved). Nothing was changed by your click.")


def test_a_recorded_vote_says_what_is_still_missing() -> None:
    """So that nobody wonders whether it worked."""
    assert notices.recorded(replace(BUY, stage=1)) == "Your decision on `buy` is recorded; 2 more needed in this stage."
    assert notices.recorded(closed(BUY, RequestStatus.APPROVED)) == "Your decision on `buy` is recorded (approved)."


def test_an_unknown_word_answers_with_the_nearest_and_an_example() -> None:
    """Commands and agents are both near words."""
    entries = [replies.AgentEntry("purchasing", "buys things", "a laptop")]
    assert "`/agent status`" in said(replies.unknown_word("statsu", entries))
    assert "`/agent purchasing`" in said(replies.unknown_word("purchase", entries))
    assert "/agent purchasing a laptop" in said(replies.unknown_word("xyzzy", entries))
    assert "`/agent help`" in said(replies.unknown_word("xyzzy"))


def test_lists_say_what_to_type() -> None:
    """Agents with an example each, runs with their state; empty lists say what to do next."""
    assert "/agent purchasing a laptop" in said(
        replies.agent_list([replies.AgentEntry("purchasing", "buys", "a laptop")])
    )
    assert "Running" in said(replies.run_list([RUN]))
    assert "/agent list" in said(replies.run_list([]))
    assert "*Running*" in said(replies.run_status(RUN))
    assert "<https://example.test/p1|Follow it in its thread>" in said(replies.started(RUN, "https://example.test/p1"))


FILLED = replace(
    RUN,
    input={"note": "Dear all,\nQuantity: 9", "amount": 4500, "item": "<!channel> *laptops*", "rush": True, "left": ""},
    labels={"item": "What", "amount": "Price in US dollars", "rush": "In a hurry"},
)


def test_a_filled_form_is_shown_a_field_a_line_with_its_label() -> None:
    """In the form's order; no value can pass for a field or become markup, and what was left empty is left out."""
    message = run_card(FILLED)
    fields = "What: <!channel> *laptops*\nPrice in US dollars: 4500\nIn a hurry: Yes\n"
    assert f"{fields}note:\n  │ Dear all,\n  │ Quantity: 9" in said(message)
    assert message.blocks[-2]["elements"][-1]["type"] == "rich_text_preformatted"
    assert "<!channel>" not in "".join(mrkdwn(message.blocks))
    done = said(run_card(replace(FILLED, status=RunStatus.SUCCEEDED, output="Bought.")))
    assert ": What: <!channel> *laptops* · Price in US dollars: 4500 · In a hurry: Yes · note: Dear all, Qua" in done


def test_the_reply_to_a_finished_run_repeats_nothing_that_stands_above_it() -> None:
    """The reply calls its starter; a notification has the first words of the result."""
    done = replace(RUN, status=RunStatus.SUCCEEDED, output="Sent <it> to team.")
    told = result_line(done, "Finished: Sent <it> to team.")
    assert (said(told), told.text) == (
        ": finished. The result is at the top of this thread.",
        "Finished: Sent &lt;it&gt; to team.",
    )
    assert told.blocks[0]["elements"][0]["elements"][0] == {"type": "user", "user_id": RUN.starter.id}


def test_a_result_that_the_runs_message_cuts_stands_in_the_reply() -> None:
    """All of it, or as much as a message holds and how much is missing; the run's message says where it is."""
    long = replace(RUN, status=RunStatus.SUCCEEDED, output="\n".join(f"line {number}" for number in range(200)))
    whole = said(result_line(long, "Finished: line 0"))
    assert "All of the result:" in whole
    assert all(f"line {number}\n" in f"{whole}\n" for number in range(200))
    assert "characters not shown · more of it in the thread" in said(run_card(long))
    longer = said(result_line(replace(long, output="word " * 9_000), "Finished: word"))
    assert re.search(r"The result · [\d,]+ characters not shown:", longer)
