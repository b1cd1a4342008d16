"""The command: measures what is asked for and prints a table of ratios."""

from __future__ import annotations

import argparse
import asyncio
import logging
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import structlog
from rich.console import Console
from rich.table import Table

from tests.benchmarks import cards, click, cycle, decision, idle, sweep
from tests.benchmarks.rounds import Comparison, Effort, Took

BENCHMARKS = {"cycle": cycle, "decision": decision, "sweep": sweep, "cards": cards, "click": click, "idle": idle}
ROUNDS = 5


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the named benchmarks; all of them where none is named. Ends with 1 where one breaks what it promises."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=main.__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(BENCHMARKS)}")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"rounds that count (default {ROUNDS})")
    given = parser.parse_args(arguments)
    if unknown := sorted(set(given.names) - set(BENCHMARKS)):
        parser.error(f"no benchmark is called {unknown[0]}; there are {', '.join(BENCHMARKS)}")
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    console = Console()
    found = []
    for name in given.names or BENCHMARKS:
        with console.status(f"measuring {name}"), tempfile.TemporaryDirectory() as folder:
            found += asyncio.run(BENCHMARKS[name].measure(Effort(max(1, given.rounds)), Path(folder)))
    console.print(table(found))
    for one in found:
        console.print(sentence(one), soft_wrap=True)
    if any(one.is_broken for one in found):
        raise SystemExit(1)


def table(found: Sequence[Comparison]) -> Table:
    """Every comparison as a line: the milliseconds are this machine's, the ratios travel better."""
    made = Table(caption="Medians over the rounds, for one unit. A ratio above 1: ours took less than the peer.")
    made.add_column("What, ours / peer", overflow="fold")
    for column in ("ours ms", "peer ms", "ratio", "from", "to", "cpu ratio"):
        made.add_column(column, justify="right", no_wrap=True)
    for one in found:
        made.add_row(
            f"[bold]{one.subject}[/bold]\n{one.ours.name} / {one.peer.name}",
            _ms(one.ours_took), _ms(one.peer_took),
            f"[bold]{one.ratio:.2f}[/bold]", f"{one.ratios[0]:.2f}", f"{one.ratios[-1]:.2f}", f"{one.cpu_ratio:.2f}",
        )  # fmt: skip
    return made


def sentence(one: Comparison) -> str:
    """What was found, in words."""
    took = f"{one.ratio:.1f} times less" if one.ratio >= 1 else f"{1 / one.ratio:.1f} times more"
    cpu = " and ".join(f"{median(turn.cpu for turn in way) * 1000:.3g}" for way in (one.ours_took, one.peer_took))
    words = f"{one.subject}: “{one.ours.name}” took {took} time than “{one.peer.name}” ({cpu} ms of processors)."
    if one.promise is None:
        return words
    return f"{words} Promised: {one.promise}, which {'does NOT hold' if one.is_broken else 'holds'}."


def _ms(took: Sequence[Took]) -> str:
    return f"{median(one.wall for one in took) * 1000:.3g}"


if __name__ == "__main__":
    main()
