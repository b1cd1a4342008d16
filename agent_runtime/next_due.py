"""When a look at the rows can find something: waiting costs nothing while nothing happens."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from agent_runtime.clock import Clock
from storage.database import Database
from storage.tx import Tx


class NextDue:
    """Remembers when the next row falls due, and asks the store again only after a commit: this process is the only one
    that writes. `find` gives that moment, or None where only a commit can bring something; it may be too early, and
    never too late."""

    def __init__(self, db: Database, clock: Clock, find: Callable[[Tx], datetime | None]) -> None:
        self._db = db
        self._clock = clock
        self._find = find
        self._commits = -1
        self._at: datetime | None = None

    async def has_come(self) -> bool:
        """Whether something may be due by now."""
        commits = self._db.commits
        if commits != self._commits:
            self._at = await self._db.read(self._find)
            self._commits = commits  # what was committed while it was read is asked for the next time
        return self._at is not None and self._at <= self._clock.now()
