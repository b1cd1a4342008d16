"""Text on its way into Slack: deceptive characters made visible, lengths kept, people and dates written our way.

What came from an agent or a person goes through `visible` and into plain text or rich text, never into mrkdwn. `⟦` and
`⟧` are our own marks: a text that holds them has them written out, so nobody can forge one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple

from storage.types import Actor, ActorKind

RUN_OF_SPACES = 17
"""So many spaces in a row, or more, become a count; 16 is the deepest indentation that JSON of ours has."""

RUN_OF_ANYTHING = 100
"""So many equal characters in a row, or more, become a count."""

NAME_LIMIT = 60
SEPARATOR = " · "
"""What stands between the facts on one line, everywhere; commas are for sentences and lists of names."""

_MARKS = "⟦⟧"
# Blank or ignored by renderers though Unicode calls them letters, marks or symbols; and marks that strike a text out.
_DECEPTIVE = frozenset(
    {0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0, 0xFFFC, 0xFFFD, 0x16FE4, 0x1D159}
    | {*range(0x0334, 0x0339), *range(0x180B, 0x1810), *range(0x20D0, 0x2100)}
    | {*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)}
)
_MOST_MARKS = 2
"""Combining marks that one letter may carry; living languages need no more."""

_RUNS = re.compile(rf" {{{RUN_OF_SPACES},}}|(.)\1{{{RUN_OF_ANYTHING - 1},}}")


class Visible(NamedTuple):
    """A text that shows all it holds, and how many characters were written out for that."""

    text: str
    escaped: int


def visible(text: str, *, lines: bool = False, fold: bool = False) -> Visible:
    """`text` with every deceptive character as `⟦U+202E⟧`, so that two different texts never look the same to a reader
    of characters. `lines` leaves
    line ends alone. `fold` writes long runs as `⟦space × 40⟧`."""
    if text.isascii() and text.isprintable() and not fold:
        return Visible(text, 0)
    if not fold:
        return _spelled(text, lines)
    pieces: list[str] = []
    escaped = end = 0
    for run in _RUNS.finditer(text):
        before = _spelled(text[end : run.start()], lines)
        name, hidden = _run_name(run[0][0])
        pieces += before.text, f"⟦{name} × {len(run[0])}⟧"
        escaped += before.escaped + (len(run[0]) if hidden else 0)
        end = run.end()
    rest = _spelled(text[end:], lines)
    return Visible("".join((*pieces, rest.text)), escaped + rest.escaped)


def line(text: str) -> str:
    """`visible` text on one line."""
    return visible(text).text


def clip(text: str, limit: int) -> str:
    """`text`, cut to `limit` characters with an ellipsis as the last one."""
    return text if len(text) <= limit else text[: max(limit - 1, 0)].rstrip("⟦") + "…"


def listed(pieces: Sequence[str], limit: int = 1_200, between: str = ", ") -> str:
    """Pieces of mrkdwn, as many as `limit` characters hold, and how many more there are."""
    held = 0
    for held, length in enumerate(accumulate(len(piece) + len(between) for piece in pieces), start=1):
        if length > limit:
            held -= 1
            break
    rest = len(pieces) - held
    return between.join(pieces[:held]) + (f" and {rest:,} more" if rest else "")


def facts(*told: str) -> str:
    """What is told side by side on one line, in our one way; what is empty is left out."""
    return SEPARATOR.join(one for one in told if one)


def quantity(count: int, noun: str) -> str:
    """`1 decision`, `2 decisions`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def mixed_alphabets(text: str) -> int:
    """How many words mix Latin letters with Greek, Cyrillic, Armenian or Cherokee ones, as imitations do."""
    if text.isascii() or not any(map(_imitates_latin, set(text))):
        return 0
    words = (word for word in re.findall(r"\w+", text) if not word.isascii())
    return sum(1 for word in words if any(map(_is_latin, word)) and any(map(_imitates_latin, word)))


@lru_cache(maxsize=4096)
def _is_latin(char: str) -> bool:
    return unicodedata.name(char, "").startswith("LATIN ")


@lru_cache(maxsize=4096)
def _imitates_latin(char: str) -> bool:
    return unicodedata.name(char, "").startswith(("GREEK ", "CYRILLIC ", "ARMENIAN ", "CHEROKEE "))


def escape(text: str) -> str:
    """Slack's three control characters as entities, in the order that Slack asks for."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def inert(text: str, limit: int = NAME_LIMIT) -> str:
    """A name in mrkdwn that formats nothing and mentions nobody, cut to `limit` characters before entities."""
    return escape(clip(_FORMATTING.sub(lambda found: _code_point(found[0]), line(text)), limit))


_FORMATTING = re.compile(r"[*~`]|(?<!\w)_|_(?!\w)")


def code(text: str) -> str:
    """A name as inline code in mrkdwn, which formats nothing else; `text` is visible already."""
    return f"`{escape(text.replace('`', _code_point('`')).strip()) or '-'}`"


def person(actor: Actor) -> str:
    """An actor in mrkdwn: a mention where Slack knows them, else their name."""
    return f"<@{actor.id}>" if is_slack_person(actor) else inert(actor.label)


def is_slack_person(actor: Actor) -> bool:
    """Whether the actor's id can be mentioned."""
    return actor.kind is ActorKind.SLACK and bool(_USER.fullmatch(actor.id))


_USER = re.compile(r"[UW][A-Z0-9]{1,30}", re.ASCII)
_MENTIONS = {
    "user": (_USER, "<@{}>"),
    "usergroup": (re.compile(r"S[A-Z0-9]{1,30}", re.ASCII), "<!subteam^{}>"),
    "channel": (re.compile(r"[CGD][A-Z0-9]{1,30}", re.ASCII), "<#{}>"),
    "email": (_USER, "<@{}>"),
    "starter": (_USER, "<@{}>"),
}


def mention(selector: str, ids: Mapping[str, str] | None = None) -> str:
    """A selector such as `usergroup:managers` in mrkdwn. `ids` maps whole selectors to the Slack ids they stand for;
    `user:U1`, `usergroup:S1` and `channel:C1` need none. What has no id is written by its name and notifies nobody."""
    kind, _, name = selector.partition(":")
    slack_id = (ids or {}).get(selector, name)
    form, template = _MENTIONS.get(kind, (None, ""))
    if form is not None and form.fullmatch(slack_id):
        return template.format(slack_id)
    return inert(name.removeprefix("#") or selector) if kind != "starter" else "whoever started the run"


def capital(text: str) -> str:
    """mrkdwn that begins with a capital, in bold or not."""
    at = text.startswith("*")
    return text[:at] + text[at : at + 1].upper() + text[at + 1 :]


def link(address: str, label: str) -> str:
    """A link in mrkdwn; empty where the address could break out of it or leads nowhere. `label` is ours."""
    safe = address.startswith(("https://", "http://")) and address.isprintable() and not set(address) & set("<>| ")
    return f"<{escape(address)}|{label}>" if safe and len(address) <= 1_000 else ""


def date(moment: datetime) -> str:
    """A moment in mrkdwn, shown in the reader's own time zone."""
    seconds = int(moment.timestamp())
    return f"<!date^{seconds}^{{date_short_pretty}} at {{time}}|{escape(utc(moment))}>"


def clock(moment: datetime) -> str:
    """The time of the day of a near moment in mrkdwn, in the reader's own time zone."""
    return f"<!date^{int(moment.timestamp())}^{{time}}|{escape(utc(moment))}>"


def utc(moment: datetime) -> str:
    """A moment where Slack cannot translate it, such as `2026-11-21 10:15 UTC`."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def local(moment: datetime, zone: tzinfo | None = None) -> str:
    """A moment for somebody whose zone is known, such as `2026-11-21 11:15 CET`; this machine's where none is given."""
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M %Z}"


def duration(span: timedelta) -> str:
    """A span in the two units that matter: `0.4 s`, `12 min`, `2 h 5 min`, `3 days 4 h`."""
    seconds = max(span.total_seconds(), 0.0)
    if seconds < 0.1:
        return "less than 0.1 s"
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, hours, days = int(seconds // 60), int(seconds // 3600), int(seconds // 86400)
    if hours == 0:
        return f"{minutes} min"
    if days == 0:
        return f"{hours} h {minutes % 60} min" if minutes % 60 else f"{hours} h"
    return quantity(days, "day") + (f" {hours % 24} h" if hours % 24 else "")


class _Spelling(dict[int, int | str]):
    """What each character becomes, worked out once per character and remembered."""

    def __missing__(self, point: int) -> int | str:
        char = chr(point)
        plain = char.isprintable() and char not in _MARKS and point not in _DECEPTIVE
        plain = plain and unicodedata.category(char) not in ("Me", "Co", "Cn")
        self[point] = point if plain else _code_point(char)
        return self[point]


_ON_ONE_LINE = _Spelling()
_ON_LINES = _Spelling({ord("\n"): ord("\n")})


def _spelled(text: str, lines: bool) -> Visible:
    if text.isascii() and text.isprintable():
        return Visible(text, 0)
    spelled = text.translate(_ON_LINES if lines else _ON_ONE_LINE)
    if not spelled.isascii():
        spelled = _without_piled_marks(spelled)
    written_out = spelled.count("⟦") - text.count("⟦") - text.count("⟧")
    return Visible(spelled, written_out)


def _without_piled_marks(text: str) -> str:
    """Combining marks written out where they stand on no letter, or where more than two are piled up on one."""
    marks = "".join(char for char in set(text) if unicodedata.category(char).startswith("M"))
    if not marks:
        return text
    pattern = re.compile(rf"(.?)([{re.escape(marks)}]+)", re.DOTALL)

    def rewrite(found: re.Match[str]) -> str:
        base, pile = found[1], found[2]
        if unicodedata.category(base or " ").startswith("M"):
            base, pile = "", base + pile
        allowed = _MOST_MARKS if base.isalnum() else 0
        return base + pile[:allowed] + "".join(_code_point(mark) for mark in pile[allowed:])

    return pattern.sub(rewrite, text)


def _code_point(char: str) -> str:
    return f"⟦U+{ord(char):04X}⟧"


def _run_name(char: str) -> tuple[str, bool]:
    """What to call a run of `char`, and whether its characters would not have been seen."""
    if char == " ":
        return "space", False
    spelled = _ON_ONE_LINE[ord(char)]
    hidden = isinstance(spelled, str) or unicodedata.category(char).startswith("M")
    return (f"U+{ord(char):04X}" if hidden else char), hidden and char not in _MARKS
