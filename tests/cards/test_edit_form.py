"""The form that changes a call gives back what it was filled with, and never shows what is redacted."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, Phase, assume, given, settings

from agent_runtime.approvals import Preview
from agent_runtime.arguments import changes, is_same
from agent_runtime.redaction import MARK
from agent_runtime.rules import Rules, Stage
from bot.cards.blocks import Part
from bot.cards.differences import changed_arguments
from bot.cards.edit import Difference, edit_form, read_edit, too_much
from bot.cards.fields import Filled, Unfit
from bot.cards.ids import Metadata
from bot.workspace.blockkit.entering import first_values
from bot.workspace.blockkit.reading import fields_in
from storage.types import DecisionKind
from tests.cards.hostile import BUY, SENTINEL, args, json_values
from tests.cards.limits import check_view, mrkdwn, texts

RULES = Rules(policy="policy 1", stages=(Stage(name="manager", approvers=("user:U1",)),), timeout=timedelta(hours=1))
SCHEMA = {
    "type": "object",
    "properties": {"item": {"type": "string"}, "amount": {"type": "integer"}, "card": {"type": "integer"}},
    "required": ["item", "amount", "card"],
}
some = settings(
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)  # fmt: skip


def values(form: Part) -> dict[str, Any]:
    """The state of a form that nobody has touched."""
    return first_values(fields_in(form["blocks"]))


@some
@given(args)
def test_an_untouched_form_changes_nothing(given_args: Any) -> None:
    """Whatever the arguments are, reading back what the fields were filled with is what there was."""
    assume(is_same(given_args, given_args))  # what is no JSON is denied before anybody is asked
    view = replace(BUY, args=given_args)
    form = edit_form(view, None)
    check_view(form)
    assert not any(SENTINEL in text for text in mrkdwn(form))
    read = read_edit(view, None, values(form))
    assert isinstance(read, Unfit)
    assert "Nothing is changed" in next(iter(read.errors.values()))


@some
@given(args, args)
def test_a_difference_is_within_slacks_limits(before: Any, after: Any) -> None:
    """Whatever changes, what is shown passes the checker, or it is refused as too much."""
    preview = Preview(changes(before, after), RULES, True, ("A remark.",))
    if too_much(preview):
        return
    form = edit_form(replace(BUY, args=before), None, found=Difference(after, preview, ("<@U2BEN>",)))
    check_view(form)
    assert not any(SENTINEL in text for text in mrkdwn(form))


def test_a_redacted_argument_has_an_empty_field_and_keeps_its_mark() -> None:
    """Left empty it keeps its value, whatever its schema asks; filled in, it is replaced."""
    view = replace(BUY, args={"item": "a", "card": MARK, "amount": 5})
    form = edit_form(view, SCHEMA)
    assert MARK not in str(form)
    state = values(form)
    amount = next(block for block in form["blocks"] if block.get("label", {}).get("text") == "amount")
    state[amount["block_id"]] = {amount["element"]["action_id"]: {"value": "6"}}
    read = read_edit(view, SCHEMA, state)
    assert read == Filled({"item": "a", "card": MARK, "amount": 6})
    assert isinstance(read, Filled)
    assert list(read.values) == ["item", "card", "amount"]


def test_what_only_the_second_submission_records_is_named_by_the_first() -> None:
    """The form remembers the digest of the arguments whose difference it shows, and of no others."""
    before, after = {"amount": 5}, {"amount": 6}
    preview = Preview(changes(before, after), RULES, False)
    forms = [
        edit_form(replace(BUY, args=before), None, found=Difference(one, preview)) for one in (after, {"amount": 7})
    ]
    remembered = [Metadata.parse(form["private_metadata"]) for form in forms]
    assert all(one is not None and one.shown for one in remembered)
    assert remembered[0] != remembered[1]
    assert forms[0]["submit"]["text"] == "Ask for approval"


def test_a_reason_that_the_policy_asks_for_must_be_given() -> None:
    """An edit is an approval, too: what needs a reason there needs one here."""
    needed = replace(BUY, require_reason=(DecisionKind.APPROVED,))
    assert [edit_form(view, None)["blocks"][-1]["optional"] for view in (BUY, needed)] == [True, False]


@some
@given(json_values, json_values)
def test_two_changes_never_read_the_same(one: Any, other: Any) -> None:
    """The text of a change tells which value there is now, and no other value has that text."""
    assume(is_same(one, one) and is_same(other, other))
    first, second = (changed_arguments(changes({"a": None}, {"a": value})).text for value in (one, other))
    assert first != second or not changes({"a": one}, {"a": other})


def test_what_is_too_long_for_a_field_is_said_and_stays() -> None:
    """The other arguments can be changed; the long one runs as it was."""
    view = replace(BUY, args={"body": "x" * 5_000, "amount": 5})
    form = edit_form(view, None)
    check_view(form)
    assert any("too many to change here" in text for text in texts(form["blocks"]))
    state = values(form)
    amount = next(block for block in form["blocks"] if block.get("label", {}).get("text") == "amount")
    state[amount["block_id"]] = {amount["element"]["action_id"]: {"value": "6"}}
    assert read_edit(view, None, state) == Filled({"body": "x" * 5_000, "amount": 6})


def test_more_arguments_than_fields_are_one_field_of_json() -> None:
    """Nothing is left out of it but what is redacted."""
    given_args = {**{f"a{number}": number for number in range(80)}, "card": MARK}
    view = replace(BUY, args=given_args)
    form = edit_form(view, None)
    check_view(form)
    assert MARK not in str(form)
    state = values(form)
    (block,) = [name for name in state if name.endswith(".all")]
    ((action, entered),) = state[block].items()
    state[block] = {action: {"value": entered["value"].replace('"a1": 1,', '"a1": 100,')}}
    assert read_edit(view, None, state) == Filled({**given_args, "a1": 100})
