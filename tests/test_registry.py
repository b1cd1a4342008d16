"""Agents are loaded from where they are named, and whoever named them wrongly is told what is wrong where."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent_runtime.errors import ConfigError, ConfigFault
from agent_runtime.registry import load_agents, nearest

GRAPH = """\
from langgraph.graph import START, MessagesState, StateGraph

builder = StateGraph(MessagesState)
builder.add_node("answer", lambda state: {"messages": []})
builder.add_edge(START, "answer")
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder to run in; what was imported from it is forgotten again."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "") or "").startswith(str(tmp_path)):
            del sys.modules[name]


def fault(path: str, data_dir: Path) -> ConfigFault:
    """The one thing that is wrong with a path."""
    with pytest.raises(ConfigError) as caught:
        load_agents((path,), data_dir)
    (found,) = caught.value.faults
    return found


MODULES = {
    "a package that is not there": ("import os\nimport not_there\n", "mine.py, line 2: ModuleNotFoundError", "Mend"),
    "an error inside a library": ("import json\n\njson.loads('{')\n", "mine.py, line 3: JSONDecodeError", "Mend"),
    "no Python": ("agents = {\n", "mine.py, line 1: SyntaxError", "Mend that line"),
    "a module that ends the process": ("raise SystemExit(3)\n", "mine.py, line 1: SystemExit", "Mend that line"),
    "a function that fails": ("def agents(d):\n    return 1 / 0\n", "mine.py, line 2: ZeroDivisionError", "Mend"),
    "another name": ("agent = {}\n", "the module mine has no agents", "Did you mean mine:agent?"),
    "one graph": (GRAPH + "agents = builder.compile()\n", "and not a mapping", 'as agents = {"name": graph}'),
    "a graph that is not compiled": (GRAPH + 'agents = {"a": builder}\n', "a StateGraph is no agent", ".compile()"),
    "something else": ('agents = {"a": 3}\n', "a int is no agent", "Give a compiled graph"),
}


@pytest.mark.parametrize("name", MODULES)
def test_what_is_wrong_with_a_module_is_told_with_its_line(folder: Path, name: str) -> None:
    """Neither a missing package nor a bug of the author's is taken for a path that names nothing."""
    text, problem, mend = MODULES[name]
    (folder / "mine.py").write_text(text)
    found = fault("mine:agents", folder)
    assert problem in found.problem
    assert mend in found.mend


def test_a_module_that_is_not_there_is_told_with_the_folder_it_was_looked_for_in(folder: Path) -> None:
    """Most often the folder is the wrong one."""
    found = fault("mine.own:agents", folder)
    assert f"there is no module mine in {folder}" in found.problem
    assert "Name a module and a mapping" in found.mend


def test_an_agent_deep_in_a_module_is_found(folder: Path) -> None:
    """A path may go on behind its colon."""
    (folder / "mine.py").write_text(GRAPH + 'class shop:\n    agents = {"a": builder.compile()}\n')
    assert list(load_agents(("mine:shop.agents",), folder)) == ["a"]


def test_only_a_word_that_is_like_another_is_taken_for_it() -> None:
    """A guess far off is worse than none."""
    assert nearest("aproval", ["approval", "ops"]) == "approval"
    assert nearest("nosuch", ["approval", "ops"]) is None
