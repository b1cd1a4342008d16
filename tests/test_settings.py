"""The environment becomes one frozen object, or is refused in words that never show a secret."""

from __future__ import annotations

import stat
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from agent_runtime.errors import ConfigError, ConfigFault
from agent_runtime.judging import CallFacts, Require, evaluate
from agent_runtime.model_choice import ModelName
from agent_runtime.policy import Action
from agent_runtime.policy_file import load_policy_file
from bot.init import write_starter_file
from bot.secret_key import find_secret_key, fresh_secret_key, keep_secret_key
from bot.settings import Settings, load_settings, require_slack
from storage.types import Actor, ActorKind, OnTimeout, RequestKind

SECRET = "k" * 40


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment in which none of our names is set."""
    for field in Settings.model_fields.values():
        monkeypatch.delenv(str(field.validation_alias), raising=False)
    return monkeypatch


def refused() -> tuple[ConfigFault, ...]:
    """The faults of the environment as it is; fails when there are none."""
    with pytest.raises(ConfigError) as caught:
        load_settings()
    return caught.value.faults


def test_with_an_empty_environment_everything_has_its_default(environment: pytest.MonkeyPatch) -> None:
    """A newcomer needs no variable: this machine, port 3000, a SQLite file under .signoff."""
    environment.setenv("SIGNOFF_PORT", "")
    settings = load_settings()
    assert settings.database_url == "sqlite:///.signoff/signoff.db"
    assert (settings.host, settings.port, settings.config) == ("127.0.0.1", 3000, Path("signoff.toml"))
    assert (settings.slack_api_url, settings.slack_is_local) == ("https://slack.com/api/", False)
    assert (settings.agents, settings.socket_mode, settings.slack_bot_token) == ((), False, None)


def test_every_name_is_read_from_the_environment(environment: pytest.MonkeyPatch) -> None:
    """The names other programs rely on arrive in their fields, without the blanks of copying."""
    given = {
        "SLACK_BOT_TOKEN": " xoxb-1\n",
        "SLACK_SIGNING_SECRET": "abc",
        "SLACK_APP_TOKEN": "xapp-1",
        "SLACK_API_URL": "http://localhost:8080/api",
        "SIGNOFF_CONFIG": "/etc/signoff.toml",
        "SIGNOFF_DATABASE_URL": "postgresql://signoff:hidden@db/signoff",
        "SIGNOFF_DATA_DIR": "/var/lib/signoff",
        "SIGNOFF_SECRET_KEY": SECRET,
        "SIGNOFF_HOST": "0.0.0.0",
        "SIGNOFF_PORT": "8000",
        "SIGNOFF_AGENTS": "a.b:c, d:e",
        "SIGNOFF_MODEL": " openai:gpt-4o-mini\n",
        "SIGNOFF_AUTO_APPROVE": " True\n",
        "GLAIP_HITL_AUTO_APPROVE": "no",
        "SIGNOFF_LOG_ONLY": "calls-run-unapproved",
        "OPENAI_API_KEY": " sk-1\n",
        "OPENAI_BASE_URL": "http://127.0.0.1:8000/v1",
        "ANTHROPIC_API_KEY": "sk-ant-1",
        "ANTHROPIC_BASE_URL": "https://claude.example.com",
        "SAGEMAKER_ENDPOINT_NAME": "endpoint",
    }
    assert set(given) == {str(field.validation_alias) for field in Settings.model_fields.values()}
    for name, value in given.items():
        environment.setenv(name, value)
    settings = load_settings()
    assert settings == Settings(
        slack_bot_token=SecretStr("xoxb-1"),
        slack_signing_secret=SecretStr("abc"),
        slack_app_token=SecretStr("xapp-1"),
        slack_api_url="http://localhost:8080/api/",
        config=Path("/etc/signoff.toml"),
        database=SecretStr("postgresql://signoff:hidden@db/signoff"),
        data_dir=Path("/var/lib/signoff"),
        secret_key=SecretStr(SECRET),
        host="0.0.0.0",
        port=8000,
        agents=("a.b:c", "d:e"),
        model=ModelName("openai", "gpt-4o-mini"),
        auto_approve=True,
        glaip_auto_approve=False,
        log_only=True,
        openai_api_key=SecretStr("sk-1"),
        openai_base_url="http://127.0.0.1:8000/v1",
        anthropic_api_key=SecretStr("sk-ant-1"),
        anthropic_base_url="https://claude.example.com",
        sagemaker_endpoint="endpoint",
    )
    assert settings.database_url == "postgresql://signoff:hidden@db/signoff"
    assert (settings.socket_mode, settings.slack_is_local) == (True, True)


@pytest.mark.parametrize(
    ("name", "value", "problem", "mend"),
    [
        ("SIGNOFF_PORT", "http", '"http" is not a port', "3000"),
        ("SIGNOFF_PORT", "65536", "is not a port", "3000"),
        ("SLACK_API_URL", "slack.com", "not a web address", "https://slack.com/api/"),
        ("SLACK_API_URL", "http://[::1/", "not a web address", "https://slack.com/api/"),
        ("SLACK_API_URL", "http://slack.com/api/", "unencrypted", "https"),
        ("SIGNOFF_DATABASE_URL", "mysql://root:hidden@db/x", "not the address of a store", "sqlite:///"),
        ("SIGNOFF_DATABASE_URL", "sqlite:///:memory:", "in memory", "sqlite:///"),
        ("SIGNOFF_DATABASE_URL", "sqlite://", "in memory", "sqlite:///"),
        ("SIGNOFF_SECRET_KEY", "hidden", "too short", "32"),
        ("SIGNOFF_AGENTS", "a.b:c,nowhere", "not an import path", "package.module:name"),
        ("SIGNOFF_MODEL", "gpt-4o-mini", '"gpt-4o-mini", which names no provider', "Did you mean openai:gpt-4o-mini?"),
        ("SIGNOFF_MODEL", "some model", "names no provider", "provider:model, such as openai:gpt-4o-mini"),
        ("SIGNOFF_MODEL", "sagemaker", "names no provider", "sagemaker: with SAGEMAKER_ENDPOINT_NAME"),
        ("SIGNOFF_MODEL", "opnai:gpt-4o", 'the provider "opnai", which is not known', "Did you mean openai:gpt-4o?"),
        ("SIGNOFF_MODEL", "ollama:llama3:8b", "is not known", "openai:NAME and set OPENAI_BASE_URL"),
        ("SIGNOFF_MODEL", "openai:", "names no model of openai", "provider:model"),
        ("SIGNOFF_MODEL", "openai:a b", "no model has such a name", "provider:model"),
    ],
)
def test_a_bad_value_is_told_by_its_name_with_a_mend(
    environment: pytest.MonkeyPatch, name: str, value: str, problem: str, mend: str
) -> None:
    """The variable is named, the way on is given, and no secret is in the message or the traceback."""
    environment.setenv(name, value)
    with pytest.raises(ConfigError) as caught:
        load_settings()
    (fault,) = caught.value.faults
    assert (fault.file, fault.key) == ("environment", name)
    assert problem in fault.problem
    assert mend in fault.mend
    assert "hidden" not in "".join(traceback.format_exception(caught.value))


def test_all_bad_values_are_told_at_once(environment: pytest.MonkeyPatch) -> None:
    """Nobody mends one variable to be told of the next."""
    environment.setenv("SIGNOFF_PORT", "x")
    environment.setenv("SIGNOFF_SECRET_KEY", "x")
    environment.setenv("SLACK_API_URL", "x")
    assert {fault.key for fault in refused()} == {"SIGNOFF_PORT", "SIGNOFF_SECRET_KEY", "SLACK_API_URL"}


def test_settings_show_no_secret_and_cannot_be_changed(environment: pytest.MonkeyPatch) -> None:
    """Printing them is safe, and what was read at the start holds to the end."""
    settings = Settings(slack_bot_token=SecretStr("xoxb-hidden"), database=SecretStr("postgresql://u:hidden@db/x"))
    assert "hidden" not in repr(settings) + str(settings.model_dump())
    with pytest.raises(ValidationError):
        settings.port = 1  # type: ignore[misc]
    with pytest.raises(ValidationError) as caught:
        Settings(secret_key=SecretStr("hidden"), database=SecretStr("mysql://hidden"), slack_api_url="x://hidden")
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize(
    ("bot", "app", "signing", "expected"),
    [
        (None, None, None, {"SLACK_BOT_TOKEN": "not set", "SLACK_SIGNING_SECRET": "not set"}),
        ("xoxb-1", None, "0a1b", {}),
        ("xoxe.xoxb-1", "xapp-1", None, {}),
        ("xoxp-1", None, "0a1b", {"SLACK_BOT_TOKEN": "a user token"}),
        ("xapp-1", "xoxb-1", None, {"SLACK_BOT_TOKEN": "an app-level token", "SLACK_APP_TOKEN": "a bot token"}),
        ("Bearer xoxb-1", None, "0a1b", {"SLACK_BOT_TOKEN": "something else"}),
        ("xoxb-1 2", None, "0a1b", {"SLACK_BOT_TOKEN": "characters"}),
        ("xoxb-1", None, "xoxb-1", {"SLACK_SIGNING_SECRET": "a token"}),
    ],
)
def test_wrong_looking_slack_secrets_are_told_before_slack_is_called(
    environment: pytest.MonkeyPatch, bot: str | None, app: str | None, signing: str | None, expected: dict[str, str]
) -> None:
    """A mixed-up or missing token is named with where to copy it from, and never shown."""
    for name, value in {"SLACK_BOT_TOKEN": bot, "SLACK_APP_TOKEN": app, "SLACK_SIGNING_SECRET": signing}.items():
        if value:
            environment.setenv(name, value)
    faults = require_slack(load_settings())
    assert {fault.key for fault in faults} == set(expected)
    for fault in faults:
        assert expected[fault.key] in fault.problem
        assert fault.mend.startswith("Copy")
        assert ("or set SLACK_APP_TOKEN" in fault.mend) == (fault.key == "SLACK_SIGNING_SECRET" and signing is None)


def make_key(settings: Settings) -> bytes:
    """What a server does that has no key yet."""
    key = fresh_secret_key()
    keep_secret_key(settings, key)
    return key


def test_the_secret_key_is_made_once_and_kept(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without a setting a key is made for this user alone, and every later start reads the same."""
    settings = Settings(data_dir=tmp_path / "new" / "data")
    assert find_secret_key(settings) is None
    assert not (tmp_path / "new").exists()
    key = make_key(settings)
    assert len(key) == 64
    assert find_secret_key(settings) == key
    (path,) = settings.data_dir.iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(settings.data_dir.stat().st_mode) == 0o700
    assert find_secret_key(Settings(secret_key=SecretStr(path.read_text().strip()))) == key
    assert make_key(Settings(data_dir=tmp_path / "other")) != key


def test_of_processes_that_start_at_once_one_makes_the_key(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whoever loses the race is told, and the winner's key stays, whole."""

    def start(settings: Settings) -> bytes | None:
        try:
            return make_key(settings)
        except ConfigError:
            return None

    for turn in range(20):
        settings = Settings(data_dir=tmp_path / str(turn))
        with ThreadPoolExecutor(8) as pool:
            (key,) = filter(None, pool.map(start, [settings] * 8))
        assert find_secret_key(settings) == key
        assert len(list(settings.data_dir.iterdir())) == 1


def test_a_key_in_the_settings_leaves_no_file(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whoever brings a key keeps it where they want it."""
    assert find_secret_key(Settings(data_dir=tmp_path / "data", secret_key=SecretStr(SECRET))) == SECRET.encode()
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_key_that_others_may_read_is_refused(environment: pytest.MonkeyPatch, tmp_path: Path, mode: int) -> None:
    """Whoever can read the key can forge decisions; the mend is one command."""
    settings = Settings(data_dir=tmp_path)
    make_key(settings)
    (tmp_path / "secret.key").chmod(mode)
    with pytest.raises(ConfigError, match=f"chmod 600 {tmp_path}"):
        find_secret_key(settings)


def test_a_key_file_that_holds_no_key_is_refused(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A truncated key, a directory or a dangling link is told in words, and no new key takes its place."""
    settings = Settings(data_dir=tmp_path)
    path = tmp_path / "secret.key"
    path.touch(mode=0o600)
    with pytest.raises(ConfigError, match="cut short"):
        find_secret_key(settings)
    assert path.read_bytes() == b""
    path.unlink()
    path.mkdir(mode=0o700)
    with pytest.raises(ConfigError, match="is not a file"):
        find_secret_key(settings)
    path.rmdir()
    path.symlink_to(tmp_path / "nowhere")
    with pytest.raises(ConfigError, match="SIGNOFF_SECRET_KEY"):
        find_secret_key(settings)


def test_the_starter_file_guards_what_changes_things_and_lets_reads_through(tmp_path: Path) -> None:
    """It loads without a fault; each dangerous tool needs people, reading needs nobody and may run again."""
    path = tmp_path / "signoff.toml"
    write_starter_file(path)
    policies = load_policy_file(path).policies

    def judge(tool: str) -> object:
        starter = Actor(kind=ActorKind.SLACK, id="U1", team="T1")
        return evaluate(policies, CallFacts("any", tool, RequestKind.TOOL, {"path": "/etc"}, starter))

    labels = []
    for tool in ("delete_file", "drop_table", "send_email", "make_payment", "update_production", "never_heard_of"):
        judgement = judge(tool)
        assert isinstance(judgement, Require)
        assert not judgement.rules.allow_self_approval
        labels.append(judgement.rules.policy)
    assert len(set(labels)) == 6
    assert labels[-1] == "default"
    reads = policies.policies[0]
    assert (reads.tools, reads.action) == (("read_*", "list_*", "get_*", "search_*"), Action.ALLOW)
    assert reads.idempotent
    assert policies.default.on_timeout is OnTimeout.REJECT


def test_the_starter_files_examples_load_when_switched_on(tmp_path: Path) -> None:
    """What the comments suggest is right: taking the comment signs away gives a file without a fault."""
    path = tmp_path / "signoff.toml"
    write_starter_file(path)
    lines = [
        line.removeprefix("# ") if line.startswith(("# [", "# name", "# members", "# starters", "# approvers",
                                                    "# quorum", "# tool", "# action", "# reason", "# url",
                                                    "# secret_env", "# events")) else line
        for line in path.read_text().splitlines()
    ]  # fmt: skip
    path.write_text("\n".join(lines))
    configuration = load_policy_file(path)
    assert configuration.policies.operators
    assert [stage.quorum for policy in configuration.policies.policies for stage in policy.stages] == [1, 2]


def test_an_existing_file_is_never_overwritten(tmp_path: Path) -> None:
    """`signoff init` run twice keeps what people wrote, and says where it is."""
    path = tmp_path / "signoff.toml"
    path.write_text("mine")
    with pytest.raises(ConfigError, match="exists already"):
        write_starter_file(path)
    assert path.read_text() == "mine"
    with pytest.raises(ConfigError, match="cannot be written"):
        write_starter_file(tmp_path / "nowhere" / "signoff.toml")
