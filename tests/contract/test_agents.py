"""Every adapter, through the same cases: what the runtime relies on, whatever framework is underneath."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from agent_runtime.agents import Agent, Outcome, Replay, ToolCall
from agent_runtime.errors import AgentError, ExecutionPaused, LeaseLost, RunCancelled
from storage.database import Database
from storage.types import RequestKind
from tests.contract.bench import Bench
from tests.contract.kits import KITS, Kit
from tests.contract.ledger import People, Row
from tests.langgraph.graphs import Effects

Start = Callable[..., Awaitable[Bench]]
BUY = ("c0", "buy", {"item": "tea", "amount": 2})
READ = ("c1", "read", {"path": "a"})
FAIL = ("c2", "fail", {"why": "no fuel"})


@pytest.fixture(params=KITS)
def kit(request: pytest.FixtureRequest) -> Kit:
    return KITS[request.param]


@pytest.fixture
def start(db: Database) -> Start:
    async def started(agent: Agent, *allow: str) -> Bench:
        bench = Bench(db, agent, People(allow=frozenset(allow)))
        await bench.start()
        return bench

    return started


async def test_nothing_runs_before_all_of_a_step_is_decided(kit: Kit, start: Start) -> None:
    """One pause shows every call that needs people, in the agent's order; an allowed sibling waits with them."""
    effects = Effects()
    bench = await start(kit.calling(effects, [BUY, READ, ("c3", "drop", {"table": "t"})]), "read")
    asked = await bench.paused()
    assert [(one.kind, one.call and one.call.tool) for one in asked] == [
        (RequestKind.TOOL, "buy"), (RequestKind.TOOL, "drop"),
    ]  # fmt: skip
    assert all(one.call is not None and one.key == f"call:{one.call.key}" for one in asked)
    assert await bench.paused() == asked, "a pause entered again is another pause"
    assert (effects, bench.people.rows) == ([], {})


async def test_what_was_approved_runs_once_and_what_was_refused_does_not(kit: Kit, start: Start) -> None:
    """Yes, yes with other arguments, and no: each reaches its own call."""
    effects = Effects()
    bench = await start(kit.calling(effects, [BUY, ("c1", "buy", {"item": "milk"}), ("c3", "drop", {"table": "t"})]))
    tea, milk, drop = await bench.paused()
    bench.people.approve(tea, {"item": "tea", "amount": 1})
    bench.people.approve(milk)
    bench.people.reject(drop)
    assert await bench.completed() == "done"
    assert sorted(effects) == ["buy 1 milk", "buy 1 tea"]
    assert await bench.completed() == "done", "a finished run entered again does not finish"
    assert len(effects) == 2


async def test_the_same_call_id_in_a_later_step_is_another_call(kit: Kit, start: Start) -> None:
    """A decision is for one call of one step."""
    effects = Effects()
    bench = await start(kit.calling(effects, [BUY], [BUY]))
    (first,) = await bench.paused()
    bench.people.approve(first)
    (second,) = await bench.paused()
    assert second.key != first.key
    assert effects == ["buy 2 tea"]


async def test_a_recorded_end_is_replayed_and_an_unknown_one_asked_about(kit: Kit, start: Start) -> None:
    """A call that was started is never started again by itself; a person's word on it reaches the agent."""
    effects = Effects()
    bench = await start(kit.calling(effects, [BUY]))
    (asked,) = await bench.paused()
    bench.people.approve(asked)
    assert asked.call is not None
    bench.people.rows[asked.call.key] = Row(asked.call)
    (unknown,) = await bench.paused()
    assert (unknown.kind, unknown.key) == (RequestKind.OUTCOME, f"outcome:{asked.call.key}")
    bench.people.tell(unknown, Replay(Outcome("text", b"it arrived", "it arrived")))
    assert await bench.completed() == "done"
    assert effects == []


async def test_a_tool_that_raises_is_recorded_as_failed(kit: Kit, start: Start) -> None:
    """The run fails naming the tool; tried again, the agent is told and the tool is not entered a second time."""
    effects = Effects()
    bench = await start(kit.calling(effects, [FAIL]), "fail")
    with pytest.raises(AgentError, match="fail"):
        await bench.advance()
    assert bench.people.statuses() == {"fail": "failed"}
    assert await bench.completed() == "done"
    assert effects == ["fail no fuel"]


async def test_an_answer_reaches_only_the_question_it_was_given_to(kit: Kit, start: Start) -> None:
    """The agent's own question carries its payload; the answer is bound to it."""
    bench = await start(kit.asking("Which airline?"))
    (asked,) = await bench.paused()
    assert (asked.kind, asked.payload, asked.call) == (RequestKind.QUESTION, "Which airline?", None)
    assert await bench.paused() == (asked,)
    bench.answer(asked, "Norse")
    assert await bench.completed() == "Norse"


@pytest.mark.parametrize("stop", [LeaseLost("run R1"), RunCancelled("R1"), ExecutionPaused()], ids=repr)
async def test_a_stop_comes_out_as_itself_and_starts_nothing(stop: Exception, kit: Kit, start: Start) -> None:
    """What the ledger raises is what the worker gets, and the run can be advanced later."""
    effects = Effects()
    bench = await start(kit.calling(effects, [BUY, READ]), "buy", "read")

    def refuse(step: str, _call: ToolCall) -> None:
        if step == "start":
            raise stop

    bench.on = refuse
    with pytest.raises(type(stop)):
        await bench.advance()
    assert effects == []
    bench.on = None
    assert await bench.completed() == "done"
    assert sorted(effects) == ["buy 2 tea", "read a"]


def test_an_agent_says_what_it_is(kit: Kit) -> None:
    """Its fingerprint is stable, its input has a schema, and every place where tools run is gated."""
    first, second = kit.calling(Effects(), [BUY]), kit.calling(Effects(), [BUY])
    assert first.fingerprint == second.fingerprint
    assert first.input_schema
    assert all(place.gated for place in first.report())
