"""`signoff demo` and its page."""

from __future__ import annotations

import asyncio
import re
import signal
import socket

import aiohttp

from bot.demo import command
from tests.cli.conftest import Shell
from tests.patience import PATIENCE


async def test_the_demo_says_where_its_page_is_and_serves_it_until_it_is_stopped(shell: Shell) -> None:
    """The first line has the address; the page and the app's commands are there; an open page does not hold up the
    end."""
    process = await shell.start("demo", "--port", "0", "--data-dir", "here")
    assert process.stdout is not None
    assert process.stderr is not None
    said = []
    async for line in process.stdout:
        said.append(line.decode())
        if b"Ctrl-C" in line:
            break
    assert said, (await process.stderr.read()).decode()
    url = re.search(r"http://127\.0\.0\.1:\d+", said[0])
    assert url is not None, said
    assert len(said) <= 7
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE)) as session:
        async with session.get(url[0]) as page:
            assert "/page/app.js" in await page.text()
        async with session.get(f"{url[0]}/control/look?person=ana") as answer:
            agent = (await answer.json())["app"]["commands"][0]
        assert agent["name"] == "/agent"
        assert agent["examples"][0]["text"] == "approval Send email to team about meeting"
        assert all(each["shows"] for each in agent["examples"])
        assert "status RUN" in agent["usage_hint"]
        async with session.get(f"{url[0]}/control/stream") as stream:
            await stream.content.readline()
            process.send_signal(signal.SIGINT)
            async with asyncio.timeout(PATIENCE):
                assert (await process.stderr.read()).decode().splitlines() == ["Stopped."]
                assert await process.wait() == 130


async def test_a_port_that_was_asked_for_and_is_taken_is_refused(shell: Shell) -> None:
    """Whoever names a port gets that one or none."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        refused = await shell.run("demo", "--port", str(port), "--data-dir", "here")
    assert refused.code == 1
    assert f"Port {port} is taken" in refused.err


def test_a_taken_port_is_seen_to_be_taken() -> None:
    """A port that somebody listens on is not free; one that they left is."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert not command._is_free(port)
    assert command._is_free(port)
