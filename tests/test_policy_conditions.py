"""Conditions are checked when the file is read, weighed strictly, and never turn an error into a yes."""

from __future__ import annotations

import json
from typing import Any

import cel
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_runtime.cel_text import take_apart
from agent_runtime.condition import MOST_IN_MACRO, Weighed, weigh
from agent_runtime.condition_check import LONGEST, check_condition, path_prefixes
from agent_runtime.digest import NotJson, canonical
from agent_runtime.errors import TextError
from agent_runtime.judging import Allow, CallFacts, Deny, Require, evaluate
from agent_runtime.policy import Action, Default, Policy, PolicySet, Stage
from storage.types import Actor, ActorKind, RequestKind

ANA = Actor(kind=ActorKind.SLACK, id="U1", team="T1", name="Ana")


def weighed(when: str, args: Any = None, run_input: Any = None) -> Weighed:
    """A condition over one call of `buy` by `shop`, started by U1."""
    check_condition(when)
    return weigh(when, args=args or {}, tool="buy", agent="shop", requested_by="user:U1", run_input=run_input)


def facts(args: Any) -> CallFacts:
    return CallFacts(agent="shop", tool="buy", kind=RequestKind.TOOL, args=args, starter=ANA)


def policy_set(*policies: Policy) -> PolicySet:
    return PolicySet(default=Default(stage=Stage(name="x", approvers=("user:U9",))), policies=policies)


@pytest.mark.parametrize(
    ("when", "args", "value"),
    [
        ("args.amount >= 1000", {"amount": 1000}, True),
        ("args.amount >= 1000", {"amount": 1000.0}, True),
        ("args.amount >= 1000", {"amount": 999.99}, False),
        ("args.amount % 2 == 0 && type(args.amount) == int", {"amount": 1000.0}, True),
        ("args.amount >= 1000", {"amount": 2**63}, True),
        ("args.a == args.b", {"a": 2**63 + 1, "b": 2**63}, False),
        ('tool == "buy" && agent == "shop"', {}, True),
        ('run.requested_by == "user:U1"', {}, True),
        ("args['odd name'] == 1", {"odd name": 1}, True),
        ("has(args.a) && args.a > 1", {}, False),
        ("!has(args.a) || args.a > 1", {}, True),
        ("args.a == null", {"a": None}, True),
        ("args.a != null && args.a > 1", {"a": None}, False),
        ("args.to.all(x, x.endsWith('@a.example'))", {"to": ["b@a.example"]}, True),
        ("args.to in ['a', 'b']", {"to": "c"}, False),
        ("args.name.matches('^(a|a)*$')", {"name": "a" * 100_000 + "b"}, False),
        ("within(args.path, '/data')", {"path": "/data/../etc"}, False),
        (r"args.p == r'\' || args.q == ')' ", {"p": "\\", "q": 1}, True),
        ("args.a > 1 ? args.b > 1 : args.c", {"a": 0, "c": True}, True),
        ("timestamp(args.at) < timestamp('2030-01-01T00:00:00Z')", {"at": "2029-01-01T00:00:00Z"}, True),
    ],
)
def test_a_condition_has_the_value_it_reads_as(when: str, args: Any, value: bool) -> None:
    """Numbers are what they are in JSON, guards guard, and texts are compared as they stand."""
    assert weighed(when, args).value is value


@pytest.mark.parametrize(
    ("when", "args", "trouble"),
    [
        ("args.amount >= 1000", {"amount": "1000"}, "args.amount is a text and 1000 is a number"),
        ("args.amount == 1000", {"amount": "1000"}, "args.amount is a text and 1000 is a number"),
        ("args.amount != 1000", {"amount": [1000]}, "args.amount is a list and 1000 is a number"),
        ("args.amount >= 1000", {"amount": True}, "args.amount is true or false and 1000 is a number"),
        ("args.amount >= 1000", {"amount": None}, "args.amount is null and 1000 is a number"),
        ("args.amount >= 1000", {}, "no such key: amount"),
        ("args.amount >= 1000", {"amount": 2**64}, "a number is too large"),
        ("args.amount >= 1000", {"amount": float("nan")}, "a number is not finite"),
        ("args.amount >= 1000", {"amount": b"x"}, "the call holds a value that is not JSON"),
        ("args.amount", {"amount": 1}, "args.amount is a number, not true or false"),
        ("args.a > 1 || true", {}, "no such key: a"),
        ("args.a > 1 && false", {}, "no such key: a"),
        ("args.to in ['a', 'b']", {"to": ["a"]}, "args.to is a list, and nothing in ['a', 'b'] is"),
        ("args.a / 0 == 1", {"a": 1}, "args.a / 0 divides by zero"),
        ("args.a[3] == 1", {"a": [1]}, "a list in args.a[3] is too short"),
        ("args.a.startsWith('x')", {"a": 1}, "args.a.startsWith('x') does not fit the kind of its values"),
        ("args.a == 'x'", {"a": "half \ud83d"}, "the call holds a value that a condition cannot read"),
        ("within(args.path, '/data')", {"path": "~/x"}, "the path begins with ~"),
        ("args.a.exists(p, within(p, '/w')) || true", {"a": ["~"]}, "the path begins with ~"),
        ("args.a.exists(x, x > 0)", {"a": [1] * (MOST_IN_MACRO + 1)}, "more than 200 entries to go through"),
        ("run.input.x == 1", {}, "run.input.x == 1 does not fit the kind of its values"),
    ],
)
def test_what_cannot_be_evaluated_says_why(when: str, args: Any, trouble: str) -> None:
    """An error has no value, also beside a side that decides; its words hold nothing of the call's values."""
    found = weighed(when, args)
    assert found.value is None
    assert trouble in (found.trouble, found.trouble.replace("run.input.x does", "run.input.x == 1 does"))


def test_values_nested_without_end_do_not_end_the_process() -> None:
    """The library under it would overflow its stack; it is never handed such a value."""
    endless: Any = []
    for _ in range(100_000):
        endless = [endless]
    assert weighed("args.a == 1", {"a": endless}).trouble == "values nested more than 64 deep"


def test_only_what_a_condition_names_is_looked_at() -> None:
    """A large or odd argument beside it neither costs time nor makes it fail."""
    assert weighed("args.a == 1", {"a": 1, "b": float("nan"), "c": "x" * 10**6}).value is True
    assert weighed("size(args) == 2", {"a": 1, "b": float("nan")}).value is None


@pytest.mark.parametrize(
    ("when", "problem", "mend"),
    [
        ("args.amount >=", "is not CEL", "Write a condition"),
        ("args.a = 1", "is not CEL", "Compare with =="),
        ("args.a == 1 and args.b == 2", "is not CEL", "Write && for and"),
        ("amount > 1", "names amount", "args.amount"),
        ("foo(args.a)", "calls foo()", "within"),
        ("run.starter == 'x'", "asks for run.starter", "run.requested_by"),
        ("run == 1", "uses run as a whole", "run.input"),
        ("args.a.all(x, args.b.exists(y, y == x))", "macro inside of a macro", "one of"),
        ("size(args.a.map(x, x + x)) > 1", "uses map", "exists or filter"),
        ("args.a.all(args, args == 1)", "names args anew", "another name"),
        ("args.a.matches('(')", "no regular expression", "Correct it"),
        ("args.a.matches(args.b)", "not written out", "in quotes"),
        ("!!args.a", "!!", "Remove both"),
        ("a" * (LONGEST + 1), "longer than", "two policies"),
        ("(" * 500 + "true" + ")" * 500, "is not CEL", "Write a condition"),
    ],
)
def test_a_condition_that_could_never_work_is_refused_when_it_is_read(when: str, problem: str, mend: str) -> None:
    """Grammar, names, functions and patterns are checked before any call, each with its mend."""
    with pytest.raises(TextError) as caught:
        check_condition(when)
    assert problem in caught.value.problem
    assert mend in caught.value.mend


ATOMS = ("args.a", "args.b", "args.c", "true", "false", "has(args.a)", "args.n > 1", "args.n == 1", "tool == 'buy'")
conditions = st.recursive(
    st.sampled_from(ATOMS),
    lambda inner: (
        st.tuples(inner, st.sampled_from(["&&", "||"]), inner).map(lambda one: f"({' '.join(one)})")
        | st.tuples(inner, st.sampled_from([" && ", " || ", "&&"]), inner).map("".join)
        | inner.map(lambda one: f"!({one})")
    ),
    max_leaves=8,
)
some_args = st.fixed_dictionaries(
    {}, optional={name: st.booleans() for name in "abc"} | {"n": st.integers(0, 2) | st.sampled_from([1.0, "1", None])}
)


@given(conditions, some_args)
def test_where_a_condition_has_a_value_cel_agrees(when: str, args: dict[str, Any]) -> None:
    """Reading `&&` and `||` ourselves changes no value: it only refuses where CEL would have forgotten an error."""
    found = weighed(when, args)
    try:
        expected: Any = cel.evaluate(when, {"args": args, "tool": "buy"})
    except Exception:  # noqa: BLE001 - the library raises what fits, of many types
        expected = None
    assert found.value is None or found.value is expected
    assert (found.value is None) == bool(found.trouble)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters()), inner, max_size=3),
    max_leaves=6,
)
WHENS = (
    "args.a >= 1000", "args.a == 'x'", "args.a in ['x', 'y']", "args.a.exists(x, x == 1)", "within(args.a, '/w')",
    "args.a.matches('^x+$') || args.b > 1", "!(args.a == args.b)", "size(args.a) > 1 && args.a[0] == 1",
)  # fmt: skip


@given(st.sampled_from(WHENS), st.fixed_dictionaries({}, optional={"a": json_values, "b": json_values}))
def test_an_error_forbids_and_asks_and_never_allows(when: str, args: dict[str, Any]) -> None:
    """Whatever the call holds: without a value a deny denies, a require asks, and an allow does not let it run."""
    value = weighed(when, args).value
    deny, require, allow = (
        evaluate(policy_set(Policy(action=action, when=when)), facts(args))
        for action in (Action.DENY, Action.REQUIRE, Action.ALLOW)
    )
    assert isinstance(deny, Deny) == (value is not False)
    assert isinstance(require, Require)
    assert (require.rules.policy == "policy 1") == (value is not False)
    assert isinstance(allow, Allow) == (value is True)
    if value is None:
        assert isinstance(deny, Deny)
        assert "could not be evaluated" in deny.reason
        assert "so it counts as matching" in require.rules.trouble
        assert isinstance(allow, Require)
        assert "so it does not allow the call" in allow.rules.trouble


@given(st.sampled_from(WHENS), st.fixed_dictionaries({"a": json_values, "b": json_values}))
def test_calls_with_one_digest_are_judged_alike(when: str, args: dict[str, Any]) -> None:
    """`1000.0` and `1000` are one number to the digest, so they are one to a condition."""
    try:
        digested = canonical(args)
    except NotJson:
        return
    if b"$int" not in digested:
        assert weighed(when, args) == weighed(when, json.loads(digested))


FRAGMENTS = st.lists(
    st.sampled_from(
        ["args", ".", "a", "(", ")", "[", "]", "'x'", '"', "'", "\\", "r'\\'", "1", "1u", "1.5e-3", "==", "in", "&&",
         "||", "!", "?", ":", "-", "{", "}", ",", "has", "exists", "x", "//", "\n", " ", "null", "true", "b'x'"]
    ),
    max_size=12,
).map("".join)  # fmt: skip


@settings(max_examples=400)
@given(FRAGMENTS)
def test_any_text_is_refused_or_can_be_weighed(when: str) -> None:
    """What passes the check has a value or a trouble for every call, and is taken apart without a stumble."""
    try:
        check_condition(when)
    except TextError:
        return
    take_apart(when)
    found = weighed(when, {"a": [1, "x", {"a": 1}]})
    assert found.value is not None or found.trouble


def test_paths_compared_by_their_beginning_are_found() -> None:
    """`startsWith` on a path is no fence; on an address or a name it is nobody's business."""
    assert path_prefixes("args.path.startsWith('/data')") == ("path.startsWith('/data')",)
    assert path_prefixes("args.x.startsWith('~/a') || args.file.startsWith('a')") == (
        "x.startsWith('~/a')",
        "file.startsWith('a')",
    )
    assert path_prefixes("args.url.startsWith('https://a/') || tool.startsWith('read_')") == ()
