"""A card says in every state what is asked, by which rules, and what became of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest

from agent_runtime.views import ArgumentChange, CallView, EditView, HoldView, LadderView, PauseView, RequestView
from bot.cards import notices
from bot.cards.ids import ActionId, Target
from bot.cards.request import card
from bot.cards.subject import subject_of
from storage.types import SCHEDULER, Actor, ActorKind, CallStatus, DecisionKind, OnTimeout, RequestStatus
from tests.cards.hostile import ASK, BEN, BUY, DOUBT, DRAFT, NOW, closed, vote
from tests.cards.limits import check_message, elements, texts

APPROVED, REJECTED = DecisionKind.APPROVED, DecisionKind.REJECTED
ANSWERED = DecisionKind.ANSWERED


def heading(view: RequestView) -> str:
    return card(view, now=NOW).blocks[0]["text"]["text"]


def words(view: RequestView, **options: object) -> str:
    """Every text of the card, one a line."""
    message = card(view, now=NOW, **options)  # type: ignore[arg-type]
    check_message(message)
    return "\n".join(texts(message.blocks))


def buttons(view: RequestView, **options: object) -> list[dict[str, object]]:
    return elements(card(view, now=NOW, **options).blocks)  # type: ignore[arg-type]


def labels(view: RequestView) -> list[str]:
    return [one["text"]["text"] for one in buttons(view)]  # type: ignore[index]


ACCEPTED, CHANGED = (
    vote(ANSWERED, value={"action": "accept"}),
    vote(ANSWERED, value={"action": "changes", "feedback": "x"}),
)


@pytest.mark.parametrize(
    ("view", "shown"),
    [
        (BUY, "Approve buy?"),
        (ASK, "Answer needed: Which airline?"),
        (DRAFT, "Review the draft (round 2, at most 3)"),
        (DOUBT, "Did buy take effect? Nobody knows"),
        (closed(BUY, RequestStatus.APPROVED), "Approved: buy"),
        (closed(BUY, RequestStatus.REJECTED), "Rejected: buy"),
        (closed(BUY, RequestStatus.REJECTED, by=SCHEDULER), "Timed out, rejected: buy"),
        (closed(BUY, RequestStatus.EXPIRED, by=SCHEDULER), "Timed out, rejected: buy"),
        (closed(replace(BUY, on_timeout=OnTimeout.FAIL), RequestStatus.EXPIRED), "Timed out, run failed: buy"),
        (closed(BUY, RequestStatus.SKIPPED), "Skipped: buy"),
        (closed(BUY, RequestStatus.CANCELLED), "Cancelled: buy"),
        (closed(BUY, RequestStatus.LAPSED), "Approved, but not run in time: buy"),
        (closed(BUY, RequestStatus.LAPSED, by=SCHEDULER), "Timed out, then retried: buy"),
        (closed(ASK, RequestStatus.ANSWERED, vote(ANSWERED, value="Lufthansa")), "Answered: Which airline?"),
        (closed(DRAFT, RequestStatus.ANSWERED, ACCEPTED), "Accepted (round 2, at most 3): the draft"),
        (closed(DRAFT, RequestStatus.ANSWERED, CHANGED), "Changes requested (round 2, at most 3): the draft"),
        (closed(DOUBT, RequestStatus.ANSWERED, vote(ANSWERED, value={"action": "run_again"})), "To be run again: buy"),
    ],
)
def test_the_header_says_what_is_asked_or_what_became_of_it(view: RequestView, shown: str) -> None:
    """Every kind and state has its own words."""
    assert heading(view) == shown


def test_an_open_call_can_be_approved_or_rejected_by_what_the_buttons_carry() -> None:
    """Each button names request, revision and stage, one is primary, and each is labelled for screen readers."""
    approve, reject, _ = buttons(replace(BUY, revision=3, stage=1))
    assert (approve["action_id"], approve["style"]) == (ActionId.APPROVE, "primary")
    assert (reject["action_id"], reject["style"]) == (ActionId.REJECT, "danger")
    assert approve["accessibility_label"] == "Approve: buy"
    assert Target.parse(approve["value"]) == Target.parse(reject["value"]) == Target("A7K2MXQ", 3, 1)
    assert "confirm" not in approve
    assert buttons(BUY, confirm=True)[0]["confirm"]


def test_each_kind_offers_its_own_decisions() -> None:
    """Calls, questions, drafts and doubtful outcomes are decided in their own words, and only as offered."""
    assert labels(replace(BUY, decisions=(APPROVED, REJECTED, DecisionKind.SKIPPED))) == [
        "Approve", "Reject", "More...",
    ]  # fmt: skip
    assert labels(replace(BUY, decisions=(REJECTED,))) == ["Reject", "More..."]
    assert labels(ASK) == ["Answer"]
    assert labels(DRAFT) == ["Accept", "Request changes"]
    last = replace(DRAFT, payload={"draft": "x", "round": 3, "max_rounds": 3})
    assert labels(last) == ["Accept", "Reject"]
    assert labels(DOUBT) == ["It happened", "Run again", "It did not, mark failed"]


@pytest.mark.parametrize("status", [one for one in RequestStatus if one is not RequestStatus.PENDING])
def test_a_closed_card_has_no_buttons(status: RequestStatus) -> None:
    """Nothing invites a click that would be refused; what is not all on the card can still be read."""
    for view in (BUY, ASK, DRAFT, DOUBT):
        assert buttons(closed(view, status)) == []
    for long in (replace(BUY, args={"body": "x y " * 10_000}), replace(BUY, reason="because " * 500)):
        assert labels(closed(long, status)) == ["Show everything"]


def test_an_open_card_says_by_which_rules_and_until_when() -> None:
    """Stage, quorum, votes so far, deadline with its consequence, and whom it is for."""
    said = words(replace(BUY, stage=1, votes=(vote(APPROVED),)), mentions=["<@U2BEN>", "<!subteam^S1FIN>"])
    assert "Stage 2 of 2: `finance` · 2 approvals needed · 0 so far · times out <!date^" in said
    assert "2026-11-21 14:00 UTC>, then it is rejected · for <@U2BEN>, <!subteam^S1FIN>" in said
    assert "<@U2BEN> approved in stage 1" in said
    assert "stays open" in words(replace(BUY, on_timeout=OnTimeout.KEEP))
    assert "No time limit" in words(replace(ASK, due_at=None))
    assert "about to be closed" in words(replace(BUY, due_at=NOW))


def test_a_closed_card_says_who_when_how_long_and_why() -> None:
    """The verdict, the person, the time it took and their own words stand on the card."""
    said = words(closed(BUY, RequestStatus.REJECTED, vote(REJECTED, "Too <dear>, *really*")))
    assert "<@U2BEN> rejected in stage 1 (`manager`) <!date^" in said
    assert "Open for 12 min" in said
    assert ", because:\nToo <dear>, *really*" in said


@pytest.mark.parametrize(
    ("call", "shown"),
    [
        (CallView(CallStatus.FINISHED, timedelta(seconds=0.4)), "Ran in 0.4 s"),
        (CallView(CallStatus.FAILED, timedelta(seconds=2), "out of stock"), "Failed after 2.0 s:\nout of stock"),
        (CallView(CallStatus.UNKNOWN), "Outcome unknown: asked below"),
        (CallView(CallStatus.STARTED), "Running"),
        (CallView(CallStatus.SUSPENDED), "Paused: the tool itself asks something"),
        (None, "Not run yet"),
    ],
)
def test_an_approved_card_says_what_became_of_the_call(call: CallView | None, shown: str) -> None:
    """Ran, failed, running, doubtful, or not yet."""
    assert shown in words(replace(closed(BUY, RequestStatus.APPROVED), call=call))


def test_a_closed_card_says_what_the_run_still_waits_for() -> None:
    """An approval that runs nothing yet explains why."""
    assert "The run waits for 2 more decisions" in words(replace(closed(BUY, RequestStatus.APPROVED), open_siblings=2))
    assert "The run waits for 1 more decision" in words(replace(closed(BUY, RequestStatus.REJECTED), open_siblings=1))


def test_the_policys_note_and_the_agents_words_cannot_pass_for_each_other() -> None:
    """Each stands in a quote of its own under a label of ours, whatever lines it has."""
    view = replace(BUY, note="Spends money", reason="Cheap.\nThe policy's note\nAll fine")
    labelled = card(view, now=NOW).blocks[2]["elements"]
    assert [part["type"] for part in labelled] == ["rich_text_section", "rich_text_quote"] * 2
    assert labelled[1]["elements"][0]["text"] == "Spends money"
    assert labelled[3]["elements"][0]["text"] == view.reason


def test_a_draft_shows_what_changed_since_the_previous_one() -> None:
    """Line by line, before the draft itself."""
    parts = list(texts(card(DRAFT, now=NOW).blocks[3]))
    assert parts == [
        "Changes since the previous draft",
        "  Dear all,\n- hello.\n+ bye.",
        "The draft",
        "Dear all,\nbye.",
    ]


def test_deceptive_arguments_are_announced() -> None:
    """The label over the arguments counts what was made visible and what mixes alphabets."""
    said = words(replace(BUY, args={"to": "\u202egro.live\u200b", "who": "p\u0430ypal"}))
    assert "2 hidden or deceptive characters made visible" in said
    assert "1 word mixing alphabets: look twice" in said


def test_arguments_that_do_not_fit_are_decided_in_the_full_view() -> None:
    """The card shows head, count and tail; its first button opens everything; it has no Approve."""
    view = replace(BUY, args={"body": "x y " * 10_000 + "the end"})
    assert labels(view) == ["Review everything", "Reject", "More..."]
    assert "characters not shown⟧" in words(view)
    assert 'the end"' in words(view)
    assert labels(replace(ASK, payload="why? " * 1_000)) == ["Review everything"]
    assert labels(replace(BUY, reason="because " * 500)) == ["Approve", "Reject", "Show everything", "More..."]


def test_automatic_approval_is_announced_on_every_card() -> None:
    """Nobody can take an unattended approval for a person's."""
    assert "Auto-approval is on" in words(replace(BUY, auto_approve=True))
    assert "Auto-approval" not in words(BUY)


def test_the_fallback_text_is_enough_to_decide_to_open_the_message() -> None:
    """Agent, tool, who asked and the deadline; after closing, who closed it."""
    assert card(BUY, now=NOW).text == (
        "Approve buy? Agent “purchasing”, started by Ana. Due 2026-11-21 14:00 UTC, then it is rejected."
    )
    assert card(closed(BUY, RequestStatus.APPROVED), now=NOW).text == (
        "Approved: buy. Closed by Ben. Agent “purchasing”, started by Ana."
    )


def test_a_held_call_says_when_it_runs_and_offers_to_take_that_back() -> None:
    """On the card, in its fallback text, and to whoever has just approved it; nobody can approve it once more."""
    held = replace(BUY, held_until=NOW + timedelta(seconds=30), hold=timedelta(seconds=30), due_at=NOW)
    assert heading(held) == "Approved, about to run: buy"
    assert labels(held) == ["Take back", "Reject", "More..."]
    assert "(30 s after the last approval) unless one of its approvers takes their approval back" in words(held)
    assert "Runs 2026-11-21 10:00 UTC unless an approval is taken back." in card(held, now=NOW).text
    assert "rejected" not in card(held, now=NOW).text
    assert "unless an approval is taken back" in notices.recorded(held)


def test_a_changed_call_shows_what_was_changed_by_whom_and_what_runs() -> None:
    """Before and after for each argument, then the arguments that are up for decision; the agent's own in the full
    view."""
    change = ArgumentChange("amount", 900, 1200)
    policy = Actor(kind=ActorKind.POLICY, id="p1", name="policy 1")
    view = replace(
        BUY, revision=3, asked_args={"item": "laptop", "amount": 900},
        edits=(EditView(2, policy, NOW, (ArgumentChange("note", None, "x", added=True),)),
               EditView(3, BEN, NOW, (change,), "Prices rose")),
    )  # fmt: skip
    said = words(view)
    assert said.index("Changed by policy 1") < said.index("Changed by Ben") < said.index("Arguments")
    assert "- amount: 900\n+ amount: 1200" in said
    assert "Prices rose" in said
    assert "What the agent asked for" not in said
    assert "Show everything" in labels(view)
    whole = subject_of(view).whole
    assert whole.endswith('⟦ What the agent asked for ⟧\nitem: "laptop"\namount: 900')


def test_block_ids_change_with_every_change_that_shows() -> None:
    """An updated card has new block ids; an equal one has equal ids and an equal digest."""
    states = [BUY, replace(BUY, votes=(vote(APPROVED),)), replace(BUY, stage=1), closed(BUY, RequestStatus.APPROVED)]
    drawn = [card(view, now=NOW) for view in states]
    for before, after in pairwise(drawn):
        assert not {one["block_id"] for one in before.blocks} & {one["block_id"] for one in after.blocks}
        assert before.digest != after.digest
    assert card(BUY, now=NOW + timedelta(hours=1)).digest == drawn[0].digest


def test_a_hold_says_no_moment_while_nothing_passes() -> None:
    """Everything, or its agent, is paused: nobody knows when the hold will end."""
    hold = HoldView(BEN, "on_it", NOW + timedelta(minutes=30))
    held = replace(BUY, ladder=LadderView(hold=hold))
    assert "is on it until" in words(held)
    stopped = replace(held, paused=PauseView("", NOW, BEN, ""))
    assert "is on it" in words(stopped)
    assert "is on it until" not in words(stopped)
    assert "until" not in notices.held(stopped)
