"""The key that seals decisions and policy snapshots: from the settings, else a file in the data directory.

A key is made only once a server has everything else it needs. The file is made whole under another name and then linked
into place, so that of two processes starting at once exactly one makes the key, and a crash never leaves half a key
behind.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

from agent_runtime.clock import random_salt
from agent_runtime.errors import ConfigError, ConfigFault
from bot.settings import SHORTEST_KEY, Settings

KEY_FILE = "secret.key"


def find_secret_key(settings: Settings) -> bytes | None:
    """The key; None where the settings name none and none was made yet. The text of the file is the key: it can be
    moved into SIGNOFF_SECRET_KEY as it is. Raises `ConfigError` where the file cannot be trusted or used."""
    if settings.secret_key is not None:
        return settings.secret_key.get_secret_value().encode()
    path = settings.data_dir / KEY_FILE
    if not path.is_symlink() and not path.exists():
        return None
    try:
        return _read(path)
    except OSError as error:
        mend = "Let this user read it, or set SIGNOFF_SECRET_KEY"
        raise _refused(path, f"cannot be read: {error.strerror}", mend) from error


def fresh_secret_key() -> bytes:
    """A key that nobody has yet. It is to be kept before anything sealed with it is to last."""
    return (random_salt() + random_salt()).hex().encode()


def keep_secret_key(settings: Settings, key: bytes) -> None:
    """Puts a fresh key in place. Raises `ConfigError` where that fails, or somebody else put theirs there just now."""
    path = settings.data_dir / KEY_FILE
    try:
        _make(path, key)
        kept = _read(path)
    except OSError as error:
        problem = f"cannot be made: {error.strerror}"
        raise _refused(path, problem, "Let this user write the data directory, or set SIGNOFF_SECRET_KEY") from error
    if kept != key:
        raise _refused(path, "was made by another process at this very moment", "Start again: signoff serve")


def _make(path: Path, key: bytes) -> None:
    """Puts a key in place, unless somebody else just did."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{random_salt().hex()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(key + b"\n")
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()
    _sync_directory(path.parent)


def _read(path: Path) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise _refused(path, "is not a file", "Remove it, or set SIGNOFF_SECRET_KEY")
        if mode := stat.S_IMODE(status.st_mode) & (stat.S_IRWXG | stat.S_IRWXO):
            raise _refused(path, f"is open to others (mode bits {mode:03o})", f"Run: chmod 600 {path}")
        key = os.read(descriptor, status.st_size).strip()
    finally:
        os.close(descriptor)
    if len(key) < SHORTEST_KEY:
        mend = "Restore it from a backup; a new key would make every earlier decision unreadable"
        raise _refused(path, "is empty or cut short", mend)
    return key


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _refused(path: Path, problem: str, mend: str) -> ConfigError:
    return ConfigError((ConfigFault(str(path), "SIGNOFF_SECRET_KEY", problem, mend),))
