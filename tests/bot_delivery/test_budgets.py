"""Budgets: never more calls than Slack allows, the urgent ones first, and pauses kept."""

from __future__ import annotations

from datetime import timedelta
from random import Random

import pytest

from agent_runtime.clock import MovableClock
from bot.budgets import PER_CHANNEL, Budgets, Rate
from tests.bot_delivery.office import START

UPDATE, POST = "chat.update", "chat.postMessage"


def budgets(clock: MovableClock, limits: dict[str, Rate] | None = None) -> Budgets:
    return Budgets(clock, limits if limits is not None else {UPDATE: Rate(50, 10)}, PER_CHANNEL)


def test_a_burst_is_free_and_the_next_call_must_wait(clock: MovableClock) -> None:
    """Ten updates go at once, the eleventh is told how long to wait, and may go then."""
    some = budgets(clock)
    assert [some.take(UPDATE) for _ in range(10)] == [None] * 10
    wait = some.take(UPDATE)
    assert wait == timedelta(seconds=1.5)
    clock.advance(wait)
    assert some.take(UPDATE) is None


@pytest.mark.parametrize("seed", range(5))
def test_no_minute_holds_more_calls_than_the_limit(clock: MovableClock, seed: int) -> None:
    """However greedily calls are taken, every window of a minute holds at most fifty."""
    some, random, taken = budgets(clock), Random(seed), []
    for _ in range(3_000):
        clock.advance(timedelta(seconds=random.choice([0, 0, 0.1, 0.7, 5, 20 * random.random()])))
        if some.take(UPDATE) is None:
            taken.append(clock.now())
    for first, fifty_later in zip(taken, taken[50:], strict=False):
        assert fifty_later - first >= timedelta(minutes=1)
    assert len(taken) > 1_000


def test_many_who_wait_come_back_one_by_one(clock: MovableClock) -> None:
    """Thirty callers that found no budget are promised thirty different moments, and all of them are kept."""
    some = budgets(clock, {UPDATE: Rate(50, 1)})
    assert some.take(UPDATE) is None
    waits = [some.take(UPDATE) for _ in range(30)]
    assert len(set(waits)) == 30
    for wait in waits:
        assert wait is not None
        clock.advance(START + wait - clock.now())
        assert some.take(UPDATE) is None


def test_an_urgent_caller_waits_for_one_token_only(clock: MovableClock) -> None:
    """Who closes a card is not queued behind everybody who redraws one."""
    some = budgets(clock, {UPDATE: Rate(50, 1)})
    assert some.take(UPDATE) is None
    patient = [some.take(UPDATE, urgency=30) for _ in range(20)]
    assert some.take(UPDATE, urgency=10) == patient[0]


def test_a_pause_that_slack_asks_for_is_kept(clock: MovableClock) -> None:
    """After a 429 nothing of that method is sent until the time is over; other methods go on."""
    some = budgets(clock)
    some.hold(UPDATE, timedelta(seconds=30))
    some.hold(UPDATE, timedelta(seconds=5))
    assert some.take(UPDATE) == timedelta(seconds=30)
    assert some.take(POST) is None
    clock.advance(timedelta(seconds=30))
    assert some.take(UPDATE) is None


def test_each_channel_has_its_own_budget(clock: MovableClock) -> None:
    """A busy channel does not keep another one waiting, and what it may not have costs the workspace nothing."""
    some = budgets(clock, {POST: Rate(200, 6)})
    assert [some.take(POST, channel="C1") for _ in range(5)] == [None] * 5
    assert some.take(POST, channel="C1") is not None
    assert some.take(POST, channel="C2") is None


def test_a_method_without_a_budget_is_free(clock: MovableClock) -> None:
    """What is not listed is never refused."""
    assert all(budgets(clock).take("users.info") is None for _ in range(500))


def test_a_clock_that_is_set_back_does_not_break_budgets(clock: MovableClock) -> None:
    """Time going backwards gives no tokens and takes none."""
    some = budgets(clock)
    clock.advance(timedelta(hours=-1))
    assert [some.take(UPDATE) for _ in range(10)] == [None] * 10
    assert some.take(UPDATE) is not None
