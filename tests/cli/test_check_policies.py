"""`signoff check` compares the policy file with the agents: what it names and is not there does nothing."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import pytest

from agent_runtime.agents import AgentLevel, Completed, NodeReport, Paused, ToolShape, Turn
from agent_runtime.demo import POLICY_FILE
from agent_runtime.policy_file import load_policy_file, read_policy_text
from agent_runtime.registry import load_agents
from bot.checks.policies import check_policies
from storage.types import Json

PAY = ToolShape("make_payment", frozenset({"amount", "recipient"}))
READ = ToolShape("read_file", frozenset({"path"}))
ANY = ToolShape("remote", None)
STAGE = '[default.stage]\napprovers = ["channel:#approvers"]\n'


class Clerk:
    """An agent that runs a few tools in one place."""

    description = example = fingerprint = ""
    level = AgentLevel.GATED
    input_schema: ClassVar[Json] = {}
    form: ClassVar[Json | None] = None

    def __init__(self, *tools: ToolShape, known: bool = True) -> None:
        self._tools = tools if known else None

    def report(self) -> tuple[NodeReport, ...]:
        return (NodeReport("tools", gated=True, tools=self._tools),)

    async def advance(self, turn: Turn) -> Completed | Paused:
        raise NotImplementedError


CASES = {
    "a misspelt tool": ('tool = "make_paymet"', "have a tool make_paymet", "Did you mean make_payment?"),
    "one of a list": ('tool = ["read_*", "make_paymet"]', "have a tool make_paymet", "make_payment?"),
    "a forbidden tool": ('tool = "red_file"\naction = "deny"', "have a tool red_file", "Did you mean read_file?"),
    "a pattern for nothing": ('tool = "drop_*"', "have these tools: drop_* (policy 1)", "Correct what is misspelt"),
    "a tool of another agent": ('agent = "clerk"\ntool = "remote"', "these tools: remote (policy 1)", "Correct what"),
    "a misspelt argument": (
        'tool = "make_*"\nnote = "Pays {args.amonut}"', "{args.amonut}, which make_payment", "mean {args.amount}?",
    ),
    "an argument that is not there": ('tool = "read_file"\nnote = "{args.x.y}"', "{args.x}, which", "It takes path"),
    "a path by its beginning": (
        'tool = "read_file"\nwhen = "args.path.startsWith(\'/data\')"', "does not keep a path", "within(args.path",
    ),
    "a misspelt argument of a condition": (
        'tool = "make_*"\nwhen = "args.amonut > 1"', "asks for args.amonut, which make_payment", "mean amount?",
    ),
    "a misspelt redaction": (
        'tool = "make_*"\nredact = ["/recipeint"]', "redact names /recipeint, which make_payment", "mean recipient?",
    ),
    "an agent that is not there": ('agent = "clerc"\ntool = "x"', "no agent is called clerc", "Did you mean clerk?"),
}  # fmt: skip
AGENTS = {"clerk": Clerk(PAY, READ), "far": Clerk(ANY)}


@pytest.mark.parametrize("name", CASES)
def test_a_name_that_matches_nothing_is_a_warning_with_the_nearest(name: str) -> None:
    """One finding for each name, which says where it stands."""
    policy, what, mend = CASES[name]
    policies = read_policy_text(f"{STAGE}[[policy]]\n{policy}\n", "signoff.toml").policies
    (found,) = check_policies(policies, AGENTS)
    assert "policy 1" in found.what
    assert what in found.what
    assert mend in found.mend


def test_names_that_resemble_nothing_share_one_line() -> None:
    """A starter file full of tools that an agent does not have yet is one thing to know, not ten."""
    text = f'{STAGE}[[policy]]\ntool = "drop_*"\n[[policy]]\ntool = "zzz"\n'
    (found,) = check_policies(read_policy_text(text, "signoff.toml").policies, AGENTS)
    assert "drop_* (policy 1), zzz (policy 2)" in found.what


@pytest.mark.parametrize(
    "policy",
    [
        'tool = ["read_*", "list_*"]\naction = "allow"',
        'tool = "shell_*"\naction = "deny"\nreason = "No shell."',
        'tool = "make_payment"\nnote = "Pays {args.amount.value} {{args.x}}"',
        'tool = "remote"\nnote = "{args.anything}"',
        'kind = "question"\nagent = "clerk"',
    ],
)
def test_what_does_something_or_is_a_precaution_is_left_in_peace(policy: str) -> None:
    """Patterns beside one that matches, patterns that forbid, and what cannot be known."""
    assert not check_policies(read_policy_text(f"{STAGE}[[policy]]\n{policy}\n", "signoff.toml").policies, AGENTS)


def test_nothing_is_said_where_tools_are_not_known() -> None:
    """An agent that does not tell its tools may have any."""
    policies = read_policy_text(f'{STAGE}[[policy]]\ntool = "x"\nnote = "{{args.y}}"\n', "signoff.toml").policies
    assert not check_policies(policies, {"clerk": Clerk(PAY), "closed": Clerk(known=False)})
    assert not check_policies(policies, {"clerk": Clerk()})


def test_a_rule_for_an_agent_that_is_not_there_is_a_warning() -> None:
    """Who may start it would then be decided by the default."""
    text = f'{STAGE}[[agent]]\nname = "clerks"\nstarters = ["user:U1"]\n'
    (found,) = check_policies(read_policy_text(text, "signoff.toml").policies, AGENTS)
    assert (found.what.startswith('[[agent]] "clerks": no agent'), found.mend) == (True, "Did you mean clerk?")


def test_the_demos_policies_fit_the_demos_agents(tmp_path: Path) -> None:
    """LangGraph's agents tell their tools and what each takes."""
    agents = load_agents(("agent_runtime.demo:agents",), tmp_path)
    assert check_policies(load_policy_file(POLICY_FILE).policies, agents) == ()
    policies = read_policy_text(f'{STAGE}[[policy]]\ntool = "send_emial"\n', "signoff.toml").policies
    (found,) = check_policies(policies, agents)
    assert found.mend == "Did you mean send_email?"


HOURS = '[default.hours]\nfrom = "09:00"\nto = "17:00"\nzone = "UTC"\n'
LADDER = '[[default.stage.rung]]\nafter = "30m"\nremind = true\n'


@pytest.mark.parametrize(
    ("text", "warned"),
    [
        (STAGE + LADDER + HOURS, True),
        (STAGE + LADDER + HOURS + "timeout_waits = true\n", False),
        (STAGE + HOURS, False),
        (STAGE + LADDER, False),
        ('[default]\ntimeout = "3d"\n' + STAGE + LADDER + HOURS, False),
        ('[default]\ntimeout = "2d"\n' + STAGE + LADDER + HOURS, True),
    ],
)
def test_a_ladder_that_is_over_before_anybody_is_reminded_is_told(text: str, warned: bool) -> None:
    """Working hours in which no step comes before the deadline, over the night or the weekend."""
    found = check_policies(read_policy_text(text, "signoff.toml").policies, {})
    assert any("before anybody is reminded" in finding.what for finding in found) is warned
