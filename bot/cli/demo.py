"""`signoff demo`: everything on this machine, no account anywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bot.cli.words import CommandFailed, Problem
from bot.demo.transport import Transport
from storage.errors import StoreTaken


def demo(
    auto: Annotated[
        bool, typer.Option("--auto", metavar="", help="Play all patterns by itself, and compare the effects.")
    ] = False,
    console: Annotated[
        str | None, typer.Option("--console", metavar="AGENT", help="Run one agent and ask you here, yes or no.")
    ] = None,
    data_dir: Annotated[
        Path | None, typer.Option("--data-dir", metavar="DIR", help="Where its data goes; a fresh folder if left out.")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option("--port", metavar="PORT", min=0, max=65535, help="Where the page is; 7446 if left out, 0: any."),
    ] = None,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", metavar="", help="Open the page in the browser.")
    ] = True,
    transport: Annotated[
        Transport, typer.Option("--transport", help="How the bot hears of things: over HTTP or Socket Mode.")
    ] = Transport.HTTP,
) -> None:
    """Try it: the bot in a local workspace, with demo agents."""
    if auto and console is not None:
        raise typer.BadParameter("--auto answers by itself and --console asks you: choose one.")
    from bot.demo.command import run  # the bot and its agents take seconds to import

    try:
        code = run(auto=auto, console=console, data_dir=data_dir, port=port, browser=browser, transport=transport)
    except StoreTaken as taken:
        mend = "Stop it first, or name another folder with --data-dir"
        raise CommandFailed(Problem(taken.problem, mend)) from taken
    raise typer.Exit(code)
