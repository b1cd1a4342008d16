"""Stops every tool that would run outside the gate, wherever in a graph it is called from.

Nodes that cannot be replaced (a ToolNode inside a function, a sequence, an inner graph) would run their tools ungated.
LangChain tells callbacks of each tool before it runs. The tripwire is hooked into the making of every callback manager,
so that it also hears of tools called with callbacks of their own (`callbacks=[]`) or with none (`tool.run(...)`). A
tool's bare function, called as `tool.func(...)`, is no tool to LangChain: nobody hears of it. Nor does anybody of tools
called in a thread that was started without the context of the advance.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.tracers.context import register_configure_hook
from langgraph.errors import GraphBubbleUp


@dataclass(slots=True)
class Passage:
    """The gate lets one tool in, once: what that tool calls in turn needs a passage of its own."""

    tool: str
    used: bool = False


PASSAGE: ContextVar[Passage | None] = ContextVar("signoff_passage", default=None)


# LangChain logs every exception of a callback; this one is raised on purpose and reported by whoever catches it.
logging.getLogger("langchain_core.callbacks.manager").addFilter(lambda record: "Tripwire" not in record.getMessage())


class Ungated(GraphBubbleUp):
    """A tool was about to run outside the gate. Bubbles up, so that no error handling of a node takes it for a tool's
    own error."""

    def __init__(self, tool: str) -> None:
        super().__init__(f"the tool {tool} was stopped: it would have run outside the gate")
        self.tool = tool


class Tripwire(BaseCallbackHandler):
    """Raises `Ungated` for a tool that has no passage, after telling `tripped`."""

    raise_error = True
    run_inline = True  # in the tool's own context, where its passage is visible

    def __init__(self, tripped: Callable[[Ungated], None]) -> None:
        super().__init__()
        self._tripped = tripped

    def on_tool_start(self, serialized: dict[str, Any], input_str: str, **_: Any) -> None:  # noqa: ARG002
        name = str((serialized or {}).get("name", "?"))
        passage = PASSAGE.get()
        if passage is not None and passage.tool == name and not passage.used:
            passage.used = True
            return
        error = Ungated(name)
        self._tripped(error)
        raise error


_ARMED: ContextVar[Tripwire | None] = ContextVar("signoff_tripwire", default=None)
register_configure_hook(_ARMED, inheritable=True)


@contextmanager
def armed(tripwire: Tripwire) -> Iterator[None]:
    """While this lasts, no tool runs in this context without a passage."""
    token = _ARMED.set(tripwire)
    try:
        yield
    finally:
        _ARMED.reset(token)
