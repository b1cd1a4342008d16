"""Compiled graphs with their ToolNodes behind the gate: copying, reporting what could not be replaced, fingerprints.

The author's graph is never touched.
"""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from typing import Any, TypeAlias

from langchain_core.runnables import RunnableBinding, RunnableSequence
from langchain_core.tools import BaseTool
from langgraph.prebuilt import ToolNode
from langgraph.pregel import Pregel
from langgraph.pregel.protocol import PregelProtocol

from agent_runtime.adapters.langgraph import private
from agent_runtime.adapters.langgraph.node import GatedToolNode, why_not
from agent_runtime.adapters.langgraph.private import PregelNode, RunnableCallable, RunnableSeq, TypeName
from agent_runtime.agents import NodeReport

Graph: TypeAlias = Pregel[Any, Any, Any, Any]

_FRAMEWORKS = ("langgraph", "langchain", "langchain_core")


def gate_graph(graph: Graph) -> Graph:
    """A copy in which every ToolNode that can be reached is gated, in subgraphs too. Subgraphs keep their checkpoints
    where the whole graph does: one that kept none would ask its model again after every pause."""
    nodes = {name: _gate_node(node) for name, node in graph.nodes.items()}
    return graph.copy({"nodes": nodes})


def report_nodes(graph: Graph, prefix: str = "") -> tuple[NodeReport, ...]:
    """Every place of a graph where tools may run, gated or with the reason why not. A function's code is not read:
    tools it reaches without naming them are found by the tripwire."""
    found: list[NodeReport] = []
    for name, node in graph.nodes.items():
        found += _report_node(f"{prefix}{name}", node.bound)
    return tuple(found)


def has_breakpoints(graph: Graph) -> bool:
    """Whether the graph, or one inside it, was compiled to stop before or after a node."""
    if graph.interrupt_before_nodes or graph.interrupt_after_nodes:
        return True
    return any(has_breakpoints(inner) for _, inner in subgraphs(graph))


def subgraphs(graph: Graph) -> Iterator[tuple[str, Graph]]:
    """The graphs that are nodes of this one."""
    for name, node in graph.nodes.items():
        if isinstance(node.bound, Pregel):
            yield name, node.bound


def types_of(graph: Graph) -> set[TypeName]:
    """The types in the schemas of a graph and of those inside it."""
    return private.schema_types(graph).union(*(types_of(inner) for _, inner in subgraphs(graph)))


def fingerprint(graph: Graph) -> str:
    """Changes with LangGraph's version and with the graph's nodes, what they run, and the edges between them."""
    shape = {"name": graph.name, "langgraph": version("langgraph"), "graph": _shape(graph)}
    return hashlib.sha256(json.dumps(shape, sort_keys=True).encode()).hexdigest()[:32]


def _gate_node(node: PregelNode) -> PregelNode:
    bound = node.bound
    if isinstance(bound, ToolNode) and not why_not(bound):
        return private.with_bound(node, GatedToolNode(bound), [])
    if isinstance(bound, Pregel):
        inner = gate_graph(bound)
        if inner.checkpointer is not True:
            inner = inner.copy({"checkpointer": None})
        return private.with_bound(node, inner, [inner])
    return node


def _report_node(name: str, bound: Any) -> list[NodeReport]:
    if isinstance(bound, GatedToolNode):
        return [NodeReport(name, gated=True, tools=bound.shapes())]
    if isinstance(bound, ToolNode):
        return [NodeReport(name, gated=False, reason=why_not(bound))]
    if isinstance(bound, Pregel):
        return list(report_nodes(bound, f"{name}/"))
    if isinstance(bound, PregelProtocol):
        return [NodeReport(name, gated=False, reason="it is a remote graph: its tools run elsewhere")]
    inside = sorted(set(_inside(bound)))
    if inside:
        reason = f"it holds {', '.join(inside)}, which cannot be replaced there; wrap the ToolNode in gated(...)"
        return [NodeReport(name, gated=False, reason=reason)]
    return []


def _inside(bound: Any) -> Iterator[str]:
    """What a runnable that is no ToolNode itself would run tools with."""
    if isinstance(bound, RunnableSequence | RunnableSeq):
        for step in bound.steps:
            yield from _named(step)
    elif isinstance(bound, RunnableBinding):
        yield from _named(bound.bound)
    elif isinstance(bound, RunnableCallable):
        function = bound.afunc or bound.func
        if _is_authors(function):
            for value in _reached(function):
                yield from _named(value, functions=False)


def _named(value: Any, *, functions: bool = True) -> Iterator[str]:
    if isinstance(value, GatedToolNode):
        return
    if isinstance(value, ToolNode):
        yield f"the ToolNode {value.name}"
    elif isinstance(value, BaseTool):
        yield f"the tool {value.name}"
    elif isinstance(value, Pregel):
        if any(not node.gated for node in report_nodes(value)):
            yield f"the graph {value.name}"
    elif functions:
        yield from _inside(value)


def _is_authors(function: Any) -> bool:
    module = str(getattr(inspect.unwrap(function), "__module__", "")) if callable(function) else ""
    return bool(module) and module.split(".")[0] not in _FRAMEWORKS


def _reached(function: Any) -> list[Any]:
    try:
        reached = inspect.getclosurevars(inspect.unwrap(getattr(function, "__func__", function)))
    except TypeError:
        return []
    return [*reached.nonlocals.values(), *reached.globals.values()]


def _shape(graph: Graph) -> Mapping[str, Any]:
    builder = getattr(graph, "builder", None)
    return {
        "nodes": {name: _node_shape(node) for name, node in graph.nodes.items()},
        "edges": sorted(map(list, getattr(builder, "edges", ()))),
        "branches": {node: sorted(ends) for node, ends in getattr(builder, "branches", {}).items()},
        "stops": [str(graph.interrupt_before_nodes), str(graph.interrupt_after_nodes)],
    }


def _node_shape(node: PregelNode) -> Mapping[str, Any]:
    bound = node.bound
    shape: dict[str, Any] = {"triggers": sorted(node.triggers), "runs": type(bound).__name__}
    if isinstance(bound, ToolNode):
        shape["tools"] = sorted(bound.tools_by_name)
    elif isinstance(bound, Pregel):
        shape["graph"] = _shape(bound)
    elif isinstance(bound, RunnableCallable):
        function = bound.afunc or bound.func
        shape["runs"] = f"{getattr(function, '__module__', '')}.{getattr(function, '__qualname__', '')}"
    return shape
