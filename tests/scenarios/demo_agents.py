"""The demo's agents for one house after the other: to build them takes longer than all else that opens a house."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

from agent_runtime.agents import Agent
from agent_runtime.registry import load_agents

_PLACES = TemporaryDirectory()
_FREE: list[tuple[Path, Mapping[str, Agent]]] = []


@contextmanager
def demo_agents(folder: Path) -> Iterator[Mapping[str, Agent]]:
    """The demo's agents, whose effects land in this folder. They remember nothing, and write through a link that is
    the house's own while it stands."""
    link, agents = _FREE.pop() if _FREE else _build()
    link.symlink_to(folder.absolute(), target_is_directory=True)
    try:
        yield agents
    finally:
        link.unlink()
        _FREE.append((link, agents))


def _build() -> tuple[Path, Mapping[str, Agent]]:
    link = Path(mkdtemp(dir=_PLACES.name)) / "house"
    return link, load_agents(("agent_runtime.demo:agents",), link)
