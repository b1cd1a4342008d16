"""An agent's author who calls tools in every way that LangChain has: none of them runs what nobody approved."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from langchain_core.tools import BaseTool, tool
from langgraph.graph import MessagesState
from langgraph.prebuilt import ToolNode

from agent_runtime.errors import AgentError
from tests.contract.conftest import db, empty_store
from tests.langgraph.bench import calls, script
from tests.langgraph.conftest import Start, start
from tests.langgraph.graphs import Effects, node_graph

__all__ = ["db", "empty_store", "start"]

USERS = {"table": "users"}
CALL = {"name": "drop", "args": USERS, "id": "c0", "type": "tool_call"}


async def _in_callbacks_of_its_own(drop: BaseTool) -> None:
    await drop.ainvoke(CALL, config={"callbacks": []})


async def _at_once(drop: BaseTool) -> None:
    drop.invoke(USERS, config={"callbacks": []})


async def _run(drop: BaseTool) -> None:
    drop.run(USERS)


async def _arun(drop: BaseTool) -> None:
    await drop.arun(USERS)


async def _batch(drop: BaseTool) -> None:
    await drop.abatch([USERS, USERS], config={"callbacks": []})


WAYS: dict[str, Callable[[BaseTool], Awaitable[None]]] = {
    "ainvoke, callbacks=[]": _in_callbacks_of_its_own,
    "invoke, callbacks=[]": _at_once,
    "run": _run,
    "arun": _arun,
    "abatch": _batch,
}


@pytest.mark.parametrize("way", WAYS)
async def test_a_node_that_calls_a_tool_past_its_callbacks_is_stopped(way: str, start: Start) -> None:
    """The tripwire hangs on LangChain itself, not on callbacks that a call may leave out."""
    effects = Effects()

    @tool
    def drop(table: str) -> str:
        """Drop a table."""
        effects.append(table)
        return table

    async def node(_state: MessagesState) -> Any:
        await WAYS[way](drop)
        return {"messages": []}

    bench = await start(node_graph(script(calls(("c0", "drop", USERS))), effects, node=node), allow={"drop"})
    with pytest.raises(AgentError, match="the tool drop was stopped"):
        await bench.advance()
    assert effects == []


@pytest.mark.parametrize("way", WAYS)
async def test_an_approved_tool_runs_no_other_past_its_callbacks(way: str, start: Start) -> None:
    """A yes to one tool is none to what it calls inside, however it calls it."""
    effects = Effects()

    @tool
    def drop(table: str) -> str:
        """Drop a table."""
        effects.append(table)
        return table

    @tool
    async def tidy() -> str:
        """Tidy up."""
        await WAYS[way](drop)
        return "tidy"

    graph = node_graph(script(calls(("c0", "tidy", {}))), effects, node=ToolNode([tidy]))
    bench = await start(graph, allow={"tidy", "drop"})
    with pytest.raises(AgentError, match="the tool drop was stopped"):
        await bench.advance()
    assert effects == []
