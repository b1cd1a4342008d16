"""`signoff manifest` at the terminal."""

from __future__ import annotations

import json

from bot.manifest import as_shape, for_address, for_socket_mode, read_manifest
from tests.cli.conftest import Shell

TEXT = read_manifest()
ADDRESS = "https://bot.example.com"


async def test_the_command_prints_yaml_or_json(shell: Shell) -> None:
    """Socket Mode unless an address is named; both ways the same app; nothing needs to be set for it."""
    for name in ("SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET"):
        shell.set(**{name: ""})
    (shell.folder / "signoff.toml").unlink()
    said = await shell.run("manifest")
    assert (said.code, said.out) == (0, for_socket_mode(TEXT))
    assert (await shell.run("manifest", "--socket")).out == said.out
    assert json.loads((await shell.run("manifest", "--json")).out) == as_shape(said.out)
    assert (await shell.run("manifest", "--url", f"{ADDRESS}/")).out == for_address(TEXT, ADDRESS)


async def test_the_command_refuses_what_makes_no_sense(shell: Shell) -> None:
    """Exit code 2, what is wrong, what to write, and no half of a manifest."""
    for arguments, said in (
        (("--url", "http://bot.example.com"), "does not begin with https://"),
        (("--url", ADDRESS, "--socket"), "choose one of them"),
    ):
        refused = await shell.run("manifest", *arguments)
        assert (refused.code, refused.out) == (2, "")
        assert said in " ".join(refused.said.replace("│", " ").split())
