"""Are the packages ours, and does a user's module lie where it will not be found?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bot.checks.finding import Finding, fault, ok, warning
from bot.packages import OURS, ROOT, namesakes, strangers


def check_packages(folder: Path) -> tuple[Finding, ...]:
    """Name clashes with our three packages, on Python's path and in the folder the agents are imported from."""
    return tuple(_clashes(folder)) or (ok(f"{', '.join(OURS)} are Signoff's, from {ROOT}"),)


def _clashes(folder: Path) -> Iterator[Finding]:
    for name, path in strangers().items():
        yield fault(
            f"Python finds {path} under the name {name}, which is Signoff's",
            "Rename yours, or take its folder off Python's path",
        )
    for name, path in namesakes(folder).items():
        yield warning(
            f"{path} has the name of Signoff's own package {name}: an agent that imports {name} gets Signoff's",
            f"Rename it, or put it into a package of yours and import it as yours.{name}",
        )
