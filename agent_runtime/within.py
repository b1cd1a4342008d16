"""`within(path, dir)`: whether a path lies in a folder, told from the two texts alone. It never says yes to something
outside.

Both are taken apart at `/`; empty parts and `.` count for nothing and `..` goes one up. What two programs may read in
two ways (`~`, `$HOME`, backslashes, `%2e`, control characters, a scheme or a drive, a relative path against an absolute
folder) is refused instead of guessed: an answer of no would let it past a policy that forbids a folder. Links in the
file system cannot be seen in a text.
"""

from __future__ import annotations

import re
import unicodedata

_UNSURE = (
    (re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]"), "has a control character in it"),
    (re.compile(r"\\"), "has a backslash in it"),
    (re.compile(r"^~"), "begins with ~"),
    (re.compile(r"\$"), "has a $ in it"),
    (re.compile(r"%(?:2[ef5]|5c|00)", re.IGNORECASE), "has an encoded character in it"),
    (re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*:"), "begins with a scheme or a drive"),
)
_MOST = 4096
"""Characters of a path; no system takes longer ones."""


class UnsurePath(ValueError):
    """Where the path leads cannot be told from its text. The message says why, without the path."""


def within(path: object, folder: object) -> bool:
    """Whether `path` is `folder` or lies in it. Raises `UnsurePath`."""
    inside = _lies_in(_parts(path, "the path"), _parts(folder, "the folder"))
    # File systems differ in what they take for the same name: where that decides, nobody can tell.
    if inside != _lies_in(_parts(_folded(path), "the path"), _parts(_folded(folder), "the folder")):
        raise UnsurePath("the path differs from the folder only in how its letters are written")
    return inside


def _folded(text: object) -> str:
    assert isinstance(text, str), "its parts were read"
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def _parts(text: object, what: str) -> tuple[bool, tuple[str, ...]]:
    """Whether it begins at the root, and the names on the way. A relative path that climbs out of where it begins is
    unsure: nobody knows what is above."""
    if not isinstance(text, str):
        raise UnsurePath(f"{what} is not a text")
    if not text.strip() or len(text) > _MOST:
        raise UnsurePath(f"{what} is {'too long' if text.strip() else 'empty'}")
    for pattern, problem in _UNSURE:
        if pattern.search(text):
            raise UnsurePath(f"{what} {problem}")
    absolute = text.startswith("/")
    names: list[str] = []
    for part in text.split("/"):
        if part == "..":
            if not names and not absolute:
                raise UnsurePath(f"{what} climbs out of where it begins")
            names = names[:-1]
        elif part not in ("", "."):
            if not part.strip(" ."):
                raise UnsurePath(f"{what} has a name of dots and blanks in it")
            names.append(part)
    return absolute, tuple(names)


def _lies_in(path: tuple[bool, tuple[str, ...]], folder: tuple[bool, tuple[str, ...]]) -> bool:
    if path[0] != folder[0]:
        raise UnsurePath("the path is relative and the folder is not" if folder[0] else "the folder is relative")
    return path[1][: len(folder[1])] == folder[1]
