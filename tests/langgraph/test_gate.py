"""The gate: what was asked is what runs, in every kind of graph."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent_runtime.agents import Outcome, Replay, ToolCall
from agent_runtime.errors import AgentError, RunCancelled
from storage.types import RequestKind
from tests.contract.ledger import Row
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


async def test_a_pause_that_nobody_decided_is_the_same_pause_again(kind: str, start: Start) -> None:
    """A crash before the requests were stored costs nothing: advancing again asks the same."""
    effects = Effects()
    model = script(calls(("c0", "buy", {"item": "tea"}), ("c1", "drop", {"table": "users"})))
    bench = await start(KINDS[kind](model, effects))
    first = await bench.paused()
    assert await bench.paused() == first
    assert (effects, model.asked) == ([], [0])


async def test_a_call_id_used_again_is_a_new_request(kind: str, start: Start) -> None:
    """Models number their calls from zero in every message: a yes to the first is no yes to the second."""
    effects = Effects()
    step = calls(("c0", "drop", {"table": "users"}))
    bench = await start(KINDS[kind](script(step, step), effects))
    (first,) = await bench.paused()
    bench.people.approve(first)
    (second,) = await bench.paused()
    assert second.key != first.key
    assert effects == ["drop users"]
    bench.people.reject(second)
    assert await bench.completed() == "done"
    assert effects == ["drop users"]


async def test_edited_arguments_are_the_ones_that_run(kind: str, start: Start) -> None:
    """After an edit the tool gets what was approved, not what the model wrote."""
    effects = Effects()
    bench = await start(KINDS[kind](script(calls(("c0", "buy", {"item": "tea", "amount": 900}))), effects))
    (asked,) = await bench.paused()
    bench.people.approve(asked, {"item": "tea", "amount": 9})
    await bench.completed()
    assert effects == ["buy 9 tea"]


async def test_an_allowed_call_waits_for_its_gated_sibling(kind: str, start: Start) -> None:
    """Nothing of a step runs before all of it is decided; then both run, once each."""
    effects = Effects()
    step = calls(("c0", "read", {"path": "a"}), ("c1", "buy", {"item": "tea"}))
    bench = await start(KINDS[kind](script(step), effects), allow={"read"})
    (asked,) = await bench.paused()
    assert effects == []
    bench.people.approve(asked)
    assert await bench.completed() == "done"
    assert sorted(effects) == ["buy 1 tea", "read a"]


async def test_calls_that_need_nobody_run_without_a_pause(kind: str, start: Start) -> None:
    """A step of allowed calls goes straight through, and stands in the ledger all the same."""
    effects = Effects()
    step = calls(("c0", "read", {"path": "a"}), ("c1", "read", {"path": "b"}))
    bench = await start(KINDS[kind](script(step), effects), allow={"read"})
    assert await bench.completed() == "done"
    assert sorted(effects) == ["read a", "read b"]
    assert bench.people.started == ["read", "read"]


async def test_a_finished_run_entered_again_does_nothing(kind: str, start: Start) -> None:
    """A crash after the end costs nothing: advancing again says the same."""
    effects = Effects()
    model = script(calls(("c0", "read", {"path": "a"})))
    bench = await start(KINDS[kind](model, effects), allow={"read"})
    assert await bench.completed() == "done"
    asked = list(model.asked)
    assert await bench.completed() == "done"
    assert (effects, model.asked) == (["read a"], asked)


async def test_a_tool_asks_its_own_questions_after_the_gate(kind: str, start: Start) -> None:
    """Each answer reaches its question, the approval is no answer, and the effect happens once."""
    effects = Effects()
    bench = await start(KINDS[kind](script(calls(("c0", "book", {"city": "Oslo"}))), effects))
    (asked,) = await bench.paused()
    bench.people.approve(asked)
    (airline,) = await bench.paused()
    assert (airline.kind, airline.payload, airline.call) == (RequestKind.QUESTION, "Which airline to Oslo?", None)
    assert bench.people.statuses() == {"book": "suspended"}
    bench.answer(airline, "Norse")
    (seat,) = await bench.paused()
    assert seat.payload == {"question": "Which seat to Oslo?", "choices": ["aisle", "window"]}
    assert seat.key != airline.key
    bench.answer(seat, "window")
    assert await bench.completed() == "done"
    assert effects == ["book Oslo Norse window"]


async def test_parallel_questions_get_their_own_answers(kind: str, start: Start) -> None:
    """Two tools ask at the same time beside a third that finishes: no answer goes to the other."""
    effects = Effects()
    step = calls(
        ("c0", "book", {"city": "Oslo"}), ("c1", "read", {"path": "a"}), ("c2", "book", {"city": "Rome"})
    )  # fmt: skip
    bench = await start(KINDS[kind](script(step), effects), allow={"read", "book"})
    oslo, rome = await bench.paused()
    assert [oslo.payload, rome.payload] == ["Which airline to Oslo?", "Which airline to Rome?"]
    bench.answer(rome, "Ita")
    still, seat_rome = await bench.paused()
    assert still == oslo
    bench.answer(oslo, "Norse")
    bench.answer(seat_rome, "aisle")
    (seat_oslo,) = await bench.paused()
    bench.answer(seat_oslo, "window")
    assert await bench.completed() == "done"
    assert sorted(effects) == ["book Oslo Norse window", "book Rome Ita aisle", "read a"]


async def test_an_answer_to_another_payload_is_not_taken(kind: str, start: Start) -> None:
    """An answer is bound to what was shown; anything else leaves the question open."""
    effects = Effects()
    bench = await start(KINDS[kind](script(calls(("c0", "book", {"city": "Oslo"}))), effects), allow={"book"})
    (airline,) = await bench.paused()
    bench.answer(replace(airline, payload="Which airline to Rome?"), "Ita")
    assert await bench.paused() == (airline,)


async def test_a_tool_that_raises_fails_the_run_and_tells_the_model_on_retry(kind: str, start: Start) -> None:
    """The error is raised once, naming the tool; a retried run hands it to the model instead of running it again."""
    effects = Effects()
    step = calls(("c0", "fail", {"why": "no fuel"}), ("c1", "read", {"path": "a"}))
    bench = await start(KINDS[kind](script(step), effects), allow={"fail", "read"})
    with pytest.raises(AgentError, match="tool fail failed: RuntimeError: no fuel") as raised:
        await bench.advance()
    assert not raised.value.retryable
    assert bench.people.statuses()["fail"] == "failed"
    assert await bench.completed() == "done"
    assert sorted(effects) == ["fail no fuel", "read a"]
    if kind != "nested":
        told = (await bench.told())["c0"]
        assert (told.status, "no fuel" in told.text) == ("error", True)


async def test_a_call_cut_off_is_not_run_again_but_asked_about(kind: str, start: Start) -> None:
    """Started and never ended: a person says what happened, and the model is told that."""
    effects = Effects()
    bench = await start(KINDS[kind](script(calls(("c0", "buy", {"item": "tea"}))), effects))
    (asked,) = await bench.paused()
    bench.people.approve(asked)
    assert asked.call is not None
    bench.people.rows[asked.call.key] = Row(asked.call)
    (what_happened,) = await bench.paused()
    assert (what_happened.kind, what_happened.key) == (RequestKind.OUTCOME, "outcome:m0/c0")
    bench.people.tell(what_happened, Replay(Outcome("text", b"it arrived", "it arrived")))
    assert await bench.completed() == "done"
    assert effects == []
    if kind != "nested":
        assert (await bench.told())["c0"].content == "it arrived"


async def test_twin_ids_in_one_message_are_not_run(kind: str, start: Start) -> None:
    """Two calls with one id cannot be told apart by a decision: neither runs, and the model is told."""
    effects = Effects()
    step = calls(("c0", "read", {"path": "a"}), ("c0", "drop", {"table": "users"}))
    bench = await start(KINDS[kind](script(step), effects), allow={"read", "drop"})
    assert await bench.completed() == "done"
    assert effects == []


async def test_a_tool_nobody_has_is_answered_by_the_node(kind: str, start: Start) -> None:
    """A made-up tool is an error message to the model, without asking anybody."""
    effects = Effects()
    step = calls(("c0", "sudo", {}), ("c1", "read", {"path": "a"}))
    bench = await start(KINDS[kind](script(step), effects), allow={"read"})
    assert await bench.completed() == "done"
    assert effects == ["read a"]


async def test_a_cancelled_run_starts_nothing_more(kind: str, start: Start) -> None:
    """A person's stop comes out of the advance as itself, and no tool runs."""
    effects = Effects()
    bench = await start(KINDS[kind](script(calls(("c0", "read", {"path": "a"}))), effects), allow={"read"})
    bench.people.cancelled = True
    with pytest.raises(RunCancelled):
        await bench.advance()
    assert effects == []


async def test_an_approval_that_lapses_at_the_last_moment_is_a_new_pause(kind: str, start: Start) -> None:
    """The snapshot said yes, the `started` write says ask again: the call waits, its sibling's result is kept."""
    effects = Effects()
    step = calls(("c0", "buy", {"item": "tea"}), ("c1", "read", {"path": "a"}))
    bench = await start(KINDS[kind](script(step), effects), allow={"read"})
    (asked,) = await bench.paused()
    bench.people.approve(asked)

    def lapse(moment: str, call: ToolCall) -> None:
        if moment == "start" and call.tool == "buy":
            bench.people.decisions.clear()

    bench.on = lapse
    assert await bench.paused() == (asked,)
    assert effects == ["read a"]
    bench.on = None
    bench.people.approve(asked)
    assert await bench.completed() == "done"
    assert effects == ["read a", "buy 1 tea"]
