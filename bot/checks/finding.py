"""A finding: one thing that was looked at, how it stands, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from agent_runtime.errors import ENVIRONMENT, WHOLE_FILE, ConfigError, ConfigFault
from storage.types import Described


class Level(Described):
    """How what was looked at stands."""

    OK = "ok", "As it should be."
    WARNING = "warning", "Signoff runs, and somebody should know."
    FAULT = "fault", "Set up wrongly: it stays wrong until somebody mends it."
    TROUBLE = "trouble", "Could not be found out, or failed just now; it may pass by itself."


@dataclass(frozen=True, slots=True)
class Finding:
    """`what` is a sentence without its full stop, `mend` what to do, empty where nothing is to be done."""

    level: Level
    what: str
    mend: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """The findings about one thing, under its name."""

    title: str
    findings: tuple[Finding, ...]


def ok(what: str) -> Finding:
    """Nothing to do."""
    return Finding(Level.OK, what)


def warning(what: str, mend: str) -> Finding:
    """It runs, but."""
    return Finding(Level.WARNING, what, mend)


def fault(what: str, mend: str) -> Finding:
    """It cannot work like this."""
    return Finding(Level.FAULT, what, mend)


def trouble(what: str, mend: str) -> Finding:
    """It failed now."""
    return Finding(Level.TROUBLE, what, mend)


def faults_of(error: ConfigError) -> tuple[Finding, ...]:
    """Every fault of a configuration, with its place."""
    return tuple(fault(words_of(found), found.mend) for found in error.faults)


def words_of(found: ConfigFault) -> str:
    """What is wrong and where: `SIGNOFF_PORT is ...`, or `signoff.toml:12: timeout: is ...`."""
    if found.file == ENVIRONMENT:
        return f"{found.key} {found.problem}"
    place = f"{found.file}:{found.line}" if found.line else found.file
    return f"{place}: {found.problem}" if found.key == WHOLE_FILE else f"{place}: {found.key}: {found.problem}"


def exit_code(findings: Iterable[Finding]) -> int:
    """0: nothing is wrong; 2: something must be mended; 1: nothing of that, but something failed just now."""
    levels = {finding.level for finding in findings}
    if Level.FAULT in levels:
        return 2
    return 1 if Level.TROUBLE in levels else 0
