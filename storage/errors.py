"""The errors of the store. Each carries its facts; the surfaces turn them into words."""

from __future__ import annotations

from pathlib import Path


class SignoffError(Exception):
    """Base of every error that Signoff raises on purpose."""


class LeaseLost(SignoffError):
    """Another worker holds the row now; whoever gets this stops at once and writes nothing."""

    def __init__(self, subject: str) -> None:
        super().__init__(f"the lease on {subject} was lost")
        self.subject = subject


class StoreClosed(SignoffError):
    """A write came after the store was closed: this process is stopping, and nothing was written."""

    def __init__(self) -> None:
        super().__init__("the store is closed; nothing was written")


class StorageUnusable(SignoffError):
    """The database cannot be used as it is. `mend` says what to do."""

    def __init__(self, problem: str, mend: str) -> None:
        super().__init__(f"{problem}. {mend}")
        self.problem = problem
        self.mend = mend


class StoreTaken(StorageUnusable):
    """Another process has the database. `pid` is its number, None where it did not say."""

    def __init__(self, path: Path, pid: int | None) -> None:
        holder = f"Another signoff process (pid {pid})" if pid else "Another signoff process"
        super().__init__(
            f"{holder} is using {path}",
            "Stop it first, or give this one its own SIGNOFF_DATA_DIR, or SIGNOFF_DATABASE_URL where that is set",
        )
        self.pid = pid
