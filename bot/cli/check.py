"""`signoff check`: the first thing a stuck person runs. Every line is a tick, or what is wrong and its mend."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.text import Text

from bot.cli.words import printable, sentence, stdout

if TYPE_CHECKING:
    from bot.checks.finding import Section

MARKS = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "fault": ("✗", "red"), "trouble": ("?", "red")}
WORDS = {"ok": "", "warning": "warning: ", "fault": "wrong: ", "trouble": "failed: "}


def check(
    as_json: Annotated[bool, typer.Option("--json", metavar="", help="The findings as JSON, for programs.")] = False,
) -> None:
    """Look at everything Signoff needs, from settings to Slack. Changes nothing."""
    from bot.checks.finding import exit_code  # the checks import Slack's library

    sections = asyncio.run(_inspect(None if as_json else stdout()))
    findings = [finding for section in sections for finding in section.findings]
    if as_json:
        print(json.dumps(_report(sections), ensure_ascii=False, indent=2))  # noqa: T201
    else:
        stdout().print(_summary([finding.level.value for finding in findings]))
    raise typer.Exit(exit_code(findings))


async def _inspect(console: Console | None) -> list[Section]:
    from agent_runtime.clock import SystemClock
    from bot.checks.inspection import Inspection

    sections: list[Section] = []
    waiting = Console(stderr=True).status("Looking ...") if console is not None else None
    if waiting is not None:
        waiting.start()
    try:
        async for section in Inspection(SystemClock(), Path.cwd()).sections():
            sections.append(section)
            if console is not None:
                show(section, console)
    finally:
        if waiting is not None:
            waiting.stop()
    return sections


def show(section: Section, console: Console) -> None:
    """One section, a line for each finding and another for its mend."""
    console.print(Text(section.title, "bold"))
    for finding in section.findings:
        mark, style = MARKS[finding.level.value]
        console.print(Text.assemble("  ", (mark, style), " ", (WORDS[finding.level.value], style), _said(finding.what)))
        if finding.mend:
            console.print(Text(f"      {_said(finding.mend)}"))


def _said(text: str) -> str:
    return sentence(printable(text).replace("\n", " "))


def _summary(levels: Iterable[str]) -> str:
    counts = {level: sum(1 for one in levels if one == level) for level in ("fault", "trouble", "warning")}
    words = {"fault": "to mend", "trouble": "failed", "warning": "to know"}
    said = [f"{count} {words[level]}" for level, count in counts.items() if count]
    return f"\n{', '.join(said)}." if said else "\nEverything is as it should be."


def _report(sections: Iterable[Section]) -> object:
    return {
        "sections": [
            {
                "title": section.title,
                "findings": [
                    {"level": finding.level.value, "what": finding.what, "mend": finding.mend}
                    for finding in section.findings
                ],
            }
            for section in sections
        ]
    }
