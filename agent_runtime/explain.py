"""What a judgement came from, step by step, as values for people and programs. It judges nothing itself: every word is
read off the way that `judge` took."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from agent_runtime.callback import time_for
from agent_runtime.context import Asking
from agent_runtime.judging import Allow, CallFacts, Deny, Judged, Look, judge, spelled
from agent_runtime.policy import Caps, PolicySet
from agent_runtime.redaction import Redaction, mask
from agent_runtime.rules import Rules, Stage
from agent_runtime.toml_reader import span
from storage.types import DecisionKind, Json, OnTimeout

_WORDS = {
    DecisionKind.APPROVED: "approve",
    DecisionKind.REJECTED: "reject",
    DecisionKind.SKIPPED: "skip",
    DecisionKind.ANSWERED: "answer",
    DecisionKind.EDITED: "edit",
}


@dataclass(frozen=True, slots=True)
class Step:
    """One policy that was looked at: whether it matched, and why or why not. `parts` are those of its condition that
    were read, each with `true`, `false` or what is wrong. `round` counts from 1: each time policies fix arguments, they
    are all read again."""

    round: int
    policy: str
    matched: bool
    why: str
    parts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """One stage: who is asked, how many of them must say yes or no, and where its card goes."""

    name: str
    approvers: tuple[str, ...]
    quorum: int
    reject_quorum: int
    channel: str
    timeout: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """What the policies say of one call. `verdict` is `allow`, `deny` or `require`; `policy` the label of the deciding
    one; `args` the arguments that would be shown and `fixed` what policies changed in them; `times` what happens in
    time, in sentences. Where people would have to approve it, `asks` says who is asked: `people`, or `callback`, or the
    setting in whose place it runs unasked, `auto_approve` or `log_only`."""

    agent: str
    tool: str
    starter: str
    verdict: str
    policy: str
    reason: str
    steps: tuple[Step, ...]
    args: Json
    asks: str = ""
    fixed: str = ""
    trouble: str = ""
    note: str = ""
    stages: tuple[Asked, ...] = ()
    decisions: tuple[str, ...] = ()
    times: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def explain(policies: PolicySet, facts: CallFacts, asking: Asking = Asking.PEOPLE) -> Explanation:
    """The judgement on one call, with every policy that was looked at on the way; `asking` is what the settings say."""
    judged = judge(policies, facts)
    judgement = judged.judgement
    steps = tuple(_step(number, look, facts) for number, looks in enumerate(judged.rounds, 1) for look in looks)
    changed = None if isinstance(judgement, Deny) else judgement.args
    args = (changed if changed is not None else facts.args) or {}
    common: dict[str, Any] = {
        "agent": facts.agent,
        "tool": facts.tool,
        "starter": spelled(facts.starter),
        "steps": steps,
        "args": Redaction((), policies.redact_keys).args(args) or {},
        "fixed": "" if changed is None else _fixed(judged),
    }
    if isinstance(judgement, Allow):
        remarks = ("Told in the run's thread.",) if judgement.show else ()
        return Explanation(verdict="allow", policy=judgement.policy, reason="", remarks=remarks, **common)
    if isinstance(judgement, Deny):
        return Explanation(verdict="deny", policy=judgement.policy, reason=judgement.reason, **common)
    common["remarks"] = tuple(_remarks(judgement.rules, policies.caps))
    if asking is not Asking.PEOPLE:
        common |= {"asks": asking.value, "times": (), "remarks": (asking.sentence, *_idempotent(judgement.rules))}
    elif judgement.rules.callback:
        common |= {"asks": "callback", "times": (_callback_time(judgement.rules),)}
    else:
        common |= {"asks": "people", "times": tuple(_times(judgement.rules))}
    return _required(judgement.rules, args, common)


def as_json(explanation: Explanation) -> dict[str, Any]:
    """The explanation for programs."""
    written = asdict(explanation)
    written["steps"] = [
        {**step, "parts": [{"part": part, "value": value} for part, value in step["parts"]]}
        for step in written["steps"]
    ]
    return written


def _required(rules: Rules, args: Json, common: dict[str, Any]) -> Explanation:
    redaction = Redaction(rules.redact, rules.redact_keys)
    return Explanation(
        verdict="require",
        policy=rules.policy,
        reason="",
        trouble=rules.trouble,
        note=mask(rules.note, redaction.secrets(args)),
        stages=tuple(
            Asked(one.name, one.approvers, one.quorum, one.reject_quorum, one.channel, span(rules.timeout))
            for one in rules.stages
        ),
        decisions=tuple(_WORDS.get(kind, kind.value) for kind in rules.decisions),
        **{**common, "args": redaction.args(args) or {}, "fixed": rules.set_note},
    )


def _times(rules: Rules) -> list[str]:
    alone, ends = len(rules.stages) == 1, None if rules.on_timeout is OnTimeout.KEEP else rules.timeout
    said = [line for stage in rules.stages for line in _ladder(stage, "" if alone else stage.name, ends)]
    said.append(f"Each stage waits {span(rules.timeout)}, then: {rules.on_timeout.value}. {rules.on_timeout.sentence}")
    if rules.hold is not None:
        said.append(f"Held for {span(rules.hold)} after the last vote needed; until then it can be taken back.")
    if rules.valid_for is not None:
        said.append(f"The approval counts for {span(rules.valid_for)} once its pause has closed.")
    return said


def _callback_time(rules: Rules) -> str:
    return f"The callback {rules.callback} has {span(time_for(rules))} to answer; what is no answer is a no."


def _ladder(stage: Stage, name: str, ends: timedelta | None) -> Iterator[str]:
    """What a stage's rungs do, and when it works; `name` is said where there are several stages. Rungs of the default
    stage may lie behind the time-out of a policy: what would come after the stage `ends` never does."""
    where, before = f"Stage {name}: " if name else "", timedelta(0)
    for rung in stage.rungs:
        if ends is not None and rung.after >= ends:
            break
        does = ["a reminder"] if rung.remind else []
        does += [f"{', '.join(rung.escalate_to)} may decide, too, and are told"] if rung.escalate_to else []
        every = rung.after - before
        more = sum(ends is None or rung.after + turn * every < ends for turn in range(1, rung.repeat + 1))
        again = f", and {more} more time{'s' * (more > 1)} every {span(every)}" if more else ""
        where_too = rung.channel or ("the channel for alerts" if rung.escalate_to else "")
        place = f", said in {where_too} as well" if where_too else ""
        line = f"{where}after {span(rung.after)}: {'; '.join(does)}{place}{again}."
        yield line[0].upper() + line[1:]
        before = rung.after
    if stage.hours is not None:
        hours = stage.hours
        counts = "The time-out counts them alone, too." if hours.timeout_waits else "The time-out counts every hour."
        days = ", ".join(hours.days)
        line = (
            f"{where}only {days} from {hours.start:%H:%M} to {hours.end:%H:%M} ({hours.zone}) counts for that. {counts}"
        )
        yield line[0].upper() + line[1:]


def _remarks(rules: Rules, caps: Caps) -> list[str]:
    if rules.callback:
        return _idempotent(rules)
    said = ["Who started the run may approve it, too."] if rules.allow_self_approval else []
    said += ["One person may vote in every stage."] if rules.allow_same_person else []
    said += ["Guests may decide."] if rules.allow_guests else []
    said += ["Approving asks once more."] if rules.confirm else []
    if rules.require_reason:
        said.append(f"Needs a reason: {', '.join(_WORDS.get(kind, kind.value) for kind in rules.require_reason)}.")
    said += [f"Told, not asked: {', '.join(rules.notify)}."] if rules.notify else []
    if rules.grant is not None:
        scopes = ", ".join(scope.value for scope in rules.grant.scopes)
        most = f"{rules.grant.max_count} calls and {span(rules.grant.max_age)}"
        said.append(f"Approvers may say yes to the next ones like this, too: for {scopes}, up to {most}.")
    return [*said, *_idempotent(rules), *_caps(caps)]


def _idempotent(rules: Rules) -> list[str]:
    return ["Runs again by itself where its outcome is unknown."] if rules.idempotent else []


def _caps(caps: Caps) -> Iterator[str]:
    """What else may keep people from being asked; the caps that hold for every file are not worth a line."""
    if caps.max_open_per_approver is not None:
        yield f"Where {caps.max_open_per_approver} or more open requests ask the same people already, the run fails."
    if caps.max_open_per_starter is not None:
        yield f"Where {caps.max_open_per_starter} or more requests are open for whoever started it, the run fails."
    if caps.fast_approval is not None:
        yield f"An approval within {span(caps.fast_approval)} is marked as a fast one."


def _step(number: int, look: Look, facts: CallFacts) -> Step:
    weighed = look.weighed
    parts = (
        tuple((part, str(value).lower() if isinstance(value, bool) else value) for part, value in weighed.parts)
        if weighed
        else ()
    )
    return Step(number, look.label, look.matched, _why(look, facts), parts)


def _why(look: Look, facts: CallFacts) -> str:
    policy = look.policy
    if look.missed == "kind":
        return f"it is for a {policy.kind.value}"
    if look.missed == "agent":
        return f'agent = "{policy.agent}" does not match {facts.agent}'
    if look.missed == "tool":
        tools = ", ".join(f'"{tool}"' for tool in policy.tools)
        return f"tool = {tools} does not match {facts.tool or 'a question'}"
    if look.weighed is None:
        return "everything it names matches"
    if look.weighed.value is None:
        return f"when = {policy.when!r} could not be evaluated: {look.weighed.trouble}" + (
            ", which counts as matching" if look.matched else ", which allows nothing"
        )
    return f"when = {policy.when!r} is {str(look.weighed.value).lower()}"


def _fixed(judged: Judged) -> str:
    names = [name for looks in judged.rounds[:-1] for name in looks[-1].policy.sets]
    return f"Policies fix {', '.join(dict.fromkeys(names))}." if names else ""
