"""`signoff init`: a policy file to start from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agent_runtime.errors import WHOLE_FILE, ConfigError, ConfigFault
from bot.cli.words import stdout


def init(
    path: Annotated[
        Path | None,
        typer.Argument(help="The file to write, or its folder; SIGNOFF_CONFIG or signoff.toml if left out."),
    ] = None,
) -> None:
    """Write a commented policy file to start from. Never overwrites one."""
    from bot.init import write_starter_file
    from bot.settings import load_settings

    file = path or load_settings().config
    if file.is_dir():
        file = file / "signoff.toml"
    _require_place(file)
    write_starter_file(file)
    console = stdout()
    console.print(f"Wrote {file}: who must sign off what. Read it, edit it, and then run: signoff check")
    if path is not None and file != load_settings().config:
        console.print(f"Signoff reads it from there with: export SIGNOFF_CONFIG={file}")


def _require_place(file: Path) -> None:
    """Raises ConfigError where the file cannot be made because of what was typed; the words are about the argument."""
    fault = None
    if file.exists():
        mend = "Edit it, or name another file: signoff init other.toml"
        fault = ConfigFault(str(file), WHOLE_FILE, "exists already", mend)
    elif not file.parent.is_dir():
        mend = f"Make it first: mkdir -p {file.parent}"
        fault = ConfigFault(str(file), WHOLE_FILE, f"the folder {file.parent} does not exist", mend)
    if fault is not None:
        raise ConfigError((fault,))
