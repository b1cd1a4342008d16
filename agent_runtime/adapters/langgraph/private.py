"""Everything that leans on names LangGraph keeps to itself, in one place, so that one file breaks when they change.

`check_gate` (canary.py) finds at start whether they still mean what they meant; the dependency is pinned besides.
"""

from __future__ import annotations

import importlib
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Literal

import ormsgpack
from langchain_core.messages import AnyMessage
from langchain_core.runnables import RunnableConfig
from langgraph._internal._runnable import RunnableCallable, RunnableSeq
from langgraph._internal._serde import build_serde_allowlist
from langgraph.checkpoint.serde._msgpack import SAFE_MSGPACK_TYPES
from langgraph.graph.state import CompiledStateGraph
from langgraph.prebuilt import ToolNode
from langgraph.prebuilt.tool_node import ToolCallRequest
from langgraph.pregel import Pregel
from langgraph.pregel._read import PregelNode

__all__ = [
    "PregelNode",
    "RunnableCallable",
    "RunnableSeq",
    "TypeName",
    "calls_of",
    "combine",
    "lacking_types",
    "messages_of",
    "rebuild",
    "schema_types",
    "with_bound",
    "wrapped_how",
]

Execute = Callable[[ToolCallRequest], Awaitable[Any]]
Leaf = Callable[[ToolCallRequest, Execute], Awaitable[Any]]
InputShape = Literal["list", "dict", "tool_calls"]
TypeName = tuple[str, ...]

_LAST_NAMED_EXTENSION = 5
"""MessagePack extension codes up to this one hold (module, name, ...); higher ones hold no names."""


def rebuild(node: ToolNode, leaf: Leaf) -> ToolNode:
    """A new ToolNode with the same tools and settings, where `leaf` is the innermost thing around each tool.

    A copy would not do: it keeps the original's bound methods and runs the tools past the wrapper.
    """
    theirs = node._awrap_tool_call  # noqa: SLF001

    async def wrap(request: ToolCallRequest, execute: Execute) -> Any:
        async def innermost(final: ToolCallRequest) -> Any:
            return await leaf(final, execute)

        return await (innermost(request) if theirs is None else theirs(request, innermost))

    return ToolNode(
        list(node.tools_by_name.values()),
        name=node.name or "tools",
        tags=list(node.tags) if node.tags else None,
        handle_tool_errors=node._handle_tool_errors,  # noqa: SLF001
        messages_key=node._messages_key,  # noqa: SLF001
        awrap_tool_call=wrap,
    )


def wrapped_how(node: ToolNode) -> Literal["", "async", "sync"]:
    """Whether the author wrapped the calls of this node, and whether only synchronously."""
    if node._awrap_tool_call is not None:  # noqa: SLF001
        return "async"
    return "sync" if node._wrap_tool_call is not None else ""  # noqa: SLF001


def calls_of(node: ToolNode, value: Any) -> tuple[Sequence[Any], InputShape]:
    """The calls that this input asks the node to run, and the input's shape."""
    return node._parse_input(value)  # noqa: SLF001


def messages_of(node: ToolNode, value: Any, config: RunnableConfig) -> tuple[Any, Sequence[AnyMessage]]:
    """The state behind the input, and the messages in it."""
    state = node._extract_state(value, config)  # noqa: SLF001
    if isinstance(state, list):
        return state, state
    key = node._messages_key  # noqa: SLF001
    found = state.get(key) if isinstance(state, dict) else getattr(state, key, None)
    return state, found or ()


def combine(node: ToolNode, outputs: Iterable[Any], shape: InputShape) -> Any:
    """One output for the whole node from what it gave for each call."""
    flat: list[Any] = []
    for output in outputs:
        for part in output if isinstance(output, list) else [output]:
            flat += part.get(node._messages_key, []) if isinstance(part, dict) else [part]  # noqa: SLF001
    return node._combine_tool_outputs(flat, shape)  # noqa: SLF001


def with_bound(node: PregelNode, bound: Any, subgraphs: Sequence[Any]) -> PregelNode:
    """The same node of a graph around something else."""
    return node.copy({"bound": bound, "subgraphs": list(subgraphs)})


def schema_types(graph: Pregel[Any, Any, Any, Any]) -> set[TypeName]:
    """The types that the author of a graph put into its schemas: these may come back from a checkpoint."""
    schemas: list[type[Any]] = []
    if isinstance(graph, CompiledStateGraph):
        builder = graph.builder
        schemas += [builder.state_schema, builder.input_schema, builder.output_schema]
        schemas += [spec.input_schema for spec in builder.nodes.values()]
    return build_serde_allowlist(schemas=schemas, channels=dict(graph.channels))


def lacking_types(bodies: Iterable[bytes], allowed: AbstractSet[TypeName]) -> set[str]:
    """Names of the types in serialised values that will not come back as they went in: not allowed, or nowhere to be
    imported from. Strict deserialisation hands the graph a dict in their place."""
    return {".".join(name) for body in bodies for name in _names(body) if not _comes_back(name, allowed)}


def _comes_back(name: TypeName, allowed: AbstractSet[TypeName]) -> bool:
    if name not in SAFE_MSGPACK_TYPES and name not in allowed:
        return False
    try:
        return hasattr(importlib.import_module(name[0]), name[1])
    except ImportError:
        return False


def _names(body: bytes) -> Iterator[TypeName]:
    found: set[TypeName] = set()

    def note(code: int, data: bytes | memoryview) -> str:
        if code <= _LAST_NAMED_EXTENSION:
            module, name, *_ = _unpack(bytes(data), note)
            found.add((module, name))
        return ""

    _unpack(body, note)
    yield from found


def _unpack(body: bytes, note: Callable[[int, bytes], Any]) -> Any:
    try:
        return ormsgpack.unpackb(body, ext_hook=note, option=ormsgpack.OPT_NON_STR_KEYS)
    except ormsgpack.MsgpackDecodeError:
        return ("", "")  # plain bytes, which are kept as they are
