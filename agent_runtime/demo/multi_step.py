"""The `multi-step` agent: a purchase that needs a checkpoint for its amount, then finance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import ToolCall
from langgraph.graph import START, StateGraph

from agent_runtime.demo import planner
from agent_runtime.demo.conversation import (
    AgentInput,
    AgentOutput,
    Conversation,
    Graph,
    PlannedCall,
    Reply,
    history,
    not_understood,
    propose,
    replies,
    task,
    tool_node,
    wants_tools,
)
from agent_runtime.demo.purchasing import checkpoint_for, purchase_tools
from agent_runtime.demo.quoting import said
from agent_runtime.demo.thinking import model_graph

EXAMPLE = "Buy 3 laptops for 4500"
CHECKPOINTS = {"manager_signoff": "manager", "director_signoff": "director"}
PURCHASES = frozenset({"buy_small", "finance_purchase"})
PROMPT = """\
You buy one thing for one task, with the item, quantity and total price in US dollars that the task states; never \
split it. Below 1000: buy_small. From 1000: first manager_signoff, from 10000 first director_signoff; either gives a \
receipt, and with it finance_purchase buys. If the task names no price, end by saying that one is needed."""


def route(state: Conversation) -> dict[str, Any]:
    """The first call that the amount needs, then what follows from each answer."""
    answered = replies(state)
    if answered:
        return after(state, answered[0])
    wanted = planner.purchase(task(state))
    if wanted is None:
        return not_understood(task(state), "I buy things: say what, and for how many US dollars in total.", EXAMPLE)
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


def not_the_task(state: Conversation, before: Sequence[ToolCall], call: ToolCall) -> str:
    """Small purchases go through without people: so a model may make none that the task does not state, and no second
    one, or it could buy something large in parts."""
    if call["name"] not in PURCHASES:
        return ""
    done = [reply.call for replies in history(state) for reply in replies if reply.done]
    if any(other["name"] in PURCHASES for other in [*done, *before]):
        return "one purchase for one task."
    args = call["args"]
    stated = said(args["item"], task(state)) and said(args["amount"], task(state))
    if call["name"] == "buy_small" and not (stated and (args["quantity"] == 1 or said(args["quantity"], task(state)))):
        return "nobody reads small purchases, so item, quantity and amount must stand in the task in just these words."
    return ""


def graph(data_dir: Path, model: BaseChatModel | None = None) -> Graph:
    """The compiled graph; purchases are appended to `purchases.jsonl` in the data directory."""
    tools = purchase_tools(data_dir)
    if model is not None:
        return model_graph("multi-step", model, PROMPT, tools, example=EXAMPLE, objection=not_the_task)
    built = StateGraph(Conversation, input_schema=AgentInput, output_schema=AgentOutput)
    built.add_node("route", route)
    built.add_node("tools", tool_node(tools))
    built.add_edge(START, "route")
    built.add_conditional_edges("route", wants_tools)
    built.add_edge("tools", "route")
    return built.compile(name="multi-step")
