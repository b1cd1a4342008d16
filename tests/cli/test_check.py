"""`signoff check` names each planted fault with its mend, and never shows a traceback."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import ClassVar

import pytest

from agent_runtime.adapters import langgraph
from agent_runtime.agents import AgentLevel, Completed, NodeReport, Paused, Turn
from agent_runtime.errors import AgentError
from bot.checks.agents import check_agents
from bot.checks.finding import Level
from bot.checks.inspection import demo_agents
from bot.checks.scopes import SCOPES
from bot.checks.slack import check_clocks
from bot.settings import Settings
from storage import runs
from storage.database import Database, has_wal_reset_bug
from storage.models import Run
from storage.types import Json, RunStatus
from tests.cli.conftest import Shell

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


async def test_a_sound_setup_has_a_tick_on_every_line_and_exit_code_0(shell: Shell) -> None:
    """Nothing planted: no fault, no warning beyond this machine's SQLite, and nothing was written."""
    before = sorted(shell.folder.rglob("*"))
    checked = await shell.run("check")
    assert checked.code == 0, checked.said
    assert "✗" not in checked.out
    assert checked.out.count("!") == (1 if has_wal_reset_bug() else 0), checked.out
    for told in (
        "@signoff in Lanternworks",
        f"all {len(SCOPES)} scopes",
        "#approvals (approvals)",
        "2 people",
        "The gate holds",
    ):
        assert told in checked.said
    assert [path for path in sorted(shell.folder.rglob("*")) if "__pycache__" not in str(path)] == before


async def test_faults_that_do_not_hide_each_other_are_told_at_once(shell: Shell) -> None:
    """Settings, every line of the policy file and Slack are looked at in one go, whatever one setting is like."""
    shell.set(SLACK_SIGNING_SECRET="", SIGNOFF_PORT="abc", SIGNOFF_SECRET_KEY="short")
    (shell.folder / "signoff.toml").write_text(
        '[default]\ntimeout = "soon"\n[slack]\napprovals_channel = "Approvals"\n'
    )
    checked = await shell.run("check")
    assert checked.code == 2
    for what in (
        "SLACK_SIGNING_SECRET",
        "SIGNOFF_PORT",
        "SIGNOFF_SECRET_KEY",
        "signoff.toml:2: default.timeout",
        "signoff.toml:4: slack.",
        "@signoff in",
    ):
        assert what in checked.said


async def test_a_default_is_not_looked_at_in_place_of_a_bad_setting(shell: Shell) -> None:
    """The token goes to no address that nobody named, and no other database is told about."""
    shell.set(SLACK_API_URL="ftp://127.0.0.1/api/", SIGNOFF_DATABASE_URL="nowhere")
    sections = json.loads((await shell.run("check", "--json")).out)["sections"]
    found = {section["title"]: [finding["what"] for finding in section["findings"]] for section in sections}
    assert found["Slack"] == ["not looked at: SLACK_API_URL has a fault"]
    assert found["Database"] == ["not looked at: SIGNOFF_DATABASE_URL has a fault"]


async def test_text_that_is_no_toml_is_named_with_its_line(shell: Shell) -> None:
    """A broken file is a fault of its line, not a parser's traceback."""
    (shell.folder / "signoff.toml").write_text('[slack]\napprovals_channel = "#approvals\n')
    checked = await shell.run("check")
    assert checked.code == 2
    assert "signoff.toml:2: approvals_channel: is not valid TOML" in checked.said


async def test_a_database_in_use_is_told_and_left_alone(shell: Shell) -> None:
    """A running server is the usual reason, so it is no fault; its lock is not taken from it."""
    async with Database(f"sqlite:///{shell.folder}/.signoff/signoff.db"):
        checked = await shell.run("check")
        assert checked.code == 0, checked.said
        assert "is in use by another signoff process" in checked.said
        assert "has the tables of this version" in checked.said


async def test_runs_whose_key_is_gone_are_a_fault(shell: Shell) -> None:
    """With a new key nobody could decide what is open, so no server starts before somebody says what is to be done."""
    async with Database(f"sqlite:///{shell.folder}/.signoff/signoff.db") as db:
        now = datetime(2026, 3, 2, tzinfo=UTC)
        run = Run(id="R1", agent="tiny", status=RunStatus.SUCCEEDED, starter={}, starter_key="cli:ana",
                  due_at=now, created_at=now, updated_at=now)  # fmt: skip
        await db.transact(runs.insert, run)
    checked = await shell.run("check")
    assert (checked.code, "secret.key is missing" in checked.said) == (2, True)
    assert "Restore the key from a backup" in checked.said
    refused = await shell.start("serve")
    _, err = await refused.communicate()
    assert refused.returncode == 2
    assert "Restore the key from a backup" in err.decode()
    assert not (shell.folder / ".signoff" / "secret.key").exists()


async def test_an_empty_database_without_a_key_is_as_it_should_be(shell: Shell) -> None:
    """After `signoff migrate` in an empty folder there is nothing that a key could have sealed."""
    assert (await shell.run("migrate")).code == 0
    checked = await shell.run("check")
    assert (checked.code, "will be made in .signoff/secret.key" in checked.said) == (0, True)


async def test_what_slack_says_cannot_steer_the_terminal(shell: Shell) -> None:
    """A workspace's name with control characters in it is written out."""
    shell.ws.world.team.name = "Lantern\x1b[2Jworks"
    checked = await shell.run("check")
    assert "\x1b" not in checked.out
    assert "Lantern⟦U+001B⟧[2Jworks" in checked.said


async def test_a_file_without_agents_is_a_fault_unless_the_environment_names_them(shell: Shell) -> None:
    """No agent is served that nobody named."""
    file = shell.folder / "signoff.toml"
    file.write_text(file.read_text().partition("\n")[2])
    checked = await shell.run("check")
    assert (checked.code, "signoff.toml: agents: is missing" in checked.said) == (2, True)
    shell.set(SIGNOFF_AGENTS="tiny_agents:agents")
    assert (await shell.run("check")).code == 0


@pytest.mark.parametrize(("address", "told"), [("https://192.0.2.1/api/", True), ("http://127.0.0.1:9/api/", False)])
async def test_demo_agents_before_a_real_workspace_are_a_warning(address: str, told: bool) -> None:
    """One of them runs shell commands; on the demo's own workspace that is what it is for."""
    found = list(demo_agents(("agent_runtime.demo:agents",), Settings(slack_api_url=address)))
    assert [finding.level for finding in found] == ([Level.WARNING] if told else [])
    assert not list(demo_agents(("my_agents:agents",), Settings(slack_api_url=address)))


async def test_json_holds_every_finding(shell: Shell) -> None:
    """Programs get level, finding and mend, and the same exit code."""
    shell.policy(channel="#board")
    checked = await shell.run("check", "--json")
    sections = {one["title"]: one["findings"] for one in json.loads(checked.out)["sections"]}
    assert list(sections) == [
        "Packages", "Settings", "Policy file", "Database", "Agents", "Slack", "Channels", "Approvers",
    ]  # fmt: skip
    assert {finding["level"] for finding in sections["Channels"]} == {"fault"}
    assert "/invite" in sections["Channels"][0]["mend"]
    assert checked.code == 2


class Half:
    """An agent with one place that is gated and one that cannot be."""

    description = example = fingerprint = ""
    level = AgentLevel.GATED
    input_schema: ClassVar[Json] = {}
    form: ClassVar[Json | None] = None

    def report(self) -> tuple[NodeReport, ...]:
        return NodeReport("tools", gated=True), NodeReport("own", gated=False, reason="it holds the tool wipe")

    async def advance(self, turn: Turn) -> Completed | Paused:
        raise NotImplementedError


async def test_a_place_that_cannot_be_gated_is_a_warning() -> None:
    """The agent may be used; whoever runs it knows which of its calls will be stopped."""
    gated, own, gate = await check_agents({"half": Half()})
    assert (gated.level, own.level, gate.level) == (Level.OK, Level.WARNING, Level.OK)
    assert "half: own cannot be gated: it holds the tool wipe" in own.what
    assert "the run fails" in own.mend


async def test_a_gate_that_does_not_hold_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a LangGraph in which a denied call runs, no server starts."""

    async def broken() -> None:
        raise AgentError("the gate does not hold")

    monkeypatch.setattr(langgraph, "check_gate", broken)
    assert (await check_agents({"half": Half()}))[-1].level is Level.FAULT


@pytest.mark.parametrize(
    ("away", "level"),
    [
        (0, Level.OK),
        (59, Level.OK),
        (60, Level.WARNING),
        (-239, Level.WARNING),
        (240, Level.FAULT),
        (-900, Level.FAULT),
    ],
)
def test_a_clock_too_far_from_slacks_is_a_fault(away: int, level: Level) -> None:
    """Signatures five minutes off are refused, whichever clock is ahead; four leave no room for a slow delivery."""
    (finding,) = check_clocks(format_datetime(NOW + timedelta(seconds=away), usegmt=True), NOW)
    assert finding.level is level


@pytest.mark.parametrize("date", ["", "soon", "Mon, 02 Mar 2026 09:00:00"])
def test_an_answer_without_a_usable_date_says_nothing_about_clocks(date: str) -> None:
    """A proxy may drop the header."""
    assert check_clocks(date, NOW) == ()
