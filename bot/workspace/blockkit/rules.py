"""The vocabulary in which Block Kit's limits are written down, and Slack's sentences for breaking them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.workspace.shapes import Json


@dataclass(frozen=True)
class Issue:
    """One thing wrong, and the JSON pointer to it."""

    text: str
    at: str

    def __str__(self) -> str:
        return f"{self.text} [json-pointer:{self.at}]"


Issues = list[Issue]
Rule = Callable[[Any, str, Issues], None]
"""Checks a value found at a pointer and appends what is wrong with it."""


def string(most: int | None = None, least: int = 0, pattern: str | None = None) -> Rule:
    """A string of `least` to `most` characters."""

    def check(value: Any, at: str, into: Issues) -> None:
        if not isinstance(value, str):
            into.append(Issue("must provide a string", at))
        elif len(value) < least:
            into.append(Issue(f"must be more than {least - 1} characters", at))
        elif most is not None and len(value) > most:
            into.append(Issue(f"must be less than {most + 1} characters", at))
        elif pattern is not None and not re.fullmatch(pattern, value):
            into.append(Issue(f"input must match regex pattern: {pattern}", at))

    return check


def integer(least: int | None = None, most: int | None = None) -> Rule:
    """A whole number between bounds, both included."""

    def check(value: Any, at: str, into: Issues) -> None:
        if not isinstance(value, int) or isinstance(value, bool):
            into.append(Issue("must provide a number", at))
        elif least is not None and value < least:
            into.append(Issue(f"must be more than {least - 1}", at))
        elif most is not None and value > most:
            into.append(Issue(f"must be less than {most + 1}", at))

    return check


def boolean(value: Any, at: str, into: Issues) -> None:
    """Rule: true or false."""
    if not isinstance(value, bool):
        into.append(Issue("must provide a boolean", at))


def anything(_value: Any, _at: str, _into: Issues) -> None:
    """Rule: a part that this server accepts unread."""


def one_of(*words: str) -> Rule:
    """One of the given strings."""

    def check(value: Any, at: str, into: Issues) -> None:
        if value not in words:
            into.append(Issue(f"must be a valid enum value: {', '.join(words)}", at))

    return check


def array(item: Rule, most: int, least: int = 1) -> Rule:
    """A list of `least` to `most` items that each keep the rule."""

    def check(value: Any, at: str, into: Issues) -> None:
        if not isinstance(value, list):
            into.append(Issue("must provide an array", at))
            return
        if len(value) < least:
            into.append(Issue(f"must provide at least {least} items", at))
        if len(value) > most:
            into.append(Issue(f"no more than {most} items allowed", at))
            return
        for index, each in enumerate(value):
            item(each, f"{at}/{index}", into)

    return check


@dataclass(frozen=True)
class Shape:
    """An object: its fields with their rules, those required, and checks across fields. `type` is always allowed."""

    fields: Mapping[str, Rule]
    required: tuple[str, ...] = ()
    also: tuple[Rule, ...] = field(default=())

    def __call__(self, value: Any, at: str, into: Issues) -> None:
        if not isinstance(value, dict):
            into.append(Issue("must provide an object", at))
            return
        for name in self.required:
            if value.get(name) is None:
                into.append(Issue(f"missing required field: {name}", at))
        for name, part in value.items():
            if name in self.fields:
                if part is not None:
                    self.fields[name](part, f"{at}/{name}", into)
            elif name != "type":
                into.append(Issue(f"invalid additional property: {name}", at))
        for rule in self.also:
            rule(value, at, into)


@dataclass(frozen=True)
class ByType:
    """An object whose `type` chooses its shape; any other type is refused."""

    shapes: Mapping[str, Rule]

    def __call__(self, value: Any, at: str, into: Issues) -> None:
        if not isinstance(value, dict):
            into.append(Issue("must provide an object", at))
        elif "type" not in value:
            into.append(Issue("missing required field: type", at))
        elif value["type"] not in self.shapes:
            into.append(Issue(f"unsupported type: {value['type']}", f"{at}/type"))
        else:
            self.shapes[value["type"]](value, at, into)


def alternatives(rule: Rule) -> Rule:
    """A place that allows several schemas: Slack says that none matched before it says what is wrong."""

    def check(value: Any, at: str, into: Issues) -> None:
        found: Issues = []
        rule(value, at, found)
        if found:
            into.append(Issue("failed to match all allowed schemas", at))
            into.extend(found)

    return check


def exclusive(first: str, second: str, *, needed: bool = True) -> Rule:
    """Across fields: not both, and one of them where needed."""

    def check(value: Json, at: str, into: Issues) -> None:
        has = [name for name in (first, second) if value.get(name)]
        if len(has) == 2:
            into.append(Issue(f"cannot define both `{first}` and `{second}`", at))
        elif needed and not has:
            into.append(Issue(f"must define either `{first}` or `{second}`", at))

    return check


def unique(values: list[tuple[str, str]], name: str, into: Issues) -> None:
    """Complain about every (value, pointer) whose value came before."""
    seen: set[str] = set()
    for value, at in values:
        if value in seen:
            into.append(Issue(f'`{name}` "{value}" already exists', at))
        seen.add(value)
