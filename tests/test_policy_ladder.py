"""Ladders and working hours in the policy file: what they mean, and each way of getting them wrong."""

from __future__ import annotations

from datetime import time, timedelta

import pytest

from agent_runtime.covering import chain_of
from agent_runtime.errors import ConfigError
from agent_runtime.hours import Hours
from agent_runtime.judging import CallFacts, Require, evaluate
from agent_runtime.ladder import steps
from agent_runtime.policy import PolicySet
from agent_runtime.policy_file import read_policy_text
from agent_runtime.rules import GrantRule, GrantScope, Rules, Rung, Stage
from storage.types import Actor, ActorKind, RequestKind

MINUTES = timedelta(minutes=1)
STAGE = '[default.stage]\napprovers = ["user:U1", "user:U2"]\n'
LADDER = STAGE + "[[default.stage.rung]]\n"
SECOND = LADDER + 'after = "30m"\nremind = true\n[[default.stage.rung]]\n'
HOURS = STAGE + "[default.hours]\n"
BERLIN = HOURS + 'from = "09:00"\nto = "17:30"\nzone = "Europe/Berlin"\n'
FACTS = CallFacts("a", "buy", RequestKind.TOOL, {}, Actor(kind=ActorKind.SLACK, id="U9", team="T1"))


def read(text: str) -> PolicySet:
    return read_policy_text(text, "signoff.toml").policies


def rules_of(text: str) -> Rules:
    judged = evaluate(read(text), FACTS)
    assert isinstance(judged, Require)
    return judged.rules


def test_a_ladder_is_read_with_all_its_keys() -> None:
    """Rungs stand in the stage, in the order of the file."""
    text = (
        SECOND + 'after = "1h"\nescalate_to = ["usergroup:directors", "user:U3"]\nchannel = "#escalated"\nrepeat = 2\n'
    )
    assert read(text).default.stage.rungs == (
        Rung(after=30 * MINUTES, remind=True),
        Rung(after=60 * MINUTES, escalate_to=("usergroup:directors", "user:U3"), channel="#escalated", repeat=2),
    )


def test_a_rung_is_repeated_at_its_own_interval() -> None:
    """As long after the one before it as the rung came after what was before the rung."""
    stage = read(SECOND + 'after = "1h"\nescalate_to = ["user:U3"]\nrepeat = 2\n').default.stage
    assert [step.after for step in steps(stage)] == [30 * MINUTES, 60 * MINUTES, 90 * MINUTES, 120 * MINUTES]
    alone = read(LADDER + 'after = "20m"\nremind = true\nrepeat = 1\n').default.stage
    assert [step.after for step in steps(alone)] == [20 * MINUTES, 40 * MINUTES]


def test_a_stage_without_a_ladder_is_written_as_before_there_were_any() -> None:
    """Rules that were sealed, policies that were kept and grants that were given before stay what they are."""
    stage = Stage(name="approval", approvers=("user:U1",))
    assert stage.model_dump(mode="json").keys() == {
        "name", "approvers", "quorum", "reject_quorum", "channel", "allow_public",
    }  # fmt: skip
    assert "hours" not in read(STAGE + '[[policy]]\ntool = "buy"\n').model_dump_json()


def test_a_grant_given_under_another_ladder_does_not_speak() -> None:
    """Who may decide has changed, and so has what a grant was given by."""
    grant = GrantRule(scopes=(GrantScope.RUN,))
    plain, climbing = (
        rules_of(text).model_copy(update={"grant": grant})
        for text in (STAGE, LADDER + 'after = "1h"\nescalate_to = ["user:U3"]\n')
    )
    assert chain_of(plain) != chain_of(climbing)


def test_hours_hold_where_a_stage_or_a_policy_is_silent() -> None:
    """The default's for every stage, a policy's before them, and a stage's own before both."""
    policy = (
        '[[policy]]\ntool = "buy"\n[policy.hours]\nfrom = "08:00"\nto = "24:00"\n'
        'days = ["Saturday", "sun"]\nzone = "UTC"\n'
    )
    stages = (
        '[[policy.stage]]\napprovers = ["user:U1"]\n[[policy.stage]]\napprovers = ["user:U2"]\n'
        '[policy.stage.hours]\nfrom = "22:00"\nto = "06:00"\nzone = "Asia/Tokyo"\ntimeout_waits = true\n'
    )
    weekdays = ("mon", "tue", "wed", "thu", "fri")
    assert [stage.hours for stage in rules_of(BERLIN).stages] == [
        Hours(start=time(9), end=time(17, 30), days=weekdays, zone="Europe/Berlin")
    ]
    assert [stage.hours for stage in rules_of(BERLIN + policy + stages).stages] == [
        Hours(start=time(8), end=time(), days=("sat", "sun"), zone="UTC"),
        Hours(start=time(22), end=time(6), days=weekdays, zone="Asia/Tokyo", timeout_waits=True),
    ]


WRONG = {
    "a rung at no time": (LADDER + "remind = true\n", "default.stage.rung 1.after", 3, 'after = "30m"'),
    "a rung that does nothing": (LADDER + 'after = "1h"\n', "default.stage.rung 1.remind", 3, "remind = true"),
    "a rung that only names a channel": (
        LADDER + 'after = "1h"\nchannel = "#x"\n', "default.stage.rung 1.remind", 3, "remind = true",
    ),
    "a rung at the time-out": (
        LADDER + 'after = "4h"\nremind = true\n', "default.stage.rung 1.after", 4, "a longer timeout",
    ),
    "a repetition at the time-out": (
        LADDER + 'after = "1h"\nremind = true\nrepeat = 3\n', "default.stage.rung 1.repeat", 6, "a longer timeout",
    ),
    "a rung before the one before it": (
        SECOND + 'after = "10m"\nremind = true\n', "default.stage.rung 2.after", 7, "each later than the last",
    ),
    "a rung within the repetitions of another": (
        LADDER + 'after = "30m"\nremind = true\nrepeat = 2\n[[default.stage.rung]]\nafter = "1h"\nremind = true\n',
        "default.stage.rung 2.after", 8, "each later than the last",
    ),
    "an escalation to those who are asked": (
        LADDER + 'after = "1h"\nescalate_to = ["user:U2"]\n', "default.stage.rung 1.escalate_to", 5, "Name others",
    ),
    "an escalation to nobody": (
        LADDER + 'after = "1h"\nescalate_to = ["directors"]\n', "default.stage.rung 1.escalate_to 1", 5, "user:U0123",
    ),
    "an escalation to an address": (
        LADDER + 'after = "1h"\nescalate_to = ["email:a@b.example"]\n',
        "default.stage.rung 1.escalate_to 1", 5, "emails = true",
    ),
    "a rung in a place that is none": (
        LADDER + 'after = "1h"\nremind = true\nchannel = "Help"\n', "default.stage.rung 1.channel", 6, "#approvals",
    ),
    "a key that a rung has not": (
        LADDER + 'after = "1h"\nremind = true\nrepeats = 2\n',
        "default.stage.rung 1.repeats", 6, "Did you mean repeat?",
    ),
    "more steps than anybody reads": (
        LADDER + 'after = "1m"\nremind = true\nrepeat = 100\n', "default.stage.rung", 3, "Repeat less often",
    ),
    "hours without an end": (
        HOURS + 'from = "09:00"\nzone = "UTC"\n', "default.hours.to", 3, 'to = "17:30"',
    ),
    "hours without a zone": (
        HOURS + 'from = "09:00"\nto = "17:30"\n', "default.hours.zone", 3, "Europe/Berlin",
    ),
    "hours in a zone that there is not": (
        HOURS + 'from = "09:00"\nto = "17:30"\nzone = "Europe/Berln"\n', "default.hours.zone", 6, "Europe/Berlin",
    ),
    "hours in a zone outside the files of zones": (
        HOURS + 'from = "09:00"\nto = "17:30"\nzone = "../../etc/passwd"\n', "default.hours.zone", 6, "time zone",
    ),
    "hours that begin at no time": (
        HOURS + 'from = "9"\nto = "17:30"\nzone = "UTC"\n', "default.hours.from", 4, '"09:00"',
    ),
    "hours that end as they begin": (
        HOURS + 'from = "09:00"\nto = "09:00"\nzone = "UTC"\n', "default.hours.to", 5, '"24:00"',
    ),
    "hours that are over at once": (
        HOURS + 'from = "23:55"\nto = "00:05"\nzone = "UTC"\n', "default.hours.to", 5, "Write a longer time",
    ),
    "a day that there is not": (
        BERLIN + 'days = ["mon", "tues day"]\n', "default.hours.days 2", 7, '"tue"',
    ),
    "hours of a call that nobody is asked about": (
        STAGE + '[[policy]]\naction = "allow"\n[policy.hours]\nfrom = "09:00"\nto = "10:00"\nzone = "UTC"\n',
        "policy 1.hours", 5, "Remove it",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "key", "line", "mend"), WRONG.values(), ids=WRONG.keys())
def test_a_ladder_that_is_wrong_refuses_the_file(text: str, key: str, line: int, mend: str) -> None:
    """With the place of what is wrong, and what to write."""
    with pytest.raises(ConfigError) as refused:
        read(text)
    (fault,) = refused.value.faults
    assert (fault.key, fault.line) == (key, line)
    assert mend in f"{fault.problem} {fault.mend}"
