"""`signoff webhooks`: how events get to their receivers. Reads the store beside the server, and changes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot.cli.words import printable, stdout

if TYPE_CHECKING:
    from storage.tx import Tx

LISTED = 20
"""So many events of one webhook that were given up are named, the newest first."""

COLUMNS = (("done", "Arrived"), ("due", "To be sent"), ("leased", "Being sent"), ("dead", "Given up"))


@dataclass(frozen=True, slots=True)
class Lost:
    """An event that was given up: its entry in the audit log, why, and when (ISO 8601)."""

    entry: int
    error: str
    at: str


@dataclass(frozen=True, slots=True)
class Standing:
    """How one webhook stands. `known`: it is in the policy file; `problem`: of what is tried again."""

    name: str
    known: bool
    counts: dict[str, int]
    problem: str = ""
    lost: tuple[Lost, ...] = ()


def webhooks(
    as_json: Annotated[bool, typer.Option("--json", metavar="", help="The same as JSON, for programs.")] = False,
) -> None:
    """List the webhooks: how many of their events arrived, wait, or were given up, and why.

    To have events sent again, an operator writes in Slack: /approvals webhooks replay NAME
    """
    from agent_runtime.policy_file import load_policy_file
    from bot.settings import load_settings
    from storage.inspection import look

    settings = load_settings()
    names = [webhook.name for webhook in load_policy_file(settings.config, needs_agents=False).webhooks]
    found = look(settings.database_url, lambda tx: list(_read(tx, names)))
    if as_json:
        print(json.dumps({"webhooks": [_shape(one) for one in found]}, ensure_ascii=False, indent=2))  # noqa: T201
    elif found:
        _show(found)
    else:
        stdout().print("There is no webhook in the policy file.")


def _read(tx: Tx, names: Sequence[str]) -> Iterator[Standing]:
    """Those of the policy file, and whatever others have rows."""
    from storage import webhooks as rows

    tallies = rows.tallies(tx)
    for name in dict.fromkeys([*names, *(tally.webhook for tally in tallies)]):
        own = [tally for tally in tallies if tally.webhook == name]
        lost = [
            Lost(rows.seq_of(row.key), row.error, row.updated_at.isoformat())
            for row in rows.undelivered(tx, name, LISTED)
        ]
        problem = next((tally.error for tally in own if tally.status.value == "due"), "")
        counts = {tally.status.value: tally.count for tally in own}
        yield Standing(name, name in names, counts, problem, tuple(lost))


def _show(found: Sequence[Standing]) -> None:
    table = Table("Webhook", *(title for _, title in COLUMNS), expand=False)
    for one in found:
        table.add_row(Text(printable(one.name)), *(f"{one.counts.get(status, 0):,}" for status, _ in COLUMNS))
    Console(highlight=False, markup=False).print(table)
    for one in found:
        for line in _problems(one):
            stdout().print(Text(printable(line)))


def _problems(one: Standing) -> Iterator[str]:
    if not one.known:
        yield f"{one.name}: not in the policy file any more, so nothing is sent."
    if one.problem:
        yield f"{one.name}: tried again, because {one.problem}."
    for lost in one.lost:
        yield f"{one.name}: entry {lost.entry} of the audit log was given up: {lost.error}."
    if one.lost and one.known:
        yield f"{one.name}: an operator sends in Slack what it lacks: /approvals webhooks replay {one.name}"


def _shape(one: Standing) -> dict[str, object]:
    return {
        "name": one.name,
        "in_policy_file": one.known,
        "events": {status: one.counts.get(status, 0) for status, _ in COLUMNS},
        "problem": one.problem,
        "given_up": [{"entry": lost.entry, "error": lost.error, "at": lost.at} for lost in one.lost],
    }
