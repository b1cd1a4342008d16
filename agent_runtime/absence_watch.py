"""Sees hand-overs end in time: nobody does anything then, and open cards still mention the delegate."""

from __future__ import annotations

from datetime import timedelta

from agent_runtime.absences import holding_ids, show_open
from agent_runtime.context import Context
from agent_runtime.runtime import Runtime
from storage import absences
from storage.tx import Tx

UNSEEN = timedelta(days=7)
"""So long ago a hand-over may have ended while no process was up to see it."""


class AbsenceWatch:
    """Has open cards redrawn once the hand-overs that hold are others than at the last look. Which those were is known
    to this process only: the first look redraws, too, where one may have ended while nobody looked."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._seen: frozenset[str] | None = None

    async def look(self) -> None:
        """Compare, and have redrawn what may have changed."""
        self._seen = await self._runtime.db.transact(_look, self._runtime.context(), self._seen)


def _look(tx: Tx, context: Context, seen: frozenset[str] | None) -> frozenset[str]:
    held = holding_ids(tx, context)
    unseen = seen is None and absences.any_since(tx, context.now - UNSEEN)
    if unseen or (seen is not None and held != seen):
        show_open(tx, context)
    return held
