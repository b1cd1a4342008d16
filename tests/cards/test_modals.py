"""Modals ask for what is missing, and say so when it is too late."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from agent_runtime.prompts import Question
from agent_runtime.rules import GrantRule
from agent_runtime.views import AskedAgain, RequestView
from bot.cards import modals
from bot.cards.blocks import Part
from bot.cards.edit import edit_form
from bot.cards.hand_over import hand_over_form
from bot.cards.ids import CallbackId, FieldId
from bot.cards.more import allow_next
from bot.cards.submissions import answer_in, field_error, metadata_in, text_in
from storage.types import DecisionKind, GrantScope, RequestStatus
from tests.cards.hostile import ASK, BEN, BUY, DOUBT, DRAFT, NOW, closed
from tests.cards.limits import check_view, elements, texts

Form = Callable[..., Part]


def field(modal: Part) -> Part:
    return next(block for block in modal["blocks"] if block["type"] == "input")


def hint(modal: Part) -> str:
    return str(field(modal)["hint"]["text"])


@pytest.mark.parametrize(
    ("form", "view", "callback"),
    [
        (modals.reject, BUY, CallbackId.REJECT),
        (modals.approve, BUY, CallbackId.APPROVE),
        (modals.skip, BUY, CallbackId.SKIP),
        (partial(edit_form, schema=None), BUY, CallbackId.EDIT),
        (modals.changes, DRAFT, CallbackId.CHANGES),
        (modals.answer, ASK, CallbackId.ANSWER),
        (modals.outcome, DOUBT, CallbackId.OUTCOME),
    ],
)
def test_a_modal_of_a_closed_request_says_so_instead_of_asking(form: Form, view: RequestView, callback: str) -> None:
    """While open it has a field and a submit button; afterwards it names who closed it and has neither."""
    asking = form(view)
    assert asking["callback_id"] == callback
    assert field(asking)
    assert asking["submit"]
    late = form(closed(view, RequestStatus.REJECTED))
    check_view(late)
    assert "submit" not in late
    assert any("Closed by <@U2BEN>" in text for text in texts(late))


def test_a_reason_is_optional_unless_the_policy_requires_it() -> None:
    """The field says which."""
    assert field(modals.reject(BUY))["optional"] is True
    assert field(modals.reject(replace(BUY, require_reason=(DecisionKind.REJECTED,))))["optional"] is False


@pytest.mark.parametrize(
    ("keys", "words"),
    [((), "the same arguments"), (("item",), "the same `item`"), (("item", "shop"), "the same arguments")],
)
def test_approving_the_next_says_what_they_must_share(keys: tuple[str, ...], words: str) -> None:
    """What the policy names, where the call has all of it; it would be nothing to go by where it has not."""
    view = replace(BUY, args={"item": "desk", "amount": 5}, grant_rule=GrantRule(scopes=(GrantScope.RUN,), keys=keys))
    assert any(f"Calls of the same tool with {words} then run" in text for text in texts(allow_next(view)))


def test_the_form_of_a_no_says_what_follows_it() -> None:
    """Nothing runs; the agent gets the words and may ask again, or not. Where several must say no, that; where it has
    asked again after a no, that, too; and of a draft that no other one follows."""
    words = "The agent and the thread get these words."
    maybe = "The agent then may ask again with a changed call or go on without it."
    assert hint(modals.reject(BUY)) == f"The call does not run. {words} {maybe}"
    several = replace(BUY, stages=(replace(BUY.stages[0], reject_quorum=2),))
    assert hint(modals.reject(several)).startswith("The call is rejected once 2 people reject it, 0 so far.")
    again = replace(BUY, asked_again=AskedAgain("A1", BEN, NOW, "", None))
    assert "may ask again, as it did after the last no, or go on without it" in hint(modals.reject(again))
    assert hint(modals.reject(DRAFT)) == f"Another draft is not asked for. {words}"


@pytest.mark.parametrize(
    ("count", "kind"), [(2, "radio_buttons"), (10, "radio_buttons"), (11, "static_select"), (100, "static_select"),
                        (101, "plain_text_input")],
)  # fmt: skip
def test_choices_become_the_control_that_can_hold_them(count: int, kind: str) -> None:
    """Few are radio buttons, more a list, and too many are typed."""
    choices = [f"choice {number}" for number in range(count)]
    modal = modals.answer(replace(ASK, payload={"question": "Which?", "choices": choices}))
    check_view(modal)
    assert field(modal)["element"]["type"] == kind


def test_the_full_view_decides_on_its_last_page_only() -> None:
    """Earlier pages turn, the last one decides unless the request closed; no page is out of range."""
    view = replace(BUY, args={"body": "word " * 3_000})
    first, last = modals.review_all(view, -5), modals.review_all(view, 99)
    assert [one["text"]["text"] for one in elements(first["blocks"])] == ["Next page"]
    assert [one["text"]["text"] for one in elements(last["blocks"])] == [
        "Previous page", "Approve", "Reject", "More...",
    ]  # fmt: skip
    metadata = metadata_in(last)
    assert metadata is not None
    assert metadata.page == 1
    ended = modals.review_all(closed(view, RequestStatus.APPROVED), 1)
    assert [one["text"]["text"] for one in elements(ended["blocks"])] == ["Previous page"]


def test_loading_and_notices_are_modals() -> None:
    """Both can be opened at once, with nothing known."""
    check_view(modals.loading())
    check_view(hand_over_form())
    check_view(modals.notice("Not recorded", "Nothing was changed."))


def submitted(field_id: FieldId, state: Any) -> Part:
    return {"state": {"values": {field_id.value: {"signoff_field": state}}}}


def test_a_submission_is_read_as_it_was_filled_in() -> None:
    """Typed text without blanks around it; a choice in full; nothing where nothing was chosen."""
    question = Question(text="?", choices=("A", "B"))
    assert text_in(submitted(FieldId.REASON, {"value": "  too dear \n"}), FieldId.REASON) == "too dear"
    assert text_in(submitted(FieldId.REASON, {"value": None}), FieldId.REASON) == ""
    assert answer_in(submitted(FieldId.ANSWER, {"selected_option": {"value": "1"}}), question) == "B"
    assert answer_in(submitted(FieldId.ANSWER, {"selected_option": {"value": "7"}}), question) == ""
    assert answer_in(submitted(FieldId.ANSWER, {"selected_option": None}), question) == ""
    assert answer_in(submitted(FieldId.ANSWER, {"value": "x"}), Question(text="?")) == "x"


@pytest.mark.parametrize("payload", [{}, {"state": None}, {"state": {"values": []}}, submitted(FieldId.REASON, "x")])
def test_a_malformed_submission_is_empty(payload: Part) -> None:
    """No shape of a payload fails."""
    assert text_in(payload, FieldId.REASON) == ""
    assert metadata_in(payload) is None


def test_an_error_names_its_field() -> None:
    """Slack shows it there."""
    assert field_error(FieldId.REASON, "Say why.") == {
        "response_action": "errors",
        "errors": {"signoff_reason": "Say why."},
    }
