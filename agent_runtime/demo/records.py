"""The files in which effects are kept: lines that are only ever appended, and documents that are never overwritten."""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

Record = dict[str, Any]


class RecordFile:
    """One JSON object per line. An append is one write and is on disk when it returns; a line that a crash tore is
    ended, never continued."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, record: Record) -> None:
        with self.locked() as file:
            file.append(record)

    @contextmanager
    def locked(self) -> Iterator[OpenRecords]:
        """Holds the file against other writers, so that reading and appending are one step."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield OpenRecords(descriptor)
        finally:
            os.close(descriptor)

    def read(self) -> list[Record]:
        """All whole records; none where the file is missing."""
        if not self.path.exists():
            return []
        with self.locked() as file:
            return file.read()


class OpenRecords:
    """A record file while its lock is held."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def append(self, record: Record) -> None:
        line = json.dumps(record, ensure_ascii=False, sort_keys=True).encode() + b"\n"
        if self._torn():
            line = b"\n" + line
        if os.write(self._descriptor, line) != len(line):
            raise OSError(None, "the disk is full, the record was cut")
        os.fsync(self._descriptor)

    def read(self) -> list[Record]:
        with os.fdopen(os.dup(self._descriptor), "rb") as file:
            file.seek(0)
            lines = file.read().splitlines()
        return [record for line in lines if (record := _parsed(line)) is not None]

    def _torn(self) -> bool:
        size = os.fstat(self._descriptor).st_size
        return size > 0 and os.pread(self._descriptor, 1, size - 1) != b"\n"


def _parsed(line: bytes) -> Record | None:
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None


def publish(folder: Path, name: str, text: str) -> Path:
    """Puts a Markdown document into the folder, whole or not at all. Where `name.md` exists it becomes `name-2.md`."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor, draft = tempfile.mkstemp(dir=folder, prefix=".", suffix=".draft")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        return _link(Path(draft), folder, name)
    finally:
        Path(draft).unlink(missing_ok=True)


def _link(draft: Path, folder: Path, name: str) -> Path:
    for number in count(1):
        place = folder / (f"{name}.md" if number == 1 else f"{name}-{number}.md")
        try:
            os.link(draft, place)
        except FileExistsError:
            continue
        return place
    raise AssertionError("numbers do not end")
