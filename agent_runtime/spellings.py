"""How other frameworks say which tools people must approve, turned into policies of ours, one for each tool.

interrupt_on = {"write_file": True}                        LangChain's middleware and deep agents
HitlPolicy(allow_auto=False, note="...")                    agents-sdk, one for each tool
tool_configs[tool]["hitl"]["timeout_seconds"] = 30          GLAIP, with agent_config["hitl_enabled"]

A tool that none of them names is asked about like any other without a policy; there those would run unasked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from agent_runtime.errors import TextError, quoted
from agent_runtime.policy import Action, Policy
from storage.types import DecisionKind, JsonValue, OnTimeout

SECONDS = 300
"""What GLAIP waits for where nothing else is said; then it skips the step."""

LONGEST_SECONDS = 365 * 24 * 3600
_DECISIONS = {
    "approve": DecisionKind.APPROVED,
    "edit": DecisionKind.EDITED,
    "reject": DecisionKind.REJECTED,
    "skip": DecisionKind.SKIPPED,
}
_FLAGS = {"allow_accept": "approve", "allow_edit": "edit", "allow_respond": "reject", "allow_ignore": "skip"}
"""A respond is a no with words to the agent."""

_EVERY_DAY = (DecisionKind.APPROVED, DecisionKind.REJECTED)
_WILD = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True)
class HitlPolicy:
    """One tool's policy in the words of agents-sdk: run it unasked, and what to tell the approver."""

    allow_auto: bool = False
    note: str | None = None


def interrupt_on(tools: Mapping[str, Any], agent: str = "*") -> tuple[Policy, ...]:
    """Policies for `{tool: True | False | configuration}`. A configuration has `allowed_decisions` or the flags
    `allow_accept`, `allow_edit`, `allow_respond` and `allow_ignore`, and a `description`. Raises `TextError`."""
    return tuple(_interrupt(tool, value, agent) for tool, value in tools.items())


def hitl_policies(tools: Mapping[str, HitlPolicy | Mapping[str, Any]], agent: str = "*") -> tuple[Policy, ...]:
    """Policies for `{tool: HitlPolicy(...)}`, or for its fields in a mapping. Raises `TextError`."""
    return tuple(_hitl(tool, policy, agent) for tool, policy in tools.items())


def tool_configs(configs: Mapping[Any, Any], agent_config: Mapping[str, Any], agent: str = "*") -> tuple[Policy, ...]:
    """Policies for `{tool: {"hitl": {"timeout_seconds": 30}}}`, a tool being its name or an object that has one. Where
    `hitl_enabled` is false these tools run unasked, as they do there. Raises `TextError`."""
    enabled = agent_config.get("hitl_enabled")
    if not isinstance(enabled, bool):
        raise TextError("hitl_enabled is not said", "Write hitl_enabled = true; false lets these tools run unasked")
    named = ((_name(tool), config) for tool, config in configs.items())
    return tuple(_timed(tool, config["hitl"], enabled, agent) for tool, config in named if "hitl" in _table(config))


SPELLINGS: Mapping[str, Callable[..., tuple[Policy, ...]]] = {
    "interrupt_on": interrupt_on,
    "hitl_policies": hitl_policies,
    "tool_configs": tool_configs,
}
"""By the key that the policy file has for each, in a table `[[agent]]`."""


def _interrupt(tool: str, value: Any, agent: str) -> Policy:
    if isinstance(value, bool):
        return _policy(tool, agent, ask=value)
    config = _table(value)
    _require_known(config, {"allowed_decisions", "description", *_FLAGS})
    words = config.get("allowed_decisions", [word for flag, word in _FLAGS.items() if config.get(flag)])
    if not isinstance(words, list | tuple):
        raise TextError("allowed_decisions is not a list", 'Write allowed_decisions = ["approve", "reject"]')
    said = "allowed_decisions" in config or any(flag in config for flag in _FLAGS)
    kinds = tuple(map(_decision, words)) if said else _EVERY_DAY
    if DecisionKind.APPROVED not in kinds or len(kinds) < 2:
        raise TextError("leaves people no choice", 'Allow "approve", and "reject" to say no')
    note = config.get("description") or ""
    return _policy(tool, agent, ask=True, note=note, decisions=kinds)


def _decision(word: Any) -> DecisionKind:
    if word not in _DECISIONS:
        raise TextError(f"{quoted(str(word))} is not a decision", 'Write "approve" or "reject"')
    return _DECISIONS[word]


def _hitl(tool: str, policy: HitlPolicy | Mapping[str, Any], agent: str) -> Policy:
    if not isinstance(policy, HitlPolicy):
        _require_known(_table(policy), {"allow_auto", "note"})
        policy = HitlPolicy(**policy)
    if not isinstance(policy.allow_auto, bool):
        raise TextError("allow_auto is neither true nor false", "Write false to have people asked")
    return _policy(tool, agent, ask=not policy.allow_auto, note=policy.note or "")


def _timed(tool: str, hitl: Any, enabled: bool, agent: str) -> Policy:
    _require_known(_table(hitl), {"timeout_seconds"})
    seconds = hitl.get("timeout_seconds", SECONDS)
    if isinstance(seconds, bool) or not isinstance(seconds, int) or not 1 <= seconds <= LONGEST_SECONDS:
        raise TextError("timeout_seconds is no time", "Write whole seconds, 1 or more")
    if not enabled:
        return _policy(tool, agent, ask=False)
    decisions = (*_EVERY_DAY, DecisionKind.SKIPPED)
    waits = {"timeout": timedelta(seconds=seconds), "on_timeout": OnTimeout.SKIP}
    return _policy(tool, agent, ask=True, decisions=decisions).model_copy(update=waits)


def _policy(
    tool: str, agent: str, *, ask: bool, note: Any = "", decisions: tuple[DecisionKind, ...] = _EVERY_DAY
) -> Policy:
    """A policy for one tool by its very name: a `*` in it is no pattern there."""
    if not isinstance(note, str):
        raise TextError("has a description that is not a text", "Write it as a text")
    exact = _WILD.sub(lambda found: f"[{found[0]}]", tool)
    if not ask:
        return Policy(agent=agent, tools=(exact,), action=Action.ALLOW)
    literal = note.replace("{", "{{").replace("}", "}}").strip()
    return Policy(agent=agent, tools=(exact,), note=literal, decisions=tuple(dict.fromkeys(decisions)))


def _name(tool: Any) -> str:
    """A tool's name: itself, or what it carries."""
    name = tool if isinstance(tool, str) else getattr(tool, "name", None) or getattr(tool, "__name__", None)
    if not isinstance(name, str) or not name:
        raise TextError(f"{quoted(repr(tool))} has no name", "Use the tool's name")
    return name


def _table(value: Any) -> Mapping[str, JsonValue]:
    if not isinstance(value, Mapping):
        raise TextError("is neither true, false nor a table", "Write true to have people asked")
    return value


def _require_known(config: Mapping[str, Any], known: set[str]) -> None:
    for key in config:
        if key not in known:
            raise TextError(f"{quoted(str(key))} is not a known key", f"Known here: {', '.join(sorted(known))}")
