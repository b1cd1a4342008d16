"""A server takes a changed policy file while it runs, and says so; one with a mistake it leaves alone."""

from __future__ import annotations

import signal

from tests.cli.conftest import Shell
from tests.cli.test_serve import Server


async def test_a_running_server_reads_a_changed_file_and_refuses_a_broken_one(shell: Shell) -> None:
    """Each is one line of its log: what changed, or that the file before still holds."""
    server = Server(await shell.start("serve"))
    try:
        await server.says("Signoff listens on ")
        shell.policy(more="[[policy]]\ntool = 'read_*'\naction = 'allow'\n")
        news = await server.says("policy file read anew")
        assert 'added: policy 1 (tool = \\"read_*\\")' in news
        shell.policy(more="[[policy]]\nwhen = 'args.'\n")
        refused = await server.says("the policy file has faults, so the one before still holds")
        assert "policy 1.when: is not CEL" in refused
        server.process.send_signal(signal.SIGTERM)
        assert await server.ends() == 0, server.lines
    finally:
        if server.process.returncode is None:
            server.process.kill()
            await server.ends()
    assert not [line for line in server.lines if "Traceback" in line], server.lines
