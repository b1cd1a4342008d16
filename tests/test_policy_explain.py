"""An explanation is read off the judgement's own way: it agrees with it, and names every policy on the way."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_runtime.context import Asking
from agent_runtime.explain import as_json, explain
from agent_runtime.judging import Allow, CallFacts, Deny, Require, evaluate
from agent_runtime.policy import Action, Caps, Default, Policy, PolicySet, Stage
from agent_runtime.redaction import MARK
from agent_runtime.rules import GrantRule, GrantScope, Rung
from agent_runtime.toml_reader import span
from storage.types import Actor, ActorKind, DecisionKind, OnTimeout, RequestKind

ANA = Actor(kind=ActorKind.SLACK, id="U1", team="T1", name="Ana")
FALLBACK = Stage(name="approval", approvers=("channel:#approvers",))
MANAGER = Stage(name="manager", approvers=("usergroup:managers",), channel="#buying")
FINANCE = Stage(name="finance", approvers=("usergroup:finance",), quorum=2, reject_quorum=2)


def policy_set(*policies: Policy, **others: Any) -> PolicySet:
    return PolicySet(default=Default(stage=FALLBACK), policies=policies, **others)


def facts(args: Any = None, tool: str = "buy", agent: str = "shop") -> CallFacts:
    return CallFacts(agent=agent, tool=tool, kind=RequestKind.TOOL, args=args or {}, starter=ANA)


policies = st.builds(
    Policy,
    agent=st.sampled_from(["*", "shop", "ops"]),
    tools=st.lists(st.sampled_from(["*", "buy", "s*", "read_*"]), min_size=1, max_size=2).map(tuple),
    kind=st.sampled_from([RequestKind.TOOL, RequestKind.TOOL, RequestKind.QUESTION]),
    action=st.sampled_from(Action),
    when=st.sampled_from(["", "", "args.n > 1", "args.n == 1 || args.m == 2", "has(args.m)", "!(args.n > 1)"]),
    sets=st.sampled_from([{}, {}, {"n": 1}, {"n": 2}, {"m": "x", "n": 1}]),
    stages=st.sampled_from([(), (MANAGER,), (MANAGER, FINANCE)]),
)
calls = st.builds(
    facts,
    st.dictionaries(st.sampled_from("nm"), st.integers(0, 3) | st.sampled_from(["1", None, 2.0]), max_size=2),
    st.sampled_from(["buy", "sell", "read_x"]),
    st.sampled_from(["shop", "ops", "other"]),
)


@given(st.lists(policies, max_size=5), calls)
def test_an_explanation_agrees_with_the_judgement(rules: list[Policy], call: CallFacts) -> None:
    """Verdict, label, arguments and stages are those of `evaluate`, for any policies and any call."""
    judgement, told = evaluate(policy_set(*rules), call), explain(policy_set(*rules), call)
    verdicts = {Allow: "allow", Deny: "deny", Require: "require"}
    assert told.verdict == verdicts[type(judgement)]
    label = judgement.rules.policy if isinstance(judgement, Require) else judgement.policy
    assert told.policy == label
    if isinstance(judgement, Require):
        assert [stage.approvers for stage in told.stages] == [stage.approvers for stage in judgement.rules.stages]
        assert (told.trouble, told.fixed) == (judgement.rules.trouble, judgement.rules.set_note)
    if not isinstance(judgement, Deny):
        assert told.args == (call.args if judgement.args is None else judgement.args)
        assert bool(told.fixed) == (judgement.args is not None)
    json.dumps(as_json(told))


@given(st.lists(policies, max_size=5), calls)
def test_every_policy_before_the_deciding_one_says_why_it_does_not_decide(rules: list[Policy], call: CallFacts) -> None:
    """In each round the policies stand in the file's order up to the one that matches, each with its reason."""
    told = explain(policy_set(*rules), call)
    for number in {step.round for step in told.steps}:
        steps = [step for step in told.steps if step.round == number]
        assert [step.policy for step in steps] == [rule.label(place) for place, rule in enumerate(rules, 1)][
            : len(steps)
        ]
        assert not any(step.matched for step in steps[:-1])
        assert all(step.why for step in steps)


@given(st.lists(policies, max_size=5), calls)
def test_arguments_that_policies_fix_come_to_rest_or_the_call_is_denied(rules: list[Policy], call: CallFacts) -> None:
    """What runs or is asked about is a fixed point: judged again it is judged the same, and nothing more is fixed."""
    judgement = evaluate(policy_set(*rules), call)
    if isinstance(judgement, Deny):
        return
    args = call.args if judgement.args is None else judgement.args
    again = evaluate(policy_set(*rules), facts(args, call.tool, call.agent))
    assert again.args is None
    assert type(again) is type(judgement)


def test_policies_that_undo_each_other_deny() -> None:
    """Two policies that fix an argument in turns come to no end, and nothing runs."""
    swing = policy_set(
        Policy(when="args.n == 1", sets={"n": 2}, action=Action.ALLOW),
        Policy(when="args.n == 2", sets={"n": 1}, action=Action.ALLOW),
    )
    judgement = evaluate(swing, facts({"n": 1}))
    assert isinstance(judgement, Deny)
    assert "in turns" in judgement.reason
    assert explain(swing, facts({"n": 1})).verdict == "deny"


def test_fixed_arguments_are_judged_again() -> None:
    """A limit that a policy sets can be what another policy allows; the way there is told round by round."""
    rules = policy_set(
        Policy(tools=("read",), when="args.limit <= 100", action=Action.ALLOW),
        Policy(tools=("read",), sets={"limit": 100}, action=Action.ALLOW),
    )
    told = explain(rules, facts({"limit": 5000}, tool="read"))
    assert (told.verdict, told.policy, told.args) == ("allow", 'policy 1 (tool = "read")', {"limit": 100})
    assert [(step.round, step.matched) for step in told.steps] == [(1, False), (1, True), (2, True)]
    assert told.fixed == "Policies fix limit."


def test_a_value_that_is_already_so_is_not_fixed_again() -> None:
    """`100.0` is `100`; and the value that a policy holds cannot be changed through a call."""
    rules = policy_set(Policy(sets={"limit": 100, "tags": ["a"]}))
    assert evaluate(rules, facts({"limit": 100.0, "tags": ["a"]})).args is None  # type: ignore[union-attr]
    judgement = evaluate(rules, facts({"limit": "100"}))
    assert isinstance(judgement, Require)
    assert judgement.rules.set_note == "Policy 1 fixes limit, tags."
    judgement.args["tags"].append("b")  # type: ignore[index,union-attr]
    assert rules.policies[0].sets["tags"] == ["a"]


def test_everything_that_follows_is_told() -> None:
    """Stages, decisions, what happens in time, and what else the policy asks for; a redacted value is not."""
    rule = Policy(
        when="args.amount >= 1000",
        stages=(MANAGER, FINANCE),
        note="Pays {args.amount} by {args.card}",
        decisions=(DecisionKind.APPROVED, DecisionKind.REJECTED, DecisionKind.SKIPPED),
        timeout=timedelta(minutes=90),
        on_timeout=OnTimeout.KEEP,
        valid_for=timedelta(days=2),
        hold=timedelta(seconds=30),
        require_reason=(DecisionKind.REJECTED,),
        notify=("channel:#audit",),
        redact=("/card",),
        confirm=True,
        allow_self_approval=True,
        allow_same_person=True,
        allow_guests=True,
        idempotent=True,
        grant=GrantRule(scopes=(GrantScope.RUN,), max_count=3, max_age=timedelta(hours=1)),
    )
    told = explain(policy_set(rule), facts({"amount": 1200, "card": "4111-1111"}))
    assert [(one.name, one.quorum, one.reject_quorum, one.channel, one.timeout) for one in told.stages] == [
        ("manager", 1, 1, "#buying", "90m"),
        ("finance", 2, 2, "", "90m"),
    ]
    assert told.decisions == ("approve", "reject", "skip")
    assert told.note == f"Pays 1200 by {MARK}"
    assert told.steps[-1].parts == (("args.amount >= 1000", "true"),)
    everything = " ".join((*told.times, *told.remarks))
    for said in (
        "90m, then: keep",
        "30s",
        "2d",
        "asks once more",
        "reason: reject",
        "#audit",
        "run, up to 3 calls and 1h",
    ):
        assert said in everything, said
    assert "4111-1111" not in json.dumps(as_json(told))


def test_who_decides_in_the_place_of_people_is_told() -> None:
    """A callback with its time, or a setting under which nobody is asked; then nothing is said of people's time."""
    rule = policy_set(Policy(callback="rules:decide", timeout=timedelta(seconds=30)))
    told = explain(rule, facts())
    assert (told.verdict, told.asks) == ("require", "callback")
    assert told.times == ("The callback rules:decide has 24s to answer; what is no answer is a no.",)
    for asking in (Asking.AUTO_APPROVE, Asking.LOG_ONLY):
        told = explain(rule, facts(), asking)
        assert (told.asks, told.times, told.remarks) == (asking.value, (), (asking.sentence,))
    assert explain(policy_set(), facts()).asks == "people"
    assert explain(policy_set(Policy(action=Action.DENY)), facts(), Asking.LOG_ONLY).asks == ""


def test_caps_that_the_file_states_are_told() -> None:
    """Each that may keep people from being asked, with its number."""
    caps = Caps(max_open_per_approver=30, max_open_per_starter=20, fast_approval=timedelta(seconds=3))
    said = " ".join(explain(policy_set(caps=caps), facts()).remarks)
    assert "30 or more open requests ask the same people" in said
    assert "20 or more requests are open for whoever started it" in said
    assert "within 3s" in said
    assert explain(policy_set(), facts()).remarks == ()


@pytest.mark.parametrize(
    ("seconds", "said"), [(30, "30s"), (90, "90s"), (3600, "1h"), (5400, "90m"), (172_800, "2d"), (0, "0s")]
)
def test_times_read_as_the_file_writes_them(seconds: int, said: str) -> None:
    """The largest unit that fits exactly."""
    assert span(timedelta(seconds=seconds)) == said


@pytest.mark.parametrize(
    ("on_timeout", "told"),
    [
        (OnTimeout.REJECT, ["After 1h: a reminder, and 1 more time every 1h."]),
        (OnTimeout.KEEP, ["After 1h: a reminder, and 3 more times every 1h.", "After 6h: user:U2 may decide, too, "]),
    ],
)
def test_steps_behind_the_time_out_are_told_only_where_they_come(on_timeout: OnTimeout, told: list[str]) -> None:
    """A policy may time out before the default stage's ladder is over; what is kept open climbs on."""
    rungs = (
        Rung(after=timedelta(hours=1), remind=True, repeat=3),
        Rung(after=timedelta(hours=6), escalate_to=("user:U2",)),
    )
    stage = FALLBACK.model_copy(update={"rungs": rungs})
    soon = Policy(timeout=timedelta(hours=3), on_timeout=on_timeout)
    times = explain(PolicySet(default=Default(stage=stage), policies=(soon,)), facts()).times
    steps = [line for line in times if line.startswith("After")]
    assert len(steps) == len(told)
    assert all(line.startswith(words) for line, words in zip(steps, told, strict=True))
