"""A reader who does what a document says, in the order in which it says it, in a folder beside the local workspace."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import re
import shlex
import signal
from collections.abc import Mapping
from pathlib import Path

from bot.cli import run
from bot.demo.app import install_from
from bot.manifest import as_shape
from bot.workspace import Workspace
from tests.cli.conftest import Shell
from tests.docs.blocks import ROOT, Block
from tests.patience import PATIENCE

TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))

NOT_RUN = {
    r'export PATH="/path/to/this/checkout/\.venv/bin:\$PATH"': "a place that only the reader knows",
    r"git clone .*": "the checkout is there already",
}
"""Commands that no test can run as they stand, as patterns, and why."""


class Reader:
    """Runs blocks one after the other. What `export` sets stays set; a server that one starts runs until the next."""

    def __init__(self, shell: Shell) -> None:
        self.shell = shell
        self.said = ""
        self._serving: list[asyncio.subprocess.Process] = []

    async def close(self) -> None:
        """Stop the server, the way Ctrl-C does."""
        while self._serving:
            process = self._serving.pop()
            process.send_signal(signal.SIGINT)
            await process.communicate()
            assert process.returncode == 0, "a server did not stop cleanly"

    async def run(self, block: Block) -> None:
        """Every command of a block; each has to succeed. `said` holds what all of them wrote."""
        await self.close()
        self.said = ""
        for command in block.commands:
            if not any(re.fullmatch(pattern, command) for pattern in NOT_RUN):
                self.said += await self._one(command, block.place)

    async def _one(self, command: str, place: str) -> str:
        words = shlex.split(command)
        if words[0] == "export":
            return self._export(words[1:])
        if words[0] == "unset":
            return self._export([f"{name}=" for name in words[1:]])
        if words[0] == "make":
            return await self._make(words, place)
        if words[0] == "signoff" and not re.search(r"[|<>;&$`]", command):
            return await self._signoff(words[1:], place)
        assert words[0] in ("signoff", "mkdir", "cp", "mv", "cat", "ls", "chmod"), f"{place}: nobody runs {words[0]!r}"
        return await self._bash(command, place)

    def _export(self, assignments: list[str]) -> str:
        for assignment in assignments:
            name, _, value = assignment.partition("=")
            self.shell.set(**{name: real(name, value, self.shell.ws)})
        return ""

    async def _make(self, words: list[str], place: str) -> str:
        """Such a command takes minutes, or waits for a person: that the target is there and what it runs is valid."""
        await self._bash(shlex.join(["make", "-C", str(ROOT), "--dry-run", "--no-print-directory", *words[1:]]), place)
        assert set(words[1:2]) <= TARGETS, f"{place}: there is no target {words[1]}"
        given = dict(word.split("=", 1) for word in words[2:])
        if words[1:2] == ["demo"]:
            require_valid(["demo", *shlex.split(given.get("ARGS", ""))], place)
        return ""

    async def _signoff(self, arguments: list[str], place: str) -> str:
        if arguments[0] == "serve":
            return await self._serve(place)
        if arguments[0] == "demo":
            require_valid(arguments, place)
            return ""
        done = await self.shell.run(*arguments)
        assert done.code == 0, f"{place}: signoff {shlex.join(arguments)} ended with {done.code}:\n{done.out}{done.err}"
        if arguments[0] == "manifest":
            self._paste(done.out)
        return done.out

    def _paste(self, manifest: str) -> None:
        """What the reader does with the manifest: make an app of it in the workspace."""
        shape, ws = as_shape(manifest), self.shell.ws
        install_from(shape, ws.world.app)
        ws.socket_mode = shape["settings"]["socket_mode_enabled"]

    async def _serve(self, place: str) -> str:
        process = await self.shell.start("serve")
        self._serving.append(process)
        assert process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            line = (await process.stdout.readline()).decode()
        assert line.startswith("Signoff "), f"{place}: signoff serve did not start: {await self._why(process)}"
        return line

    async def _why(self, process: asyncio.subprocess.Process) -> str:
        assert process.stderr is not None
        self._serving.remove(process)
        return (await process.stderr.read()).decode()

    async def _bash(self, command: str, place: str) -> str:
        pipe = asyncio.subprocess.PIPE
        path = f"{ROOT / '.venv' / 'bin'}:{os.environ['PATH']}"  # noqa: TID251 - a child needs it
        process = await asyncio.create_subprocess_exec(
            "bash", "-euo", "pipefail", "-c", command,
            cwd=self.shell.folder, env={**self.shell.env, "PATH": path}, stdout=pipe, stderr=pipe,
        )  # fmt: skip
        out, err = await asyncio.wait_for(process.communicate(), PATIENCE)
        assert process.returncode == 0, f"{place}: {command} ended with {process.returncode}:\n{err.decode()}"
        return out.decode()


def real(name: str, value: str, ws: Workspace) -> str:
    """A document's placeholder as this workspace's own value; everything else as it stands."""
    secrets: Mapping[str, tuple[str, str]] = {
        "SLACK_BOT_TOKEN": ("xoxb-...", ws.bot_token),
        "SLACK_APP_TOKEN": ("xapp-...", ws.app_token),
        "SLACK_SIGNING_SECRET": ("...", ws.signing_secret),
    }
    placeholder, known = secrets.get(name, ("", ""))
    return known if placeholder and value == placeholder else value


def require_valid(arguments: list[str], place: str) -> None:
    """Whether the command line takes this, without doing it: the command exists, and so do its options."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        code = run([*arguments, "--help"])
    assert code == 0, f"{place}: signoff {shlex.join(arguments)} ended with {code}:\n{said.getvalue()}"


def as_lines(text: str) -> list[str]:
    """Lines without the spaces in and around them, empty ones left out."""
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]


def shows(document: str, said: str) -> list[str]:
    """The lines of a document's output that were not said, in their order; `...` stands for anything, and a line of
    its own for any lines."""
    left, missing = as_lines(said), []
    for line in as_lines(document):
        if line == "...":
            continue
        pattern = re.compile(".*".join(re.escape(part) for part in line.split("...")))
        found = next((number for number, one in enumerate(left) if pattern.fullmatch(one)), None)
        if found is None:
            missing.append(line)
        else:
            left = left[found + 1 :]
    return missing


def keep(folder: Path, name: str, text: str) -> Path:
    """Save what a reader was told to save."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path
