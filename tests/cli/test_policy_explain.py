"""`signoff policy explain` answers from the file alone, and refuses a question about nothing."""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import Shell

POLICIES = """
[[policy]]
tool = "read_*"
action = "allow"
[[policy]]
agent = "multi-step"
tool = "finance_purchase"
when = 'args.amount >= 1000 && args.currency == "EUR"'
note = "Spends {args.amount} {args.currency}"
[[policy.stage]]
name = "finance"
approvers = ["usergroup:finance"]
quorum = 2
"""
CALL = ("policy", "explain", "--agent", "multi-step", "--tool", "finance_purchase")


@pytest.fixture
def asked(shell: Shell) -> Shell:
    """A shell beside a policy file for the demo's agents."""
    shell.policy(agents="agent_runtime.demo:agents", more=POLICIES)
    return shell


async def test_it_says_who_would_be_asked_and_why(asked: Shell) -> None:
    """The deciding policy, the ones before it with what did not fit, each part of the condition, and the stages."""
    told = await asked.run(*CALL, "--args", '{"amount": 1200, "currency": "EUR"}')
    assert told.code == 0
    for said in (
        'People must approve the call: policy 2 (agent = "multi-step", tool = "finance_purchase").',
        'policy 1 (tool = "read_*"): tool = "read_*" does not match finance_purchase',
        "args.amount >= 1000: true",
        'args.currency == "EUR": true',
        "1. finance: usergroup:finance; 2 of them must say yes",
        "They can: approve, reject",
        "They read: Spends 1200 EUR",
        "Each stage waits 4h, then: reject.",
    ):
        assert said in told.said, said


async def test_a_condition_that_could_not_be_evaluated_is_told(asked: Shell) -> None:
    """What approvers would read on the card stands under the verdict."""
    told = await asked.run(*CALL, "--args", '{"amount": "1200", "currency": "EUR"}')
    assert "could not be evaluated (args.amount is a text and 1000 is a number), so it counts as matching." in told.said


async def test_it_says_where_nobody_is_asked(asked: Shell) -> None:
    """A callback or a setting in the place of people heads the answer; who they would be stands below it."""
    asked.policy(agents="agent_runtime.demo:agents", more='[[policy]]\ncallback = "my_rules:decide"\n')
    told = await asked.run(*CALL)
    assert told.said.startswith("A callback decides about the call: policy 1.")
    assert "Who is asked where the server was started without it" in told.said
    asked.set(SIGNOFF_LOG_ONLY="calls-run-unapproved")
    told = await asked.run(*CALL)
    assert told.said.startswith("The call runs without asking anybody, by a setting: policy 1.")
    assert "Who would be asked" in told.said
    assert "In time" not in told.said


async def test_programs_get_the_same_as_json(asked: Shell) -> None:
    """One object with the verdict, the steps and the stages; nothing else on stdout."""
    told = await asked.run(*CALL, "--args", '{"amount": 5, "currency": "EUR"}', "--json")
    written = json.loads(told.out)
    assert (written["verdict"], written["policy"]) == ("require", "default")
    assert [step["matched"] for step in written["steps"]] == [False, False]
    assert written["steps"][1]["parts"] == [{"part": "args.amount >= 1000", "value": "false"}]
    assert written["stages"][0]["approvers"] == ["usergroup:finance"]


@pytest.mark.parametrize(
    ("arguments", "mend"),
    [
        (("--args", "{"), "Write an object in single quotes, as --args '{\"amount\": 1200}'"),
        (("--args", '{"a": NaN}'), "NaN is no JSON number"),
        (("--args", "[1]"), "is not an object"),
        (("--agent", "multi-stp"), "Did you mean multi-step?"),
        (("--tool", "finance_purchas"), "Did you mean finance_purchase?"),
        (("--tool", "zzz"), "Known are"),
    ],
)
async def test_a_question_about_nothing_is_wrong_usage(asked: Shell, arguments: tuple[str, ...], mend: str) -> None:
    """Exit code 2, and the way to ask it right."""
    told = await asked.run(*CALL, *arguments)
    assert told.code == 2
    assert mend in told.said.replace("│ ", "").replace(" │", "")


async def test_a_broken_file_is_told_like_everywhere(asked: Shell) -> None:
    """Each fault with its line and mend, exit code 2."""
    asked.policy(agents="agent_runtime.demo:agents", more="[[policy]]\nwhen = 'args.'\n")
    told = await asked.run(*CALL)
    assert told.code == 2
    assert "policy 1.when: is not CEL" in told.said
