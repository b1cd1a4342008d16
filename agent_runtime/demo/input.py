"""The `input` agent: it needs to know which airline, asks, waits for the answer, and books the flight."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import ToolCall
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool, tool
from langgraph.graph import START, StateGraph
from langgraph.types import interrupt

from agent_runtime.demo import asking, planner
from agent_runtime.demo.conversation import (
    AgentInput,
    AgentOutput,
    Conversation,
    Graph,
    PlannedCall,
    ToolError,
    history,
    not_understood,
    one_line,
    propose,
    replies,
    run_id,
    task,
    tool_node,
    wants_tools,
)
from agent_runtime.demo.quoting import said
from agent_runtime.demo.records import RecordFile
from agent_runtime.demo.thinking import model_graph

EXAMPLE = "Book a flight to Rome"
MAX_QUESTIONS = 3
PROMPT = f"""\
You book one flight for one task with book_flight. The airlines are {", ".join(planner.AIRLINES)}. The person chooses: \
whatever the task leaves open, the airline above all, you ask with ask_person, with the airlines as its choices. Never \
choose yourself."""


class Booking(Conversation):
    """The state: what is known of the flight, and the answers that named no airline."""

    destination: str
    airline: str
    unusable: list[str]


def read_task(state: Booking) -> dict[str, Any]:
    """Where the person wants to go, and with whom if they said so."""
    flight = planner.flight(task(state))
    if flight is None:
        return not_understood(task(state), "I book flights: say where to.", EXAMPLE)
    return {"destination": flight.destination, "airline": flight.airline, "unusable": []}


def ask_airline(state: Booking) -> dict[str, Any]:
    """Asks once. One question per step: a second one goes through the graph, so that each has an id of its own."""
    question = "Which airline?"
    if state["unusable"]:
        question += f" “{one_line(state['unusable'][-1], 80)}” is none of those that fly to {state['destination']}."
    answer = interrupt({"question": question, "choices": list(planner.AIRLINES)})
    airline = planner.airline(answer) if isinstance(answer, str) else None
    if airline:
        return {"airline": airline}
    unusable = [*state["unusable"], str(answer)]
    if len(unusable) < MAX_QUESTIONS:
        return {"unusable": unusable}
    return {"result": f"No flight to {state['destination']} was booked: {MAX_QUESTIONS} answers named no airline."}


def book(state: Booking) -> dict[str, Any]:
    """The booking as a tool call, then its result."""
    answered = replies(state)
    if answered:
        reply = answered[0]
        return {"result": reply.text if reply.done else f"The flight was not booked: {reply.why_not}."}
    args = {"destination": state["destination"], "airline": state["airline"]}
    return propose(state, f"A flight to {state['destination']}.", PlannedCall("book_flight", args))


def what_next(state: Booking) -> Literal["ask_airline", "book", "__end__"]:
    """After reading or asking: to the end, to the next question, or to the booking."""
    if state.get("result"):
        return "__end__"
    return "book" if state["airline"] else "ask_airline"


def booking_tool(bookings: RecordFile) -> BaseTool:
    """The tool that books a flight by writing it down."""

    @tool
    def book_flight(
        destination: Annotated[str, "A city"],
        airline: Annotated[str, "The airline's name"],
        config: RunnableConfig,
    ) -> str:
        """Book a flight."""
        carrier = planner.airline(airline)
        if carrier is None:
            raise ToolError(f"There is no airline “{one_line(airline, 80)}”, only {', '.join(planner.AIRLINES)}.")
        args = {"destination": destination, "airline": airline}
        bookings.append({"run": run_id(config), "tool": "book_flight", "args": args})
        return f"Booked a flight to {destination} with {carrier}."

    return book_flight


def not_chosen(state: Conversation, before: Sequence[ToolCall], call: ToolCall) -> str:
    """A person's choice is all the approval that a booking gets: so a model may book once, and only what a person
    named; and it may not ask for ever."""
    name, args = call["name"], call["args"]
    replies_so_far = [reply for answered in history(state) for reply in answered]
    if name == asking.NAME:
        asked = sum(reply.call["name"] == asking.NAME for reply in replies_so_far)
        asked += sum(other["name"] == asking.NAME for other in before)
        return f"{MAX_QUESTIONS} questions are enough for one flight." if asked >= MAX_QUESTIONS else ""
    if name != "book_flight":
        return ""
    if any(reply.call["name"] == name and reply.done for reply in replies_so_far) or any(
        other["name"] == name for other in before
    ):
        return "one flight for one task."
    words = "\n".join([task(state), *asking.answers(state)])
    unsaid = [args[part] for part in ("destination", "airline") if not said(args[part], words)]
    return f"nobody chose {' and '.join(unsaid)}. Ask with {asking.NAME}." if unsaid else ""


def graph(data_dir: Path, model: BaseChatModel | None = None) -> Graph:
    """The compiled graph; bookings are appended to `bookings.jsonl` in the data directory."""
    tools = [booking_tool(RecordFile(data_dir / "bookings.jsonl"))]
    if model is not None:
        return model_graph("input", model, PROMPT, tools, example=EXAMPLE, objection=not_chosen, asks=True)
    built = StateGraph(Booking, input_schema=AgentInput, output_schema=AgentOutput)
    built.add_node("read_task", read_task)
    built.add_node("ask_airline", ask_airline)
    built.add_node("book", book)
    built.add_node("tools", tool_node(tools))
    built.add_edge(START, "read_task")
    built.add_conditional_edges("read_task", what_next)
    built.add_conditional_edges("ask_airline", what_next)
    built.add_conditional_edges("book", wants_tools)
    built.add_edge("tools", "book")
    return built.compile(name="input")
