"""JSON schemas for answers, followed within bounds: an agent writes the schema, and one person's click must not hang on
it, because whoever waits for the store waits for that click.

Out of bounds are schemas too large to check, references that unfold without end, and regular expressions that could
search for ever. An answer to such a schema is never taken.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import islice
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError
from jsonschema.validators import extend
from referencing import Registry
from referencing.exceptions import Unresolvable

from agent_runtime.errors import SignoffError
from storage.types import Json, JsonValue

MOST_PARTS = 250
"""Values inside one schema: enough for a form of some thirty fields."""

MOST_STEPS = 2_500
"""Keywords applied to one answer, references followed."""

MOST_TRIES = 10_000_000
"""Places at which the patterns of a schema may be tried on one answer, at worst; some tenths of a second."""

_ONE_CHARACTER = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
_FIXED_REPEAT = re.compile(r"\{\d+\}", re.ASCII)
_UNTAME = re.compile(r"\)[*+{]|\\[1-9]|\(\?[^:=!]")
"""A repeated group, a reference back, and what could hide either: flags, comments, names."""


class NotFollowed(SignoffError):
    """The schema is out of bounds, or no schema after all."""


@dataclass(slots=True)
class _Budget:
    steps: int = MOST_STEPS
    tries: int = MOST_TRIES


_BUDGET: ContextVar[_Budget] = ContextVar("signoff_schema_budget")


def is_schema(schema: Json) -> bool:
    """Whether this is a JSON schema. One too large to check passes for one: its answers are refused."""
    if _parts(schema) > MOST_PARTS:
        return True
    try:
        Draft202012Validator.check_schema(schema)
    except (SchemaError, RecursionError):
        return False
    return True


def first_fault(schema: Json, value: JsonValue) -> ValidationError | None:
    """What is wrong with an answer, or None. Raises NotFollowed."""
    return next(iter(faults(schema, value, 1)), None)


def faults(schema: Json, value: JsonValue, most: int) -> list[ValidationError]:
    """Up to `most` things that are wrong with an answer. Raises NotFollowed."""
    if _parts(schema) > MOST_PARTS:
        raise NotFollowed("the schema is too large")
    token = _BUDGET.set(_Budget())
    try:
        # An empty registry: a `$ref` to an address is refused, never fetched.
        return list(islice(_Bounded(_without_dialect(schema), registry=Registry()).iter_errors(value), most))
    except (Unresolvable, RecursionError, ArithmeticError, re.error) as error:
        raise NotFollowed(str(error)) from error
    finally:
        _BUDGET.reset(token)


def _parts(value: JsonValue) -> int:
    """How many values a JSON value holds, counted no further than needed."""
    waiting, count = [value], 0
    while waiting and count <= MOST_PARTS:
        one = waiting.pop()
        count += 1
        if isinstance(one, Mapping):
            waiting.extend(one.values())
        elif isinstance(one, list | tuple):
            waiting.extend(one)
    return count


def _without_dialect(value: Any) -> Any:
    """The schema without `$schema`: naming a dialect would switch to its own, unbounded validator."""
    if isinstance(value, Mapping):
        kept = {key: one for key, one in value.items() if key != "$schema" or not isinstance(one, str)}
        return {key: _without_dialect(one) for key, one in kept.items()}
    return [_without_dialect(one) for one in value] if isinstance(value, list | tuple) else value


def _tries(pattern: str, text: str) -> int:
    """How often a search may try at worst: every repeat may end anywhere, and every choice doubles the ways."""
    if _UNTAME.search(pattern):
        raise NotFollowed("the schema's pattern repeats a group")
    plain = _FIXED_REPEAT.sub("", _ONE_CHARACTER.sub("x", pattern))
    repeats, choices = sum(map(plain.count, "*+{")), sum(map(plain.count, "?|"))
    if repeats + choices > 20:  # more than any text would allow
        return MOST_TRIES + 1
    return int((len(text) + 1) ** (repeats + 1) * 2**choices)


def _match(pattern: str, text: str) -> bool:
    budget = _BUDGET.get()
    budget.tries -= _tries(pattern, text)
    if budget.tries < 0:
        raise NotFollowed("the schema's pattern may search for ever")
    return re.search(pattern, text) is not None


def _pattern(_validator: Any, pattern: str, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not _match(pattern, instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _pattern_properties(_validator: Any, _patterns: Any, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    if isinstance(instance, Mapping):
        raise NotFollowed("the schema matches the names of members")
    yield from ()


def _counted(keyword: Callable[..., Any]) -> Callable[..., Any]:
    def apply(validator: Any, value: Any, instance: Any, schema: Any) -> Any:
        budget = _BUDGET.get()
        budget.steps -= 1
        if budget.steps < 0:
            raise NotFollowed("the schema unfolds without end")
        return keyword(validator, value, instance, schema)

    return apply


_KEYWORDS = {**Draft202012Validator.VALIDATORS, "pattern": _pattern, "patternProperties": _pattern_properties}
_Bounded: Any = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator, {name: _counted(keyword) for name, keyword in _KEYWORDS.items()}
)
