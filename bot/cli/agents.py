"""`signoff agents`: which agents there are, and how much of each Signoff controls."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from agent_runtime.errors import ENVIRONMENT
from bot.cli.words import printable

if TYPE_CHECKING:
    from agent_runtime.agents import Agent


def agents(
    as_json: Annotated[bool, typer.Option("--json", metavar="", help="The agents as JSON, for programs.")] = False,
) -> None:
    """List the agents: what each does, and whether its tools are gated."""
    found = load_every_agent()
    if as_json:
        print(json.dumps({"agents": [_shape(name, agent) for name, agent in found.items()]}, indent=2))  # noqa: T201
    else:
        Console(highlight=False, markup=False).print(_table(found))


def load_every_agent() -> Mapping[str, Agent]:
    """The agents that the settings or the policy file name. Raises `ConfigError`."""
    from agent_runtime.policy_file import load_policy_file
    from agent_runtime.registry import load_agents  # with LangGraph behind it: seconds
    from bot.settings import load_settings

    settings = load_settings()
    file = ENVIRONMENT if settings.agents else str(settings.config)
    paths = settings.agents or load_policy_file(settings.config).agents
    with Console(stderr=True).status("Importing the agents ..."):
        return load_agents(paths, settings.data_dir, file=file, model=settings.model_choice)


def _table(found: Mapping[str, Agent]) -> Table:
    table = Table("Agent", "Level", "What it does", "For example", "Where its tools run", expand=False)
    for name, agent in found.items():
        cells = (name, agent.level.value, agent.description, agent.example, _places(agent))
        table.add_row(*(Text(printable(cell)) for cell in cells))
    return table


def _places(agent: Agent) -> str:
    lines = [
        f"{place.name}: gated" if place.gated else f"{place.name}: cannot be gated, {place.reason}"
        for place in agent.report()
    ]
    return "\n".join(lines) or "none found"


def _shape(name: str, agent: Agent) -> dict[str, object]:
    places = [{"name": place.name, "gated": place.gated, "reason": place.reason} for place in agent.report()]
    return {
        "name": name,
        "level": agent.level.value,
        "description": agent.description,
        "example": agent.example,
        "places": places,
    }
