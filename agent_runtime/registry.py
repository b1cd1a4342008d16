"""Name -> agent, from import paths. A plain LangGraph graph becomes an agent here; an agent stays one."""

from __future__ import annotations

import difflib
import importlib
import inspect
import sys
import sysconfig
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from operator import attrgetter
from pathlib import Path
from types import ModuleType
from typing import Any

from agent_runtime.agents import Agent
from agent_runtime.callback import Callback
from agent_runtime.errors import ConfigError, ConfigFault
from agent_runtime.model_choice import ModelChoice

MEND = 'Name a module and a mapping in it, such as agents = "my_agents:agents"'

_LIBRARIES = tuple(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib"))


class _Unloadable(Exception):
    """A path gives no agents. `mend` says what to do."""

    def __init__(self, problem: str, mend: str = MEND) -> None:
        super().__init__(problem)
        self.problem = problem
        self.mend = mend


@dataclass(frozen=True, slots=True)
class _Given:
    """What a function that makes agents may ask for: the data directory, and `model` if it has a parameter of that
    name. One model serves all agents; it is built when the first function asks."""

    data_dir: Path
    model: Callable[[], Any]

    def to(self, function: Callable[..., Any]) -> Any:
        return function(self.data_dir, model=self.model()) if _takes_model(function) else function(self.data_dir)


def load_agents(
    paths: tuple[str, ...], data_dir: Path, *, file: str = "signoff.toml", model: ModelChoice | None = None
) -> dict[str, Agent]:
    """Import every path and collect its agents. The object is a mapping of names to graphs or agents, or a function of
    the data directory that returns one; where the function also has a parameter `model`, it is given LangChain's chat
    model for the chosen one, or None. Raises ConfigError with every fault."""
    found: dict[str, Agent] = {}
    faults: list[ConfigFault] = []
    given = _Given(data_dir, cache(lambda: _build(model)))
    for path in paths:
        try:
            made = _load(path, given)
        except ConfigError as error:
            faults += [fault for fault in error.faults if fault not in faults]
            continue
        except _Unloadable as error:
            faults.append(ConfigFault(file, "agents", f"{path} {error.problem}", error.mend))
            continue
        for name, made_of in made.items():
            if name in found:
                faults.append(
                    ConfigFault(file, "agents", f"the agent {name} stands in two places", "Rename one of them")
                )
            try:
                found[name] = as_agent(made_of)
            except TypeError as error:
                faults.append(ConfigFault(file, "agents", f"{path}: {name}: {error}", _mend_graph(made_of)))
    if faults:
        raise ConfigError(tuple(faults))
    return found


def load_callbacks(paths: Iterable[str], *, file: str = "signoff.toml") -> dict[str, Callback]:
    """Import the functions that policies name as callbacks, by their paths. Raises ConfigError with every fault."""
    found: dict[str, Callback] = {}
    faults: list[ConfigFault] = []
    for path in dict.fromkeys(paths):
        name, _, attribute = path.partition(":")
        try:
            made = attrgetter(attribute)(_import(name))
        except _Unloadable as error:
            faults.append(ConfigFault(file, "callback", f"{path} {error.problem}", "Correct the path, or that module"))
            continue
        except AttributeError:
            made = None
        if callable(made):
            found[path] = made
        else:
            faults.append(ConfigFault(file, "callback", f"{path} is no function", "Name one that takes a request"))
    if faults:
        raise ConfigError(tuple(faults))
    return found


def as_agent(made_of: Any) -> Agent:
    """An agent from a compiled LangGraph graph, from anything with `graph`, `description`, `example`, `form` and
    `read_input`, or from an agent. Raises TypeError."""
    from agent_runtime.adapters.langgraph import LangGraphAgent  # importing LangGraph takes seconds; only when needed

    if hasattr(made_of, "advance"):
        agent: Agent = made_of
        return agent
    graph = getattr(made_of, "graph", made_of)
    if not (hasattr(graph, "ainvoke") and hasattr(graph, "nodes")):
        raise TypeError(f"a {type(made_of).__name__} is no agent")
    return LangGraphAgent(
        graph,
        description=getattr(made_of, "description", "") or "",
        example=getattr(made_of, "example", "") or "",
        form=getattr(made_of, "form", None),
        read_input=getattr(made_of, "read_input", None),
    )


def nearest(word: str, words: Mapping[str, object] | list[str]) -> str | None:
    """The known word most like this one, or None."""
    matches = difflib.get_close_matches(word, list(words), n=1, cutoff=0.6)
    return matches[0] if matches else None


def _load(path: str, given: _Given) -> Mapping[str, Any]:
    """The mapping behind a path. Raises _Unloadable, also for whatever the user's own code raises, and ConfigError
    where a model is asked for that cannot be built."""
    name, _, attribute = path.partition(":")
    module = _import(name)
    try:
        made = attrgetter(attribute)(module)
    except AttributeError:
        near = nearest(attribute, [known for known in vars(module) if not known.startswith("_")])
        meant = f"Did you mean {name}:{near}?" if near else MEND
        raise _Unloadable(f"is not there: the module {name} has no {attribute}", meant) from None
    if callable(made) and not isinstance(made, Mapping):
        try:
            made = given.to(made)
        except ConfigError:
            raise
        except Exception as error:
            problem = f"could not be used: {attribute}(data_dir) failed, {_place(error)}"
            raise _Unloadable(problem, "Mend that line") from error
    if not isinstance(made, Mapping):
        mend = f'Put it into one, as {attribute} = {{"name": graph}}'
        raise _Unloadable(f"is a {type(made).__name__} and not a mapping of names to agents", mend)
    return made


def _takes_model(function: Callable[..., Any]) -> bool:
    try:
        return "model" in inspect.signature(function).parameters
    except (TypeError, ValueError):  # made in C, without a signature
        return False


def _build(choice: ModelChoice | None) -> Any:
    if choice is None:
        return None
    from agent_runtime.adapters.chat_model import build_chat_model  # a provider's package takes seconds to import

    return build_chat_model(choice)


def _import(name: str) -> ModuleType:
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)  # a user's module lies beside the policy file
    try:
        return importlib.import_module(name)
    except (Exception, SystemExit) as error:
        if isinstance(error, ModuleNotFoundError) and error.name and f"{name}.".startswith(f"{error.name}."):
            raise _Unloadable(f"could not be imported: there is no module {error.name} in {here}") from None
        problem = f"could not be imported: the module {name} itself failed, {_place(error)}"
        raise _Unloadable(problem, "Mend that line") from error


def _place(error: BaseException) -> str:
    """What a user's own code raised, and the line of theirs that it came from."""
    said = f"{type(error).__name__}: {error}".splitlines()[0]
    if isinstance(error, SyntaxError):
        return f"{error.filename}, line {error.lineno}: {type(error).__name__}: {error.msg}"
    files = [(frame.filename, frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
    own = [place for place in files if not place[0].startswith((*_LIBRARIES, __file__, "<"))]
    return f"{own[-1][0]}, line {own[-1][1]}: {said}" if own else said


def _mend_graph(made_of: Any) -> str:
    if hasattr(made_of, "compile"):
        return "Compile it: call .compile() on it"
    return "Give a compiled graph or an Agent"
