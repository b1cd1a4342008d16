"""The demo agents: ordinary LangGraph graphs, as a user would write them, that know nothing of Signoff.

They show the four patterns of a human in the loop (approval, input, feedback, multi-step) and one agent for operations.
A deterministic planner stands in for a model unless they are given one; the effects of the tools are real and lie under
the data directory.
`signoff.toml` beside this file is the policy that goes with them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from langchain_core.language_models import BaseChatModel

from agent_runtime.demo import approval, feedback, forms, input, multi_step, ops  # noqa: A004 - agents are named by pattern
from agent_runtime.demo.conversation import Graph
from agent_runtime.demo.forms import Form, Schema

POLICY_FILE = Path(__file__).with_name("signoff.toml")


@dataclass(frozen=True, slots=True)
class DemoAgent:
    """A compiled graph with what a person needs to use it: what it does, a text to start it with, and for some a form
    to fill in instead."""

    graph: Graph
    description: str
    example: str
    filled: Form | None = None

    @property
    def form(self) -> Schema | None:
        """JSON schema of what may be filled in."""
        return self.filled.schema if self.filled else None

    def read_input(self, value: Any) -> dict[str, Any]:
        """A text, or what was filled in, as the graph's input."""
        if self.filled is not None and isinstance(value, Mapping) and "input" not in value:
            return {"input": self.filled.say(value)}
        return {"input": value} if isinstance(value, str) else value


def agents(data_dir: Path, model: BaseChatModel | None = None) -> dict[str, DemoAgent]:
    """The demo agents by name, on the deterministic planner or on a model. Nothing is written before a tool runs."""
    data_dir = data_dir.absolute()
    return {
        "approval": DemoAgent(
            approval.graph(data_dir, model=model),
            "Plans a mail and sends it once somebody approves it.",
            approval.EXAMPLE,
            forms.MAIL,
        ),
        "input": DemoAgent(
            input.graph(data_dir, model=model),
            "Books a flight after asking which airline.",
            input.EXAMPLE,
            forms.FLIGHT,
        ),
        "feedback": DemoAgent(
            feedback.graph(data_dir, model=model),
            "Writes a report and revises it until somebody accepts it.",
            feedback.EXAMPLE,
        ),
        "multi-step": DemoAgent(
            multi_step.graph(data_dir, model=model),
            "Buys things. From USD 1000, two people are asked first.",
            multi_step.EXAMPLE,
            forms.PURCHASE,
        ),
        "ops": DemoAgent(
            ops.graph(data_dir, model=model), "Works on files and runs commands in a sandbox folder.", ops.EXAMPLE
        ),
    }
