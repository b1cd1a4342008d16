"""The errors of the runtime. Each carries its facts; the surfaces turn them into words.

SignoffError
 ├── AgentError          an agent failed
 ├── RunCancelled        a person stopped the run while it was being advanced
 ├── ExecutionPaused     an operator stopped executions
 ├── LeaseLost           another worker holds the row (from storage)
 ├── ConfigError         the policy file or a setting is wrong
 └── TextError           a text of the configuration does not mean what it must
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from storage.errors import LeaseLost, SignoffError

__all__ = [
    "AgentError",
    "ConfigError",
    "ConfigFault",
    "ExecutionPaused",
    "LeaseLost",
    "RunCancelled",
    "SignoffError",
    "TextError",
    "quoted",
]


class AgentError(SignoffError):
    """An agent failed. `retryable`: the same advance may be tried again by itself."""

    def __init__(self, reason: str, *, retryable: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retryable = retryable


class RunCancelled(SignoffError):
    """The run was cancelled while it was being advanced; nothing more of it may start."""

    def __init__(self, run_id: str) -> None:
        super().__init__(f"run {run_id} was cancelled")
        self.run_id = run_id


class ExecutionPaused(SignoffError):
    """An operator stopped all executions, or this agent's: none may start until they let it go on."""

    def __init__(self) -> None:
        super().__init__("executions are paused")


ENVIRONMENT = "environment"
"""What a fault of a setting says for its file."""

WHOLE_FILE = "(the file)"
"""What a fault of a whole file says for its key."""


@dataclass(frozen=True, slots=True)
class ConfigFault:
    """One thing wrong in a configuration: where, what, and how to mend it. `line` is 1-based; None where unknown."""

    file: str
    key: str
    problem: str
    mend: str
    line: int | None = None

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.key}: {self.problem}. {self.mend}"


class ConfigError(SignoffError):
    """Everything wrong in the configuration, found in one pass."""

    def __init__(self, faults: tuple[ConfigFault, ...]) -> None:
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = faults


class TextError(SignoffError, ValueError):
    """A text that people wrote does not mean what it must. `problem` says why, `mend` what to write instead."""

    def __init__(self, problem: str, mend: str) -> None:
        super().__init__(f"{problem}. {mend}")
        self.problem = problem
        self.mend = mend


def quoted(text: str) -> str:
    """Somebody's text inside a message: in quotes, on one line, not too long."""
    return json.dumps(text if len(text) <= 60 else f"{text[:60]}...", ensure_ascii=False)
