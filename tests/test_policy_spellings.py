"""What other frameworks say of their tools means the same here, in Python and in the policy file."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from agent_runtime.errors import ConfigError, TextError
from agent_runtime.judging import Allow, CallFacts, Require, evaluate
from agent_runtime.policy import Action, Default, Policy, PolicySet, Stage
from agent_runtime.policy_file import read_policy_text
from agent_runtime.spellings import SECONDS, HitlPolicy, hitl_policies, interrupt_on, tool_configs
from storage.types import Actor, ActorKind, DecisionKind, OnTimeout, RequestKind

YES, NO, SKIP = DecisionKind.APPROVED, DecisionKind.REJECTED, DecisionKind.SKIPPED
ANA = Actor(kind=ActorKind.SLACK, id="U1", team="T1", name="Ana")
STAGE = '[default.stage]\napprovers = ["user:U1"]\n'


def judged(policies: tuple[Policy, ...], tool: str, agent: str = "deep") -> Any:
    """What these policies say of a call of this tool."""
    rules = PolicySet(default=Default(stage=Stage(name="x", approvers=("user:U9",))), policies=policies)
    return evaluate(rules, CallFacts(agent=agent, tool=tool, kind=RequestKind.TOOL, args={}, starter=ANA))


def test_interrupt_on_asks_where_it_is_true_and_allows_where_it_is_false() -> None:
    """And a tool that it does not name is asked about by the default: nothing runs for want of a word."""
    policies = interrupt_on({"write_file": True, "read_file": False})
    assert judged(policies, "write_file").rules.policy == 'policy 1 (tool = "write_file")'
    assert isinstance(judged(policies, "read_file"), Allow)
    assert judged(policies, "execute").rules.policy == "default"


@pytest.mark.parametrize(
    ("config", "decisions", "note"),
    [
        ({"allowed_decisions": ["approve", "reject"], "description": "Writes {x}"}, (YES, NO), "Writes {x}"),
        ({"allow_accept": True, "allow_ignore": True, "allow_edit": False}, (YES, SKIP), ""),
        ({"allow_accept": True, "allow_respond": True}, (YES, NO), ""),
        ({"allowed_decisions": ["approve", "edit", "reject"]}, (YES, DecisionKind.EDITED, NO), ""),
        ({}, (YES, NO), ""),
    ],
)
def test_a_configuration_says_which_decisions_there_are(config: Any, decisions: Any, note: str) -> None:
    """LangChain's words and the Agent Inbox's flags; a description is shown as it stands."""
    rules = judged(interrupt_on({"write_file": config}), "write_file").rules
    assert (rules.decisions, rules.note) == (decisions, note)


def test_a_policy_of_the_rust_sdk_asks_unless_it_allows_by_itself() -> None:
    """Its note goes to the approver."""
    policies = hitl_policies({"drop": HitlPolicy(note="Irreversible."), "list": HitlPolicy(allow_auto=True)})
    assert judged(policies, "drop").rules.note == "Irreversible."
    assert isinstance(judged(policies, "list"), Allow)
    assert hitl_policies({"drop": {"allow_auto": False, "note": "Irreversible."}}) == policies[:1]


def test_tool_configs_wait_as_long_as_they_say_and_then_skip() -> None:
    """Five minutes where nothing is said; a tool may be named by an object; switched off, they run unasked."""

    class Calculator:
        name = "calculator"

    configs = {Calculator: {"hitl": {"timeout_seconds": 30}}, "mail": {"hitl": {}}, "other": {"verbose": True}}
    asked = tool_configs(configs, {"hitl_enabled": True})
    rules = judged(asked, "calculator").rules
    assert (rules.timeout, rules.on_timeout) == (timedelta(seconds=30), OnTimeout.SKIP)
    assert rules.decisions == (YES, NO, SKIP)
    assert judged(asked, "mail").rules.timeout == timedelta(seconds=SECONDS)
    assert judged(asked, "other").rules.policy == "default"
    off = tool_configs(configs, {"hitl_enabled": False})
    assert isinstance(judged(off, "mail"), Allow)
    assert isinstance(judged(off, "other"), Require)


def test_a_name_is_no_pattern() -> None:
    """A tool called `read_*` does not let every reading tool run."""
    policies = interrupt_on({"read_*": False, "a[b]": False})
    assert isinstance(judged(policies, "read_file"), Require)
    assert isinstance(judged(policies, "read_*"), Allow)
    assert isinstance(judged(policies, "a[b]"), Allow)
    assert isinstance(judged(policies, "ab"), Require)


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda: interrupt_on({"a": "yes"}), "neither true, false nor a table"),
        (lambda: interrupt_on({"a": {"allowed_decisions": ["approve"]}}), "no choice"),
        (lambda: interrupt_on({"a": {"allowed_decisions": ["aprove", "reject"]}}), "is not a decision"),
        (lambda: interrupt_on({"a": {"allow_accept": False}}), "no choice"),
        (lambda: interrupt_on({"a": {"allowed_decisions": "approve"}}), "is not a list"),
        (lambda: interrupt_on({"a": {"allow_acept": True}}), "not a known key"),
        (lambda: interrupt_on({"a": {"description": lambda: "x"}}), "not a text"),
        (lambda: hitl_policies({"a": {"allow_auto": "false"}}), "neither true nor false"),
        (lambda: tool_configs({"a": {"hitl": {}}}, {}), "hitl_enabled is not said"),
        (lambda: tool_configs({"a": {"hitl": {"timeout_seconds": 0}}}, {"hitl_enabled": True}), "is no time"),
        (lambda: tool_configs({object(): {"hitl": {}}}, {"hitl_enabled": True}), "has no name"),
    ],
)
def test_what_means_nothing_is_refused(make: Any, problem: str) -> None:
    """A misspelt word never becomes a yes."""
    with pytest.raises(TextError) as caught:
        make()
    assert problem in caught.value.problem


def test_the_policy_file_takes_them_under_their_agent() -> None:
    """They stand after the file's own policies, so those decide first, and hold for that agent only."""
    policies = read_policy_text(
        STAGE
        + '[[policy]]\ntool = "write_file"\naction = "deny"\n'
        + '[[agent]]\nname = "deep"\nstarters = ["members"]\n'
        + "[agent.interrupt_on]\nwrite_file = true\nread_file = false\n"
        + '[agent.hitl_policies.drop]\nnote = "Irreversible."\n'
        + "[agent.tool_configs.calc.hitl]\ntimeout_seconds = 30\n[agent.agent_config]\nhitl_enabled = true\n",
        "signoff.toml",
    ).policies
    assert [(rule.agent, rule.tools[0], rule.action) for rule in policies.policies] == [
        ("*", "write_file", Action.DENY),
        ("deep", "write_file", Action.REQUIRE),
        ("deep", "read_file", Action.ALLOW),
        ("deep", "drop", Action.REQUIRE),
        ("deep", "calc", Action.REQUIRE),
    ]
    assert isinstance(judged(policies.policies, "read_file"), Allow)
    assert isinstance(judged(policies.policies, "read_file", agent="other"), Require)


def test_a_mistake_in_them_is_told_with_its_line() -> None:
    """Like every other mistake of the file."""
    text = STAGE + '[[agent]]\nname = "deep"\n[agent.interrupt_on]\na = true\nb = "yes"\n'
    with pytest.raises(ConfigError) as caught:
        read_policy_text(text, "signoff.toml")
    (fault,) = caught.value.faults
    assert (fault.line, fault.key) == (7, "agent 1.interrupt_on.b")
