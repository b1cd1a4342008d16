"""The patterns that are killed: the demo's approval agent, calls in parallel, an agent inside a graph, and a time-out.

The agents are built once, by the warm parent; in each life their effects land in the working directory.
"""

from __future__ import annotations

import asyncio
import mailbox
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from langchain.agents import create_agent
from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool, tool
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, tools_condition
from langgraph.types import interrupt

from agent_runtime.agents import Agent
from agent_runtime.demo import approval
from agent_runtime.demo.conversation import run_id
from agent_runtime.registry import as_agent
from tests.crash.effects import act
from tests.langgraph.bench import calls, script

HERE = Path()
"""The working directory: each life has its own."""

POLICY = """
[slack]
approvals_channel = "#approvals"
[operators]
members = ["usergroup:managers"]
[default]
timeout = "4h"
[default.stage]
approvers = ["usergroup:managers"]
[[policy]]
tool = "read"
action = "allow"
[[policy]]
tool = "wipe"
action = "deny"
"""

BODY = "Hello team,\n\nthis is about: {}.{}\n\nKind regards"
NEW_WORDS = "say that it moved to Thursday"

SHOPPING = (("read", "stock"), ("buy", "pens"), ("buy", "ink"), ("buy", "paper"))
"""What calls in parallel must leave, each item followed by what their agent was asked."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """An agent, what it is asked, the effects (tool, about) it must leave, and whether anybody answers it.
    `delivers`: the outbox is emptied too, each delivery in two commits."""

    agent: str
    text: str
    effects: tuple[tuple[str, str], ...]
    answered: bool = True
    delivers: bool = False


def revised(topic: str) -> str:
    """The mail about a topic after its first plan was rejected."""
    return BODY.format(topic, f"\n\nRevised: {NEW_WORDS}")


PATTERNS: Mapping[str, Pattern] = {
    "approval": Pattern("approval", "Send email to team about lunch", (("send_email", revised("lunch")),)),
    "delivered": Pattern("approval", "Send email to team about tea", (("send_email", revised("tea")),), delivers=True),
    "parallel": Pattern("parallel", "now", tuple((tool, f"{item} now") for tool, item in SHOPPING)),
    "nested": Pattern("nested", "go", (("buy", "chairs"), ("book", "Rome"))),
    "overdue": Pattern("approval", "Send email to team about rent", (), answered=False),
}


@dataclass
class Watch:
    """Told of every place inside a tool where a process can die: `before buy pens`, `after buy pens`. `pause`: seconds
    that a tool takes before its effect, and again after it."""

    reached: Callable[[str], None] = lambda _point: None
    pause: float = 0.0


WATCH = Watch()


def tools() -> list[BaseTool]:
    """read, buy, drop, wipe: one line each. book: the same, after a question of its own."""

    async def effect(name: str, item: str, config: RunnableConfig) -> str:
        await asyncio.sleep(WATCH.pause)
        WATCH.reached(f"before {name} {item}")
        act(HERE, run_id(config), name, {"item": item})
        WATCH.reached(f"after {name} {item}")
        await asyncio.sleep(WATCH.pause)
        return f"{name} {item}: done"

    @tool
    async def read(item: str, config: RunnableConfig) -> str:
        """Read something."""
        return await effect("read", item, config)

    @tool
    async def buy(item: str, config: RunnableConfig) -> str:
        """Buy something."""
        return await effect("buy", item, config)

    @tool
    async def drop(item: str, config: RunnableConfig) -> str:
        """Drop something."""
        return await effect("drop", item, config)

    @tool
    async def wipe(item: str, config: RunnableConfig) -> str:
        """Wipe something."""
        return await effect("wipe", item, config)

    @tool
    async def book(item: str, config: RunnableConfig) -> str:
        """Book something."""
        interrupt(f"Which seat to {item}?")
        return await effect("book", item, config)

    return [read, buy, drop, wipe, book]


def parallel() -> Any:
    """One ToolNode: four calls at once (allowed, approved twice, rejected), then two (approved, denied by policy). The
    text it is asked becomes part of each item."""

    def ask(state: MessagesState) -> dict[str, Any]:
        text = state["messages"][0].text
        made = sum(isinstance(message, AIMessage) for message in state["messages"])
        return {"messages": [AIMessage("", id=f"m{made}", tool_calls=_shopping(text)[made])]}

    builder = StateGraph(MessagesState)
    builder.add_node("model", ask)
    builder.add_node("tools", ToolNode(tools()))
    builder.add_edge(START, "model")
    builder.add_conditional_edges("model", tools_condition, ["tools", END])
    builder.add_edge("tools", "model")
    return builder.compile()


def _shopping(text: str) -> list[list[dict[str, Any]]]:
    first = calls(
        ("c1", "read", {"item": f"stock {text}"}), ("c2", "buy", {"item": f"pens {text}"}),
        ("c3", "drop", {"item": f"orders {text}"}), ("c4", "buy", {"item": f"ink {text}"}),
    )  # fmt: skip
    return [first, calls(("c1", "buy", {"item": f"paper {text}"}), ("c2", "wipe", {"item": f"disk {text}"})), []]


def nested() -> Any:
    """LangChain's own agent inside a graph; one of its tools asks a question of its own."""
    step = calls(("c1", "buy", {"item": "chairs"}), ("c2", "book", {"item": "Rome"}), ("c3", "drop", {"item": "x"}))
    builder = StateGraph(MessagesState)
    builder.add_node("inner", create_agent(script(step), tools()))
    builder.add_edge(START, "inner")
    return builder.compile()


def build(name: str) -> Agent:
    """One of the agents of the patterns."""
    if name == "approval":
        _watch_mails()
        return as_agent(approval.graph(HERE))
    return as_agent({"parallel": parallel, "nested": nested}[name]())


def _watch_mails() -> None:
    """Report the places around a mail of the demo's agent."""
    original = mailbox.Maildir.add

    def add(self: mailbox.Maildir, message: Any) -> str:
        WATCH.reached("before mail")
        key = original(self, message)
        WATCH.reached("after mail")
        return key

    mailbox.Maildir.add = add  # type: ignore[method-assign]
