"""The `feedback` agent: it drafts a report, takes a reviewer's feedback, revises, and publishes what was accepted."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from langchain_core.tools import BaseTool, tool
from langgraph.graph import START, StateGraph
from langgraph.types import interrupt

from agent_runtime.demo import planner
from agent_runtime.demo.conversation import (
    AgentInput,
    AgentOutput,
    Conversation,
    Graph,
    PlannedCall,
    ToolError,
    not_understood,
    one_line,
    propose,
    replies,
    task,
    tool_node,
    wants_tools,
)
from agent_runtime.demo.records import publish

EXAMPLE = "Write a report about Q3 sales"
MAX_ROUNDS = 5


class Report(Conversation):
    """The state: the draft, the one before it, and the round of review it is in (from 1)."""

    title: str
    draft: str
    previous: str | None
    round: int
    accepted: bool


def write(state: Report) -> dict[str, Any]:
    """The first draft."""
    title = planner.report(task(state))
    if title is None:
        return not_understood(task(state), "I write reports: say about what.", EXAMPLE)
    return {"title": title, "draft": planner.draft(title), "previous": None, "round": 1, "accepted": False}


def review(state: Report) -> dict[str, Any]:
    """Shows the draft, and takes an accept, changes or a no."""
    answer = interrupt(
        {
            "kind": "review",
            "title": state["title"],
            "draft": state["draft"],
            "round": state["round"],
            "max_rounds": MAX_ROUNDS,
            "previous": state["previous"],
        }
    )
    action, feedback = parsed(answer)
    match action:
        case "accept":
            return {"accepted": True}
        case "reject":
            return unpublished(state, "the reviewer said no" + (f": {one_line(feedback)}" if feedback else ""))
        case "changes" if state["round"] < MAX_ROUNDS:
            draft = planner.revised(state["draft"], feedback, state["round"])
            return {"draft": draft, "previous": state["draft"], "round": state["round"] + 1}
        case "changes":
            return unpublished(state, f"{MAX_ROUNDS} rounds of review ended without an accept")
        case _:
            return unpublished(state, "the review was neither accept, changes nor reject")


def parsed(answer: object) -> tuple[str, str]:
    """The reviewer's action and feedback; an empty action where the answer has none."""
    if not isinstance(answer, Mapping):
        return "", ""
    return str(answer.get("action", "")), str(answer.get("feedback") or "")


def unpublished(state: Report, why: str) -> dict[str, Any]:
    """The result where nothing is published."""
    return {"result": f"The report “{state['title']}” was not published: {why}."}


def deliver(state: Report) -> dict[str, Any]:
    """Publishes exactly the draft that was accepted, then gives the result."""
    answered = replies(state)
    if answered:
        reply = answered[0]
        return {"result": reply.text} if reply.done else unpublished(state, reply.why_not)
    args = {"title": state["title"], "body": state["draft"]}
    return propose(state, "The draft that was accepted.", PlannedCall("publish_report", args))


def after_review(state: Report) -> Literal["review", "deliver", "__end__"]:
    """To the end, to the next round, or to publishing."""
    if state.get("result"):
        return "__end__"
    return "deliver" if state["accepted"] else "review"


def report_tool(folder: Path) -> BaseTool:
    """The tool that publishes a report by writing it to a file."""

    @tool
    def publish_report(title: Annotated[str, "One line"], body: Annotated[str, "Markdown"]) -> str:
        """Publish a report."""
        if not title.strip() or not title.isprintable():
            raise ToolError("The title must be one line of printable text.")
        place = publish(folder, planner.slug(title), f"# {title}\n\n{body}")
        return f"Published “{title}” as reports/{place.name}."

    return publish_report


def graph(data_dir: Path) -> Graph:
    """The compiled graph; reports are files in `reports` in the data directory."""
    built = StateGraph(Report, input_schema=AgentInput, output_schema=AgentOutput)
    built.add_node("write", write)
    built.add_node("review", review)
    built.add_node("deliver", deliver)
    built.add_node("tools", tool_node([report_tool(data_dir / "reports")]))
    built.add_edge(START, "write")
    built.add_conditional_edges("write", after_review)
    built.add_conditional_edges("review", after_review)
    built.add_conditional_edges("deliver", wants_tools)
    built.add_edge("tools", "deliver")
    return built.compile(name="feedback")
