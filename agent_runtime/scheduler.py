"""APScheduler as a wake-up and nothing more: due dates live in rows, so a missed tick is only a late one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from apscheduler.schedulers.asyncio import AsyncIOScheduler

Job = Callable[[], Awaitable[object]]
SWEEP_SECONDS = 1
FLUSH_SECONDS = 60
POLICY_SECONDS = 2
ALERT_SECONDS = 15
PULSE_SECONDS = 10
FORGET_SECONDS = 3600


def build_scheduler(
    sweep: Job,
    flush_noise: Job,
    poll_policies: Job | None = None,
    watch: Job | None = None,
    pulse: Job | None = None,
    minutely: Sequence[Job] = (),
    hourly: Sequence[Job] = (),
) -> AsyncIOScheduler:
    """Sweeps overdue requests every second, looks every other second whether the policy file has changed and every 15
    seconds for what is stuck; has the operators' monitor told that all is well; every minute writes the count of
    unauthenticated deliveries and does what is `minutely`, and every hour what is `hourly`. In memory: its own job
    stores lose missed jobs, and nothing here depends on a particular tick."""
    scheduler = AsyncIOScheduler(timezone="UTC")
    always = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
    scheduler.add_job(_until_stopped(sweep), "interval", seconds=SWEEP_SECONDS, id="sweep", **always)
    scheduler.add_job(_until_stopped(flush_noise), "interval", seconds=FLUSH_SECONDS, id="noise", **always)
    if poll_policies is not None:
        scheduler.add_job(_until_stopped(poll_policies), "interval", seconds=POLICY_SECONDS, id="policies", **always)
    if watch is not None:
        scheduler.add_job(_until_stopped(watch), "interval", seconds=ALERT_SECONDS, id="alerts", **always)
    if pulse is not None:
        scheduler.add_job(_until_stopped(pulse), "interval", seconds=PULSE_SECONDS, id="pulse", **always)
    for jobs, seconds in ((minutely, FLUSH_SECONDS), (hourly, FORGET_SECONDS)):
        for job in jobs:
            scheduler.add_job(_until_stopped(job), "interval", seconds=seconds, **always)
    return scheduler


def _until_stopped(job: Job) -> Callable[[], Awaitable[None]]:
    """A scheduler that shuts down cancels the job that is at work, and would log that as the job's failure. What was
    committed stays, and what was not is due again at the next start."""

    async def run() -> None:
        try:
            await job()
        except asyncio.CancelledError:
            return

    return run
