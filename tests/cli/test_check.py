"""`signoff check` names each planted fault with its mend, and never shows a traceback."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
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
from bot.checks.slack import check_clocks
from bot.settings import Settings
from storage import runs
from storage.database import Database, has_wal_reset_bug
from storage.models import Run
from storage.types import Json, RunStatus
from tests.cli.conftest import Shell

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
Plant = Callable[[Shell], object]


async def test_a_sound_setup_has_a_tick_on_every_line_and_exit_code_0(shell: Shell) -> None:
    """Nothing planted: no fault, no warning beyond this machine's SQLite, and nothing was written."""
    before = sorted(shell.folder.rglob("*"))
    checked = await shell.run("check")
    assert checked.code == 0, checked.said
    assert "✗" not in checked.out
    assert checked.out.count("!") == (1 if has_wal_reset_bug() else 0), checked.out
    for told in ("@signoff in Lanternworks", "all 11 scopes", "#approvals (approvals)", "2 people", "The gate holds"):
        assert told in checked.said
    assert [path for path in sorted(shell.folder.rglob("*")) if "__pycache__" not in str(path)] == before


def scope(name: str) -> Plant:
    return lambda shell: shell.ws.world.app.scopes.discard(name)


def approver(selector: str, **more: str) -> Plant:
    return lambda shell: shell.policy(approvers=selector, **more)


def _disable_finance(shell: Shell) -> None:
    next(group for group in shell.ws.world.groups.values() if group.handle == "finance").disabled_at = 1


def _empty_finance(shell: Shell) -> None:
    next(group for group in shell.ws.world.groups.values() if group.handle == "finance").users.clear()


def _uninvited_without_public(shell: Shell) -> None:
    shell.ws.world.app.scopes.discard("chat:write.public")
    shell.policy(channel="#random")


def _open_key(shell: Shell) -> None:
    (shell.folder / ".signoff").mkdir()
    key = shell.folder / ".signoff" / "secret.key"
    key.write_text("k" * 64)
    key.chmod(0o644)


def _other_tables(shell: Shell) -> None:
    (shell.folder / ".signoff").mkdir()
    with sqlite3.connect(shell.folder / ".signoff" / "signoff.db") as db:
        db.execute("create table runs (id text)")
    db.close()


def _no_database(shell: Shell) -> None:
    (shell.folder / ".signoff").mkdir()
    (shell.folder / ".signoff" / "signoff.db").write_text("this is no database" * 100)


FAULTS: dict[str, tuple[Plant, int, str, str]] = {
    "wrong token": (
        lambda s: s.set(SLACK_BOT_TOKEN="xoxb-wrong"), 2, "Slack does not know the token", "OAuth & Permissions",
    ),
    "no token": (lambda s: s.set(SLACK_BOT_TOKEN=""), 2, "SLACK_BOT_TOKEN is not set", "OAuth & Permissions"),
    "revoked token": (
        lambda s: setattr(s.ws.world.app, "revoked", "token_revoked"), 2, "was revoked", "Install the app",
    ),
    "no signing secret": (
        lambda s: s.set(SLACK_SIGNING_SECRET=""), 2, "SLACK_SIGNING_SECRET is not set", "page Basic Information.",
    ),
    "Socket Mode": (
        lambda s: s.set(SLACK_APP_TOKEN="xapp-1"), 2, "Socket Mode is not available yet", "set SLACK_SIGNING_SECRET",
    ),
    "bad port": (lambda s: s.set(SIGNOFF_PORT="http"), 2, 'SIGNOFF_PORT "http" is not a port', "such as 3000"),
    "missing scope": (
        scope("usergroups:read"), 2, "lacks the scope usergroups:read (who is in an approver group)", "manifest.yml",
    ),
    "missing lesser scope": (scope("channels:history"), 0, "lacks the scope channels:history", "install the app again"),
    "no such channel": (
        lambda s: s.policy(channel="#aprovals"), 2, "#aprovals (approvals) is not a channel", "Is it #approvals?",
    ),
    "private channel without the bot": (
        lambda s: s.policy(channel="#board"), 2, "#board (approvals) is not a channel", "/invite @signoff",
    ),
    "public channel without the bot": (
        _uninvited_without_public, 2, "may not post in #random", "Invite it there: /invite @signoff",
    ),
    "archived channel": (
        lambda s: s.ws.channel("#approvals").archive(), 2, "#approvals (approvals) is archived", "Bring it back",
    ),
    "shared channel": (lambda s: s.policy(channel="#purchasing"), 0, "shared with another workspace", "of your own"),
    "unknown group": (
        approver("usergroup:bosses"), 2, "usergroup:bosses ([default.stage]) is not a user group", "Create it in Slack",
    ),
    "disabled group": (_disable_finance, 2, "is a user group that was disabled", "Enable it in Slack"),
    "group without members": (_empty_finance, 2, "is a user group without members", "Add somebody"),
    "public channel of approvers": (
        approver("channel:#random"), 2, "is a public channel, which anybody may join", "allow_public = true",
    ),
    "approver channel without the bot": (
        approver("channel:#board"), 2, "channel:#board ([default.stage]) is not a", "/invite @signoff in #board",
    ),
    "approver who left": (approver("user:U0EVE000001"), 2, "is eve, whose account is deactivated", "Correct it"),
    "approver who is a guest": (approver("user:U0GUS000001"), 2, "Gus Marek, a guest", "allow_guests = true"),
    "approver nobody knows": (approver("user:U0NOBODY"), 2, "is nobody in this workspace", "Correct it"),
    "quorum out of reach": (
        approver("usergroup:finance", more="quorum = 3"), 2, "needs 3 approvals and only 2 people", "Lower its quorum",
    ),
    "one approver alone": (approver("usergroup:managers"), 0, "only 1 person can decide", "Name one more"),
    "no policy file": (lambda s: (s.folder / "signoff.toml").unlink(), 2, "there is no such file", "signoff init"),
    "no such agents": (
        lambda s: s.policy(agents="nowhere:agents"), 2, "nowhere:agents could not be imported", "my_agents:agents",
    ),
    "key open to others": (_open_key, 2, "is open to others", "chmod 600"),
    "tables of another version": (_other_tables, 2, "has the tables of another version", "signoff migrate"),
    "not a database": (_no_database, 2, "cannot be read as a database", "Restore it from a backup"),
    "a module with our name": (
        lambda s: (s.folder / "storage.py").write_text(""), 0, "storage.py has the name of Signoff's own", "Rename it",
    ),
    "Slack not there": (
        lambda s: s.set(SLACK_API_URL="http://127.0.0.1:9/api/"), 1,
        "Slack could not be reached: 127.0.0.1:9: Connection refused.", "way from this machine to http://127.0.0.1:9/api/?",
    ),
    "Slack in trouble": (lambda s: s.ws.fail("auth.test", status=503), 1, "Slack answered 503", "Try again"),
    "Slack in a hurry": (
        lambda s: s.ws.fail("usergroups.list", status=429, retry_after=30), 1, "asks to wait 30 s", "Try again",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
async def test_a_planted_fault_is_named_with_its_mend(shell: Shell, name: str) -> None:
    """What is wrong, what to do about it, the right exit code, and no traceback."""
    plant, code, what, mend = FAULTS[name]
    plant(shell)
    checked = await shell.run("check")
    assert what in checked.said
    assert mend in checked.said
    assert checked.code == code, checked.said
    assert "Traceback" not in checked.said
    if shell.env["SLACK_BOT_TOKEN"]:
        assert shell.env["SLACK_BOT_TOKEN"] not in checked.said


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
        (29, Level.OK),
        (30, Level.WARNING),
        (-200, Level.WARNING),
        (300, Level.FAULT),
        (-900, Level.FAULT),
    ],
)
def test_a_clock_too_far_from_slacks_is_a_fault(away: int, level: Level) -> None:
    """Signatures five minutes off are refused, whichever clock is ahead."""
    (finding,) = check_clocks(format_datetime(NOW + timedelta(seconds=away), usegmt=True), NOW)
    assert finding.level is level


@pytest.mark.parametrize("date", ["", "soon", "Mon, 02 Mar 2026 09:00:00"])
def test_an_answer_without_a_usable_date_says_nothing_about_clocks(date: str) -> None:
    """A proxy may drop the header."""
    assert check_clocks(date, NOW) == ()
