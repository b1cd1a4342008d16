"""APScheduler as a wake-up and nothing more: due dates live in rows, so a missed tick is only a late one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from apscheduler.schedulers.asyncio import AsyncIOScheduler

SWEEP_SECONDS = 1
FLUSH_SECONDS = 60
POLICY_SECONDS = 2


def build_scheduler(
    sweep: Callable[[], Awaitable[object]],
    flush_noise: Callable[[], Awaitable[object]],
    poll_policies: Callable[[], Awaitable[object]] | None = None,
) -> AsyncIOScheduler:
    """Sweeps overdue requests every second, looks every other second whether the policy file has changed, and writes
    the count of unauthenticated deliveries every minute. In memory: its own job stores lose missed jobs, and nothing
    here depends on a particular tick."""
    scheduler = AsyncIOScheduler(timezone="UTC")
    always = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
    scheduler.add_job(sweep, "interval", seconds=SWEEP_SECONDS, id="sweep", **always)
    scheduler.add_job(flush_noise, "interval", seconds=FLUSH_SECONDS, id="noise", **always)
    if poll_policies is not None:
        scheduler.add_job(poll_policies, "interval", seconds=POLICY_SECONDS, id="policies", **always)
    return scheduler
