"""Conditions: the `when` of a policy, in CEL. Checked when the file is read, evaluated for each call, strictly.

`&&` and `||` are read from the left, and what cannot be evaluated makes the whole condition unevaluable unless the left
side has decided already: CEL itself forgets an error on one side when the other decides. Comparing things of two kinds
(`"1000" == 1000`) is an error here, where CEL says no; only a written `null` compares with everything. Numbers are what
they are in JSON: `1000.0` is `1000`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import cel

from agent_runtime import cel_text
from agent_runtime.cel_text import Comparison, Joined, Not, Part
from agent_runtime.within import UnsurePath, within
from storage.types import JsonValue

MOST_NESTED = 64
MOST_VALUES = 250_000
"""What a condition looks at: members and characters. Arguments are smaller; what a run was started with need not be."""
MOST_IN_MACRO = 200
"""Entries of one list or object, where a macro such as `exists` goes through them: the library copies whole values."""

_INTEGERS = range(-(2**63), 2**64)
_EXACT = 2**53


class Unevaluable(ValueError):
    """The condition has no value for this call. The message says why, without the call's values."""


@dataclass(frozen=True, slots=True)
class Weighed:
    """What a condition came to: its value, or None and the `trouble`. `parts` are what was looked at, in order, each
    with its value or its trouble."""

    value: bool | None
    trouble: str = ""
    parts: tuple[tuple[str, bool | str], ...] = ()


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition that was checked. `args` are the arguments it names; None: it uses them as a whole."""

    source: str
    args: tuple[str, ...] | None
    inputs: bool
    """It looks at what the run was started with."""
    macros: bool
    root: Part


@lru_cache(maxsize=4096)
def read_condition(source: str) -> Condition:
    """A condition that `check_condition` accepts, ready to be weighed."""
    tokens = cel_text.tokens_of(source)
    named = cel_text.members_of(tokens, "args")
    return Condition(
        source=source,
        args=None if None in named else tuple(name for name in named if name is not None),
        inputs="input" in cel_text.members_of(tokens, "run"),
        macros=any(True for _ in cel_text.macros_of(tokens)),
        root=cel_text.take_apart(source),
    )


def weigh(
    source: str, *, args: Mapping[str, JsonValue] | None, tool: str, agent: str, requested_by: str, run_input: JsonValue
) -> Weighed:
    """The value of a checked condition for one call. Never raises, whatever the call holds."""
    condition = read_condition(source)
    parts: list[tuple[str, bool | str]] = []
    try:
        run: dict[str, Any] = {"requested_by": requested_by}
        if condition.inputs:
            run["input"] = _Plain(condition.macros).of(run_input)
        variables = {"args": _Plain(condition.macros).of(_used(args or {}, condition)), "tool": tool, "agent": agent}
        scale = _Scale({**variables, "run": run}, parts)
        return Weighed(scale.value(condition.root), "", tuple(parts))
    except Unevaluable as problem:
        return Weighed(None, str(problem), tuple(parts))


def _used(args: Mapping[str, JsonValue], condition: Condition) -> Mapping[str, JsonValue]:
    """The arguments that the condition looks at: a large one beside them costs nothing."""
    return args if condition.args is None else {name: args[name] for name in condition.args if name in args}


class _Scale:
    """Evaluates the parts of one condition over one call."""

    def __init__(self, variables: dict[str, Any], parts: list[tuple[str, bool | str]]) -> None:
        self._parts = parts
        self._unsure = ""
        try:
            self._context = cel.Context(variables, {"within": self._within})
        except Exception as error:
            raise Unevaluable("the call holds a value that a condition cannot read") from error

    def value(self, part: Part) -> bool:
        """The part's value, from the left. Raises `Unevaluable`."""
        match part:
            case Joined(every, parts):
                # Not all() over a list: what the left decides is not looked at further.
                return all(map(self.value, parts)) if every else any(map(self.value, parts))
            case Not(inner):
                return not self.value(inner)
        try:
            found = self._compare(part) if isinstance(part, Comparison) else self._truth(part.source)
        except Unevaluable as problem:
            self._parts.append((part.source, str(problem)))
            raise
        self._parts.append((part.source, found))
        return found

    def _compare(self, part: Comparison) -> bool:
        left, right = self._run(part.left), self._run(part.right)
        if "null" not in (part.left, part.right):
            _require_kinds(part, left, right)
        return self._truth(part.source)

    def _truth(self, source: str) -> bool:
        found = self._run(source)
        if not isinstance(found, bool):
            raise Unevaluable(f"{_short(source)} is {_kind(found)}, not true or false")
        return found

    def _run(self, source: str) -> Any:
        self._unsure = ""
        try:
            found = _program(source).execute(self._context)
        except Exception as error:  # noqa: BLE001 - the library raises what fits, of many types
            raise Unevaluable(self._unsure or _words(error, source)) from None
        if self._unsure:
            raise Unevaluable(self._unsure)
        return found

    def _within(self, path: object, folder: object) -> bool:
        # Raising here would have the library write to stderr, and forget it beside a side that decides.
        try:
            return within(path, folder)
        except UnsurePath as problem:
            self._unsure = str(problem)
            return False


@lru_cache(maxsize=16384)
def _program(source: str) -> cel.Program:
    return cel.compile(source)


class _Plain:
    """Values as the library reads them: exact numbers only, and not too deep, which would end the whole process."""

    def __init__(self, macros: bool) -> None:
        self._most = MOST_IN_MACRO if macros else MOST_VALUES
        self._left = MOST_VALUES

    def of(self, value: Any, depth: int = 0) -> Any:
        """The value, copied. Raises `Unevaluable`."""
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int | float):
            return _number(value)
        if isinstance(value, str):
            self._spend(len(value))
            return value
        if depth > MOST_NESTED:
            raise Unevaluable(f"values nested more than {MOST_NESTED} deep")
        if isinstance(value, Mapping):
            self._go_through(len(value))
            return {_name(key): self.of(inner, depth + 1) for key, inner in value.items()}
        if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray | memoryview):
            self._go_through(len(value))
            return [self.of(inner, depth + 1) for inner in value]
        raise Unevaluable("the call holds a value that is not JSON")

    def _go_through(self, entries: int) -> None:
        self._spend(entries)
        if entries > self._most:
            raise Unevaluable(f"more than {self._most:,} entries to go through")

    def _spend(self, amount: int) -> None:
        self._left -= amount
        if self._left < 0:
            raise Unevaluable("too much to look at")


def _number(value: float) -> int | float:
    if isinstance(value, int):
        if value not in _INTEGERS:
            raise Unevaluable("a number is too large")
        return int(value)
    if not math.isfinite(value):
        raise Unevaluable("a number is not finite")
    return int(value) if value.is_integer() and abs(value) <= _EXACT else value


def _name(key: object) -> str:
    if not isinstance(key, str):
        raise Unevaluable("the call holds a value that is not JSON")
    return key


_KINDS: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (bool, "true or false"),
    ((int, float), "a number"),
    (str, "a text"),
    (dict, "an object"),
    (list, "a list"),
    (type(None), "null"),
    (datetime, "a time"),
    (timedelta, "a length of time"),
)


def _kind(value: object) -> str:
    return next((name for kind, name in _KINDS if isinstance(value, kind)), f"a {type(value).__name__}")


def _require_kinds(part: Comparison, left: object, right: object) -> None:
    """Both sides must be of one kind; `in` needs one entry at least of the kind that is looked for."""
    if part.sign != "in":
        if _kind(left) != _kind(right):
            raise Unevaluable(f"{_short(part.left)} is {_kind(left)} and {_short(part.right)} is {_kind(right)}")
    elif isinstance(right, list | dict) and right and _kind(left) not in {_kind(one) for one in right}:
        raise Unevaluable(f"{_short(part.left)} is {_kind(left)}, and nothing in {_short(part.right)} is")


def _words(error: Exception, source: str) -> str:
    """What went wrong, in words that hold nothing of the call but the name of a missing key."""
    if isinstance(error, KeyError):
        return f"no such key: {_short(str(error.args[0]) if error.args else '')}"
    if isinstance(error, IndexError):
        return f"a list in {_short(source)} is too short"
    if isinstance(error, OverflowError):
        return f"a number in {_short(source)} is too large"
    if isinstance(error, ZeroDivisionError):
        return f"{_short(source)} divides by zero"
    return f"{_short(source)} does not fit the kind of its values"


def _short(source: str) -> str:
    line = " ".join(source.split())
    return line if len(line) <= 80 else f"{line[:80]}..."
