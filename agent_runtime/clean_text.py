"""Texts from outside (agents, tools, exceptions, people) made fit to be stored; what they mean is not judged here."""

from __future__ import annotations

LONGEST = 10_000
"""Characters of one such text that are kept: enough for any reason or error, too few to fill the store."""


def clean(text: str, most: int = LONGEST) -> str:
    """The text without half characters, which no store takes, and clipped to `most` characters."""
    whole = text if len(text) <= most else f"{text[:most]}... ({len(text) - most:,} more characters)"
    return whole.encode("utf-8", "replace").decode("utf-8")
