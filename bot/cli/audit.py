"""`signoff audit verify`: is the audit log as it was written? Reads the store beside the server, changes nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from bot.cli.words import MISUSED, CommandFailed, Problem, Words, say, stdout

if TYPE_CHECKING:
    from agent_runtime.errors import ConfigError
    from agent_runtime.verification import Noted, Verification
    from bot.settings import Settings
    from storage.models import AuditEntry
    from storage.tx import Tx

SECTION = "docs/runbook.md#when-something-was-changed-by-hand"
NEXT = f"Find out who did that before anything else: {SECTION}"

audit = typer.Typer(
    name="audit",
    help="The log of every act.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


@audit.callback()
def _audit() -> None:
    """The log of every act."""


@audit.command()
def verify(
    expect: Annotated[
        str | None,
        typer.Option("--expect", metavar="SEQ:DIGEST", help="An entry that has to be there, as it was noted earlier."),
    ] = None,
) -> None:
    """Read the whole audit log and say whether every entry is as it was written.

    Note elsewhere what it says of the newest entry: --expect later shows a log that was cut off or put back.

    Exit codes: 0 it is whole, 1 it is not, 2 it could not be looked at.
    """
    from bot.settings import load_settings
    from storage.errors import StorageUnusable
    from storage.inspection import inspect_store, look

    noted, settings = _noted(expect), load_settings()
    try:
        with Console(stderr=True).status("Reading ..."):
            found = look(settings.database_url, lambda tx: _read(tx, settings, noted))
    except StorageUnusable as unusable:  # not 1, which says that somebody changed something
        say(Words(MISUSED, (Problem(unusable.problem, unusable.mend),)))
        raise typer.Exit(MISUSED) from None
    if found.problem:
        raise CommandFailed(Problem(_broken(found), NEXT))
    if found.newest is None and inspect_store(settings.database_url).used:
        raise CommandFailed(Problem("The audit log is empty, and the database holds runs: all of it is gone", NEXT))
    stdout().print(_whole(found, noted))


def _noted(text: str | None) -> Noted | None:
    from agent_runtime.verification import Noted

    if text is None:
        return None
    parts = re.fullmatch(r"([1-9][0-9]{0,17}):([0-9a-f]{64})", text.strip().lower())
    if parts is None:
        problem = "is no entry. Write it as signoff audit verify says it: a number, a colon, 64 digits and letters."
        raise typer.BadParameter(problem, param_hint="--expect")
    return Noted(int(parts[1]), parts[2])


def _read(tx: Tx, settings: Settings, noted: Noted | None) -> Verification:
    from agent_runtime.digest import Seal
    from agent_runtime.verification import is_foreign, verify
    from bot.secret_key import find_secret_key
    from storage import audit as rows

    key = find_secret_key(settings)
    if key is None and rows.head(tx)[0]:
        raise _refused(settings, "is missing", "Restore it from a backup, or set SIGNOFF_SECRET_KEY")
    seal = Seal(key or b"")
    if is_foreign(tx, seal):
        mend = f"Use the key of the server that wrote the log. If this is that key, the log was written anew: {SECTION}"
        raise _refused(settings, "is not the key that the audit log was sealed with", mend)
    return verify(tx, seal, noted)


def _refused(settings: Settings, problem: str, mend: str) -> ConfigError:
    from agent_runtime.errors import ENVIRONMENT, ConfigError, ConfigFault
    from bot.secret_key import KEY_FILE

    place = ENVIRONMENT if settings.secret_key is not None else str(settings.data_dir / KEY_FILE)
    return ConfigError((ConfigFault(place, "SIGNOFF_SECRET_KEY", problem, mend),))


def _broken(found: Verification) -> str:
    whole = f". The {found.entries:,} before it are whole" if found.entries else ""
    return f"Entry {found.broken_at} of the audit log {found.problem}{whole}"


def _whole(found: Verification, noted: Noted | None) -> str:
    if found.oldest is None or found.newest is None:
        return "The audit log is empty."
    count = f"{found.entries:,} entries" if found.entries > 1 else "1 entry"
    erased = f", {found.erased:,} of them without the text" if found.erased else ""
    there = f" Entry {noted.seq} is as it was noted." if noted else ""
    span = f"from {_time(found.oldest)} to {_time(found.newest)}"
    newest = f"The newest is {found.newest.seq}:{found.newest.hash}"
    return f"The audit log is whole: {count}{erased}, {span}.{there} {newest}"


def _time(entry: AuditEntry) -> str:
    return f"{entry.at:%Y-%m-%d %H:%M:%S} UTC"
