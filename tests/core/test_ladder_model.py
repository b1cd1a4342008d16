"""Ladders against a small model of time: pauses of everything and of the agent, holds, restarts and working hours, one
upon the other, in any order. The model counts half hours and knows no moments."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from random import Random
from typing import Any

import pytest

from agent_runtime.holding import Why
from agent_runtime.hours import DAYS, Hours
from agent_runtime.policy import Policy, Rung, Stage
from storage import pauses
from storage.models import Request
from storage.types import RequestStatus
from tests.core.agent import one
from tests.core.test_ladder_holds import hold
from tests.core.world import ANA, BOB, CLEO, HOURS, MINUTES, World, policy_set, who

HALF = 30 * MINUTES
NONE = timedelta(0)
AFTER = (2 * HOURS, 5 * HOURS, 9 * HOURS)
SPRING, AUTUMN, WINTER = (datetime(2030, *day, 12, tzinfo=UTC) for day in ((3, 28), (10, 24), (1, 10)))
"""Days before clocks change, and one before none does."""


@dataclass
class Model:
    """What has passed of a request's time-out and of its ladder, and what is left of a hold."""

    hours: Hours | None
    timeout: timedelta
    paused: set[str] = field(default_factory=set)
    waited: timedelta = NONE
    climbed: timedelta = NONE
    held: timedelta = NONE
    rung: int = 0

    def is_open(self, now: datetime) -> bool:
        return self.hours is None or self.hours.is_open(now)

    def counts(self, now: datetime) -> bool:
        """Whether the time-out passes now."""
        return self.hours is None or not self.hours.timeout_waits or self.is_open(now)

    def pass_half_an_hour(self, now: datetime) -> bool:
        """From now on; whether its time is up then."""
        if self.paused:
            return False
        self.waited += HALF * self.counts(now)
        self.climbed += HALF * (self.is_open(now) and not self.held)
        self.held = max(self.held - HALF, NONE)
        if self.is_open(now + HALF) and not self.held:
            self.rung = sum(self.climbed >= after for after in AFTER)
        return self.waited >= self.timeout and self.counts(now + HALF)


def drawn(random: Random) -> Model:
    """Some working hours, or none, and a time-out that fits."""
    start, end = random.choice([(time(9), time(17)), (time(22), time(6))])
    days = random.choice([DAYS[:5], ("mon", "wed", "sat")])
    zone = random.choice(["Europe/Berlin", "America/New_York"])
    hours = Hours(start=start, end=end, days=days, zone=zone, timeout_waits=random.random() < 0.5)
    if random.random() < 0.2:
        return Model(None, 30 * HOURS)
    return Model(hours, 14 * HOURS if hours.timeout_waits else 70 * HOURS)


@pytest.mark.parametrize("seed", [*range(2), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 40))])
async def test_time_passes_as_a_model_of_it_says(worlds: Any, seed: int) -> None:
    """Each step and the end come in the very half hour in which the model has them; no row looks changed by hand."""
    random = Random(seed)
    model = drawn(random)
    rungs = tuple(Rung(after=after, remind=True, escalate_to=who(CLEO)) for after in AFTER)
    asked = Stage(name="s", approvers=who(ANA, BOB), rungs=rungs, hours=model.hours)
    world: World = await worlds(one("buy"), policies=policy_set(Policy(stages=(asked,), timeout=model.timeout)))
    world.clock.advance(random.choice([SPRING, AUTUMN, WINTER]) - world.clock.now() + random.randrange(48) * HALF)
    await world.waiting()
    request, is_over = await world.pending(), False
    while not is_over:
        await _meddle(world, model, random)
        is_over = model.pass_half_an_hour(world.clock.now())
        world.clock.advance(HALF)
        await world.runtime.sweep()
        now = await world.request(request)
        assert (now.status is RequestStatus.EXPIRED) == is_over
        assert is_over or now.rung == model.rung
    assert "integrity.broken" not in await world.events()


async def _meddle(world: World, model: Model, random: Random) -> None:
    """Somebody pauses or resumes, or holds the ladder, or the process dies."""
    for agent in ("", "agent"):
        if random.random() < (0.15 if agent in model.paused else 0.04):
            await (world.go if agent in model.paused else world.stop)(agent)
            model.paused ^= {agent}
    if random.random() < 0.02:
        await world.reboot()
    if random.random() < 0.08 and model.waited < model.timeout - 3 * HOURS:  # no hold goes past the deadline
        before = await world.pending()
        await hold(world, random.choice([ANA, BOB]), random.choice([Why.SNOOZED, Why.ON_IT]))
        after = await world.pending()
        model.timeout += _gained(after) - _gained(before)
        if after.quiet_until is not None and after.quiet_until != before.quiet_until:
            model.held = after.quiet_until - await world.db.read(pauses.elapsed, world.clock.now(), "agent")


def _gained(request: Request) -> timedelta:
    return timedelta(seconds=(request.quiet or {}).get("gained", 0))
