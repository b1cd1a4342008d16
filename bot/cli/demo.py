"""`signoff demo`: everything on this machine, no account anywhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent_runtime.errors import ConfigError
from bot.cli.words import CommandFailed, Problem, stdout
from bot.demo.transport import Transport
from storage.errors import StoreTaken

if TYPE_CHECKING:
    from agent_runtime.model_choice import ModelChoice


def demo(
    auto: Annotated[
        bool, typer.Option("--auto", metavar="", help="Play all patterns by itself, and compare the effects.")
    ] = False,
    console: Annotated[
        str | None,
        typer.Option(
            "--console",
            metavar="AGENT",
            help="Run one agent and ask you here: approval, input, feedback, multi-step or ops.",
        ),
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
    model = _model(auto=auto)
    from bot.demo.command import run  # the bot and its agents take seconds to import

    try:
        code = run(
            auto=auto, console=console, data_dir=data_dir, port=port, browser=browser, transport=transport, model=model
        )
    except StoreTaken as taken:
        mend = "Stop it first, or name another folder with --data-dir"
        raise CommandFailed(Problem(taken.problem, mend)) from taken
    raise typer.Exit(code)


def _model(*, auto: bool) -> ModelChoice | None:
    """The model that the settings name, and a line about it. The play's effects are known beforehand, so it always has
    the planner. Raises ConfigError where something is wrong with the model; the demo reads no other setting."""
    from agent_runtime.model_choice import VARIABLE
    from bot.settings import read_settings, require_model

    settings, faults = read_settings()
    faults = tuple(fault for fault in faults if fault.key == VARIABLE)
    if auto:
        if settings.model is not None or faults:
            stdout().print(f"{VARIABLE} is set, and not used: the play has the planner, whose effects are known.")
        return None
    if wrong := (*faults, *require_model(settings)):
        raise ConfigError(wrong)
    if settings.model_choice is not None:
        stdout().print(f"The agents think with {settings.model_choice}: whatever they are told or read goes there.")
    return settings.model_choice
