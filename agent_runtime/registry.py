"""Name -> agent, from import paths. A plain LangGraph graph becomes an agent here; an agent stays one."""

from __future__ import annotations

import difflib
import importlib
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agent_runtime.agents import Agent
from agent_runtime.errors import ConfigError, ConfigFault

MEND = 'Name a module and a mapping in it, such as agents = "my_agents:agents"'


def load_agents(paths: tuple[str, ...], data_dir: Path, *, file: str = "signoff.toml") -> dict[str, Agent]:
    """Import every path and collect its agents. The object is a mapping of names to graphs or agents, or a function of
    the data directory that returns one. Raises ConfigError with every fault."""
    found: dict[str, Agent] = {}
    faults: list[ConfigFault] = []
    for path in paths:
        try:
            made = _import(path, data_dir)
        except Exception as error:  # noqa: BLE001 - a user's module may raise anything; it is told, not traced
            faults.append(ConfigFault(file, "agents", f"{path} could not be imported: {_first_line(error)}", MEND))
            continue
        for name, made_of in made.items():
            if name in found:
                faults.append(
                    ConfigFault(file, "agents", f"the agent {name} stands in two places", "Rename one of them")
                )
            try:
                found[name] = as_agent(made_of)
            except TypeError as error:
                faults.append(
                    ConfigFault(file, "agents", f"{path}: {name}: {error}", "Give a compiled graph or an Agent")
                )
    if faults:
        raise ConfigError(tuple(faults))
    return found


def as_agent(made_of: Any) -> Agent:
    """An agent from a compiled LangGraph graph, from anything with `graph`, `description` and `example`, or from an
    agent. Raises TypeError."""
    from agent_runtime.adapters.langgraph import LangGraphAgent  # importing LangGraph takes seconds; only when needed

    if hasattr(made_of, "advance"):
        agent: Agent = made_of
        return agent
    graph = getattr(made_of, "graph", made_of)
    if not (hasattr(graph, "ainvoke") and hasattr(graph, "nodes")):
        raise TypeError(f"a {type(made_of).__name__} is no agent")
    description = getattr(made_of, "description", "") or ""
    return LangGraphAgent(graph, description=description, example=getattr(made_of, "example", "") or "")


def nearest(word: str, words: Mapping[str, object] | list[str]) -> str | None:
    """The known word most like this one, or None."""
    matches = difflib.get_close_matches(word, list(words), n=1, cutoff=0.4)
    return matches[0] if matches else None


def _import(path: str, data_dir: Path) -> Mapping[str, Any]:
    module_name, _, attribute = path.partition(":")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)  # a user's module lies beside the policy file
    made = getattr(importlib.import_module(module_name), attribute or "agents")
    if callable(made) and not isinstance(made, Mapping):
        made = made(data_dir)
    if not isinstance(made, Mapping):
        raise TypeError(f"{path} is a {type(made).__name__} and not a mapping of names to agents")
    return made


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0]
