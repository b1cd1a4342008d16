"""`signoff serve` and `signoff check` with an app-level token, as processes and in the demo."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from bot.demo.play import Play
from bot.demo.scenes import reject_and_revise
from bot.demo.stage import open_stage
from bot.demo.transport import Transport
from tests.cli.conftest import Shell, shell, ws
from tests.cli.test_serve import Server

__all__ = ["shell", "ws"]


@pytest.fixture
async def server(shell: Shell) -> AsyncIterator[Server]:
    """A server that has the app-level token and no signing secret."""
    shell.ws.socket_mode = True
    shell.set(SLACK_APP_TOKEN=shell.ws.app_token, SLACK_SIGNING_SECRET="")
    server = Server(await shell.start("serve"))
    yield server
    if server.process.returncode is None:
        server.process.kill()
    await server.ends()


async def test_the_server_receives_over_sockets_and_its_health_over_http(shell: Shell, server: Server) -> None:
    """Commands are answered, /healthz is there, Slack's HTTP address is not, and SIGTERM closes both connections."""
    line = await server.says("Signoff receives over Socket Mode")
    await shell.ws.wait_for(lambda: len(shell.ws.sockets) == 2)
    assert "tiny" in (await shell.ws.person("ana").command("/agent", "list")).text
    health = line[line.index("http") :]
    async with aiohttp.ClientSession() as session:
        assert await (await session.get(health)).json() == {"ok": True, "connections": 2}
        assert (await session.post(health.replace("/healthz", "/slack/events"))).status == 404
    server.process.terminate()
    assert await server.ends() == 0, server.lines
    await shell.ws.wait_for(lambda: len(shell.ws.sockets) == 0)
    assert server.complaints() == []
    assert shell.ws.problems == []


async def test_a_refused_token_ends_the_start_with_its_mend(shell: Shell) -> None:
    """Exit code 2, what is wrong and what to do, and nothing was made."""
    shell.set(SLACK_APP_TOKEN=shell.ws.app_token, SLACK_SIGNING_SECRET="")
    server = Server(await shell.start("serve"))
    assert await server.ends() == 2
    said = " ".join(server.lines)
    assert "Socket Mode is off for this app" in said
    assert "Turn it on on the app's page Socket Mode" in said
    assert not (shell.folder / ".signoff").exists()


async def test_a_token_refused_between_check_and_start_is_told_as_well(shell: Shell) -> None:
    """The check found it good, and then it was revoked: words and exit code 1, no traceback."""
    shell.ws.socket_mode = True
    shell.set(SLACK_APP_TOKEN=shell.ws.app_token, SLACK_SIGNING_SECRET="")
    server = Server(await shell.start("serve"))
    await shell.ws.wait_for(lambda: shell.ws.calls_to("apps.connections.open"))
    shell.ws.fail("apps.connections.open", error="token_revoked", times=None)
    assert await server.ends() == 1
    said = " ".join(server.lines)
    assert "The token in SLACK_APP_TOKEN was revoked" in said
    assert "Make an app-level token" in said
    assert "Traceback" not in said


async def test_check_asks_slack_for_a_connection(shell: Shell) -> None:
    """All is well: it says so, and leaves no connection behind."""
    shell.ws.socket_mode = True
    shell.set(SLACK_APP_TOKEN=shell.ws.app_token, SLACK_SIGNING_SECRET="")
    result = await shell.run("check")
    assert result.code == 0, result.said
    assert "Slack opens connections to this app" in result.said
    assert len(shell.ws.sockets) == 0


async def test_the_demo_plays_over_sockets(tmp_path: Path) -> None:
    """A scene of the play ends as it does over HTTP, and nothing was sent over HTTP."""
    async with open_stage(tmp_path, transport=Transport.SOCKET) as stage:
        await reject_and_revise(Play(stage, lambda _line: None))
        workspace = stage.workspace
    assert workspace.problems == []
    assert all(attempt.envelope for delivery in workspace.deliveries for attempt in delivery.attempts)
