"""A graph, the real store and an edit between them: from the model's call to what the tool got and the model heard."""

from __future__ import annotations

from typing import Any

import pytest

from agent_runtime.adapters.langgraph import LangGraphAgent
from agent_runtime.approvals import Accepted
from agent_runtime.policy import Action, Policy
from tests.core.conftest import logs, worlds
from tests.core.world import ANA, EDIT, NO, YES, policy_set, stage
from tests.langgraph.bench import calls, script
from tests.langgraph.graphs import Effects, agent_graph, node_graph

__all__ = ["logs", "worlds"]

TEA = calls(("c0", "buy", {"item": "tea", "amount": 900}))


@pytest.mark.parametrize("graph", [agent_graph, node_graph], ids=["agent", "node"])
async def test_an_edited_call_reaches_the_tool_and_the_model(worlds: Any, graph: Any) -> None:
    """People approve 9 in place of 900: the tool gets 9, and the model's next turn is told so."""
    effects = Effects()
    model = script(TEA)
    world = await worlds(policies=policy_set(Policy(stages=(stage(ANA),), decisions=(YES, NO, EDIT))))
    agent = LangGraphAgent(graph(model, effects))
    world.runtime.agents = {"agent": agent}
    run = await world.start(input="tea")
    await world.settle()
    assert isinstance(await world.edit(ANA, {"item": "tea", "amount": 9}), Accepted)
    await world.settle()
    assert effects == ["buy 9 tea"]
    entry = await world.call(run, "m0/c0")
    assert "a person («Ana») changed the argument «amount»" in entry.changed
    assert entry.summary == "bought 9 tea"
    assert (await world.run(run)).output == "done"
    (told,) = [message for message in model.heard if message.type == "tool"]
    assert told.content == f"{entry.changed}\n\nbought 9 tea"


async def test_an_allowed_call_reaches_the_tool_as_the_policy_fixed_it(worlds: Any) -> None:
    """Without people, and the model is told all the same."""
    effects = Effects()
    model = script(TEA)
    world = await worlds(policies=policy_set(Policy(action=Action.ALLOW, sets={"amount": 1})))
    world.runtime.agents = {"agent": LangGraphAgent(agent_graph(model, effects))}
    await world.start(input="tea")
    await world.settle()
    assert effects == ["buy 1 tea"]
    (told,) = [message for message in model.heard if message.type == "tool"]
    assert told.content.startswith("Before buy ran, a policy («policy 1»)")
