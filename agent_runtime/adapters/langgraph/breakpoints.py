"""Graphs compiled with `interrupt_before` or `interrupt_after`: a person is asked whether to go on.

LangGraph passes a breakpoint whenever it is entered again, so where a graph stands has to be known before that.
"""

from __future__ import annotations

from collections.abc import Sequence

from langgraph.types import StateSnapshot

from agent_runtime.adapters.langgraph.graph import Graph, subgraphs
from agent_runtime.agents import Interrupt
from storage.types import RequestKind

GO_ON = "go on"
STOP = "stop"


def ask(state: StateSnapshot) -> Interrupt:
    """The question of the breakpoint at which a graph stands: whether to enter the nodes that come next."""
    _, stands = _innermost(None, state)
    return Interrupt(
        key=f"breakpoint:{stands.config['configurable']['checkpoint_id']}",
        kind=RequestKind.QUESTION,
        payload={"question": f"Go on to {' and '.join(stands.next)}?", "choices": [GO_ON, STOP]},
    )


async def at_one(graph: Graph, state: StateSnapshot) -> bool:
    """Whether the graph stands where it was compiled to stop. True also where it went on and was cut off before
    anything of the next step was kept: a person is then asked once more rather than passed over."""
    inner, stands = _innermost(graph, state)
    if inner is None:
        return False
    if _match(inner.interrupt_before_nodes, stands.next):
        return True
    if not inner.interrupt_after_nodes or stands.parent_config is None:
        return False
    before = await graph.aget_state(stands.parent_config)
    return _match(inner.interrupt_after_nodes, before.next)


def _match(nodes: str | Sequence[str], among: Sequence[str]) -> bool:
    return bool(among) if nodes == "*" else any(node in among for node in nodes)


def _innermost(graph: Graph | None, state: StateSnapshot) -> tuple[Graph | None, StateSnapshot]:
    inner = dict(subgraphs(graph)) if graph is not None else {}
    for task in state.tasks:
        if isinstance(task.state, StateSnapshot) and task.state.next:
            return _innermost(inner.get(task.name), task.state)
    return graph, state
