"""The `feedback` agent: it drafts a report, takes a reviewer's feedback, revises, and publishes what was accepted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from langchain_core.language_models import BaseChatModel
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
from agent_runtime.demo.writing import Draft, first_draft, revision

EXAMPLE = "Write a report about Q3 sales"
MAX_ROUNDS = 5


class Report(Conversation):
    """The state: the draft, the one before it, the round of review it is in (from 1), and the changes that its reviewer
    wants; None while no reviewer wants any."""

    title: str
    draft: str
    previous: str | None
    round: int
    feedback: str | None
    accepted: bool


def begun(state: Report, draft: Draft | None) -> dict[str, Any]:
    """The state with its first draft."""
    if draft is None:
        return not_understood(task(state), "I write reports: say about what.", EXAMPLE)
    fresh = {"previous": None, "round": 1, "feedback": None, "accepted": False}
    return {"title": draft.title, "draft": draft.body, **fresh}


def revised(state: Report, draft: Draft) -> dict[str, Any]:
    """The state with its next draft."""
    following = {"previous": state["draft"], "round": state["round"] + 1, "feedback": None}
    return {"title": draft.title, "draft": draft.body, **following}


def plan(state: Report) -> dict[str, Any]:
    """The planner's first draft."""
    title = planner.report(task(state))
    return begun(state, Draft(title, planner.draft(title)) if title else None)


def plan_again(state: Report) -> dict[str, Any]:
    """The planner's draft with what the reviewer asked for."""
    body = planner.revised(state["draft"], state["feedback"] or "", state["round"])
    return revised(state, Draft(state["title"], body))


def author(model: BaseChatModel) -> tuple[Callable[[Report], Awaitable[dict[str, Any]]], ...]:
    """The same two steps, written by a model. A reviewer's answer is durable before the model is asked."""

    async def write(state: Report) -> dict[str, Any]:
        return begun(state, await first_draft(model, task(state)) if task(state) else None)

    async def revise(state: Report) -> dict[str, Any]:
        last = Draft(state["title"], state["draft"])
        return revised(state, await revision(model, task(state), last, state["feedback"] or ""))

    return write, revise


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
            return {"feedback": feedback}
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


def what_next(state: Report) -> Literal["review", "revise", "deliver", "__end__"]:
    """To the end, to publishing, or to the next round."""
    if state.get("result"):
        return "__end__"
    if state["accepted"]:
        return "deliver"
    return "review" if state["feedback"] is None else "revise"


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


def graph(data_dir: Path, model: BaseChatModel | None = None) -> Graph:
    """The compiled graph; reports are files in `reports` in the data directory."""
    steps: tuple[Any, ...] = (plan, plan_again) if model is None else author(model)
    write, revise = steps
    built = StateGraph(Report, input_schema=AgentInput, output_schema=AgentOutput)
    built.add_node("write", write)
    built.add_node("review", review)
    built.add_node("revise", revise)
    built.add_node("deliver", deliver)
    built.add_node("tools", tool_node([report_tool(data_dir / "reports")]))
    built.add_edge(START, "write")
    built.add_conditional_edges("write", what_next)
    built.add_conditional_edges("review", what_next)
    built.add_edge("revise", "review")
    built.add_conditional_edges("deliver", wants_tools)
    built.add_edge("tools", "deliver")
    return built.compile(name="feedback")
