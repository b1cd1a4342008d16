"""What the fields of a run's input are called: its agent's form says so, and the rows do not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from agent_runtime.agents import Agent
from agent_runtime.forms import form_of
from agent_runtime.views import RunView
from bot.cards.fields import labels_of


def labelled(view: RunView, agents: Mapping[str, Agent]) -> RunView:
    """The run with the labels of its agent's form; as it is where its agent is not here any more."""
    agent = agents.get(view.agent)
    return view if agent is None else replace(view, labels=labels_of(form_of(agent)))
