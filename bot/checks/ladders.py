"""Ladders that nobody climbs: a time-out that is over before working hours come round again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from agent_runtime.hours import Hours
from agent_runtime.policy import Action, PolicySet
from agent_runtime.rules import Stage
from agent_runtime.toml_reader import span
from bot.checks.finding import Finding, warning

_ANY_WEEK = datetime(2026, 1, 5, tzinfo=UTC)
_HOUR = timedelta(hours=1)


def check_ladders(policies: PolicySet) -> Iterator[Finding]:
    """One warning for each stage whose first step may come after its deadline, though the file has it before."""
    default = policies.default
    yield from _check("[default.stage]", default.stage, default.hours, default.timeout)
    for number, policy in enumerate(policies.policies, start=1):
        if policy.action is Action.REQUIRE:
            hours, timeout = policy.hours or default.hours, policy.timeout or default.timeout
            for stage in policy.stages:
                yield from _check(f"{policy.label(number)}, stage {stage.name}", stage, hours, timeout)


def _check(where: str, stage: Stage, given: Hours | None, timeout: timedelta) -> Iterator[Finding]:
    hours = stage.hours or given
    if hours is None or hours.timeout_waits or not stage.rungs:
        return
    closed = _longest_closed(hours)
    if timeout < closed + stage.rungs[0].after:
        problem = f"asked after hours it times out ({span(timeout)}) before anybody is reminded"
        mend = f"Write timeout_waits = true in its hours, or a timeout of more than {span(closed)}"
        yield warning(f"{where}: {problem}", mend)


def _longest_closed(hours: Hours) -> timedelta:
    """How long it is closed at a stretch, to the hour, in a week in which no clock changes."""
    moments = (_ANY_WEEK + hour * _HOUR for hour in range(7 * 24))
    return max(hours.next_open(moment) - moment for moment in moments)
