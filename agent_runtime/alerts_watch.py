"""The watch: every few seconds one look at what is in trouble, and a transaction that raises, updates and resolves
alerts, and has the daily digest told when its time has come."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

from agent_runtime import alerts, daily, storms
from agent_runtime.alert_rules import AlertRules
from agent_runtime.context import Context
from agent_runtime.runtime import Runtime
from agent_runtime.troubles import Found, Look, Trouble, find_troubles
from storage import audit
from storage.tx import Tx

FindVacant = Callable[[], Awaitable[Sequence[Trouble] | None]]
"""Finds the open requests that nobody, or too few, can approve; None where the directory does not say."""


IDLE = timedelta(minutes=1)
"""So long nothing is looked at while nothing happens: thousands may wait, and each look reads them."""


class AlertsWatch:
    """Looks after alerts. `poll` is called every few seconds; `find_vacant` asks the directory first."""

    def __init__(self, runtime: Runtime, find_vacant: FindVacant | None = None) -> None:
        self._runtime = runtime
        self._find_vacant = find_vacant
        self._called_at: datetime | None = None
        self._looked_at: datetime | None = None
        self._seen: tuple[int, str] | None = None

    async def poll(self) -> None:
        """Look, if something happened since the last look or that was a while ago."""
        slept = self._has_slept()
        now, newest = self._runtime.clock.now(), await self._runtime.db.read(audit.head)
        if newest == self._seen and self._looked_at is not None and abs(now - self._looked_at) < IDLE:
            return
        self._seen = newest
        await self._look(slept)

    async def look(self) -> None:
        """One look at everything."""
        await self._look(self._has_slept())

    def _has_slept(self) -> bool:
        """Whether this process slept since the last call, with the machine or behind a debugger: it heard nobody."""
        before, self._called_at = self._called_at, self._runtime.clock.now()
        return before is not None and self._called_at - before >= self._runtime.alerts.heartbeat

    async def _look(self, slept: bool) -> None:
        vacant = await self._find_vacant() if self._find_vacant is not None else None
        context, rules = self._runtime.context(), self._runtime.alerts
        self._looked_at = context.now
        look = Look(self._runtime.boot_id, awake=not slept, vacant=vacant)
        # Nobody's click waits behind a look: only what differs is written.
        found = await self._runtime.db.read(find_troubles, context, rules, look)
        await self._runtime.db.transact(tell, context, rules, found)


def tell(tx: Tx, context: Context, rules: AlertRules, found: Found) -> None:
    """Raise, update and resolve alerts by what was found, and have the digest told when it is due."""
    alerts.compare(tx, context, rules, found)
    alerts.lapse(tx, context)
    storms.fold(tx, context, rules)
    daily.tell_when_due(tx, context, rules)
