"""What the demo's tools left on disk, read back so that scenarios can compare it with what people approved."""

from __future__ import annotations

import json
import mailbox
from pathlib import Path
from typing import Any


def mails(folder: Path) -> list[tuple[str, str, str]]:
    """The mails that were sent: recipient, subject, body; in any order."""
    if not (folder / "mail").is_dir():
        return []
    box = mailbox.Maildir(folder / "mail", create=False)
    return [(str(mail["To"]), str(mail["Subject"]), str(mail.get_payload()).strip()) for mail in box]


def records(folder: Path, name: str) -> list[dict[str, Any]]:
    """The lines of `bookings.jsonl`, `purchases.jsonl` or `signoffs.jsonl`: each with its tool and arguments."""
    path = folder / f"{name}.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def reports(folder: Path) -> dict[str, str]:
    """The reports that were published, by file name."""
    return {path.name: path.read_text() for path in sorted(folder.glob("reports/*"))}


def sandbox(folder: Path) -> dict[str, str]:
    """The files of the ops agent, by path inside its sandbox."""
    top = folder / "sandbox"
    return {str(path.relative_to(top)): path.read_text() for path in sorted(top.rglob("*")) if path.is_file()}
