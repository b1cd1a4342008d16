"""Judging: what the policies say of one call or question. Pure, total, and one code path for the server and for
`signoff policy explain`.

The first policy that matches wins; a call that matches none needs the default stage. Nothing here reads a file, a clock
or a directory, and nothing raises on what an agent sends.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from agent_runtime.note import fill_note
from agent_runtime.policy import Action, Policy, PolicySet, Rules, Stage
from agent_runtime.selectors import STARTER, Selector
from storage.types import Actor, ActorKind, DecisionKind, Json, JsonValue, OnTimeout, RequestKind

DEFAULT_LABEL = "default"


@dataclass(frozen=True, slots=True)
class CallFacts:
    """What is known of a call or question when it is judged. `tool` is empty and `args` None for a question; `input`
    is what the run was started with."""

    agent: str
    tool: str
    kind: RequestKind
    args: Json | None
    starter: Actor
    input: JsonValue = None


@dataclass(frozen=True, slots=True)
class Allow:
    """The call may run without people. `idempotent`: it may also run again when its outcome is unknown. `args` are the
    arguments it runs with where a policy fixed some, else None."""

    policy: str
    idempotent: bool
    show: bool = False
    notify: tuple[Selector, ...] = ()
    args: Json | None = None


@dataclass(frozen=True, slots=True)
class Deny:
    """The call must not run. `reason` is the policy's sentence, empty where it gives none."""

    policy: str
    reason: str
    notify: tuple[Selector, ...] = ()


@dataclass(frozen=True, slots=True)
class Require:
    """People must decide, by these rules. `args` are the arguments they decide about where a policy fixed some, else
    None."""

    rules: Rules
    args: Json | None = None


Judgement = Allow | Deny | Require


def evaluate(policies: PolicySet, facts: CallFacts) -> Judgement:
    """What the policies say of one call or question. Total: every call gets a judgement, and never a yes by mistake."""
    if facts.kind is RequestKind.OUTCOME:
        return Require(rules_for_outcome(policies, None))
    if facts.kind is not RequestKind.TOOL:
        return Require(rules_for_question(policies, facts))
    for label, policy in _matching(policies, facts):
        if policy.action is Action.ALLOW:
            return Allow(label, policy.idempotent, policy.show, policy.notify)
        if policy.action is Action.DENY:
            return Deny(label, policy.reason, policy.notify)
        return Require(_rules(policies, label, policy, facts))
    return Require(_rules(policies, DEFAULT_LABEL, Policy(), facts))


def rules_for_question(policies: PolicySet, facts: CallFacts) -> Rules:
    """The rules of a question or review: those of the first policy for its kind, else the run's starter answers in the
    run's thread. Answering one's own agent is the point, so the self-approval ban does not apply."""
    for label, policy in _matching(policies, facts):
        rules = _rules(policies, label, policy, facts)
        stages = policy.stages or (_starter_stage(policies, facts.starter),)
        break
    else:
        rules = _rules(policies, DEFAULT_LABEL, Policy(), facts)
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
        redact=original.redact if original else (),
        redact_keys=original.redact_keys if original else policies.redact_keys,
    )


def _matching(policies: PolicySet, facts: CallFacts) -> Iterator[tuple[str, Policy]]:
    """The policies that match, in the file's order, with their labels."""
    for number, policy in enumerate(policies.policies, start=1):
        if (
            policy.kind is facts.kind
            and fnmatchcase(facts.agent, policy.agent)
            and any(fnmatchcase(facts.tool, tool) for tool in policy.tools)
        ):
            yield policy.label(number), policy


def _rules(policies: PolicySet, label: str, policy: Policy, facts: CallFacts) -> Rules:
    default = policies.default
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
        hold=policy.hold,
        allow_same_person=policy.allow_same_person,
        require_reason=policy.require_reason,
        confirm=policy.confirm,
        redact=policy.redact,
        redact_keys=policies.redact_keys,
        notify=policy.notify,
        grant=policy.grant,
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
