"""`signoff migrate`: brings the tables to this version's."""

from __future__ import annotations

import typer

from bot.cli.words import stdout


def migrate() -> None:
    """Bring the database's tables to this version. Stop the server first, and keep a copy of the file."""
    from bot.settings import load_settings
    from storage.database import migrate as upgrade
    from storage.inspection import inspect_store

    settings = load_settings()
    before = inspect_store(settings.database_url)
    if before.current and not before.taken:
        stdout().print(f"Nothing to do: the tables in {before.path} are those of this version.")
        raise typer.Exit
    upgrade(settings.database_url)
    made, toward = ("Brought", "to") if before.exists and not before.empty else ("Made", "for")
    stdout().print(f"{made} the tables in {before.path} {toward} this version.")
