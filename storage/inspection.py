"""Looking at a store without opening it: is it there, is it in use, are its tables this version's. Changes nothing."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from sqlalchemy import Engine, NullPool, create_engine, inspect, select, table
from sqlalchemy.exc import DatabaseError

from storage.database import sqlite_path
from storage.errors import StorageUnusable
from storage.migrate import at_head, is_empty
from storage.models import Request, Run
from storage.tx import Tx

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Inspection:
    """How a store was found. `taken`: another process is using it; `current`: its tables are this version's; `used`: it
    holds runs or requests."""

    path: Path
    exists: bool = False
    taken: bool = False
    empty: bool = True
    current: bool = False
    used: bool = False


def inspect_store(url: str) -> Inspection:
    """How the store is. Raises StorageUnusable where it is none, or may not be read."""
    path = sqlite_path(url)
    if not path.exists():
        _require_folder(path)
        return Inspection(path)
    taken = _is_taken(path)
    engine = _engine(path)
    try:
        empty = is_empty(engine)
        current = not empty and at_head(engine)
        return Inspection(path, exists=True, taken=taken, empty=empty, current=current, used=_is_used(engine))
    except DatabaseError as error:
        raise _unreadable(path, error) from error
    finally:
        engine.dispose()


def look(url: str, read: Callable[[Tx], T]) -> T:
    """What a function reads in a store that another process may be using. Raises StorageUnusable where there is none
    yet, its tables are another version's, or a part of it cannot be read."""
    found = inspect_store(url)
    if not found.exists or found.empty:
        raise StorageUnusable(f"{found.path} is not there yet", "It is made when the server starts: signoff serve")
    if not found.current:
        mend = "Stop every signoff process, keep a copy of the file, and run: signoff migrate"
        raise StorageUnusable(f"{found.path} has the tables of another version of Signoff", mend)
    engine = _engine(found.path)
    try:
        with engine.connect() as connection:
            return read(Tx(connection))
    except DatabaseError as error:
        raise _unreadable(found.path, error) from error
    finally:
        engine.dispose()


def _unreadable(path: Path, error: DatabaseError) -> StorageUnusable:
    problem = f"{path} cannot be read as a database: {error.orig}"
    return StorageUnusable(problem, "Restore it from a backup, or name another file")


def _is_taken(path: Path) -> bool:
    """Whether a process holds the store's lock. The lock is only tried as a reader, for an instant."""
    try:
        descriptor = os.open(f"{path}.lock", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _is_used(engine: Engine) -> bool:
    """Whether anything was ever run here, by this version or another."""
    with engine.connect() as connection:
        tables = {Run.__tablename__, Request.__tablename__} & {*inspect(connection).get_table_names()}
        return any(connection.execute(select(1).select_from(table(str(name))).limit(1)).first() for name in tables)


def _engine(path: Path) -> Engine:
    """Read-only: a look must not make a file or change one."""
    address = f"file:{quote(str(path))}?mode=ro"
    return create_engine("sqlite://", creator=lambda: sqlite3.connect(address, uri=True), poolclass=NullPool)


def _require_folder(path: Path) -> None:
    """Raise where the file could not be made: the nearest folder that exists must be one that may be written."""
    folder = next(parent for parent in path.parents if parent.exists())
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        problem = f"{path} cannot be made: {folder} is not a folder that this user may write"
        raise StorageUnusable(problem, "Let this user write it, or set SIGNOFF_DATA_DIR")
