"""Policies: the rules that say which calls need whom, and what happens in time. Frozen values and pure functions.

`evaluate` judges one call or question: the first policy that matches wins; a call that matches none needs the default
stage. Nothing here reads a file, a clock or a directory, and nothing raises on what an agent sends.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from fnmatch import fnmatchcase

from pydantic import BaseModel, ConfigDict, Field, field_validator

from agent_runtime.note import check_note, fill_note
from agent_runtime.selectors import MEMBERS, STARTER, Selector, parse_selector
from storage.types import Actor, ActorKind, DecisionKind, Described, Json, OnTimeout, RequestKind

__all__ = [
    "MEMBERS", "STARTER", "Action", "AgentRule", "Allow", "CallFacts", "Caps", "Default", "Deny", "Judgement",
    "Policy", "PolicySet", "Require", "Rules", "Selector", "Stage", "evaluate", "may_start", "parse_selector",
    "rules_for_outcome", "rules_for_question",
]  # fmt: skip

DEFAULT_LABEL = "default"


class Action(Described):
    """What a policy does with a call it matches."""

    ALLOW = "allow", "The call runs without asking anybody; it is journaled all the same."
    DENY = "deny", "The call does not run; the agent is told so, with the reason."
    REQUIRE = "require", "People must approve the call, stage by stage."


class _Frozen(BaseModel):
    """Immutable, and closed: a field it does not know is refused, never dropped."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Stage(_Frozen):
    """One step of an approval chain: `quorum` of the `approvers` must say yes. Its card goes to `channel`; where that
    is empty, to the run's thread if `starter:` is among the approvers, else to the settings' approvals channel."""

    name: str
    approvers: tuple[Selector, ...] = Field(min_length=1)
    quorum: int = Field(default=1, ge=1)
    channel: str = ""
    allow_public: bool = False

    @field_validator("approvers")
    @classmethod
    def _canonical(cls, approvers: tuple[str, ...]) -> tuple[Selector, ...]:
        return tuple(dict.fromkeys(parse_selector(text) for text in approvers))

    @property
    def in_thread(self) -> bool:
        """Its card belongs in the run's own thread."""
        return not self.channel and STARTER in self.approvers


class Rules(_Frozen):
    """The rules of one request, as they were when it opened: the snapshot that is kept with it. `policy` is the label
    of the policy they come from, `note` is already filled in, `timeout` counts per stage from its opening."""

    policy: str
    stages: tuple[Stage, ...] = Field(min_length=1)
    note: str = ""
    decisions: tuple[DecisionKind, ...] = Field(default=(DecisionKind.APPROVED, DecisionKind.REJECTED), min_length=1)
    timeout: timedelta = Field(gt=timedelta(0))
    on_timeout: OnTimeout = OnTimeout.REJECT
    valid_for: timedelta | None = Field(default=None, gt=timedelta(0))
    allow_self_approval: bool = False
    allow_guests: bool = False
    idempotent: bool = False


class Policy(_Frozen):
    """One rule. `agent` and `tools` are globs, compared with case; a question has no tool and matches `*`. What is
    None or empty comes from the default."""

    agent: str = "*"
    tools: tuple[str, ...] = Field(default=("*",), min_length=1)
    kind: RequestKind = RequestKind.TOOL
    action: Action = Action.REQUIRE
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

    _note_fills = field_validator("note")(check_note)

    def matches(self, facts: CallFacts) -> bool:
        return (
            self.kind is facts.kind
            and fnmatchcase(facts.agent, self.agent)
            and any(fnmatchcase(facts.tool, tool) for tool in self.tools)
        )

    def label(self, number: int) -> str:
        """How people find it in the file, such as `policy 3 (tool = "buy")`; `number` counts from 1."""
        said = [f'kind = "{self.kind.value}"'] if self.kind is not RequestKind.TOOL else []
        if self.agent != "*":
            said.append(f'agent = "{self.agent}"')
        if self.tools != ("*",):
            said.append("tool = " + ", ".join(f'"{tool}"' for tool in self.tools))
        return f"policy {number} ({', '.join(said)})" if said else f"policy {number}"


class Default(_Frozen):
    """What holds where a policy is silent. A gated call that no policy matches needs its stage."""

    stage: Stage
    timeout: timedelta = Field(default=timedelta(hours=4), gt=timedelta(0))
    on_timeout: OnTimeout = OnTimeout.REJECT


class AgentRule(_Frozen):
    """Who may start the agents that the glob `name` matches. `members` stands for every full member."""

    name: str
    starters: tuple[Selector, ...] = Field(default=(MEMBERS,), min_length=1)


class Caps(_Frozen):
    """How much one run may ask of people: requests in all, and calls asked again after a rejection."""

    max_requests: int = Field(default=50, ge=1)
    max_reasks: int = Field(default=10, ge=0)


class PolicySet(_Frozen):
    """Everything the policy file decides. `digest` is the SHA-256 of the file, in hex."""

    default: Default
    policies: tuple[Policy, ...] = ()
    agents: tuple[AgentRule, ...] = ()
    operators: tuple[Selector, ...] = ()
    caps: Caps = Caps()
    digest: str = ""


@dataclass(frozen=True, slots=True)
class CallFacts:
    """What is known of a call or question when it is judged. `tool` is empty and `args` None for a question."""

    agent: str
    tool: str
    kind: RequestKind
    args: Json | None
    starter: Actor


@dataclass(frozen=True, slots=True)
class Allow:
    """The call may run without people. `idempotent`: it may also run again when its outcome is unknown."""

    policy: str
    idempotent: bool


@dataclass(frozen=True, slots=True)
class Deny:
    """The call must not run. `reason` is the policy's sentence, empty where it gives none."""

    policy: str
    reason: str


@dataclass(frozen=True, slots=True)
class Require:
    """People must decide, by these rules."""

    rules: Rules


Judgement = Allow | Deny | Require


def evaluate(policies: PolicySet, facts: CallFacts) -> Judgement:
    """What the policies say of one call or question. Total: every call gets a judgement, and never a yes by mistake."""
    if facts.kind is RequestKind.OUTCOME:
        return Require(rules_for_outcome(policies, None))
    if facts.kind is not RequestKind.TOOL:
        return Require(rules_for_question(policies, facts))
    for label, policy in _matching(policies, facts):
        if policy.action is Action.ALLOW:
            return Allow(label, policy.idempotent)
        if policy.action is Action.DENY:
            return Deny(label, policy.reason)
        return Require(_rules(policies.default, label, policy, facts))
    return Require(_rules(policies.default, DEFAULT_LABEL, Policy(), facts))


def may_start(policies: PolicySet, agent: str) -> tuple[Selector, ...]:
    """Who may start an agent: the first rule whose name matches, else every full member. Guests only where named."""
    for rule in policies.agents:
        if fnmatchcase(agent, rule.name):
            return rule.starters
    return (MEMBERS,)


def rules_for_question(policies: PolicySet, facts: CallFacts) -> Rules:
    """The rules of a question or review: those of the first policy for its kind, else the run's starter answers in the
    run's thread. Answering one's own agent is the point, so the self-approval ban does not apply."""
    for label, policy in _matching(policies, facts):
        rules = _rules(policies.default, label, policy, facts)
        stages = policy.stages or (_starter_stage(policies, facts.starter),)
        break
    else:
        rules = _rules(policies.default, DEFAULT_LABEL, Policy(), facts)
        stages = (_starter_stage(policies, facts.starter),)
    return rules.model_copy(
        update={
            "stages": stages,
            "decisions": (DecisionKind.ANSWERED,),
            # An agent's own question has no refusal it would understand: the run fails, and a retry asks again.
            "on_timeout": OnTimeout.KEEP if rules.on_timeout is OnTimeout.KEEP else OnTimeout.FAIL,
            "allow_self_approval": True,
            # A guest who was let start the run must be able to answer it; nobody else is named here.
            "allow_guests": rules.allow_guests or all(stage.approvers == (STARTER,) for stage in stages),
        }
    )


def rules_for_outcome(policies: PolicySet, original: Rules | None) -> Rules:
    """Who says what happened to a call whose outcome nobody knows: the operators; where none are named, whoever could
    approve the call; for a call that needed nobody, the default stage. It waits until somebody says it.

    "Run it again" is a second effect, so the requester may say it only where they could have approved the call.
    """
    stages = original.stages if original else (policies.default.stage,)
    asked = Stage(
        name="outcome",
        approvers=policies.operators or tuple(who for stage in stages for who in stage.approvers),
        channel=stages[-1].channel,
        allow_public=not policies.operators and all(stage.allow_public for stage in stages),
    )
    return Rules(
        policy=original.policy if original else DEFAULT_LABEL,
        stages=(asked,),
        decisions=(DecisionKind.ANSWERED,),
        timeout=policies.default.timeout,
        on_timeout=OnTimeout.KEEP,
        allow_self_approval=original.allow_self_approval if original else True,
        allow_guests=original.allow_guests if original else False,
    )


def _matching(policies: PolicySet, facts: CallFacts) -> Iterator[tuple[str, Policy]]:
    """The policies that match, in the file's order, with their labels."""
    for number, policy in enumerate(policies.policies, start=1):
        if policy.matches(facts):
            yield policy.label(number), policy


def _rules(default: Default, label: str, policy: Policy, facts: CallFacts) -> Rules:
    return Rules(
        policy=label,
        stages=policy.stages or (default.stage,),
        note=fill_note(policy.note, facts.args),
        decisions=policy.decisions,
        timeout=policy.timeout or default.timeout,
        on_timeout=policy.on_timeout or default.on_timeout,
        valid_for=policy.valid_for,
        allow_self_approval=policy.allow_self_approval,
        allow_guests=policy.allow_guests,
        idempotent=policy.idempotent,
    )


def _starter_stage(policies: PolicySet, starter: Actor) -> Stage:
    """The run's starter; beside one who is nobody in Slack, also the operators or the default stage's approvers."""
    if starter.kind is ActorKind.SLACK:
        return Stage(name="starter", approvers=(STARTER,))
    fallback = policies.default.stage
    return Stage(
        name="starter",
        approvers=(STARTER, *(policies.operators or fallback.approvers)),
        allow_public=not policies.operators and fallback.allow_public,
    )
