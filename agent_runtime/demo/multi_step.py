"""The `multi-step` agent: a purchase that needs a checkpoint for its amount, then finance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from langgraph.graph import START, StateGraph

from agent_runtime.demo import planner
from agent_runtime.demo.conversation import (
    AgentInput,
    AgentOutput,
    Conversation,
    Graph,
    PlannedCall,
    Reply,
    not_understood,
    propose,
    replies,
    task,
    tool_node,
    wants_tools,
)
from agent_runtime.demo.purchasing import checkpoint_for, purchase_tools

EXAMPLE = "Buy 3 laptops for 4500"
CHECKPOINTS = {"manager_signoff": "manager", "director_signoff": "director"}


def route(state: Conversation) -> dict[str, Any]:
    """The first call that the amount needs, then what follows from each answer."""
    answered = replies(state)
    if answered:
        return after(state, answered[0])
    wanted = planner.purchase(task(state))
    if wanted is None:
        return not_understood(task(state), "I buy things: say what, and for how much in whole units.", EXAMPLE)
    checkpoint = checkpoint_for(wanted.amount)
    if checkpoint is None:
        return propose(state, f"{wanted}: a small purchase.", PlannedCall("buy_small", asdict(wanted)))
    reason = f"{wanted}: this amount needs a {CHECKPOINTS[checkpoint]}, then finance."
    return propose(state, reason, PlannedCall(checkpoint, asdict(wanted)))


def after(state: Conversation, reply: Reply) -> dict[str, Any]:
    """On to finance with the receipt of a passed checkpoint, or to the result."""
    name = reply.call["name"]
    if not reply.done:
        who = CHECKPOINTS.get(name, "finance" if name == "finance_purchase" else "buyer")
        return {"result": f"Nothing was bought, at the {who} step: {reply.why_not}."}
    if name not in CHECKPOINTS:
        return {"result": reply.text}
    if not isinstance(reply.artifact, Mapping) or "receipt" not in reply.artifact:
        return {"result": f"Nothing was bought: the {CHECKPOINTS[name]} step gave no receipt."}
    reason = f"The {CHECKPOINTS[name]} signed this off; finance buys it."
    return propose(state, reason, PlannedCall("finance_purchase", dict(reply.artifact)))


def graph(data_dir: Path) -> Graph:
    """The compiled graph; purchases are appended to `purchases.jsonl` in the data directory."""
    built = StateGraph(Conversation, input_schema=AgentInput, output_schema=AgentOutput)
    built.add_node("route", route)
    built.add_node("tools", tool_node(purchase_tools(data_dir)))
    built.add_edge(START, "route")
    built.add_conditional_edges("route", wants_tools)
    built.add_edge("tools", "route")
    return built.compile(name="multi-step")
