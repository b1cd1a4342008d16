"""Deadlines that passed while no process was there to see them, and a click that comes at the very same moment."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from agent_runtime.approvals import Accepted, Refused
from agent_runtime.audit import Event
from agent_runtime.clock import MovableClock
from agent_runtime.policy import Policy
from agent_runtime.refusals import RefusalReason
from agent_runtime.runtime import Runtime
from storage import audit
from storage.database import Database
from storage.models import AuditEntry, Request
from storage.types import RequestStatus, RunStatus
from tests.core.agent import Calls, call
from tests.core.world import ANA, HOURS, MINUTES, SAM, World, policy_set

TOOLS = 10
AT_ONCE = 10
SEED = 20_300_107


async def test_a_restart_times_out_each_overdue_request_once_and_in_order(tmp_path: Path) -> None:
    """Twenty deadlines pass while the process is down: the first sweep closes each request once, the oldest deadline
    first, a run goes on when its last one is closed, and a second restart finds nothing to do."""
    minutes = list(range(1, TOOLS + 1))
    random.Random(SEED).shuffle(minutes)
    step = Calls(tuple(call(f"tool{number}", call_id=f"c{number}") for number in range(TOOLS)))
    rules = [Policy(tools=(f"tool{n}",), timeout=minute * 7 * MINUTES) for n, minute in enumerate(minutes)]
    async with World(tmp_path, step, policies=policy_set(*rules)) as world:
        early = await world.waiting(SAM)
        world.clock.advance(10 * MINUTES)
        late = await world.waiting(SAM)
        deadlines = {one.id: one.due_at for one in await world.all_pending()}
        assert len(set(deadlines.values())) == 2 * TOOLS

        world.clock.advance(5 * HOURS)
        await world.reboot()
        await asyncio.gather(world.runtime.sweep(), world.runtime.sweep())
        closed = [entry.request_id for entry in await _entries(world) if entry.event == Event.REQUEST_CLOSED.value]
        assert closed == sorted(deadlines, key=lambda request: (deadlines[request], request))
        await world.settle()
        assert [await world.status(run) for run in (early, late)] == [RunStatus.SUCCEEDED] * 2

        before = await _entries(world)
        await world.reboot()
        assert await world.runtime.sweep() == 0
        await world.settle()
        assert [entry.seq for entry in await _entries(world)] == [entry.seq for entry in before]
        assert world.effects == []


@pytest.mark.parametrize("rounds", [5, pytest.param(20, marks=pytest.mark.slow)])
async def test_a_click_and_a_timer_that_race_close_a_request_once(tmp_path: Path, rounds: int) -> None:
    """Clicks made just before a deadline and sweeps just after it reach the store from two connections at once: one of
    them closes each request, the other is told so or does nothing, and what was approved is what happens."""
    chance = random.Random(SEED)
    async with World(tmp_path, Calls((call("buy"),))) as world, Database(world.url, exclusive=False) as other:
        late = MovableClock(world.clock.now() + timedelta(hours=4, seconds=1))
        timer = Runtime(other, {"agent": world.agent}, world.policies, world.seal, late, ids=world.ids)
        approved = 0
        for _ in range(rounds):
            await asyncio.gather(*(world.start() for _ in range(AT_ONCE)))
            await asyncio.gather(*(world.runtime.worker.run_once() for _ in range(AT_ONCE)))
            asked = await world.all_pending()
            # Who wins a race is up to the machine: one click is before it and one request has none, so both occur.
            before = await world.decide(ANA, request=asked[0])
            acts = [world.decide(ANA, request=request) for request in asked[1:-1]] + [timer.sweep(), timer.sweep()]
            chance.shuffle(acts)
            told = [before, *await asyncio.gather(*acts)]
            won = _winners(told, [await world.request(request) for request in asked])
            approved += won
            await asyncio.gather(*(timer.worker.run_once() for _ in range(AT_ONCE)))
            assert len(world.effects) == approved
        assert await world.count(Event.REQUEST_CLOSED) == rounds * AT_ONCE
        assert await world.count(Event.RUN_SUCCEEDED) == rounds * AT_ONCE
        assert (await world.verify()).broken_at is None


def _winners(told: Sequence[object], closed: Sequence[Request]) -> int:
    """How many clicks won. Each request has one winner, and nobody else thinks that they won; the timer also has the
    one that nobody clicked."""
    accepted = [one.request.id for one in told if isinstance(one, Accepted)]
    refused = [one for one in told if isinstance(one, Refused)]
    swept = sum(one for one in told if isinstance(one, int))
    by = {status: [one.id for one in closed if one.status is status] for status in RequestStatus}
    assert sorted(accepted) == sorted(by[RequestStatus.APPROVED])
    assert all(one.reason is RefusalReason.TOO_LATE for one in refused)
    assert swept == len(refused) + 1 == len(by[RequestStatus.EXPIRED])
    assert len(accepted) + swept == len(closed) == AT_ONCE
    return len(accepted)


async def _entries(world: World) -> list[AuditEntry]:
    return await world.db.read(audit.entries, 0, 100_000)
