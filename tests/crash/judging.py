"""The verdict on one pattern's files after everything has ended."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from storage.types import DeliveryStatus, RunStatus
from tests.crash.findings import Files, breaches, missing_effects, read_files
from tests.crash.life import KEY
from tests.crash.patterns import PATTERNS


class Broken(Exception):
    """What must hold does not."""


def judge(folder: Path, pattern: str, unknown: Sequence[str]) -> None:
    """Raise Broken unless the files are as they must be after kills. `unknown`: the calls whose end nobody can know."""
    files = read(folder)
    asked = [] if files.outcomes == list(unknown) else [f"asked about {files.outcomes}, but unknown were {unknown}"]
    require(folder, pattern, files, asked)


def require(folder: Path, pattern: str, files: Files, more: Sequence[str]) -> None:
    """Raise Broken with everything that is wrong, `more` included."""
    found = [*breaches(files), *missing_effects(files, PATTERNS[pattern].effects), *more]
    found += _undelivered(folder, pattern)
    found += [f"run {run.id} {run.status}: {run.error}" for run in files.runs if run.status is not RunStatus.SUCCEEDED]
    if len({one["run"] for one in files.accepted if "run" in one}) != 1:
        found.append("the same start gave different runs")
    if found:
        raise Broken("\n".join(found))


def read(folder: Path) -> Files:
    """What is on the files, read as a new process reads it."""
    return asyncio.run(read_files(folder, KEY))


def started_calls(folder: Path) -> list[str]:
    """The calls that a killed process had started and not ended, as the subjects of the questions they need."""
    return sorted(f"outcome:{key}" for (key,) in look(folder, "SELECT call_key FROM journal WHERE status = 'started'"))


def look(folder: Path, statement: str) -> list[tuple[Any, ...]]:
    """Run one statement on a store that no process has open."""
    connection = sqlite3.connect(folder / "signoff.db", isolation_level=None)
    try:
        return connection.execute(statement).fetchall()
    finally:
        connection.close()


def _undelivered(folder: Path, pattern: str) -> Iterator[str]:
    if not PATTERNS[pattern].delivers:
        return
    for key, status in look(folder, "SELECT key, status FROM outbox"):
        if status != DeliveryStatus.DONE.value:
            yield f"delivery {key} is {status}"
