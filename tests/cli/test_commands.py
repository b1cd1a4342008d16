"""The commands that end: help, init, migrate, agents; and what is said when something is wrong."""

from __future__ import annotations

import io
import json
import logging
import os
import signal
import stat
from datetime import timedelta
from importlib.metadata import version

import pytest
import structlog

from agent_runtime.errors import ConfigError, ConfigFault, SignoffError
from bot.cli.words import explain
from bot.init import STARTER_FILE
from bot.logs import configure_logs
from bot.settings import Settings
from bot.slack_client import RateLimited, SlackRefused
from storage.database import Database
from storage.errors import StorageUnusable
from tests.cli.conftest import Shell


async def test_help_names_every_command_and_the_exit_codes(shell: Shell) -> None:
    """The first page is a map: what there is, where to begin, what to set."""
    helped = await shell.run("--help")
    assert helped.code == 0
    for word in (
        "demo",
        "manifest",
        "init",
        "check",
        "agents",
        "serve",
        "migrate",
        "webhooks",
        "audit",
        "First steps",
        "SLACK_BOT_TOKEN",
        "130 stopped",
    ):
        assert word in helped.said


async def test_the_help_of_serve_names_every_setting_there_is(shell: Shell) -> None:
    """Whoever wants to set something finds its name where it is needed."""
    helped = await shell.run("serve", "--help")
    for setting in Settings.model_fields.values():
        name = str(setting.validation_alias)
        assert name in helped.out, name


async def test_no_flag_is_shown_with_a_type(shell: Shell) -> None:
    """A flag takes no value."""
    assert "bool" not in (await shell.run("--help")).out
    for command in ("demo", "manifest", "init", "check", "agents", "serve", "migrate", "webhooks"):
        assert "bool" not in (await shell.run(command, "--help")).out
    for group, command in (("policy", "explain"), ("audit", "verify")):
        assert "bool" not in (await shell.run(group, command, "--help")).out


async def test_the_version_is_told(shell: Shell) -> None:
    """The first thing that a report of a fault needs."""
    told = await shell.run("--version")
    assert (told.code, told.out) == (0, f"signoff {version('signoff')}\n")


async def test_ctrl_c_ends_a_command_with_a_word(shell: Shell) -> None:
    """The demo serves until then; its end is no error's silence."""
    process = await shell.start("demo", "--data-dir", "here")
    assert process.stdout is not None
    assert process.stderr is not None
    async for line in process.stdout:
        if b"Ctrl-C" in line:
            process.send_signal(signal.SIGINT)
            break
    assert (await process.stderr.read()).decode().splitlines() == ["Stopped."]
    assert await process.wait() == 130


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("chek", "Did you mean check? For example: signoff check"),
        ("serv", "Did you mean serve? For example: signoff serve"),
        ("frobnicate", "The commands are demo, manifest, init, check, agents, serve, migrate"),
        ("a\x1bb", "⟦U+001B⟧"),
    ],
)
async def test_an_unknown_command_gets_the_nearest_one(shell: Shell, typed: str, told: str) -> None:
    """Whoever mistypes is told the way back, with exit code 2."""
    refused = await shell.run(typed)
    assert refused.code == 2
    assert told in refused.said.replace("│ ", "").replace(" │", "")


async def test_two_ways_of_playing_the_demo_at_once_are_refused(shell: Shell) -> None:
    """--auto answers by itself and --console asks: wrong usage."""
    assert (await shell.run("demo", "--auto", "--console", "approval")).code == 2


async def test_init_writes_the_file_to_start_from_and_never_overwrites_one(shell: Shell) -> None:
    """The second time it refuses, and the file is as it was."""
    file = shell.folder / "signoff.toml"
    file.unlink()
    assert (await shell.run("init")).code == 0
    assert file.read_text() == STARTER_FILE
    file.write_text("mine")
    refused = await shell.run("init")
    assert (refused.code, file.read_text()) == (2, "mine")
    assert "signoff.toml: exists already" in refused.err
    assert "signoff init other.toml" in refused.err


async def test_init_in_a_folder_that_is_not_there_says_so(shell: Shell) -> None:
    """What was typed is named, and not a setting that nobody used."""
    refused = await shell.run("init", "nodir/x.toml")
    assert refused.code == 2
    assert "the folder nodir does not exist" in refused.err
    assert refused.err.endswith("mkdir -p nodir\n")
    assert "SIGNOFF_CONFIG" not in refused.err


async def test_init_says_how_a_file_elsewhere_is_found(shell: Shell) -> None:
    """A file that signoff would not read by itself needs its setting."""
    (shell.folder / "conf").mkdir()
    written = await shell.run("init", "conf")
    assert (shell.folder / "conf" / "signoff.toml").read_text() == STARTER_FILE
    assert "export SIGNOFF_CONFIG=conf/signoff.toml" in written.said


async def test_migrate_makes_the_tables_once(shell: Shell) -> None:
    """The second time there is nothing to do."""
    assert "Made the tables" in (await shell.run("migrate")).said
    again = await shell.run("migrate")
    assert (again.code, "Nothing to do" in again.said) == (0, True)


async def test_migrate_refuses_a_database_in_use(shell: Shell) -> None:
    """Tables are not changed under a running server: words, exit code 1."""
    async with Database(f"sqlite:///{shell.folder}/.signoff/signoff.db"):
        refused = await shell.run("migrate")
    assert refused.code == 1
    assert f"Another signoff process (pid {os.getpid()}) is using" in refused.err
    assert "its own SIGNOFF_DATA_DIR" in refused.err


async def test_a_demo_in_a_folder_in_use_names_its_own_option(shell: Shell) -> None:
    """Whoever named the folder with --data-dir is not sent to a setting that the demo does not read."""
    async with Database(f"sqlite:///{shell.folder}/here/signoff.db"):
        refused = await shell.run("demo", "--console", "approval", "--data-dir", "here")
    assert refused.code == 1
    assert f"(pid {os.getpid()})" in refused.err
    assert "--data-dir" in refused.err
    assert "SIGNOFF_DATA_DIR" not in refused.err


async def test_what_is_made_is_for_its_owner_alone(shell: Shell) -> None:
    """Arguments and answers lie in the database: nobody else on the machine may read it. A folder that was there keeps
    its mode."""
    old = os.umask(0o022)
    try:
        async with Database(f"sqlite:///{shell.folder}/new/signoff.db") as db:
            await db.transact(lambda tx: None)
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (shell.folder / "new").iterdir()}
        (shell.folder / "old").mkdir(mode=0o755)
        shell.set(SIGNOFF_DATA_DIR="old")
        assert (await shell.run("migrate")).code == 0
    finally:
        os.umask(old)
    assert {"signoff.db", "signoff.db-wal", "signoff.db-shm", "signoff.db.lock"} <= modes.keys()
    assert set(modes.values()) == {0o600}
    folders = [stat.S_IMODE((shell.folder / name).stat().st_mode) for name in ("new", "old")]
    assert folders == [0o700, 0o755]
    assert stat.S_IMODE((shell.folder / "old" / "signoff.db").stat().st_mode) == 0o600


async def test_agents_tells_each_agents_level_and_places(shell: Shell) -> None:
    """The table for people and the JSON for programs name the demo's agents and where their tools run."""
    shell.policy(agents="agent_runtime.demo:agents")
    listed = json.loads((await shell.run("agents", "--json")).out)["agents"]
    assert [agent["name"] for agent in listed] == ["approval", "input", "feedback", "multi-step", "ops"]
    assert listed[0]["level"] == "gated"
    assert listed[0]["places"] == [{"name": "tools", "gated": True, "reason": ""}]
    table = await shell.run("agents")
    assert (table.code, "tools: gated" in table.said) == (0, True)


@pytest.mark.parametrize("command", ["agents", "serve"])
async def test_a_broken_policy_file_is_told_whole_with_exit_code_2(shell: Shell, command: str) -> None:
    """All errors at once, with their lines, from every command that reads the file."""
    (shell.folder / "signoff.toml").write_text('agents = "x"\n[default]\ntimeout = "soon"\ncolour = "red"\n')
    if command == "serve":
        process = await shell.start("serve")
        out, err = await process.communicate()
        code, said = process.returncode, " ".join((out + err).decode().split())
    else:
        result = await shell.run(command)
        code, said = result.code, result.said
    assert code == 2
    for place in ("signoff.toml:1: agents", "signoff.toml:3: default.timeout", "signoff.toml:4: default.colour"):
        assert place in said
    assert "Traceback" not in said


async def test_a_module_that_takes_our_name_is_told_before_anything_breaks(shell: Shell) -> None:
    """With a user's storage.py first on the path nothing could be imported: words instead of a traceback."""
    (shell.folder / "storage.py").write_text("")
    process = await shell.start("check")
    _, err = await process.communicate()
    assert process.returncode == 2
    assert f"{shell.folder}/storage.py under the name storage" in err.decode()
    assert "Traceback" not in err.decode()


async def test_check_runs_as_a_program(shell: Shell) -> None:
    """`python -m bot check` in a process of its own, with the exit code in the shell's hands."""
    shell.policy(channel="#board", agents="nowhere:agents")
    process = await shell.start("check")
    out, err = await process.communicate()
    assert process.returncode == 2, err.decode()
    assert "/invite @signoff" in out.decode()


FAULT = ConfigFault("signoff.toml", "timeout", "is no time", "Write 4h", 3)


@pytest.mark.parametrize(
    ("error", "code", "what", "mend"),
    [
        (ConfigError((FAULT,)), 2, "signoff.toml:3: timeout: is no time", "Write 4h"),
        (StorageUnusable("it is full", "Make room"), 1, "it is full", "Make room"),
        (SlackRefused("invalid_auth"), 1, "Slack does not know the token", "SLACK_BOT_TOKEN"),
        (SlackRefused("missing_scope", "users:read"), 1, "lacks the scope users:read", "install the app again"),
        (SlackRefused("odd_code"), 1, "odd_code", "documentation"),
        (RateLimited(timedelta(seconds=30)), 1, "asks to wait 30 s", "Try again"),
        (SignoffError("something"), 1, "something", ""),
        (PermissionError(13, "Permission denied", "/etc/x"), 1, "/etc/x: Permission denied", ""),
    ],
)
def test_every_expected_error_has_words_and_a_code(error: Exception, code: int, what: str, mend: str) -> None:
    """2 where somebody must mend the configuration, 1 where it failed."""
    words = explain(error)
    assert words is not None
    (problem,) = words.problems
    assert words.code == code
    assert what in problem.what
    assert mend in problem.mend


def test_a_bug_is_not_dressed_up() -> None:
    """What nobody expected keeps its traceback."""
    assert explain(KeyError("x")) is None


@pytest.fixture
def lines(shell: Shell) -> io.StringIO:
    stream = io.StringIO()
    configure_logs(stream)
    return stream


def test_logs_are_json_where_nobody_reads_them_live(lines: io.StringIO) -> None:
    """One object a line, the libraries' lines too, with time, level and event in front."""
    structlog.get_logger("signoff").info("HITL decision", tool="send_email", decision="approved", run="R1")
    logging.getLogger("some.library").warning("took %d s", 3)
    ours, theirs = (json.loads(line) for line in lines.getvalue().splitlines())
    assert list(ours)[:3] == ["timestamp", "level", "event"]
    assert (ours["event"], ours["tool"], ours["decision"]) == ("HITL decision", "send_email", "approved")
    assert (theirs["level"], theirs["event"], theirs["logger"]) == ("warning", "took 3 s", "some.library")


def test_a_tick_that_is_left_out_is_no_news(lines: io.StringIO) -> None:
    """The scheduler's warnings are about ticks, on none of which anything depends; what fails in one is told."""
    scheduler = logging.getLogger("apscheduler.scheduler")
    scheduler.warning("Execution of job skipped: maximum number of running instances reached (1)")
    assert lines.getvalue() == ""
    logging.getLogger("apscheduler.executors.default").error("Job raised an exception")
    assert "Job raised an exception" in lines.getvalue()


def test_a_token_never_reaches_the_log(lines: io.StringIO) -> None:
    """Whatever looks like one is blotted out: in fields, in libraries' messages, in tracebacks."""
    secret = "xoxb-123-abc"
    structlog.get_logger("signoff").warning("odd", header=f"Bearer {secret}", app="xapp-1-A")
    logging.getLogger("slack_sdk").warning("sent %s", secret)
    try:
        raise RuntimeError(secret)
    except RuntimeError:
        structlog.get_logger("signoff").exception("failed")
    assert "123" not in lines.getvalue()
    assert "xapp-1" not in lines.getvalue()
    assert lines.getvalue().count("••• redacted") == 4


def test_slacks_libraries_never_log_bodies(lines: io.StringIO) -> None:
    """Their DEBUG lines hold whole payloads, so they keep a level of their own even under a root that asks for all."""
    logging.getLogger().setLevel(logging.DEBUG)
    for name in ("slack_sdk.web.async_client", "slack_bolt.AsyncApp", "slack_bolt.middleware"):
        logging.getLogger(name).debug("the whole body")
    assert lines.getvalue() == ""
