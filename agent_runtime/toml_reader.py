"""Reading one table of a TOML file strictly, collecting every fault with its line instead of stopping at the first.

A reader hands out typed values; where one is wrong it records a fault and hands out the fallback, so that reading goes
on and the rest is checked too. A file with any fault is refused as a whole, so a fallback never takes effect.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from difflib import get_close_matches
from typing import Any, TypeVar

from agent_runtime.errors import ConfigFault, TextError, quoted
from agent_runtime.toml_lines import KeyPath

T = TypeVar("T")
LONGEST = timedelta(days=365)
_DURATION = re.compile(r"([0-9]{1,9})\s*([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_ABSENT: Any = object()


class Faults:
    """The faults of one file, in the order of its lines."""

    def __init__(self, file: str, lines: Mapping[KeyPath, int]) -> None:
        self._file = file
        self._lines = lines
        self._found: list[ConfigFault] = []

    def add(self, path: KeyPath, problem: str, mend: str) -> None:
        self._found.append(ConfigFault(self._file, shown(path), problem, mend, self._line(path)))

    def ignored(self) -> Faults:
        """A place for faults that follow from one already found."""
        return Faults(self._file, self._lines)

    def all(self) -> tuple[ConfigFault, ...]:
        return tuple(sorted(self._found, key=lambda fault: fault.line or 0))

    def _line(self, path: KeyPath) -> int | None:
        """The line of the path, or of the innermost table around it that the file has."""
        while path and path not in self._lines:
            path = path[:-1]
        return self._lines.get(path)


class TableReader:
    """One table; `done` refuses whatever nobody asked for."""

    def __init__(self, table: Mapping[str, Any], path: KeyPath, faults: Faults) -> None:
        self.path = path
        self._table = table
        self._faults = faults
        self._asked: set[str] = set()

    @property
    def known(self) -> tuple[str, ...]:
        """The keys asked for so far."""
        return tuple(sorted(self._asked))

    def has(self, key: str) -> bool:
        return key in self._table

    def fault(self, key: str, problem: str, mend: str, *inside: int) -> None:
        self._faults.add((*self.path, key, *inside), problem, mend)

    def text(self, key: str, default: str = "") -> str:
        """A text that is not blank, stripped."""
        found = self._get(key, str, "a text in quotes")
        if found is _ABSENT:
            return default
        if not found.strip():
            self.fault(key, "is empty", "Write a text, or remove the key")
        return str(found).strip()

    def parsed(self, key: str, parse: Callable[[str], str], default: str = "") -> str:
        """A text that a parser accepts; parsers raise `TextError`."""
        text = self.text(key)
        return self._parsed(key, parse, text) if text else default

    def texts(self, key: str, parse: Callable[[str], str], default: tuple[str, ...] = ()) -> tuple[str, ...]:
        """A list of at least one text that the parser accepts, without repetitions; the default where one is wrong."""
        found = self._get(key, list, 'a list of texts, as ["...", "..."]')
        if found is _ABSENT:
            return default
        if not found:
            self.fault(key, "is an empty list", "Name at least one, or remove the key")
        parsed: list[str] = []
        for place, text in enumerate(found):
            if not isinstance(text, str):
                self.fault(key, f"holds {_noun(text)}", "Write every entry as a text in quotes", place)
            elif entry := self._parsed(key, parse, text, place):
                parsed.append(entry)
        return tuple(dict.fromkeys(parsed)) if found and len(parsed) == len(found) else default

    def flag(self, key: str) -> bool:
        """true or false; false where unsaid."""
        found = self._get(key, bool, "true or false, without quotes")
        return found is True

    def count(self, key: str, default: int, minimum: int) -> int:
        """A whole number from `minimum` to a million."""
        found = self._get(key, int, "a whole number, without quotes")
        if found is _ABSENT:
            return default
        if not minimum <= found <= 1_000_000:
            self.fault(key, f"is {found}" if abs(found) < 10**12 else "is out of range", f"Write {minimum} or more")
            return default
        return int(found)

    def duration(self, key: str) -> timedelta | None:
        """A time such as "30s", "5m", "4h" or "2d"; None where unsaid."""
        found = self._get(key, str, 'a time as text, such as "30s", "5m", "4h" or "2d"')
        if found is _ABSENT:
            return None
        match = _DURATION.fullmatch(found.strip())
        if not match:
            self.fault(key, f"{quoted(found)} is not a time", 'Write a number and s, m, h or d, as "30s" or "4h"')
            return None
        span = timedelta(**{_UNITS[match[2]]: int(match[1])})
        if not timedelta(0) < span <= LONGEST:
            self.fault(key, f"{quoted(found)} is out of range", 'Write a time between "1s" and "365d"')
            return None
        return span

    def choice(self, key: str, choices: Mapping[str, T], default: T, mend: str = "") -> T:
        """One of a few words."""
        word = self.text(key)
        if not word:
            return default
        if word not in choices:
            self.fault(key, f"{quoted(word)} is not one of its words", mend or one_of(word, choices))
            return default
        return choices[word]

    def table(self, key: str) -> TableReader:
        """The table under a key, empty where there is none."""
        path = (*self.path, key)
        found = self._get(key, dict, f"a table, written [{shown(path, ordinals=False)}]")
        if found is _ABSENT:
            # Where something else stands in its place, what it lacks is not a second fault.
            return TableReader({}, path, self._faults if key not in self._table else self._faults.ignored())
        return TableReader(found, path, self._faults)

    def tables(self, key: str) -> list[TableReader]:
        """The tables of a list of tables, in order."""
        kind = f"a list of tables, each under [[{shown((*self.path, key), ordinals=False)}]] in double brackets"
        found = self._get(key, list, kind)
        readers = []
        for place, table in enumerate([] if found is _ABSENT else found):
            if isinstance(table, dict):
                readers.append(TableReader(table, (*self.path, key, place), self._faults))
            else:
                self.fault(key, f"holds {_noun(table)}", f"Write {kind}", place)
        return readers

    def values(self, key: str) -> dict[str, Any]:
        """The table under a key as JSON values by name, empty where there is none. Dates and such are faults."""
        found = self._get(key, dict, "a table, as { name = value }")
        if found is _ABSENT:
            return {}
        for name, value in found.items():
            if not _is_json(value):
                self._faults.add((*self.path, key, name), "holds what JSON does not have", "Write it as a text")
        return {name: value for name, value in found.items() if _is_json(value)}

    def raw(self, key: str) -> object:
        """The value as it is, for keys that may be of several types; None where absent."""
        self._asked.add(key)
        return self._table.get(key)

    def done(self) -> None:
        """Refuses every key that was not asked for: nothing in the file is silently ignored."""
        for key in self._table:
            if key in self._asked:
                continue
            near = get_close_matches(key, self._asked, n=1)
            known = ", ".join(sorted(self._asked))
            self.fault(key, "is not a known key", f"Did you mean {near[0]}?" if near else f"Known here: {known}")

    def _get(self, key: str, kind: type, expected: str) -> Any:
        """The value when it is of the type; `_ABSENT` where there is none or a wrong one, which is a fault."""
        self._asked.add(key)
        found = self._table.get(key, _ABSENT)
        if found is _ABSENT or (isinstance(found, kind) and isinstance(found, bool) == (kind is bool)):
            return found
        self.fault(key, f"is {_noun(found)}", f"Write {expected}")
        return _ABSENT

    def _parsed(self, key: str, parse: Callable[[str], str], text: str, *inside: int) -> str:
        try:
            return parse(text)
        except TextError as error:
            self.fault(key, error.problem, error.mend, *inside)
            return ""


def shown(path: KeyPath, *, ordinals: bool = True) -> str:
    """A path as people read it, counting from 1: `policy 3.stage 1.quorum`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f" {part + 1}" if ordinals else ""
        else:
            text += ("." if text else "") + (part if _BARE_KEY.fullmatch(part) else json.dumps(part))
    return text


def span(duration: timedelta) -> str:
    """A length of time as the file writes it: `4h`, `90s`, `2d`."""
    seconds = int(duration.total_seconds())
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def one_of(word: str, choices: Mapping[str, object]) -> str:
    """The mend for a word that is not among the choices: the nearest one, else all."""
    near = get_close_matches(word, list(choices), n=1)
    return f'Did you mean "{near[0]}"?' if near else "Write " + ", ".join(f'"{choice}"' for choice in choices)


def _noun(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    names = {str: "a text", int: "a number", float: "a number", list: "a list", dict: "a table"}
    return names.get(type(value), "a date or time")


def _is_json(value: object) -> bool:
    if isinstance(value, dict):
        return all(map(_is_json, value.values()))
    if isinstance(value, list):
        return all(map(_is_json, value))
    return isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value))
