"""What is known of a call or question when it is judged: always from its run, so that every place judges alike."""

from __future__ import annotations

from agent_runtime.agents import ToolCall
from agent_runtime.judging import CallFacts
from storage.models import Run
from storage.types import Actor, RequestKind


def facts_of(run: Run, kind: RequestKind, call: ToolCall | None) -> CallFacts:
    """The facts about one call of a run, or about a question (no call)."""
    return CallFacts(
        agent=run.agent,
        tool=call.tool if call else "",
        kind=kind,
        args=call.args if call else None,
        starter=Actor.model_validate(run.starter),
        input=run.input,
    )
