"""`signoff demo` with a model: it says so in a line, or names what is wrong before anything starts."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from agent_runtime.adapters import chat_model
from bot.cli import run
from bot.settings import Settings
from tests.demo.model_server import calls, says, serve_model
from tests.scenarios.effects import mails

MAIL = {"to": "team@example.com", "subject": "Meeting", "body": "We meet at ten."}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """A folder to run in, and an environment in which none of our names is set."""
    for field in Settings.model_fields.values():
        monkeypatch.delenv(str(field.validation_alias), raising=False)
    monkeypatch.chdir(tmp_path)
    return monkeypatch


async def test_the_demo_thinks_with_the_model_and_says_so(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One line names the model and where it is; what was approved at the terminal is what the model wanted."""
    async with serve_model(calls(("send_email", MAIL)), says("The team knows.")) as server:
        environment.setenv("SIGNOFF_MODEL", "openai:some-model")
        environment.setenv("OPENAI_BASE_URL", server.url)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", "demo", "--console", "approval", "--data-dir", str(tmp_path / "here")),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[2],
        )  # fmt: skip
        out, _ = await process.communicate(b"yes\n")
    said = out.decode()
    assert process.returncode == 0, said
    assert f"The agents think with openai:some-model at {server.url}" in said.splitlines()[0]
    assert "The team knows." in said
    assert mails(tmp_path / "here") == [("team@example.com", "Meeting", "We meet at ten.")]
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("some-model", 'SIGNOFF_MODEL is "some-model", which names no provider'),
        ("opnai:some-model", "Did you mean openai:some-model?"),
        ("openai:some-model", "OPENAI_API_KEY is not set, and openai:some-model needs it"),
    ],
)
def test_what_is_wrong_with_the_model_is_told_first(
    environment: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str], model: str, words: str
) -> None:
    """Exit code 2, the variable and its mend, and nothing was made."""
    environment.setenv("SIGNOFF_MODEL", model)
    assert run(["demo", "--data-dir", "here"]) == 2
    assert words in " ".join(capsys.readouterr().err.split())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["check", "serve"])
def test_check_and_serve_name_what_the_model_lacks(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    """Among everything else that is missing, and serve does not start."""
    environment.setenv("SIGNOFF_MODEL", "openai:some-model")
    assert run([command]) == 2
    told = capsys.readouterr()
    assert "OPENAI_API_KEY is not set, and openai:some-model needs it" in " ".join((told.out + told.err).split())


def test_a_missing_package_is_told_with_a_command_to_copy(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command stands at the end of its line, without a full stop that would spoil it."""
    environment.setenv("SIGNOFF_MODEL", "openai:some-model")
    environment.setenv("OPENAI_API_KEY", "sk-1")
    environment.setattr(chat_model, "find_spec", lambda name: None)
    assert run(["demo", "--console", "approval"]) == 2
    assert capsys.readouterr().err.endswith("[openai]'\n")


@pytest.mark.parametrize("model", ["openai:some-model", "nonsense"])
def test_the_play_has_the_planner_and_says_so(
    environment: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str], model: str
) -> None:
    """Whatever the setting says, the play does not depend on it."""
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "something").touch()  # so that it stops before it plays
    environment.setenv("SIGNOFF_MODEL", model)
    assert run(["demo", "--auto", "--data-dir", "here"]) == 2
    told = capsys.readouterr()
    assert "SIGNOFF_MODEL is set, and not used" in told.out
    assert "is not empty" in told.err
