"""What a scenario's bot logged, through structlog and through the libraries' own loggers."""

from __future__ import annotations

import logging
from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest


@dataclass
class Logs:
    """The log of one scenario. `expected` holds events that may go wrong in it."""

    entries: Sequence[MutableMapping[str, Any]]
    caplog: pytest.LogCaptureFixture
    expected: set[str] = field(default_factory=set)

    def expect(self, event: str) -> None:
        """This scenario makes this go wrong on purpose."""
        self.expected.add(event)

    @property
    def troubles(self) -> list[str]:
        """Errors and tracebacks that were not expected, one line each."""
        ours = [
            str(entry)
            for entry in self.entries
            if (entry["log_level"] in {"error", "critical"} or entry.get("exc_info"))
            and entry["event"] not in self.expected
        ]
        records = self.caplog.get_records("setup") + self.caplog.get_records("call")
        theirs = [
            f"{record.name}: {record.getMessage()}"
            for record in records
            if (record.levelno >= logging.ERROR or record.exc_info) and record.name not in self.expected
        ]
        return ours + theirs

    def saying(self, event: str) -> list[MutableMapping[str, Any]]:
        """Our own entries of this event."""
        return [entry for entry in self.entries if entry["event"] == event]
