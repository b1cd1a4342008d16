"""What is done with each kind of block, so that one that is wrong fails; and with one that no kind claims."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import yaml

from agent_runtime.errors import ConfigError
from agent_runtime.lifecycle import CALL_MOVES, REQUEST_MOVES, RUN_MOVES
from tests.docs import tables
from tests.docs.blocks import Block, blocks
from tests.docs.reader import Reader, keep, shows

MACHINES = [
    {(str(old), str(new)) for old, targets in moves.items() for new in targets}
    for moves in (RUN_MOVES, REQUEST_MOVES, CALL_MOVES)
]


async def commands(block: Block, reader: Reader) -> None:
    """Run, command by command."""
    await reader.run(block)


async def policy(block: Block, reader: Reader) -> None:
    """Read by the real loader, and saved where the reader was told to."""
    try:
        tables.load(block.text)
    except ConfigError as error:
        raise AssertionError(f"{block.place}: {error}") from error
    if block.file:
        keep(reader.shell.folder, block.file, tables.completed(block.text))


async def python(block: Block, reader: Reader) -> None:
    """Compiled; and saved, for the commands that follow, where the reader was told to. What is not saved is run."""
    code = compile(block.text, block.place, "exec")
    if block.file:
        keep(reader.shell.folder, block.file, block.text)
    else:
        exec(code, {"__name__": "document"})


async def output(block: Block, reader: Reader) -> None:
    """What the commands just before it wrote."""
    assert block.after_sh, f"{block.place}: no command is right before this output; claim it in ELSEWHERE"
    missing = shows(block.text, reader.said)
    assert not missing, f"{block.place}: these lines were not said: {missing}; what was said:\n{reader.said}"


async def diagram(block: Block, reader: Reader) -> None:
    """A state diagram has the arrows of one machine, no more and no fewer."""
    assert set(re.findall(r"(\w+) --> (\w+)", block.text)) in MACHINES, f"{block.place}: draws no machine of ours"


async def json_text(block: Block, reader: Reader) -> None:
    """Parses."""
    json.loads(block.text)


async def yaml_text(block: Block, reader: Reader) -> None:
    """Parses."""
    yaml.safe_load(block.text)


KINDS: dict[str, Callable[[Block, Reader], Awaitable[None]]] = {
    "sh": commands,
    "toml": policy,
    "python": python,
    "text": output,
    "mermaid": diagram,
    "json": json_text,
    "yaml": yaml_text,
}

ELSEWHERE = {("README.md", "Approve send_email?")}  # test_readme.py
"""Blocks that a test of their own looks at, by document and first line."""


async def read(document: Path, reader: Reader) -> None:
    """From top to bottom, as a reader does it. AssertionError names the place of what is wrong."""
    for block in blocks(document):
        if (document.name, block.text.partition("\n")[0]) in ELSEWHERE:
            continue
        if block.not_run is not None:
            assert len(block.not_run) > 10, f"{block.place}: say why it is not run"
            continue
        kind = block.language or "no language"
        assert kind in KINDS, f"{block.place}: nobody runs a block of {kind}; there are {', '.join(KINDS)}"
        await KINDS[block.language](block, reader)
