"""What the play must leave on disk, exactly: nothing missing, nothing doubled, nothing that nobody approved."""

from __future__ import annotations

import json
import mailbox
from collections.abc import Iterator
from pathlib import Path

EXPECTED = (
    "mail to team@example.com: Meeting, revised: Say that it moved to Thursday",
    "booking: Rome with Aurora Air",
    "report: q3-sales.md, with Europe, with customers",
    "purchase: buy_small mouse for USD 250",
    "purchase: finance_purchase laptops for USD 4500",
    "purchase: finance_purchase vans for USD 25000",
    "signoff: manager_signoff laptops for USD 4500",
    "signoff: director_signoff vans for USD 25000",
    "signoff: manager_signoff espresso machine for USD 3000",
    "sandbox: backup.sh",
    "sandbox: backups",
    "sandbox: data",
)
"""One line for each effect that people approved or a policy allows."""


def compare_effects(data_dir: Path) -> list[str]:
    """What differs from the expected effects, one line each; empty when every effect happened exactly as approved."""
    found = list_effects(data_dir)
    expected = sorted(EXPECTED)
    missing = [f"missing: {line}" for line in _without(expected, found)]
    surplus = [f"unexpected: {line}" for line in _without(found, expected)]
    return missing + surplus


def list_effects(data_dir: Path) -> list[str]:
    """One line for each effect in the folder."""
    return sorted(_found(data_dir))


def _without(lines: list[str], others: list[str]) -> list[str]:
    rest = list(others)
    left = []
    for line in lines:
        if line in rest:
            rest.remove(line)
        else:
            left.append(line)
    return left


def _found(data_dir: Path) -> Iterator[str]:
    yield from _mails(data_dir / "mail")
    for record in _records(data_dir / "bookings.jsonl"):
        yield f"booking: {record['destination']} with {record['airline']}"
    for report in sorted(data_dir.glob("reports/*")):
        text = report.read_text()
        yield f"report: {report.name}{', with Europe' * ('Europe' in text)}{', with customers' * ('customers' in text)}"
    for name, file in (("purchase", "purchases.jsonl"), ("signoff", "signoffs.jsonl")):
        for tool, args in _tools(data_dir / file):
            yield f"{name}: {tool} {args['item']} for USD {args['amount']}"
    for path in sorted((data_dir / "sandbox").glob("*")):
        yield f"sandbox: {path.name}"


def _mails(folder: Path) -> Iterator[str]:
    if not folder.is_dir():
        return
    for message in mailbox.Maildir(folder, create=False):
        body = str(message.get_payload())
        revised = [line for line in body.splitlines() if line.startswith("Revised: ")]
        suffix = f", revised: {revised[-1].removeprefix('Revised: ')}" if revised else ""
        yield f"mail to {message['To']}: {message['Subject']}{suffix}"


def _records(path: Path) -> Iterator[dict[str, str]]:
    for _, args in _tools(path):
        yield args


def _tools(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    if path.exists():
        for line in path.read_text().splitlines():
            record = json.loads(line)
            yield record["tool"], record["args"]
