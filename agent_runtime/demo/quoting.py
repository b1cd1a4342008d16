"""People's words inside what a model reads: as data, in marks that the words themselves cannot close. And whether
something that a model wants was ever said by a person. Pure."""

from __future__ import annotations

import re

LONGEST_QUOTE = 4_000
"""Characters of a person's words that a model is given at once."""

_NUMBER = re.compile(r"\d+(?:,\d{3})*")


def quoted(words: str) -> str:
    """A person's words as data."""
    kept = words.strip()[:LONGEST_QUOTE]
    return "«" + kept.replace("«", "‹").replace("»", "›") + "»"


def said(value: str | int, words: str) -> bool:
    """Whether a person's words hold this: a text as whole words in any case, a number with or without its commas."""
    if isinstance(value, int):
        return any(int(number.replace(",", "")) == value for number in _NUMBER.findall(words))
    wanted = " ".join(value.split()).casefold()
    return (
        bool(wanted) and re.search(rf"(?<!\w){re.escape(wanted)}(?!\w)", " ".join(words.split()).casefold()) is not None
    )
