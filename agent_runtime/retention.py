"""What is over is forgotten after a while: alerts that were resolved, and events that webhooks took. What happened
stays in the audit log."""

from __future__ import annotations

from datetime import timedelta

from agent_runtime.runtime import Runtime
from storage import alerts, webhooks

KEPT = timedelta(days=30)
"""So long an alert that is over is kept, and an event that arrived, which may be sent again until then."""

AT_ONCE = 500
"""So many rows go in one write: nobody's click waits behind thousands."""


async def forget_old(runtime: Runtime) -> None:
    """Forget what is over for so long. What is open, unsent or given up stays. Called every hour."""
    db, before = runtime.db, runtime.clock.now() - KEPT
    for kept in (alerts, webhooks):
        while found := await db.read(kept.over, before, AT_ONCE):
            await db.transact(kept.forget, found, before)
