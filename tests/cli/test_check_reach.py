"""Nothing that the policy file can name is left out of the check."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from agent_runtime.alert_rules import AgentAlerts, AlertRules
from agent_runtime.policy import AgentRule, Default, Policy, PolicySet
from agent_runtime.policy_file import Configuration
from agent_runtime.rules import Rung, Stage
from bot.checks.approvers import everybody_asked
from bot.checks.places import places

RUNG = Rung(after=timedelta(hours=1), escalate_to=("user:U8",), channel="#eight")
CONFIGURATION = Configuration(
    agents=("my_agents:agents",),
    approvals_channel="#one",
    alerts=AlertRules(channel="#two", fallback=("#six", "user:U6"), agents=(AgentAlerts(name="a", channel="#seven"),)),
    policies=PolicySet(
        default=Default(stage=Stage(name="approval", approvers=("user:U1",), channel="#three")),
        policies=(
            Policy(
                stages=(Stage(name="manager", approvers=("user:U2",), channel="#four", rungs=(RUNG,)),),
                notify=("user:U3", "channel:#five"),
            ),
        ),
        agents=(AgentRule(name="a", starters=("user:U4",)),),
        operators=("user:U5",),
    ),
)


def named(value: Any) -> set[str]:
    """Every text in a model that names somebody or a channel."""
    if isinstance(value, dict):
        return {name for one in value.values() for name in named(one)}
    if isinstance(value, list | tuple):
        return {name for one in value for name in named(one)}
    text = str(value).removeprefix("channel:")
    return {text} if text.startswith(("user:", "#")) else set()


def test_everybody_and_every_channel_that_is_named_is_looked_at() -> None:
    """Whatever place of the file they stand in."""
    everything = named(CONFIGURATION.model_dump())
    assert len(everything) == 15
    people = {selector for asked in everybody_asked(CONFIGURATION) for selector in asked.selectors}
    assert people | set(places(CONFIGURATION)) == everything
