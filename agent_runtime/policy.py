"""Policies: what the file says of which calls need whom, and what happens in time. Frozen values; `judging` applies
them."""

from __future__ import annotations

from datetime import timedelta
from fnmatch import fnmatchcase

from pydantic import Field, JsonValue, field_validator

from agent_runtime.condition_check import check_condition
from agent_runtime.note import check_note
from agent_runtime.rules import Frozen, GrantRule, Hours, Rules, Rung, Stage, says_nothing
from agent_runtime.selectors import MEMBERS, STARTER, Selector, parse_selector
from storage.types import DecisionKind, Described, OnTimeout, RequestKind

__all__ = [
    "DEFAULT_TIMEOUT", "MEMBERS", "STARTER", "Action", "AgentRule", "Caps", "Default", "GrantRule", "Hours", "Policy",
    "PolicySet", "Rules", "Rung", "Selector", "Stage", "may_start", "parse_selector",
]  # fmt: skip


DEFAULT_TIMEOUT = timedelta(hours=4)
"""How long a stage waits where the file says nothing of it."""


class Action(Described):
    """What a policy does with a call it matches."""

    ALLOW = "allow", "The call runs without asking anybody; it is journaled all the same."
    DENY = "deny", "The call does not run; the agent is told so, with the reason."
    REQUIRE = "require", "People must approve the call, stage by stage."


class Policy(Frozen):
    """One rule. `agent` and `tools` are globs, compared with case; a question has no tool and matches `*`. What is
    None or empty comes from the default; what `Rules` holds under the same name, is told there."""

    agent: str = "*"
    tools: tuple[str, ...] = Field(default=("*",), min_length=1)
    kind: RequestKind = RequestKind.TOOL
    action: Action = Action.REQUIRE
    when: str = ""
    """A condition in CEL over the call; empty: every call that the globs match."""
    reason: str = ""
    stages: tuple[Stage, ...] = ()
    note: str = ""
    decisions: tuple[DecisionKind, ...] = Field(default=(DecisionKind.APPROVED, DecisionKind.REJECTED), min_length=1)
    timeout: timedelta | None = Field(default=None, gt=timedelta(0))
    on_timeout: OnTimeout | None = None
    valid_for: timedelta | None = Field(default=None, gt=timedelta(0))
    allow_self_approval: bool = False
    allow_guests: bool = False
    idempotent: bool = False
    sets: dict[str, JsonValue] = Field(default_factory=dict)
    """Arguments (of the top level) that the policy fixes, whatever the agent sent; the key `set` of the file."""
    hold: timedelta | None = Field(default=None, gt=timedelta(0))
    allow_same_person: bool = False
    require_reason: tuple[DecisionKind, ...] = ()
    confirm: bool = False
    redact: tuple[str, ...] = ()
    notify: tuple[Selector, ...] = ()
    grant: GrantRule | None = None
    callback: str = ""
    show: bool = False
    """A call that the policy allows is told in the run's thread."""
    hours: Hours | None = Field(default=None, exclude_if=says_nothing)
    """Where a stage has none of its own."""

    @field_validator("when")
    @classmethod
    def _can_be_evaluated(cls, when: str) -> str:
        return check_condition(when) if when else when

    _note_fills = field_validator("note")(check_note)

    def label(self, number: int) -> str:
        """How people find it in the file, such as `policy 3 (tool = "buy")`; `number` counts from 1."""
        said = [f'kind = "{self.kind.value}"'] if self.kind is not RequestKind.TOOL else []
        if self.agent != "*":
            said.append(f'agent = "{self.agent}"')
        if self.tools != ("*",):
            said.append("tool = " + ", ".join(f'"{tool}"' for tool in self.tools))
        return f"policy {number} ({', '.join(said)})" if said else f"policy {number}"


class Default(Frozen):
    """What holds where a policy is silent. A gated call that no policy matches needs its stage."""

    stage: Stage
    timeout: timedelta = Field(default=DEFAULT_TIMEOUT, gt=timedelta(0))
    on_timeout: OnTimeout = OnTimeout.REJECT
    hours: Hours | None = Field(default=None, exclude_if=says_nothing)


class AgentRule(Frozen):
    """Who may start the agents that the glob `name` matches. `members` stands for every full member."""

    name: str
    starters: tuple[Selector, ...] = Field(default=(MEMBERS,), min_length=1)


class Caps(Frozen):
    """How much may be asked of people: by one run, in requests and in calls asked again after a rejection, of the same
    people, and for one starter. None: no cap."""

    max_requests: int = Field(default=50, ge=1)
    max_reasks: int = Field(default=10, ge=0)
    max_open_per_approver: int | None = Field(default=None, ge=1)
    """Open requests that may ask the same people, as policies name them."""
    max_open_per_starter: int | None = Field(default=None, ge=1)
    """Open requests of the runs that one person started."""
    max_starts_per_hour: int | None = Field(default=None, ge=1)
    """Runs that one person may start within an hour."""
    fast_approval: timedelta | None = Field(default=None, gt=timedelta(0))
    """Approvals sooner than this after their stage opened are marked as such."""


class PolicySet(Frozen):
    """Everything the policy file decides. `digest` is the SHA-256 of the file, in hex; `redact_keys` are patterns of
    names, in every call, whose values are never shown."""

    default: Default
    policies: tuple[Policy, ...] = ()
    agents: tuple[AgentRule, ...] = ()
    operators: tuple[Selector, ...] = ()
    caps: Caps = Caps()
    redact_keys: tuple[str, ...] = ()
    digest: str = ""


def may_start(policies: PolicySet, agent: str) -> tuple[Selector, ...]:
    """Who may start an agent: the first rule whose name matches, else every full member. Guests only where named."""
    for rule in policies.agents:
        if fnmatchcase(agent, rule.name):
            return rule.starters
    return (MEMBERS,)
