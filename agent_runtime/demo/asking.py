"""A model's way to ask the person who started the run: a call without an effect, answered by a node that waits."""

from __future__ import annotations

from typing import Annotated, Any

from langchain_core.messages import ToolCall, ToolMessage
from langgraph.types import interrupt
from pydantic import BaseModel, Field, StringConstraints

from agent_runtime.demo.conversation import Conversation, history
from agent_runtime.demo.quoting import quoted

NAME = "ask_person"


class Question(BaseModel):
    """Ask the person who gave you the task, and wait for the answer."""

    question: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1_000)] = Field(
        description="One question"
    )
    choices: list[Annotated[str, StringConstraints(min_length=1, max_length=75)]] = Field(
        default_factory=list, max_length=10, description="Answers to choose from; empty for a free text"
    )


def tool_shape() -> dict[str, Any]:
    """The question as a tool that a model may call."""
    schema = Question.model_json_schema()
    about = {"name": NAME, "description": schema.pop("description"), "parameters": schema}
    return {"type": "function", "function": about}


def ask(sent: Any) -> dict[str, Any]:
    """A node that is sent one call: asks, and tells the model the answer as data. The answer itself stays beside it."""
    call: ToolCall = sent  # not the parameter's type: LangGraph would make a part of the state of each of its fields
    asked = Question.model_validate(call["args"])
    payload: dict[str, Any] = {"question": asked.question}
    answer = interrupt({**payload, "choices": asked.choices} if asked.choices else payload)
    told = f"The person answered: {quoted(str(answer))}"
    return {"messages": [ToolMessage(told, tool_call_id=call["id"], name=NAME, artifact={"answer": str(answer)})]}


def answers(state: Conversation) -> list[str]:
    """What the person answered so far."""
    replies = [reply for answered in history(state) for reply in answered]
    return [
        str(reply.artifact.get("answer", ""))
        for reply in replies
        if reply.call["name"] == NAME and isinstance(reply.artifact, dict) and "answer" in reply.artifact
    ]
