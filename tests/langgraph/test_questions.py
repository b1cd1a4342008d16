"""The agent's own interrupts: shown as they are, answered in the shape the agent expects."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
from langchain.agents.middleware import HumanInTheLoopMiddleware
from langchain_core.tools import tool
from langgraph.graph import START, StateGraph
from langgraph.prebuilt import ToolNode
from langgraph.types import interrupt
from pydantic import BaseModel
from typing_extensions import TypedDict

from agent_runtime.errors import AgentError
from agent_runtime.prompts import Question, read_prompt, validate_answer
from storage.types import RequestKind
from tests.langgraph.bench import calls, script
from tests.langgraph.conftest import Start
from tests.langgraph.graphs import Effects, agent_graph, node_graph


class State(TypedDict, total=False):
    """What the asking graphs keep."""

    input: str
    result: Any
    kept: Any


class Seat(BaseModel):
    """A model of the author's."""

    row: int


@dataclass
class Trip:
    """A dataclass of the author's."""

    city: str
    day: date


def asking(payload: Any, **asked: Any) -> Any:
    """A graph of one node that asks this and gives what it was answered."""

    async def ask(state: State) -> State:
        return {"result": interrupt(payload, **asked)}

    builder = StateGraph(State)
    builder.add_node("ask", ask)
    builder.add_edge(START, "ask")
    return builder.compile()


@pytest.mark.parametrize(
    ("payload", "kind"),
    [
        ("Which city?", RequestKind.QUESTION),
        ({"question": "Which?", "choices": ["a", "b"]}, RequestKind.QUESTION),
        ({"draft": "Dear all", "round": 1}, RequestKind.REVIEW),
        ([1, {"two": None}], RequestKind.QUESTION),
    ],
)
async def test_json_is_shown_as_it_is(payload: Any, kind: RequestKind, start: Start) -> None:
    """The payload reaches people unchanged, and the answer reaches the agent unchanged."""
    bench = await start(asking(payload))
    (asked,) = await bench.paused()
    assert (asked.payload, asked.kind) == (payload, kind)
    bench.answer(asked, {"any": ["thing"]})
    assert await bench.completed() == {"any": ["thing"]}


@pytest.mark.parametrize("payload", [lambda: 1, {"when": object()}, float("nan")])
async def test_a_payload_without_a_json_form_fails_the_run_saying_so(payload: Any, start: Start) -> None:
    """Nobody is asked what cannot be shown, kept and bound to an answer."""
    bench = await start(asking(payload))
    with pytest.raises(AgentError, match=r"has no JSON form|cannot be kept"):
        await bench.advance()


async def test_dates_and_dataclasses_become_json(start: Start) -> None:
    """What pydantic can write as JSON is shown that way, if its type may come back from a checkpoint."""
    bench = await start(asking({"day": date(2026, 11, 20), "trip": Trip("Oslo", date(2026, 11, 21))}),
                        allowed_types=[Trip])  # fmt: skip
    (asked,) = await bench.paused()
    assert asked.payload == {"day": "2026-11-20", "trip": {"city": "Oslo", "day": "2026-11-21"}}
    bench.answer(asked, "yes")
    assert await bench.completed() == "yes"


async def test_a_type_that_would_not_come_back_fails_the_run_at_the_pause(start: Start) -> None:
    """The type is named before anybody is asked; listed, it survives the pause as itself."""

    async def keep(state: State) -> State:
        return {"kept": Seat(row=7)}

    async def ask(state: State) -> State:
        interrupt("Go on?")
        return {"result": f"{type(state['kept']).__name__} {state['kept'].row}"}

    builder = StateGraph(State)
    builder.add_node("keep", keep)
    builder.add_node("ask", ask)
    builder.add_edge(START, "keep")
    builder.add_edge("keep", "ask")
    bench = await start(builder.compile())
    for _ in range(2):
        with pytest.raises(AgentError, match=r"tests\.langgraph\.test_questions\.Seat"):
            await bench.advance()
    bench = await start(builder.compile(), run="R2", allowed_types=[f"{__name__}.Seat"])
    (asked,) = await bench.paused()
    bench.answer(asked, "yes")
    assert await bench.completed() == "Seat 7"


async def test_types_in_the_graphs_schema_need_no_list(start: Start) -> None:
    """What the author wrote into the state's schema comes back as itself."""

    class Typed(TypedDict, total=False):
        input: str
        seat: Seat
        result: str

    async def keep(state: Typed) -> Typed:
        return {"seat": Seat(row=7)}

    async def ask(state: Typed) -> Typed:
        interrupt("Go on?")
        return {"result": f"{type(state['seat']).__name__} {state['seat'].row}"}

    # Given as a mapping of types, because the annotations above are text that only this function can read.
    Typed.__annotations__.update(input=str, seat=Seat, result=str)
    builder = StateGraph(Typed)
    builder.add_node("keep", keep, input_schema=Typed)
    builder.add_node("ask", ask, input_schema=Typed)
    builder.add_edge(START, "keep")
    builder.add_edge("keep", "ask")
    bench = await start(builder.compile())
    (asked,) = await bench.paused()
    bench.answer(asked, "yes")
    assert await bench.completed() == "Seat 7"


async def test_a_response_schema_is_shown_and_judged(start: Start) -> None:
    """`interrupt(..., response_schema=...)` asks with the schema, so a wrong answer is refused before the agent."""
    bench = await start(asking("Which seat?", response_schema=Seat))
    (asked,) = await bench.paused()
    prompt = read_prompt(asked.kind, asked.payload)
    assert isinstance(prompt, Question)
    assert prompt.text == "Which seat?"
    assert prompt.answer_schema is not None
    answer = validate_answer(prompt, '{"row": 7}')
    assert answer == {"row": 7}
    bench.answer(asked, answer)
    assert await bench.completed() == {"row": 7}


async def test_an_answer_the_agent_refuses_leaves_the_question_open(start: Start) -> None:
    """A tool's own schema refuses the answer: the run fails, the call does not, and the question stays open."""
    ran: list[int] = []

    @tool
    async def sit() -> str:
        """Choose a seat."""
        seat = interrupt("Which seat?", response_schema=Seat)
        ran.append(seat.row)
        return f"row {seat.row}"

    graph = node_graph(script(calls(("c0", "sit", {}))), Effects(), node=ToolNode([sit], handle_tool_errors=True))
    bench = await start(graph, allow={"sit"})
    (asked,) = await bench.paused()
    bench.answer(asked, {"row": "aisle"})
    with pytest.raises(AgentError):
        await bench.advance()
    assert bench.people.statuses() == {"sit": "suspended"}
    bench.answers.clear()
    assert await bench.paused() == (asked,)
    bench.answer(asked, {"row": 7})
    assert await bench.completed() == "done"
    assert ran == [7]


@pytest.mark.parametrize(("word", "happened"), [("approve", ["drop users"]), ("reject", [])])
async def test_langchains_middleware_asks_first_and_the_gate_still_asks(
    word: str, happened: list[str], start: Start
) -> None:
    """Its interrupt is a question with its own choices; approving there is an answer, not an approval of the call."""
    effects = Effects()
    middleware = [HumanInTheLoopMiddleware(interrupt_on={"drop": True})]
    step = calls(("c0", "drop", {"table": "users"}))
    bench = await start(agent_graph(script(step), effects, middleware=middleware))
    (asked,) = await bench.paused()
    prompt = read_prompt(asked.kind, asked.payload)
    assert isinstance(prompt, Question)
    assert "drop" in prompt.text
    assert prompt.choices == ("approve", "reject")
    bench.answer(asked, word)
    if word == "approve":
        (gate,) = await bench.paused()
        assert (gate.kind, effects) == (RequestKind.TOOL, [])
        bench.people.approve(gate)
    assert await bench.completed() == "done"
    assert effects == happened


async def test_agent_inbox_requests_are_answered_in_their_own_words(start: Start) -> None:
    """Its choices are offered, and what the agent gets back is its list of responses."""
    request = {
        "action_request": {"action": "send", "args": {"to": "ana"}},
        "config": {"allow_accept": True, "allow_ignore": True, "allow_respond": False, "allow_edit": False},
        "description": "Send this mail?",
    }
    bench = await start(asking([request]))
    (asked,) = await bench.paused()
    prompt = read_prompt(asked.kind, asked.payload)
    assert isinstance(prompt, Question)
    assert (prompt.text.splitlines()[0], prompt.choices) == ("Send this mail?", ("accept", "ignore"))
    bench.answer(asked, "accept")
    assert await bench.completed() == [{"type": "accept", "args": None}]
