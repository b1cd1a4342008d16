"""Time, ids and randomness: the only place that asks the machine for them. Everything else is handed these."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no I, L, O or U, so that an id survives being read aloud."""

ID_LENGTH = 6
Ids = Callable[[str], str]
"""Makes a fresh id from a one-letter prefix: `R7K2MXQ` for a run. A collision is found by the store and retried."""


class Clock(Protocol):
    """Tells the time as an aware UTC datetime."""

    def now(self) -> datetime: ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251 - the one place


class MovableClock:
    """A clock that starts at a moment and can be moved forward: for tests and the demo. Seconds do not pass by
    themselves unless a running clock is given to follow."""

    def __init__(self, start: datetime | None = None, follow: Clock | None = None) -> None:
        self._start = start
        self._follow = follow
        self._moved = timedelta(0)

    def now(self) -> datetime:
        base = self._follow.now() if self._follow else self._start
        assert base is not None, "a movable clock needs a start or a clock to follow"
        return base + self._moved

    def advance(self, by: timedelta) -> None:
        self._moved += by


def random_id(prefix: str) -> str:
    """A prefix and six random characters: short enough to type, 30 bits against collisions."""
    return prefix + "".join(secrets.choice(ALPHABET) for _ in range(ID_LENGTH))


def random_salt() -> bytes:
    """16 random bytes that keep an audit digest from being guessed from its text."""
    return secrets.token_bytes(16)
