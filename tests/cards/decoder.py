"""Reads the card's text forms back. That this is possible at all is what makes them unambiguous."""

from __future__ import annotations

import json
import re
from typing import Any

_MARK = re.compile(r"⟦(?:U\+([0-9A-F]{4,6})|(space)|([^\n]))(?: × ([0-9]+))?⟧")
_EMPTY = re.compile(r"⟦([0-9,]+) empty lines⟧")
_BAR = "  │ "


def unspell(text: str) -> str:
    """The text that `visible` was given."""
    return _MARK.sub(_character, text)


def _character(mark: re.Match[str]) -> str:
    char = chr(int(mark[1], 16)) if mark[1] else " " if mark[2] else mark[3]
    return char * int(mark[4] or 1)


def unfold(lines: list[str]) -> list[str]:
    """The lines with their counted empty ones."""
    return [one for line in lines for one in _expanded(line)]


def _expanded(line: str) -> list[str]:
    folded = _EMPTY.fullmatch(line)
    return [""] * int(folded[1].replace(",", "")) if folded else [line]


def read_arguments(text: str) -> dict[str, Any]:
    """The arguments that `arguments(...).whole` shows."""
    if text == "(no arguments)":
        return {}
    lines, found, at = text.split("\n"), {}, 0
    while at < len(lines):
        end = at + 1
        while end < len(lines) and lines[end].startswith((" ", "]", "}")):
            end += 1
        name, rest = _name(lines[at])
        found[name] = _value(rest, lines[at + 1 : end])
        at = end
    return found


def _name(line: str) -> tuple[str, str]:
    if not line.startswith('"'):
        name, _, rest = line.partition(":")
        return unspell(name), rest
    # The closing quote of the JSON string is the first one that no backslash escapes.
    closing = re.match(r'"(?:[^"\\]|\\.)*"', line)
    assert closing
    assert line[closing.end()] == ":"
    return json.loads(unspell(closing[0]), strict=False), line[closing.end() + 1 :]


def _value(rest: str, following: list[str]) -> Any:
    if rest == "":
        assert all(line.startswith(_BAR) for line in following)
        return "\n".join(unspell(line) for line in unfold([line.removeprefix(_BAR) for line in following]))
    if rest.startswith(' "'):
        assert not following
        assert rest.endswith('"')
        return unspell(rest[2:-1])
    return json.loads(unspell("\n".join([rest, *following])), strict=False)
