"""A call's arguments as text that people can check: exact, unambiguous, nothing hidden, and in pages where it is long.

One argument a line, in the order given. Texts stand in quotes, so `"5"` is not `5`; texts of several lines follow their
name, each line behind a bar, so no line of a text can pass for another argument; nested values are indented JSON. Names
that are not plain identifiers are quoted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from agent_runtime.json_text import indented
from bot.cards.text import Visible, mixed_alphabets, visible
from storage.types import Json, JsonValue

FIT_CHARACTERS = 2_000
FIT_LINES = 40
"""What a card shows in full: about two screens of a phone."""

PAGE_CHARACTERS = 8_000
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*", re.ASCII)
_NO_ARGUMENTS = "(no arguments)"
_MOST_EMPTY_LINES = 2
_BAR = "  │ "


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A visible text and what of it a card shows. `hidden` counts the characters that `shown` leaves out; `escaped`
    the deceptive ones written out; `mixed` the words that mix alphabets."""

    whole: str
    shown: str
    hidden: int
    escaped: int = 0
    mixed: int = 0

    @property
    def fits(self) -> bool:
        """Whether the card shows everything."""
        return self.hidden == 0

    @property
    def lines(self) -> tuple[str, ...]:
        """The whole text, line by line."""
        return tuple(self.whole.split("\n"))


def arguments(args: Json | None) -> Excerpt:
    """All arguments of a call."""
    if not args:
        return excerpt(Visible(_NO_ARGUMENTS, 0))
    written = [argument(name, value) for name, value in args.items()]
    whole = Visible("\n".join(one.text for one in written), sum(one.escaped for one in written))
    return excerpt(whole)


def argument(name: str, value: JsonValue) -> Visible:
    """One argument: its name, and its value so that no two values read the same."""
    label = visible(name if _IDENTIFIER.fullmatch(name) else json.dumps(name, ensure_ascii=False), fold=True)
    written = _value(value)
    return Visible(f"{label.text}:{written.text}", label.escaped + written.escaped)


def filled(values: Json, labels: Mapping[str, str]) -> Visible:
    """What was filled into a form, a field a line below each other: `Label: value`. `labels` are by name, in the order
    wanted; fields left empty are left out."""
    names = [name for name in ordered(values, labels) if values[name] not in (None, "")]
    written = [_filled(labels.get(name, name), values[name]) for name in names]
    return Visible("\n".join(one.text for one in written), sum(one.escaped for one in written))


def ordered(values: Json, labels: Mapping[str, str]) -> list[str]:
    """The names of what was filled in: those with a label first, in the order of the labels."""
    return [*(name for name in labels if name in values), *(name for name in values if name not in labels)]


def _filled(label: str, value: JsonValue) -> Visible:
    name = visible(label, fold=True)
    if isinstance(value, bool):
        said = Visible(" Yes" if value else " No", 0)
    elif isinstance(value, str) and "\n" not in value:
        text = visible(value, fold=True)
        said = Visible(f" {text.text}", text.escaped)
    else:
        said = _value(value)
    return Visible(f"{name.text}:{said.text}", name.escaped + said.escaped)


def prose(text: str, *, characters: int = FIT_CHARACTERS, lines: int = FIT_LINES) -> Excerpt:
    """A text with lines of its own, such as a question or a draft."""
    written = visible(text, lines=True, fold=True)
    folded = Visible("\n".join(_folded(written.text.split("\n"))), written.escaped)
    return excerpt(folded, characters=characters, lines=lines)


def excerpt(text: Visible, *, characters: int = FIT_CHARACTERS, lines: int = FIT_LINES) -> Excerpt:
    """What a card shows of a visible text: all of it, or its head, a count, and its tail."""
    whole = text.text
    mixed = mixed_alphabets(whole)
    if len(whole) <= characters and whole.count("\n") < lines:
        return Excerpt(whole, whole, 0, text.escaped, mixed)
    head = _head(whole, characters * 2 // 3, lines * 2 // 3)
    tail = _tail(whole, characters // 4, lines // 4)
    hidden = len(whole) - len(head) - len(tail)
    shown = f"{head}\n⟦{hidden:,} characters not shown⟧\n{tail}"
    return Excerpt(whole, shown, hidden, text.escaped, mixed)


def pages(text: str, size: int = PAGE_CHARACTERS) -> tuple[str, ...]:
    """`text` in pieces of at most `size` characters that joined are `text` again; cut between lines where a line ends
    in the last fifth of a page, and never inside one of our marks."""
    return tuple(_pages(text, size)) or ("",)


def _pages(text: str, size: int) -> Iterator[str]:
    start = 0
    while start < len(text):
        end = min(start + size, len(text))
        if end < len(text):
            newline = text.rfind("\n", start + size * 4 // 5, end)
            end = newline + 1 if newline >= 0 else _outside_mark(text, start, end)
        yield text[start:end]
        start = end


def _outside_mark(text: str, start: int, end: int) -> int:
    """`end`, or the beginning of the mark that it would cut."""
    opened = text.rfind("⟦", start + 1, end)
    return opened if opened > text.rfind("⟧", start, end) else end


def _head(text: str, characters: int, lines: int) -> str:
    end = min(len(text), characters)
    for found, newline in enumerate(re.finditer("\n", text[:end]), start=1):
        if found == lines:
            end = newline.start()
            break
    return text[: _outside_mark(text, 0, end)]


def _tail(text: str, characters: int, lines: int) -> str:
    start = max(len(text) - characters, 0)
    newlines = [found.start() for found in re.finditer("\n", text[start:])]
    if len(newlines) >= lines:
        start += newlines[-lines] + 1
    closed, opened = text.find("⟧", start), text.find("⟦", start)
    cut_mark = closed >= 0 and (opened < 0 or closed < opened)
    return text[closed + 1 :] if cut_mark else text[start:]


def _value(value: JsonValue) -> Visible:
    if isinstance(value, str):
        return _lines(value) if "\n" in value else _quoted(value)
    if isinstance(value, Mapping | Sequence) and value:
        written = visible(indented(value), lines=True, fold=True)
        return Visible(f" {written.text}", written.escaped)
    return Visible(f" {indented(value)}", 0)


def _quoted(value: str) -> Visible:
    # Nothing follows on the line, so quotes inside need no escape: the last one ends the text.
    written = visible(value, fold=True)
    return Visible(f' "{written.text}"', written.escaped)


def _lines(value: str) -> Visible:
    written = visible(value, lines=True, fold=True)
    return Visible("".join(f"\n{_BAR}{line}" for line in _folded(written.text.split("\n"))), written.escaped)


def _folded(lines: Sequence[str]) -> Iterator[str]:
    """The lines, with many empty ones in a row as a count."""
    empty = 0
    for one in (*lines, None):
        if one == "":
            empty += 1
            continue
        yield from [""] * empty if empty <= _MOST_EMPTY_LINES else [f"⟦{empty:,} empty lines⟧"]
        empty = 0
        if one is not None:
            yield one
