"""A folder to run `signoff` in, with a workspace behind it and an environment in which nothing else is set."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bot.checks.scopes import SCOPES
from bot.cli import run
from bot.settings import Settings
from bot.workspace import Workspace
from bot.workspace.demo_world import demo_world

POLICY = """\
agents = "{agents}"
[slack]
approvals_channel = "{channel}"
[default.stage]
approvers = ["{approvers}"]
{more}
"""

TINY_AGENTS = """\
from langgraph.graph import START, MessagesState, StateGraph

builder = StateGraph(MessagesState)
builder.add_node("answer", lambda state: {"messages": []})
builder.add_edge(START, "answer")
agents = {"tiny": builder.compile()}
"""


@dataclass(frozen=True)
class Result:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        """Everything, on one line, so that wrapping does not matter."""
        return " ".join((self.out + self.err).split())


@dataclass
class Shell:
    """Runs commands in a folder, in this process or in one of their own."""

    folder: Path
    ws: Workspace
    capture: pytest.CaptureFixture[str]
    monkeypatch: pytest.MonkeyPatch
    env: dict[str, str] = field(default_factory=dict)

    def set(self, **values: str) -> None:
        """Environment of every later command."""
        self.env |= values
        for name, value in values.items():
            self.monkeypatch.setenv(name, value)

    def policy(
        self,
        *,
        agents: str = "tiny_agents:agents",
        channel: str = "#approvals",
        approvers: str = "usergroup:finance",
        more: str = "",
    ) -> None:
        """Write signoff.toml."""
        text = POLICY.format(agents=agents, channel=channel, approvers=approvers, more=more)
        (self.folder / "signoff.toml").write_text(text)

    async def run(self, *arguments: str) -> Result:
        """A command in this process: in a thread, because it has an event loop of its own."""
        self.capture.readouterr()
        code = await asyncio.to_thread(run, arguments)
        out, err = self.capture.readouterr()
        return Result(code, out, err)

    async def start(self, *arguments: str, more: Mapping[str, str] | None = None) -> asyncio.subprocess.Process:
        """A command in a process of its own."""
        pipe = asyncio.subprocess.PIPE
        env = {"PATH": os.environ["PATH"], **self.env, **(more or {})}  # noqa: TID251 - a child needs it
        command = (sys.executable, "-m", "bot", *arguments)
        return await asyncio.create_subprocess_exec(
            *command, cwd=self.folder, env=env, stdout=pipe, stderr=pipe, preexec_fn=_hear_interrupts
        )


def _hear_interrupts() -> None:
    """A shell has what it starts in the background ignore Ctrl-C, and every child of that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture
async def ws() -> AsyncIterator[Workspace]:
    world = demo_world(seed="cli")
    world.app.scopes = {scope.name for scope in SCOPES}  # as installed from the manifest
    async with Workspace.serve(world) as served:
        yield served


@pytest.fixture
def shell(
    tmp_path: Path, ws: Workspace, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Shell]:
    """A folder in which everything is right: a token, a policy file, an agent of its own."""
    for one in Settings.model_fields.values():
        monkeypatch.delenv(str(one.validation_alias), raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    shell = Shell(tmp_path, ws, capsys, monkeypatch)
    shell.set(
        SLACK_BOT_TOKEN=ws.bot_token,
        SLACK_SIGNING_SECRET=ws.signing_secret,
        SLACK_API_URL=ws.api_url,
        SIGNOFF_PORT="0",
    )
    shell.policy()
    (tmp_path / "tiny_agents.py").write_text(TINY_AGENTS)
    before = set(sys.modules)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield shell
    root.handlers, root.level = handlers, level
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "") or "").startswith(str(tmp_path)):
            del sys.modules[name]
