"""Every fault that somebody could plant, planted: `signoff check` names it with its mend, and never shows a traceback.

The real command, in a folder of its own, over real HTTP against the local workspace.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import UTC, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from bot.settings import SHORTEST_KEY
from tests.cli.conftest import Shell

Plant = Callable[[Shell], object]
STAGE = """[[policy]]
tool = "buy"
[[policy.stage]]
name = "manager"
approvers = ["{approvers}"]
channel = "{channel}"
quorum = {quorum}
"""


def scope(name: str) -> Plant:
    return lambda shell: shell.ws.world.app.scopes.discard(name)


def setting(**values: str) -> Plant:
    return lambda shell: shell.set(**values)


def alerts(channel: str = "#alerts", more: str = "") -> Plant:
    return lambda shell: shell.policy(more=f'[alerts]\nchannel = "{channel}"\n{more}')


def stage(approvers: str = "usergroup:finance", channel: str = "#approvals", quorum: int = 1) -> Plant:
    return lambda shell: shell.policy(more=STAGE.format(approvers=approvers, channel=channel, quorum=quorum))


def clock_away(by: timedelta) -> Plant:
    """Slack's answers carry another time than this machine's."""

    def plant(shell: Shell) -> None:
        api = shell.ws.api
        respond = api._respond

        def dated(*given: Any, **named: Any) -> Any:
            response = respond(*given, **named)
            response.headers["Date"] = format_datetime(shell.ws.world.clock.now().astimezone(UTC) + by, usegmt=True)
            return response

        shell.monkeypatch.setattr(api, "_respond", dated)

    return plant


def _tokens_of_two_apps(shell: Shell) -> None:
    shell.ws.socket_mode = True
    shell.ws.world.app.app_token = "xapp-1-A0OTHER0001-" + "b" * 24
    shell.set(SLACK_APP_TOKEN=shell.ws.app_token)


def _token_that_expires(shell: Shell) -> None:
    shell.ws.world.app.bot_token = "xoxe.xoxb-1-" + "c" * 24
    shell.set(SLACK_BOT_TOKEN=shell.ws.bot_token)


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
    "a user's token": (
        setting(SLACK_BOT_TOKEN="xoxp-1"), 2, "SLACK_BOT_TOKEN holds a user token", "OAuth & Permissions",
    ),
    "the app token in the bot token's place": (
        setting(SLACK_BOT_TOKEN="xapp-1"), 2, "SLACK_BOT_TOKEN holds an app-level token", "(xoxb-...)",
    ),
    "a token that expires": (
        _token_that_expires, 0, "one of those that expire after 12 hours", "Create another app from the manifest",
    ),
    "half a token": (setting(SLACK_BOT_TOKEN="xoxb-12 34"), 2, "holds characters that no token has", "xoxb-..."),
    "a token in the signing secret's place": (
        setting(SLACK_SIGNING_SECRET="xoxb-1"), 2, "SLACK_SIGNING_SECRET holds a token", "Copy the Signing Secret",
    ),
    "the verification token in the signing secret's place": (
        setting(SLACK_SIGNING_SECRET="FqZb1oxbCpXQnQgk0nKlLWJR"), 0, "SLACK_SIGNING_SECRET does not look like one",
        "not the Verification Token",
    ),
    "a key that is too short": (
        setting(SIGNOFF_SECRET_KEY="tiny-key"), 2, "is too short to be safe", f"Use {SHORTEST_KEY} or more random",
    ),
    "a slow clock": (clock_away(timedelta(seconds=90)), 0, "away from Slack's; 300 s make it deaf", "with NTP"),
    "a wrong clock": (
        clock_away(timedelta(minutes=-5)), 2,
        "away from Slack's: deliveries would be refused", "Set this machine's clock",
    ),
    "a scope too many": (
        lambda s: s.ws.world.app.scopes.add("users:read.email"), 0,
        "scopes that Signoff does not use: users:read.email", "Remove them under OAuth & Permissions",
    ),
    "an alerts channel that is not there": (
        alerts("#alert"), 2, "#alert (alerts) is not a channel that the bot can see", "Is it #alerts?",
    ),
    "a place for refused alerts that is not there": (
        alerts(more='fallback = ["#alert"]'), 2,
        "#alert (alerts, fallback) is not a channel that the bot can see", "Is it #alerts?",
    ),
    "a monitor whose address is not set": (
        alerts(more='heartbeat_url_env = "MONITOR"'), 2, "MONITOR is not set, and heartbeats go there", "Set it to",
    ),
    "a stage's channel without the bot": (
        stage(channel="#board"), 2,
        '#board (policy 1 (tool = "buy"), stage manager) is not a', "invite the bot there",
    ),
    "a stage's group that is not there": (
        stage(approvers="usergroup:finanze"), 2, 'usergroup:finanze (policy 1 (tool = "buy"), stage manager) is not a',
        "Is it finance? Create it in Slack",
    ),
    "a stage's quorum out of reach": (
        stage(approvers="usergroup:managers", quorum=2), 2,
        "needs 2 approvals and only 1 person", "name more approvers",
    ),
    "no signing secret": (
        lambda s: s.set(SLACK_SIGNING_SECRET=""), 2, "SLACK_SIGNING_SECRET is not set", "page Basic Information",
    ),
    "no way in": (
        lambda s: s.set(SLACK_SIGNING_SECRET=""), 2, "HTTP needs it", "or set SLACK_APP_TOKEN for Socket Mode",
    ),
    "a bot token for Socket Mode": (
        lambda s: s.set(SLACK_APP_TOKEN=s.ws.bot_token), 2, "SLACK_APP_TOKEN holds a bot token", "Basic Information",
    ),
    "an unknown app token": (
        lambda s: s.set(SLACK_APP_TOKEN="xapp-1"), 2, "does not know the token in SLACK_APP_TOKEN", "Basic Information",
    ),
    "Socket Mode is off": (
        lambda s: s.set(SLACK_APP_TOKEN=s.ws.app_token), 2, "Socket Mode is off for this app", "Turn it on",
    ),
    "tokens of two apps": (
        _tokens_of_two_apps, 2, "SLACK_APP_TOKEN is of the app A0OTHER0001, and SLACK_BOT_TOKEN of A0SIGNOFF01",
        "Take both from the pages of one app",
    ),
    "an app token without its scope": (
        lambda s: (s.set(SLACK_APP_TOKEN=s.ws.app_token), s.ws.world.app.app_scopes.clear()), 2,
        "lacks the scope connections:write", "Make an app-level token",
    ),
    "bad port": (lambda s: s.set(SIGNOFF_PORT="http"), 2, 'SIGNOFF_PORT "http" is not a port', "such as 3000"),
    "missing scope": (
        scope("usergroups:read"), 2, "lacks the scope usergroups:read (who is in an approver group)",
        "All of them: signoff manifest",
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
    """What is wrong, what to do about it, the right exit code, and neither a traceback nor a secret."""
    plant, code, what, mend = FAULTS[name]
    plant(shell)
    checked = await shell.run("check")
    assert what in checked.said
    assert mend in checked.said
    assert checked.code == code, checked.said
    assert "Traceback" not in checked.said
    for secret in ("SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "SLACK_APP_TOKEN", "SIGNOFF_SECRET_KEY"):
        if value := shell.env.get(secret):
            assert value not in checked.said


async def test_nothing_planted_is_exit_code_0_from_a_process_of_its_own(shell: Shell) -> None:
    """What a person or a pipeline runs: ticks, nothing on stderr, and the summary."""
    process = await shell.start("check")
    out, err = await process.communicate()
    assert (process.returncode, err) == (0, b"")
    assert "\u2717" not in out.decode()


def test_the_faults_are_different_ones() -> None:
    """No two rows wait for the same words."""
    said = [(what, mend) for _, _, what, mend in FAULTS.values()]
    assert len(set(said)) == len(said) >= 10
