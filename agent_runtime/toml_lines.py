"""On which line each key of a TOML text stands: what `tomllib` does not tell, and what an error message needs.

The text must already be valid TOML; the scanner only has to find its way through it, not to judge it.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right

KeyPath = tuple[str | int, ...]
"""Where a value is: keys and 0-based places in lists, such as `("policy", 2, "stage", 0, "quorum")`."""

_BLANK = re.compile(r"(?:[ \t\n]|#[^\n]*)*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_QUOTED = re.compile(
    r'"""(?:[^"\\]|\\.|"{1,2}(?!"))*"{3,5}'
    r"|'''(?:[^']|'{1,2}(?!'))*'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)
_SCALAR = re.compile(r"[^,\]}#\n]+")


def locate(text: str) -> dict[KeyPath, int]:
    """The 1-based line of every key, table and list element. A table opened more than once has its first line."""
    scanner = _Scanner(text.replace("\r\n", "\n"))
    scanner.document()
    return scanner.lines


class _Scanner:
    """Walks the text once from front to back, remembering where it saw what."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.lines: dict[KeyPath, int] = {}
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]
        self._tables: dict[KeyPath, int] = {}
        """How many tables each array of tables has so far."""

    def document(self) -> None:
        table: KeyPath = ()
        while self._skip_blank():
            if self._takes("[["):
                table = self._header(array=True)
                self._takes("]]")
            elif self._takes("["):
                table = self._header(array=False)
                self._takes("]")
            else:
                self._pair(table)

    def _header(self, *, array: bool) -> KeyPath:
        line = self._line()
        parts = self._key()
        path: KeyPath = ()
        for place, part in enumerate(parts, start=1):
            path = (*path, part)
            self.lines.setdefault(path, line)
            if array and place == len(parts):
                self._tables[path] = self._tables.get(path, 0) + 1
            if path in self._tables:
                path = (*path, self._tables[path] - 1)
                self.lines.setdefault(path, line)
        return path

    def _pair(self, table: KeyPath) -> None:
        line = self._line()
        path = table
        for part in self._key():
            path = (*path, part)
            self.lines.setdefault(path, line)
        self._takes("=")
        self._value(path)

    def _key(self) -> tuple[str, ...]:
        parts: list[str] = []
        while not parts or self._takes("."):
            self._skip_blank()
            if quoted := _QUOTED.match(self.text, self.at):
                parts.append(tomllib.loads(f"key = {quoted[0]}")["key"])
                self.at = quoted.end()
            else:
                bare = _BARE_KEY.match(self.text, self.at)
                assert bare is not None, "the text is valid TOML"
                parts.append(bare[0])
                self.at = bare.end()
        return tuple(parts)

    def _value(self, path: KeyPath) -> None:
        self._skip_blank()
        if self._takes("["):
            place = 0
            while not self._takes("]"):
                self.lines[(*path, place)] = self._line()
                self._value((*path, place))
                self._takes(",")
                place += 1
        elif self._takes("{"):
            while not self._takes("}"):
                self._pair(path)
                self._takes(",")
        else:
            found = _QUOTED.match(self.text, self.at) or _SCALAR.match(self.text, self.at)
            assert found is not None, "the text is valid TOML"
            self.at = found.end()

    def _takes(self, sign: str) -> bool:
        """Skips blanks and the sign, where the sign comes next."""
        self._skip_blank()
        if not self.text.startswith(sign, self.at):
            return False
        self.at += len(sign)
        self._skip_blank()
        return True

    def _skip_blank(self) -> bool:
        """Skips spaces, line ends and comments; whether anything follows."""
        blank = _BLANK.match(self.text, self.at)
        assert blank is not None, "the pattern matches the empty text"
        self.at = blank.end()
        return self.at < len(self.text)

    def _line(self) -> int:
        return bisect_right(self._starts, self.at)
