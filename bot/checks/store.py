"""The database: is it there, is it free, are its tables this version's, and is this SQLite a safe one?"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from bot.checks.finding import Finding, fault, ok, warning
from bot.secret_key import KEY_FILE, find_secret_key
from bot.settings import Settings
from storage.database import has_wal_reset_bug
from storage.errors import StorageUnusable
from storage.inspection import Inspection, inspect_store


def check_store(settings: Settings) -> tuple[Finding, ...]:
    """Changes nothing: a database or a key that is not there yet is made by the server. Raises ConfigError where the
    secret key cannot be used."""
    try:
        found = inspect_store(settings.database_url)
    except StorageUnusable as unusable:
        return (fault(unusable.problem, unusable.mend),)
    return (*_tables(found), _library(), _key(settings, found))


def _tables(found: Inspection) -> Iterator[Finding]:
    path = found.path
    if found.taken:
        yield warning(
            f"{path} is in use by another signoff process",
            "If that is your server, all is well; if not, stop it, or set SIGNOFF_DATA_DIR to a folder of its own",
        )
    if not found.exists or found.empty:
        yield ok(f"{path} will be made when the server starts")
    elif found.current:
        yield ok(f"{path} has the tables of this version")
    else:
        yield fault(
            f"{path} has the tables of another version of Signoff",
            "Stop every signoff process, keep a copy of the file, and run: signoff migrate",
        )


def _library() -> Finding:
    version = sqlite3.sqlite_version
    if has_wal_reset_bug():
        return warning(
            f"SQLite {version} can corrupt a database that two processes write at once; Signoff is the only writer",
            "Open the file with no other program while the server runs, or install SQLite 3.51.3 or newer",
        )
    return ok(f"SQLite {version}")


def _key(settings: Settings, found: Inspection) -> Finding:
    if settings.secret_key is not None:
        return ok("The secret key comes from SIGNOFF_SECRET_KEY")
    path = settings.data_dir / KEY_FILE
    if find_secret_key(settings) is not None:
        return ok(f"The secret key is in {path}, and only its owner can read it")
    if found.used:
        return fault(
            f"{path} is missing, and {found.path} holds runs that were sealed with it: with a new key nobody could "
            "decide what is open",
            "Restore the key from a backup, or set SIGNOFF_SECRET_KEY to the old one; where it is lost, move the "
            "database away to begin with an empty one",
        )
    return ok(f"The secret key will be made in {path} when the server starts")
