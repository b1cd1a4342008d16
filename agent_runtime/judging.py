"""Judging: what the policies say of one call or question. Pure, total, and one code path for the server and for
`signoff policy explain`.

The first policy that matches wins; a call that matches none needs the default stage. Nothing here reads a file, a clock
or a directory, and nothing raises on what an agent sends.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from agent_runtime.condition import Weighed, weigh
from agent_runtime.digest import NotJson, canonical
from agent_runtime.note import fill_note, named_arguments
from agent_runtime.policy import Action, Hours, Policy, PolicySet, Rules, Stage
from agent_runtime.redaction import Redaction
from agent_runtime.selectors import STARTER
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
    args: Json | None = None


@dataclass(frozen=True, slots=True)
class Deny:
    """The call must not run. `reason` is the policy's sentence, empty where it gives none."""

    policy: str
    reason: str


@dataclass(frozen=True, slots=True)
class Require:
    """People must decide, by these rules. `args` are the arguments they decide about where a policy fixed some, else
    None."""

    rules: Rules
    args: Json | None = None


Judgement = Allow | Deny | Require


@dataclass(frozen=True, slots=True)
class Look:
    """One policy that was looked at. `missed` names the key that does not fit, empty where all do; `weighed` is its
    condition, None where it has none or was not reached."""

    number: int
    policy: Policy
    matched: bool
    missed: str = ""
    weighed: Weighed | None = None

    @property
    def label(self) -> str:
        """How people find it in the file."""
        return self.policy.label(self.number)

    @property
    def trouble(self) -> str:
        """What approvers are told of a condition that could not be evaluated; empty where it could."""
        if self.weighed is None or self.weighed.value is not None:
            return ""
        so = "it counts as matching" if self.matched else "it does not allow the call"
        return f"The condition of policy {self.number} could not be evaluated ({self.weighed.trouble}), so {so}."


@dataclass(frozen=True, slots=True)
class Judged:
    """A judgement and how it came about: the policies looked at, in order, the last one matching or none. There is one
    round for the call as it was made, and one more for each time that a policy fixed arguments of it."""

    judgement: Judgement
    rounds: tuple[tuple[Look, ...], ...] = ()


def evaluate(policies: PolicySet, facts: CallFacts) -> Judgement:
    """What the policies say of one call or question. Total: every call gets a judgement, and never a yes by mistake."""
    return judge(policies, facts).judgement


def judge(policies: PolicySet, facts: CallFacts) -> Judged:
    """The judgement with the way to it."""
    if facts.kind is RequestKind.OUTCOME:
        return Judged(Require(rules_for_outcome(policies, None)))
    if facts.kind is not RequestKind.TOOL:
        looks = tuple(_looks(policies, facts))
        return Judged(Require(_question_rules(policies, facts, looks)), (looks,))
    rounds: list[tuple[Look, ...]] = []
    sets: list[str] = []
    asked = facts
    for _ in range(len(policies.policies) + 2):
        rounds.append(looks := tuple(_looks(policies, facts)))
        found = looks[-1] if looks and looks[-1].matched else None
        changed = _changed(found.policy, facts.args or {}) if found else {}
        if not changed:
            args = None if facts is asked else facts.args
            return Judged(_judgement(policies, facts, rounds, args, " ".join(sets)), tuple(rounds))
        assert found is not None
        sets.append(f"P{found.label[1:]} fixes {', '.join(changed)}.")
        facts = replace(facts, args={**(facts.args or {}), **changed})
    reason = f"Policies fix the arguments of {facts.tool} in turns and come to no end"
    return Judged(Deny(rounds[-1][-1].label, reason), tuple(rounds))


def _looks(policies: PolicySet, facts: CallFacts) -> Iterator[Look]:
    """The policies in the file's order, up to the first that matches."""
    for number, policy in enumerate(policies.policies, start=1):
        look = _look(number, policy, facts)
        yield look
        if look.matched:
            return


def _look(number: int, policy: Policy, facts: CallFacts) -> Look:
    if policy.kind is not facts.kind:
        return Look(number, policy, matched=False, missed="kind")
    if not fnmatchcase(facts.agent, policy.agent):
        return Look(number, policy, matched=False, missed="agent")
    if not any(fnmatchcase(facts.tool, tool) for tool in policy.tools):
        return Look(number, policy, matched=False, missed="tool")
    if not policy.when:
        return Look(number, policy, matched=True)
    weighed = weigh(
        policy.when, args=facts.args, tool=facts.tool, agent=facts.agent, requested_by=spelled(facts.starter),
        run_input=facts.input,
    )  # fmt: skip
    # What cannot be evaluated forbids and asks, and never allows.
    matched = weighed.value if weighed.value is not None else policy.action is not Action.ALLOW
    return Look(number, policy, matched=matched, missed="" if matched else "when", weighed=weighed)


def _changed(policy: Policy, args: Json) -> dict[str, JsonValue]:
    """The arguments that the policy fixes and that are not so yet."""
    return {name: copy.deepcopy(value) for name, value in policy.sets.items() if not _is_same(args, name, value)}


def _is_same(args: Json, name: str, value: JsonValue) -> bool:
    try:
        return name in args and canonical(args[name]) == canonical(value)
    except NotJson:
        return False


def _judgement(
    policies: PolicySet, facts: CallFacts, rounds: list[tuple[Look, ...]], args: Json | None, set_note: str
) -> Judgement:
    found = rounds[-1][-1] if rounds[-1] and rounds[-1][-1].matched else None
    troubles = dict.fromkeys(look.trouble for looks in rounds for look in looks if look.trouble)
    policy, label = (found.policy, found.label) if found else (Policy(), DEFAULT_LABEL)
    if policy.action is Action.ALLOW:
        return Allow(label, policy.idempotent, policy.show, args)
    if policy.action is Action.DENY:
        return Deny(label, " ".join(filter(None, (policy.reason, found.trouble if found else ""))))
    rules = _rules(policies, label, policy, facts)
    return Require(rules.model_copy(update={"set_note": set_note, "trouble": " ".join(troubles)}), args)


def spelled(actor: Actor) -> str:
    """An actor as conditions see `run.requested_by`: `user:U0123` for a person in Slack, else such as `cli:root`."""
    return f"{'user' if actor.kind is ActorKind.SLACK else actor.kind.value}:{actor.id}"


def _question_rules(policies: PolicySet, facts: CallFacts, looks: tuple[Look, ...]) -> Rules:
    """The rules of a question or review: those of the first policy for its kind, else the run's starter answers in the
    run's thread. Answering one's own agent is the point, so the self-approval ban does not apply."""
    found = looks[-1] if looks and looks[-1].matched else None
    policy, label = (found.policy, found.label) if found else (Policy(), DEFAULT_LABEL)
    rules = _rules(policies, label, policy, facts)
    stages = rules.stages if policy.stages else (_starter_stage(policies, facts.starter),)
    return rules.model_copy(
        update={
            "stages": stages,
            "trouble": found.trouble if found else "",
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


def _rules(policies: PolicySet, label: str, policy: Policy, facts: CallFacts) -> Rules:
    default = policies.default
    return Rules(
        policy=label,
        stages=_at_work(policy.stages or (default.stage,), policy.hours or default.hours),
        note=_note(policies, policy, facts),
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
        callback=policy.callback,
    )


def _at_work(stages: tuple[Stage, ...], hours: Hours | None) -> tuple[Stage, ...]:
    """The stages with the working hours that hold where they are silent."""
    return tuple(stage if stage.hours else stage.model_copy(update={"hours": hours}) for stage in stages)


def _note(policies: PolicySet, policy: Policy, facts: CallFacts) -> str:
    """The note with the call's values in it, as they may be shown."""
    if not named_arguments(policy.note):
        return fill_note(policy.note, None)
    return fill_note(policy.note, Redaction(policy.redact, policies.redact_keys).args(facts.args))


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
