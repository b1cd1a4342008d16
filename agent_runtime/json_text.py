"""JSON as indented text for people, of any depth and without recursion. Owns nothing else: exactness before beauty."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from storage.types import JsonValue

_encode = json.JSONEncoder(ensure_ascii=False).encode
INDENT = 2
DEEPEST_INDENT = 8
"""Levels after which lines stop moving to the right: a thousand brackets must not cost a million spaces."""


def indented(value: JsonValue) -> str:
    """`value` as JSON, one member a line, characters as they are, numbers exact; empty containers on one line."""
    return "".join(_pieces(value))


def _pieces(value: JsonValue) -> Iterator[str]:
    # A frame is what is left of one open container, and the bracket that closes it.
    yield _opening(value)
    stack = [_frame(value)] if _is_open(value) else []
    while stack:
        members, closing = stack[-1]
        member = next(members, None)
        if member is None:
            stack.pop()
            yield _line(len(stack)) + closing
            continue
        comma, label, child = member
        yield f"{comma}{_line(len(stack))}{label}{_opening(child)}"
        if _is_open(child):
            stack.append(_frame(child))


_SCALARS = (str, int, float, type(None))
Members = Iterator[tuple[str, str, JsonValue]]


def _frame(value: JsonValue) -> tuple[Members, str]:
    if isinstance(value, Mapping):
        named = ((f"{_encode(key)}: ", child) for key, child in value.items())
        return _separated(named), "}"
    assert isinstance(value, Sequence)
    return _separated(("", child) for child in value), "]"


def _separated(members: Iterator[tuple[str, JsonValue]]) -> Members:
    for number, (label, child) in enumerate(members):
        yield ("," if number else ""), label, child


def _is_open(value: JsonValue) -> bool:
    return not isinstance(value, _SCALARS) and len(value) > 0


def _opening(value: JsonValue) -> str:
    if isinstance(value, _SCALARS):
        return _encode(value)
    if isinstance(value, Mapping):
        return "{" if value else "{}"
    return "[" if value else "[]"


def _line(depth: int) -> str:
    return "\n" + " " * (INDENT * min(depth, DEEPEST_INDENT))
