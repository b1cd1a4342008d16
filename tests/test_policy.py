"""Policies judge every call, the first match wins, and nothing an agent sends turns into a yes."""

from __future__ import annotations

from collections import UserList
from datetime import timedelta
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from agent_runtime.errors import TextError
from agent_runtime.judging import (
    Allow,
    CallFacts,
    Deny,
    Require,
    evaluate,
    rules_for_outcome,
)
from agent_runtime.note import VALUE_LIMIT, check_note, fill_note
from agent_runtime.policy import Action, AgentRule, Default, Policy, PolicySet, Rules, Stage, may_start
from agent_runtime.selectors import parse_selector
from storage.types import Actor, ActorKind, DecisionKind, OnTimeout, RequestKind

ANA = Actor(kind=ActorKind.SLACK, id="U1", team="T1", name="Ana")
HOST = Actor(kind=ActorKind.CLI, id="root", name="root")
FALLBACK = Stage(name="approval", approvers=("channel:#approvers",))
MANAGER = Stage(name="manager", approvers=("usergroup:managers", "user:U7"), channel="#purchasing")
FINANCE = Stage(name="finance", approvers=("usergroup:finance",), quorum=2)


def policy_set(*policies: Policy, **others: Any) -> PolicySet:
    return PolicySet(default=Default(stage=FALLBACK), policies=policies, **others)


def facts(tool: str = "buy", **others: Any) -> CallFacts:
    known = {"agent": "purchasing", "kind": RequestKind.TOOL, "args": {}, "starter": ANA}
    return CallFacts(tool=tool, **{**known, **others})


def question(**others: Any) -> CallFacts:
    return facts("", **{"kind": RequestKind.QUESTION, "args": None, **others})


def rules_of(policies: PolicySet, asked: CallFacts) -> Rules:
    judgement = evaluate(policies, asked)
    assert isinstance(judgement, Require)
    return judgement.rules


globs = st.sampled_from(["*", "*", "a*", "?", "[ab]", "[!a]", "a"]) | st.text("ab*?[]!", max_size=4)
words = st.text("ab", max_size=2)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters()), inner, max_size=3),
    max_leaves=8,
)
policies = st.builds(
    Policy,
    agent=globs,
    tools=st.lists(globs, min_size=1, max_size=3).map(tuple),
    kind=st.sampled_from([RequestKind.TOOL, RequestKind.TOOL, RequestKind.QUESTION]),
    action=st.sampled_from(Action),
    note=st.sampled_from(["", "{args.a}", "{{{args.a.b.0}}}"]),
    stages=st.sampled_from([(), (MANAGER,), (MANAGER, FINANCE)]),
    on_timeout=st.none() | st.sampled_from(OnTimeout),
    timeout=st.none() | st.timedeltas(timedelta(seconds=1), timedelta(days=365)),
    idempotent=st.booleans(),
)
calls = st.builds(
    CallFacts,
    agent=words,
    tool=words,
    kind=st.sampled_from(RequestKind),
    args=st.none() | st.dictionaries(st.sampled_from(["a", "b"]), json_values, max_size=2),
    starter=st.sampled_from([ANA, HOST]),
)


@given(st.lists(policies, max_size=5), calls)
def test_every_call_is_judged_by_the_first_policy_that_matches(rules: list[Policy], call: CallFacts) -> None:
    """Evaluation is total and agrees with a reference that reads the list from the top."""
    judgement = evaluate(policy_set(*rules), call)
    if call.kind is not RequestKind.TOOL:
        assert isinstance(judgement, Require)
        assert judgement.rules.decisions == (DecisionKind.ANSWERED,)
        return
    expected: tuple[type, str] = (Require, "default")
    for number, rule in enumerate(rules, start=1):
        covers = fnmatchcase(call.agent, rule.agent) and any(fnmatchcase(call.tool, tool) for tool in rule.tools)
        if rule.kind is RequestKind.TOOL and covers:
            kinds = {Action.ALLOW: Allow, Action.DENY: Deny, Action.REQUIRE: Require}
            expected = kinds[rule.action], rule.label(number)
            break
    label = judgement.rules.policy if isinstance(judgement, Require) else judgement.policy
    assert (type(judgement), label) == expected


@given(st.lists(policies, max_size=3), calls)
def test_rules_survive_being_stored(rules: list[Policy], call: CallFacts) -> None:
    """The snapshot kept with a request is the same after a trip through JSON, and names at least one approver."""
    judgement = evaluate(policy_set(*rules), call)
    if isinstance(judgement, Require):
        assert Rules.model_validate(judgement.rules.model_dump(mode="json")) == judgement.rules
        assert Rules.model_validate_json(judgement.rules.model_dump_json()) == judgement.rules
        assert all(stage.approvers for stage in judgement.rules.stages)


def test_the_first_of_two_policies_that_match_wins() -> None:
    """A deny above an allow denies, and an allow above a deny allows: the order in the file is the order of judging."""
    allow, deny = Policy(tools=("b*",), action=Action.ALLOW), Policy(tools=("buy",), action=Action.DENY)
    assert isinstance(evaluate(policy_set(allow, deny), facts("buy")), Allow)
    assert isinstance(evaluate(policy_set(deny, allow), facts("buy")), Deny)


def test_a_call_that_matches_nothing_needs_the_default_stage() -> None:
    """An unknown tool is not let through: the default stage decides, with approve and reject only."""
    judgement = evaluate(policy_set(Policy(tools=("read_*",), action=Action.ALLOW)), facts("buy"))
    assert isinstance(judgement, Require)
    assert judgement.rules == Rules(policy="default", stages=(FALLBACK,), timeout=timedelta(hours=4))


def test_a_policy_takes_from_the_default_what_it_leaves_unsaid() -> None:
    """Stages, time-out and what silence means come from the default, the rest from the policy."""
    policies = policy_set(Policy(tools=("buy",), allow_self_approval=True, valid_for=timedelta(hours=1)))
    judgement = evaluate(policies, facts())
    assert isinstance(judgement, Require)
    rules = judgement.rules
    assert (rules.stages, rules.timeout, rules.on_timeout) == ((FALLBACK,), timedelta(hours=4), OnTimeout.REJECT)
    assert (rules.allow_self_approval, rules.allow_guests, rules.valid_for) == (True, False, timedelta(hours=1))


def test_allow_and_deny_say_which_policy_they_come_from() -> None:
    """The label names the policy by its place, from 1, and by what it matches."""
    policies = policy_set(
        Policy(tools=("read_*", "list_*"), action=Action.ALLOW, idempotent=True),
        Policy(agent="ops", tools=("shell",), action=Action.DENY, reason="No shell."),
    )
    assert evaluate(policies, facts("list_x")) == Allow('policy 1 (tool = "read_*", "list_*")', idempotent=True)
    assert evaluate(policies, facts("shell", agent="ops")) == Deny(
        'policy 2 (agent = "ops", tool = "shell")', reason="No shell."
    )


def test_globs_compare_with_case() -> None:
    """A policy for `Buy` does not cover `buy`, on any machine."""
    assert isinstance(evaluate(policy_set(Policy(tools=("Buy",), action=Action.ALLOW)), facts("buy")), Require)


def test_a_question_goes_to_the_starter_in_the_runs_thread() -> None:
    """Without a policy the person who started the run answers, even a guest who was let start it."""
    rules = rules_of(policy_set(), question())
    assert [stage.approvers for stage in rules.stages] == [("starter:",)]
    assert rules.stages[0].in_thread
    assert rules.decisions == (DecisionKind.ANSWERED,)
    assert rules.allow_self_approval
    assert rules.allow_guests


def test_a_question_of_a_run_that_nobody_in_slack_started_has_somebody_to_answer_it() -> None:
    """Beside the starter the operators may answer, or, without any, the default stage's approvers; no guests."""
    rules = rules_of(policy_set(), question(starter=HOST))
    assert rules.stages[0].approvers == ("starter:", "channel:#approvers")
    assert not rules.allow_guests
    rules = rules_of(policy_set(operators=("user:U9",)), question(starter=HOST))
    assert rules.stages[0].approvers == ("starter:", "user:U9")


def test_a_policy_for_questions_says_who_answers_them() -> None:
    """Its stages and times are taken, tool policies are not, and the answer is still an answer."""
    policies = policy_set(
        Policy(stages=(FINANCE,)),
        Policy(kind=RequestKind.QUESTION, agent="purch*", stages=(MANAGER,), timeout=timedelta(hours=1)),
    )
    rules = rules_of(policies, question())
    assert (rules.stages, rules.timeout, rules.decisions) == ((MANAGER,), timedelta(hours=1), (DecisionKind.ANSWERED,))
    assert rules.policy == 'policy 2 (kind = "question", agent = "purch*")'
    assert not rules.allow_guests
    assert rules_of(policies, question(kind=RequestKind.REVIEW)).stages[0].approvers == ("starter:",)


def test_an_unknown_outcome_is_told_by_the_operators() -> None:
    """Operators are asked first, and the question waits for them for good."""
    original = Rules(policy="policy 1", stages=(MANAGER, FINANCE), timeout=timedelta(hours=1))
    rules = rules_for_outcome(policy_set(operators=("user:U9",)), original)
    assert rules.stages[0].approvers == ("user:U9",)
    assert (rules.decisions, rules.on_timeout, rules.policy) == (
        (DecisionKind.ANSWERED,),
        OnTimeout.KEEP,
        "policy 1",
    )


def test_without_operators_an_unknown_outcome_is_told_by_whoever_could_approve_the_call() -> None:
    """All stages' approvers may tell it, one is enough, and the ban on deciding for oneself holds as it did."""
    original = Rules(policy="policy 1", stages=(MANAGER, FINANCE), timeout=timedelta(hours=1))
    rules = rules_for_outcome(policy_set(), original)
    assert rules.stages[0].approvers == ("usergroup:managers", "user:U7", "usergroup:finance")
    assert rules.stages[0].quorum == 1
    assert not rules.allow_self_approval


def test_the_outcome_of_a_call_that_needed_nobody_is_told_by_the_default_stage() -> None:
    """A call that a policy allowed has no approvers of its own."""
    rules = rules_for_outcome(policy_set(), None)
    assert rules.stages[0].approvers == FALLBACK.approvers
    assert rules.allow_self_approval


def test_every_full_member_may_start_what_no_rule_covers() -> None:
    """The first rule whose name matches says who may start an agent; without one, members."""
    policies = policy_set(
        agents=(
            AgentRule(name="purch*", starters=("usergroup:staff",)),
            AgentRule(name="*", starters=("user:U1",)),
        )
    )
    assert may_start(policies, "purchasing") == ("usergroup:staff",)
    assert may_start(policies, "ops") == ("user:U1",)
    assert may_start(policy_set(), "ops") == ("members",)


def test_a_stage_without_approvers_cannot_be_made() -> None:
    """An empty list would be a stage that nobody guards; so would a quorum of none."""
    with pytest.raises(ValidationError):
        Stage(name="empty", approvers=())
    with pytest.raises(ValidationError):
        Stage(name="none", approvers=("user:U1",), quorum=0)


def test_a_snapshot_with_an_unknown_rule_is_refused() -> None:
    """A snapshot from a newer version may hold a restriction that this one does not know; it is not dropped."""
    stored = Rules(policy="default", stages=(FALLBACK,), timeout=timedelta(hours=1)).model_dump(mode="json")
    with pytest.raises(ValidationError):
        Rules.model_validate({**stored, "ask_twice": True})


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("user:U0123", "user:U0123"),
        (" usergroup : managers ", "usergroup:managers"),
        ("usergroup:S0123", "usergroup:S0123"),
        ("channel:#approvers", "channel:#approvers"),
        ("channel:C0123", "channel:C0123"),
        ("usergroup:équipe-achat", "usergroup:équipe-achat"),
        ("starter:", "starter:"),
    ],
)
def test_selectors_have_one_canonical_form(text: str, canonical: str) -> None:
    """What people write is kept in one spelling, and that spelling is read as itself."""
    assert parse_selector(text) == canonical
    assert parse_selector(canonical) == canonical


@pytest.mark.parametrize(
    "text",
    ["", "user:", "user:ana", "user:@ana", "usergroup:@managers", "channel:approvers", "channel:#Approvers",
     "channel:D0123", "members", "everyone", "starter:U1", "role:admin", "user:U1 U2", "user:U1\nuser:U2"],
)  # fmt: skip
def test_what_names_nobody_is_not_a_selector(text: str) -> None:
    """A selector that cannot be understood is refused with a mend instead of matching nobody or everybody."""
    with pytest.raises(TextError) as caught:
        parse_selector(text)
    assert caught.value.mend.startswith("Write")


@pytest.mark.parametrize("text", ["email:ana", "email:", "email:Ana@Example.com", "email:<ana@example.com>"])
def test_half_an_address_names_nobody(text: str) -> None:
    """An address is written whole and in lower case."""
    with pytest.raises(TextError, match="address"):
        parse_selector(text)
    assert parse_selector(" email: ana@example.com ") == "email:ana@example.com"


@pytest.mark.parametrize(
    ("note", "args", "filled"),
    [
        ("Pays {args.amount}!", {"amount": 20}, "Pays 20!"),
        ("Pays {args.amount}!", {}, "Pays (no amount)!"),
        ("Pays {args.amount}!", None, "Pays (no amount)!"),
        ("{args.to.name} {args.to.age}", {"to": {"name": "Bo"}}, "Bo (no to.age)"),
        ("{args.items.1} {args.items.2}", {"items": ["a", "b"]}, "b (no items.2)"),
        ("{{args.x}} {args.x}", {"x": "{args.y}", "y": "no"}, "{args.x} {args.y}"),
        ("{args.x}", {"x": None}, "null"),
        ("{args.x}", {"x": {"é": [1, True]}}, '{"é": [1, true]}'),
        ("{args.x}", {"x": "*bold* <!channel>"}, "*bold* <!channel>"),
        ("{args.x}", MappingProxyType({"x": MappingProxyType({"y": UserList([1])})}), '{"y": [1]}'),
        ("{args.x}", {"x": "half \ud83d"}, "half ?"),
    ],
)
def test_notes_are_filled_with_values_as_plain_text(note: str, args: Any, filled: str) -> None:
    """A value is put in once, as text; what is missing says so."""
    assert fill_note(check_note(note), args) == filled


def test_a_long_value_does_not_flood_the_note() -> None:
    """Only the head of a long value is shown, with the count of what is not."""
    filled = fill_note("{args.x}", {"x": "y" * (VALUE_LIMIT + 7)})
    assert filled == "y" * VALUE_LIMIT + "... (7 more characters)"


def test_a_value_without_a_text_does_not_stop_the_judgement() -> None:
    """A number of thousands of digits, or brackets without end, cannot be written; the note says so."""
    endless: Any = []
    for _ in range(100_000):
        endless = [endless]
    for value in (10**5000, endless):
        assert fill_note("{args.x}!", {"x": value}) == "(a value that cannot be shown here)!"


@pytest.mark.parametrize("note", ["{amount}", "{args}", "{args.}", "{}", "{", "}", "{args.a}}", "{args.a b}", "{tool}"])
def test_a_placeholder_that_cannot_be_filled_is_refused(note: str) -> None:
    """A note that would show a brace or nothing is found when it is written, not when it is read."""
    with pytest.raises(TextError):
        check_note(note)
    with pytest.raises(ValidationError):
        Policy(note=note)
