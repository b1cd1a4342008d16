"""Digests and seals: one byte form for a value, different values never share one, and only this host can seal."""

from __future__ import annotations

import json
import string
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_runtime.agents import ToolCall
from agent_runtime.clean_text import clean
from agent_runtime.digest import NotJson, Seal, canonical, digest_call

TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT | st.just("$int"), inner, max_size=3),
    max_leaves=8,
)
CALL = ToolCall("m1", "c1", "buy", {"amount": 10})


def same(left: Any, right: Any) -> bool:
    """Whether two values are one to JSON: 1 and 1.0 are, true and 1 are not."""
    if isinstance(left, bool) or isinstance(right, bool) or left is None or right is None:
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return (type(left) in {int, float} and type(right) in {int, float} and left == right) or (
        isinstance(left, str) and left == right
    )  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(VALUES, VALUES)
def test_different_values_have_different_forms(left: Any, right: Any) -> None:
    """The canonical form tells apart whatever JSON tells apart."""
    if not same(left, right) and not _beyond(left, right):
        assert canonical(left) != canonical(right)


@settings(max_examples=200, deadline=None)
@given(VALUES)
def test_a_value_survives_the_store(value: Any) -> None:
    """Written as JSON and read again, a value has the same canonical form: seals over rows hold."""
    assert canonical(json.loads(json.dumps(value))) == canonical(value)


def _beyond(left: Any, right: Any) -> bool:
    """A float past 2^53 stands for many integers; only exact integers are told apart there."""
    return any(isinstance(one, float) and abs(one) > 2**53 for one in (left, right))


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (2**53, 2**53 + 1),
        (2**53 + 1, {"$int": str(2**53 + 1)}),
        ({"$int": "1"}, {"$$int": "1"}),
        (1, True),
        (0, None),
        ("1", 1),
        ([], {}),
        ({"a": None}, {}),
        ("\u00e9", "e\u0301"),
    ],
)
def test_look_alikes_are_told_apart(left: Any, right: Any) -> None:
    """Values that are easily taken for one another have different forms."""
    assert canonical(left) != canonical(right)


def test_the_order_of_keys_does_not_matter() -> None:
    """Two dictionaries with the same members are one value."""
    keys = list(string.ascii_letters + "é$\U0001f600")
    assert canonical(dict.fromkeys(keys, 1)) == canonical(dict.fromkeys(reversed(keys), 1))


@pytest.mark.parametrize(
    ("value", "pointer"),
    [
        ({"a": [1, float("nan")]}, "/a/1"),
        ({"a": float("inf")}, "/a"),
        ({"a": b""}, "/a"),
        ({"a": {1}}, "/a"),
        ({"a": {1: 2}}, "/a"),
        (["\ud800"], "/0"),
        ({"\ud800": 1}, "/"),
    ],
)
def test_what_is_not_json_is_named_with_its_place(value: Any, pointer: str) -> None:
    """The error says where in the value the trouble is."""
    with pytest.raises(NotJson, match=f"at {pointer}$"):
        canonical(value)


def test_nesting_has_an_end() -> None:
    """A bomb of brackets is refused, not recursed into."""
    bomb: Any = 0
    for _ in range(5000):
        bomb = [bomb]
    with pytest.raises(NotJson, match="nested more than"):
        canonical(bomb)


@pytest.mark.parametrize("field", ["step", "id", "tool", "args"])
def test_every_part_of_a_call_is_in_its_digest(field: str) -> None:
    """Another step, id, tool or argument is another call; so is another agent, run or revision."""
    changed = replace(CALL, **{field: {"amount": 11} if field == "args" else "other"})
    digests = {
        digest_call("agent", "R1", CALL, 1), digest_call("agent", "R1", changed, 1), digest_call("b", "R1", CALL, 1),
        digest_call("agent", "R2", CALL, 1), digest_call("agent", "R1", CALL, 2),
    }  # fmt: skip
    assert len(digests) == 5
    assert digest_call("agent", "R1", replace(CALL, reason="x"), 1) == digest_call("agent", "R1", CALL, 1)


def test_a_seal_fits_its_purpose_value_and_key_only() -> None:
    """A seal of one kind, value or host never passes for another; nor does anything that is no seal."""
    seal = Seal(b"key")
    made = seal.make("rules", {"a": 1})
    assert seal.fits("rules", {"a": 1}, made)
    assert not seal.fits("decision", {"a": 1}, made)
    assert not seal.fits("rules", {"a": 2}, made)
    assert not Seal(b"other").fits("rules", {"a": 1}, made)
    for wrong in ("", "ä", made[:-1], made.upper(), "\udcff"):
        assert not seal.fits("rules", {"a": 1}, wrong)
    assert not seal.fits("rules", {"a": float("nan")}, made)  # type: ignore[dict-item]


def test_texts_are_made_fit_to_be_stored() -> None:
    """Half characters become question marks, endless texts are clipped and say so, others stay as they are."""
    assert clean("héllo \U0001f600") == "héllo \U0001f600"
    assert clean("a\ud83db") == "a?b"
    assert clean("x" * 30, 10) == "xxxxxxxxxx... (20 more characters)"
