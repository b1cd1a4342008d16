"""What an agent sends may be as large or as clever as it likes: no click and no other run waits for it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from agent_runtime.digest import NotJson, canonical
from agent_runtime.prompts import AnswerFault, read_prompt, validate_answer
from storage.types import RequestKind

DIALECT = "https://json-schema.org/draft/2020-12/schema"
UNFOLDING = {f"d{i}": {"allOf": [{"$ref": f"#/$defs/d{i + 1}"}] * 2} for i in range(30)} | {"d30": {}}
TEXT = "a" * 60 + "!"
SCHEMAS: dict[str, tuple[dict[str, Any], str]] = {
    "a repeated group": ({"pattern": "^(a+)+$"}, TEXT),
    "a repeat behind a comment": ({"pattern": "^(a+)(?#x)+$"}, TEXT),
    "a repeat behind a flag": ({"pattern": "(?x)^(a+) +$"}, TEXT),
    "choices in a row": ({"pattern": "(a|a)" * 60 + "b"}, TEXT),
    "repeats in a row": ({"pattern": "a*" * 9 + "b"}, TEXT),
    "many patterns": ({"anyOf": [{"pattern": "a*a*a?a?a?a?a?a?b"}] * 80}, "a" * 200),
    "a pattern of names": ({"patternProperties": {"^(a+)+$": {}}}, '{"' + TEXT + '": 1}'),
    "another dialect": ({"allOf": [{"$schema": DIALECT, "pattern": "^(a+)+$"}]}, TEXT),
    "references that unfold": ({"$ref": "#/$defs/d0", "$defs": UNFOLDING}, "x"),
    "a reference to itself": ({"$ref": "#"}, "x"),
    "thousands of parts": ({"not": {"anyOf": [{"not": {}}] * 5_000}}, "x"),
    "a number beyond floats": ({"multipleOf": 0.5}, "1" * 400),
}


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Fails what takes longer; a regular expression looks for signals, too."""

    def ring(*_: object) -> None:
        raise AssertionError(f"still busy after {seconds} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("name", SCHEMAS)
def test_no_schema_of_an_agents_keeps_an_answer_hanging(name: str) -> None:
    """An answer is judged in the store's one writer: a schema that could take for ever refuses every answer instead."""
    schema, value = SCHEMAS[name]
    with within(3):
        fault = validate_answer(read_prompt(RequestKind.QUESTION, {"question": "?", "answer_schema": schema}), value)
    assert isinstance(fault, AnswerFault)
    assert "cannot be followed" in fault.message


@pytest.mark.parametrize(
    ("pattern", "right", "wrong"),
    [
        (r"^[A-Z]{3}-\d+$", "ABC-12", "AB-12"),
        (r"^\d{4}-\d{2}-\d{2}$", "2026-11-21", "21.11.2026"),
        (r"^\S+@\S+\.\w+$", "ana@example.com", "ana"),
    ],
)
def test_everyday_patterns_are_followed(pattern: str, right: str, wrong: str) -> None:
    """The bounds leave room for what schemas are really written with."""
    prompt = read_prompt(RequestKind.QUESTION, {"question": "Code?", "answer_schema": {"pattern": pattern}})
    assert validate_answer(prompt, right) == right
    fault = validate_answer(prompt, wrong)
    assert isinstance(fault, AnswerFault)
    assert "does not match" in fault.message


def test_a_number_too_long_to_write_is_no_json() -> None:
    """It is refused like all that cannot be shown, before anybody is asked."""
    with pytest.raises(NotJson, match="/amount"):
        canonical({"amount": 10**5_000})
