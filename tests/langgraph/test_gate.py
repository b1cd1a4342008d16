"""The gate: what was asked is what runs, in every kind of graph."""

from __future__ import annotations

import pytest

from storage.types import RequestKind
from tests.langgraph.bench import calls, script
from tests.langgraph.conftest import Start
from tests.langgraph.graphs import KINDS, Effects

pytestmark = pytest.mark.parametrize("kind", KINDS)


async def test_an_approved_call_runs_once_and_the_run_ends(kind: str, start: Start) -> None:
    """Nothing runs before a person says yes, and then the tool runs exactly once."""
    effects = Effects()
    bench = await start(KINDS[kind](script(calls(("c0", "buy", {"item": "tea", "amount": 2}))), effects))
    (asked,) = await bench.paused()
    assert (asked.kind, effects) == (RequestKind.TOOL, [])
    assert asked.call is not None
    assert (asked.key, asked.call.tool, asked.call.args) == ("call:m0/c0", "buy", {"item": "tea", "amount": 2})
    bench.people.approve(asked)
    assert await bench.completed() == "done"
    assert effects == ["buy 2 tea"]
    assert bench.people.statuses() == {"buy": "finished"}


async def test_two_calls_make_one_pause_in_the_order_of_the_message(kind: str, start: Start) -> None:
    """People see all calls of a step together, and one yes and one no reach the right call each."""
    effects = Effects()
    step = calls(("c1", "drop", {"table": "users"}), ("c0", "buy", {"item": "tea"}))
    bench = await start(KINDS[kind](script(step), effects))
    drop, buy = await bench.paused()
    assert [one.call and one.call.tool for one in (drop, buy)] == ["drop", "buy"]
    bench.people.approve(buy)
    bench.people.reject(drop)
    assert await bench.completed() == "done"
    assert effects == ["buy 1 tea"]
    told = await bench.told() if kind != "nested" else {}
    if told:
        assert (told["c1"].status, told["c1"].content, told["c1"].name) == ("error", "a person said no", "drop")
        assert told["c1"].artifact == {"signoff": {"decision": "rejected", "reason": "not today"}}
