"""What people read says what will happen and what did, once, and the same thing by the same words."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from agent_runtime.views import ApprovedBefore, ArgumentChange, AskedAgain, HoldView, LadderView, RequestView, RunView
from bot.cards import modals
from bot.cards.home import open_request
from bot.cards.ids import ActionId
from bot.cards.more import more
from bot.cards.plain import card_text
from bot.cards.replies import run_list, unknown_word
from bot.cards.request import card
from bot.cards.run import run_card
from bot.cards.text import duration
from storage.types import SCHEDULER, DecisionKind, RequestStatus, RunStatus
from tests.cards.hostile import ANA, ASK, BEN, BUY, DOUBT, DRAFT, NOW, RUN, closed, vote
from tests.cards.limits import check_message, elements, texts


def confirmation(view: RequestView | RunView, action: ActionId) -> dict[str, str]:
    """What is asked before the click on this button counts, by its parts."""
    message = run_card(view) if isinstance(view, RunView) else card(view, now=NOW)
    check_message(message)
    (asked,) = [one["confirm"] for one in elements(message.blocks) if one["action_id"] == action]
    return {name: part["text"] for name, part in asked.items() if name != "style"}


def test_skipping_says_that_nobody_else_is_asked() -> None:
    """It closes the request: it does not pass it on. With a form, the form says so."""
    offered = replace(BUY, decisions=(DecisionKind.APPROVED, DecisionKind.SKIPPED))
    said = "This step is left out; the run goes on. Nobody else is asked."
    shown = list(texts(more(offered, BEN)["blocks"]))
    assert shown[shown.index("Skip") - 1] == said
    assert said in " ".join(texts([modals.skip(offered)]))
    assert "Skip" not in texts([card(offered, now=NOW).blocks, modals.review_all(offered, 99)["blocks"]])
    assert "Skip" not in texts(more(BUY, BEN)["blocks"])


def test_whoever_is_on_it_is_not_offered_it_again() -> None:
    """Anybody else is."""
    held = replace(BUY, ladder=LadderView(hold=HoldView(BEN, "on_it", NOW)))
    assert "I'm on it" not in texts(more(held, BEN)["blocks"])
    assert "I'm on it" in texts(more(held, ANA)["blocks"])


def test_the_form_of_a_no_says_of_which_call() -> None:
    """On a phone it hides the card: the policy's note tells it from others of the same tool."""
    noted = replace(BUY, note="Buys 3 laptops.")
    assert " ".join(texts(modals.reject(noted)["blocks"][:1])).endswith(" · Buys 3 laptops.")


def test_what_people_did_is_said_once() -> None:
    """Who decided and when stands among the votes; whoever closed a request without a vote is named beside it."""
    approved = " ".join(texts(card(closed(BUY, RequestStatus.APPROVED, vote(DecisionKind.APPROVED)), now=NOW).blocks))
    assert "Open for 12 min" in approved
    assert "Closed by" not in approved
    cancelled = " ".join(texts(card(closed(BUY, RequestStatus.CANCELLED, by=ANA), now=NOW).blocks))
    assert "Closed by <@U1ANA>" in cancelled


def test_whoever_signed_an_earlier_stage_or_call_is_named_by_our_rows() -> None:
    """The stage by its name; an earlier call with what it has in common with this one."""
    second = replace(BUY, stage=1, votes=(vote(DecisionKind.APPROVED),))
    assert "<@U2BEN> approved in stage 1 (`manager`) <!date^" in " ".join(texts(card(second, now=NOW).blocks))
    before = ApprovedBefore("A1", "signoff", (BEN,), NOW, same=("item",), other=("amount",))
    third = replace(BUY, approved_before=(before,))
    common = "with the same item · with another amount"
    words = f"Earlier in this run: signoff approved by Ben · 2026-11-21 10:00 UTC · {common}"
    assert words in card_text(third).splitlines()
    why = card(third, now=NOW).blocks[2]["elements"][0]["elements"]
    assert [one.get("text") or one.get("user_id") or one.get("timestamp") for one in why] == [
        "Earlier in this run: ", "signoff", " approved by ", "U2BEN", " · ", int(NOW.timestamp()),
        f" · {common}",
    ]  # fmt: skip


def test_a_call_that_is_asked_again_says_who_rejected_it_why_and_what_changed() -> None:
    """Where nothing changed it says that; where other people were asked then, that and no values."""
    change = ArgumentChange("amount", 900, 1200)
    again = AskedAgain("A1", BEN, NOW, "too <dear>", (change,))
    shown = list(texts(card(replace(BUY, asked_again=again), now=NOW).blocks))
    at = shown.index("Asked again after Ben rejected the earlier one, because")
    assert shown[at + 1 : at + 4] == ["too <dear>", "What changed since", "- amount: 900\n+ amount: 1200"]
    same = " ".join(texts(card(replace(BUY, asked_again=replace(again, reason="", changes=())), now=NOW).blocks))
    assert "Asked again after Ben rejected the earlier one. What changed since (nothing: it is the same call)" in same
    hidden = " ".join(texts(card(replace(BUY, asked_again=replace(again, reason="", changes=None)), now=NOW).blocks))
    assert "(request A1, which other people were asked about)" in hidden


def test_stopping_a_run_has_two_buttons_that_each_say_what_they_do() -> None:
    """Neither *Cancel* nor *Not yet*, each of which could be either."""
    asked = confirmation(RUN, ActionId.CANCEL_RUN)
    assert (asked["confirm"], asked["deny"]) == ("Cancel the run", "Keep it running")
    assert "Only whoever started it or an operator may." in asked["text"]


def test_a_waiting_run_says_in_which_channel_people_are_asked() -> None:
    """Whoever reads it elsewhere finds the card."""
    waiting = replace(RUN, status=RunStatus.WAITING, waiting_on=(BUY,))
    shown = " ".join(texts(run_card(waiting, mentions=["<@U2BEN>"], asked_in="<#C1>").blocks))
    assert "*Waiting* for <@U2BEN> in <#C1> since" in shown


def test_a_time_out_is_nobodys_act() -> None:
    """Its heading says that the time ran out: nobody closed it, and how long that took is no news."""
    late = closed(BUY, RequestStatus.EXPIRED, by=SCHEDULER)
    assert late.closed_at is not None
    shown = texts(card(late, now=NOW).blocks)
    assert any(one.startswith(f"Closed <!date^{int(late.closed_at.timestamp())}^") for one in shown)
    assert "Closed by" not in " ".join(shown)


def test_an_open_request_says_what_silence_brings_and_what_is_missing() -> None:
    """As sentences: of a question nobody has answered, of a call nobody has decided."""
    assert "Nobody has answered yet" in texts(card(ASK, now=NOW).blocks)
    assert "then it is rejected" in " ".join(texts(card(BUY, now=NOW).blocks))


def test_who_accepted_a_draft_and_who_asked_for_changes_is_told_apart() -> None:
    """Both are answers."""
    votes = [vote(DecisionKind.ANSWERED, value={"action": action}) for action in ("changes", "accept")]
    shown = " ".join(texts(card(replace(DRAFT, votes=tuple(votes)), now=NOW).blocks))
    assert "accepted it" in shown
    assert "asked for changes" in shown


def test_the_policys_note_says_what_it_is_where_the_card_is_not() -> None:
    """A tool's name alone says little: Home and a notification have the note, too."""
    noted = replace(BUY, note="Buys <three> laptops.")
    assert "Buys &lt;three&gt; laptops." in card(noted, now=NOW).text
    assert "Buys <three> laptops." in texts(open_request(noted, "", NOW))


def test_a_list_of_runs_says_what_each_was_asked() -> None:
    """Typed or filled in, and cut; and in the word that the run's own message has for its state."""
    runs = [
        replace(RUN, input="Buy\n3 laptops for 4500", status=RunStatus.SUCCEEDED),
        replace(RUN, input={"input": "Book a flight"}),
        replace(RUN, input={"item": "van" * 50, "amount": 3}),
    ]
    message = run_list(runs)
    check_message(message)
    shown = " ".join(texts(message.blocks))
    assert "Buy 3 laptops for 4500 · Finished" in shown
    assert "Book a flight" in shown
    assert "van" * 5 in shown
    assert "van" * 21 not in shown


def test_no_far_fetched_guess_is_made() -> None:
    """A typing error is recognised; another word is not."""
    assert "/agent list" in " ".join(texts(unknown_word("lst").blocks))
    assert "Did you mean" not in " ".join(texts(unknown_word("hello").blocks))


def test_when_a_doubtful_call_began_is_told_in_the_readers_own_time() -> None:
    """As every other moment on the card; words of the journal that are no moment are not shown as one."""
    began, *_ = card(DOUBT, now=NOW).blocks[2]["elements"][0]["elements"][1:2]
    assert (began["type"], began["fallback"]) == ("date", "2026-11-21 09:59 UTC")
    unknown = replace(DOUBT, payload={"started_at": "soon"})
    assert "This call was started, and its end was never recorded." in texts(card(unknown, now=NOW).blocks)


def test_a_held_call_asks_for_no_more_approvals() -> None:
    """Enough people have given theirs: only until when it can be taken back is left to say."""
    held = " ".join(texts(card(replace(BUY, held_until=NOW + timedelta(minutes=1)), now=NOW).blocks))
    assert "approval needed" not in held
    assert "unless one of its approvers takes their approval back" in held


def test_what_took_no_time_is_not_said_to_have_taken_none() -> None:
    """`0.0 s` reads as if it had not run."""
    assert duration(timedelta(milliseconds=3)) == "less than 0.1 s"
    assert duration(timedelta(milliseconds=400)) == "0.4 s"
