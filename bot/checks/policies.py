"""Do the policies fit the agents? A name that matches nothing is most often misspelt, and its rule does nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase

from agent_runtime.agents import Agent, ToolShape
from agent_runtime.condition_check import condition_arguments, path_prefixes
from agent_runtime.note import named_arguments
from agent_runtime.policy import Action, Policy, PolicySet
from agent_runtime.registry import nearest
from bot.checks.finding import Finding, warning
from bot.checks.ladders import check_ladders
from storage.types import RequestKind

_WILD = frozenset("*?[")
_ELSE = "Correct what is misspelt; the rest waits for an agent that has it"


def check_policies(policies: PolicySet, agents: Mapping[str, Agent]) -> tuple[Finding, ...]:
    """What is named in the policy file and is not there, or does nothing. Nothing is said about agents whose tools are
    not known."""
    found: list[Finding] = [*check_ladders(policies)]
    idle: list[str] = []
    for rule in policies.agents:
        found += _unknown_agent(f'[[agent]] "{rule.name}"', rule.name, agents)
    for number, policy in enumerate(policies.policies, start=1):
        found += _path_prefixes(policy.label(number), policy)
        unknown = list(_unknown_agent(policy.label(number), policy.agent, agents))
        found += unknown
        tools = tools_of(agents, policy.agent)
        if tools is not None and not unknown and policy.kind is RequestKind.TOOL:
            for glob in _unknown_tools(policy, tools):
                if near := nearest(glob, tools):
                    where = policy.label(number)
                    found.append(warning(f"{where}: no agent is seen to have a tool {glob}", f"Did you mean {near}?"))
                else:
                    idle.append(f"{glob} (policy {number})")
            found += _unknown_arguments(policy.label(number), policy, tools)
    if idle:
        found.append(warning(f"No agent is seen to have these tools: {', '.join(idle)}", _ELSE))
    return tuple(found)


def tools_of(agents: Mapping[str, Agent], glob: str) -> Mapping[str, ToolShape] | None:
    """The gated tools of the agents that a glob matches, by name; None where none or not all are known."""
    places = [place for name, agent in agents.items() if fnmatchcase(name, glob) for place in agent.report()]
    found: dict[str, ToolShape] = {}
    for place in places:
        if place.tools is None:
            return None
        found |= {tool.name: tool for tool in place.tools}
    return found or None


def _unknown_agent(where: str, glob: str, agents: Mapping[str, Agent]) -> Iterator[Finding]:
    if not any(fnmatchcase(name, glob) for name in agents):
        yield warning(f"{where}: no agent is called {glob}, so it does nothing", _meant(glob, agents))


def _unknown_tools(policy: Policy, tools: Mapping[str, ToolShape]) -> Iterator[str]:
    """Names that no tool has. A pattern may well match nothing beside one that does, or where it forbids."""
    idle = [glob for glob in policy.tools if not any(fnmatchcase(name, glob) for name in tools)]
    for glob in idle:
        if _WILD & set(glob) and (policy.action is Action.DENY or len(idle) < len(policy.tools)):
            continue
        yield glob


def _path_prefixes(where: str, policy: Policy) -> Iterator[Finding]:
    """Paths compared by their beginning: `/data/../etc` begins with `/data`, too."""
    for said in path_prefixes(policy.when) if policy.when else ():
        mend = 'Write within(args.path, "/data"), which sees through ".." and refuses what it cannot tell'
        yield warning(f"{where}: {said} does not keep a path inside of a folder", mend)


def _named(policy: Policy) -> Iterator[tuple[str, str]]:
    """The arguments that a policy names, each with how it uses them."""
    yield from ((name, f"the note shows {{args.{name}}}") for name in named_arguments(policy.note))
    if policy.when:
        yield from ((name, f"the condition asks for args.{name}") for name in condition_arguments(policy.when))
    yield from ((name, f"set fixes {name}") for name in policy.sets)
    tops = (pointer.split("/")[1].replace("~1", "/").replace("~0", "~") for pointer in policy.redact)
    yield from ((name, f"redact names /{name}") for name in tops if name != "*")


def _unknown_arguments(where: str, policy: Policy, tools: Mapping[str, ToolShape]) -> Iterator[Finding]:
    """Arguments that a tool does not take: approvers would read `(no amount)`, and a condition would never fit."""
    for tool in tools.values():
        if tool.args is None or not any(fnmatchcase(tool.name, glob) for glob in policy.tools):
            continue
        for name, use in _named(policy):
            if name not in tool.args:
                taken = ", ".join(sorted(tool.args)) or "nothing"
                near = nearest(name, list(tool.args))
                mend = f"Did you mean {f'{{args.{near}}}' if '{' in use else near}?" if near else f"It takes {taken}"
                yield warning(f"{where}: {use}, which {tool.name} does not take", mend)


def _meant(glob: str, names: Mapping[str, object]) -> str:
    near = nearest(glob, names)
    return f"Did you mean {near}?" if near else _ELSE
