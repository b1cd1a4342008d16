"""`signoff manifest`: what to paste where Slack asks for an app's manifest."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from agent_runtime.errors import TextError


def manifest(
    socket: Annotated[
        bool, typer.Option("--socket", metavar="", help="For Socket Mode: no public address. The default.")
    ] = False,
    url: Annotated[
        str | None, typer.Option("--url", metavar="URL", help="For HTTPS: where Slack reaches this server.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", metavar="", help="As JSON, for programs.")] = False,
) -> None:
    """Print the manifest of the Slack app, ready to paste."""
    from bot.manifest import as_shape, for_address, for_socket_mode, parse_address, read_manifest

    if socket and url is not None:
        raise typer.BadParameter("--socket needs no address and --url names one: choose one of them.")
    try:
        text = for_socket_mode(read_manifest()) if url is None else for_address(read_manifest(), parse_address(url))
    except TextError as error:
        raise typer.BadParameter(f"{error.problem}. {error.mend}.", param_hint="--url") from error
    print(json.dumps(as_shape(text), indent=2) if as_json else text, end="\n" if as_json else "")  # noqa: T201
