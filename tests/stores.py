"""A store to copy: with its tables and without rows. Making the tables anew would take longer than most tests."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from storage.database import migrate


@cache
def empty_store() -> bytes:
    """The file of a migrated, empty store; made once in a process."""
    with TemporaryDirectory() as folder:
        migrate(f"sqlite:///{folder}/signoff.db")
        return Path(folder, "signoff.db").read_bytes()


def put_store(folder: Path) -> Path:
    """The store in this folder: an empty one, unless there is one already."""
    path = folder / "signoff.db"
    if not path.exists():
        path.write_bytes(empty_store())
    return path
