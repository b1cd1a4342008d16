"""`signoff serve` in a process of its own, told to stop by real signals."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agent_runtime.refusals import RefusalReason
from tests.cli.conftest import Shell
from tests.patience import PATIENCE

SLOW_AGENT = '''\
"""One tool that says when it began and goes on when the test lets it."""

import asyncio
from pathlib import Path

from langchain_core.messages import AIMessage
from langchain_core.tools import tool
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode


@tool
async def slow() -> str:
    """Take as long as it takes."""
    Path("began").touch()
    while not Path("go").exists():
        await asyncio.sleep(0.01)
    Path("done").touch()
    return "done"


def model(state: MessagesState) -> dict:
    call = {"name": "slow", "args": {}, "id": "c1", "type": "tool_call"}
    return {"messages": [AIMessage("", id="m1", tool_calls=[call])]}


builder = StateGraph(MessagesState)
builder.add_node("model", model)
builder.add_node("tools", ToolNode([slow]))
builder.add_edge(START, "model")
builder.add_edge("model", "tools")
agents = {"slow": builder.compile()}
'''

BUSY = RefusalReason.DIRECTORY_DOWN.sentence

ALLOW = """
[[policy]]
tool = "slow"
action = "allow"
"""


class Server:
    """A server's process and the lines it has said so far."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.lines: list[str] = []
        self._news = asyncio.Event()
        streams = (process.stdout, process.stderr)
        self._readers = [asyncio.create_task(self._read(stream)) for stream in streams if stream is not None]

    async def says(self, text: str) -> str:
        """The line that holds this text, once it is there."""
        async with asyncio.timeout(PATIENCE):
            while not (found := [line for line in self.lines if text in line]):
                self._news.clear()
                await self._news.wait()
        return found[0]

    async def ends(self) -> int:
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*self._readers)
            return await self.process.wait()

    def complaints(self) -> list[str]:
        """What it said that somebody should look into; that the machine is busy is nobody's fault."""
        found = [line for line in self.lines if "Traceback" in line or '"level": "warning"' in line]
        return [line for line in found if "directory unreachable" not in line]

    async def _read(self, stream: asyncio.StreamReader) -> None:
        async for line in stream:
            self.lines.append(line.decode().rstrip())
            self._news.set()


@pytest.fixture
async def server(shell: Shell) -> AsyncIterator[Server]:
    shell.policy(agents="slow_agent:agents", more=ALLOW)
    (shell.folder / "slow_agent.py").write_text(SLOW_AGENT)
    server = Server(await shell.start("serve"))
    yield server
    if server.process.returncode is None:
        server.process.kill()
    await server.ends()


async def _begin(shell: Shell, server: Server) -> None:
    """Wait until it listens, tell Slack where, start the agent, and wait for its tool."""
    line = await server.says("Signoff listens on ")
    shell.ws.app_url = line.removeprefix("Signoff listens on ")
    async with asyncio.timeout(PATIENCE):
        # The server gives Slack a second to say who she is, and the machine may be busy: she tries again, as told.
        while BUSY in (await shell.ws.person("ana").command("/agent", "slow go", channel="#general")).text:
            pass
        while not (shell.folder / "began").exists():  # noqa: ASYNC110 - another process makes it
            await asyncio.sleep(0.01)


async def test_sigterm_lets_what_was_begun_finish_and_exits_0(shell: Shell, server: Server) -> None:
    """A tool in the middle of its work is waited for, its end is recorded, and a second server is refused meanwhile."""
    await _begin(shell, server)
    second = Server(await shell.start("serve"))
    assert await second.ends() == 1
    assert any(f"(pid {server.process.pid}) is using" in line for line in second.lines), second.lines
    server.process.send_signal(signal.SIGTERM)
    await server.says("Stopping when what was begun is finished")
    assert server.process.returncode is None
    (shell.folder / "go").touch()
    assert await server.ends() == 0, server.lines
    assert (shell.folder / "done").exists()
    assert _journal(shell.folder) == [("slow", "finished")]
    assert "Signoff has stopped." in server.lines
    assert server.complaints() == []
    assert shell.ws.problems == []


async def test_a_second_signal_ends_it_at_once_and_the_journal_knows(shell: Shell, server: Server) -> None:
    """Whoever does not want to wait presses twice; the call stays recorded as begun."""
    await _begin(shell, server)
    server.process.send_signal(signal.SIGINT)
    await server.says("Stopping when what was begun is finished")
    server.process.send_signal(signal.SIGINT)
    assert await server.ends() == 130, server.lines
    assert not (shell.folder / "done").exists()
    assert [tool for tool, _ in _journal(shell.folder)] == ["slow"]
    assert not [line for line in server.lines if "Traceback" in line]


async def test_a_fault_in_slack_refuses_to_start_with_its_mend(shell: Shell) -> None:
    """The same checks as `signoff check`: a private channel without the bot is exit code 2 before anything is made."""
    shell.policy(channel="#board", agents="nowhere:agents")
    server = Server(await shell.start("serve"))
    assert await server.ends() == 2
    said = " ".join(server.lines)
    assert "#board (approvals) is not a channel that the bot can see" in said
    assert "/invite @signoff" in said
    assert "nowhere:agents could not be imported" in said
    assert "Traceback" not in said
    assert not (shell.folder / ".signoff").exists()


async def test_a_start_that_failed_makes_no_key(shell: Shell) -> None:
    """The key comes last: once Slack knew the token and the store was open. The next start makes it."""
    key = shell.folder / ".signoff" / "secret.key"
    shell.ws.fail("auth.test", status=503, times=None)
    server = Server(await shell.start("serve"))
    assert await server.ends() == 1, server.lines
    assert not key.exists()
    shell.ws.heal()
    server = Server(await shell.start("serve"))
    await server.says("Signoff listens on ")
    assert key.exists()
    server.process.terminate()
    assert await server.ends() == 0


async def test_a_taken_port_is_named(shell: Shell) -> None:
    """Two servers cannot listen on one port: words, exit code 1; an approver nobody knows is told and does not stop."""
    shell.policy(approvers="usergroup:bosses")
    port = shell.ws.url.rsplit(":", 1)[1]
    server = Server(await shell.start("serve", more={"SIGNOFF_PORT": port}))
    assert await server.ends() == 1
    said = " ".join(server.lines)
    assert f"127.0.0.1:{port}" in said
    assert "SIGNOFF_PORT" in said
    assert "usergroup:bosses ([default.stage]) is not a user group" in said
    assert "Traceback" not in said


def _journal(folder: Path) -> list[tuple[str, str]]:
    db = sqlite3.connect(folder / ".signoff" / "signoff.db")
    try:
        return db.execute("select tool, status from journal").fetchall()
    finally:
        db.close()
