"""What happened outside the database: lines of a file and mails, written so that a kill never tears one."""

from __future__ import annotations

import json
import mailbox
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LINES = ("effects.jsonl", "signoffs.jsonl", "purchases.jsonl")


@dataclass(frozen=True, slots=True, order=True)
class Effect:
    """One thing that happened: in which run, by which tool, and what about (an item, or the text of a mail)."""

    run: str
    tool: str
    about: str


def append(path: Path, line: Mapping[str, Any]) -> None:
    """Add one line in one write."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, json.dumps(dict(line)).encode() + b"\n")
    finally:
        os.close(descriptor)


def lines(path: Path) -> list[dict[str, Any]]:
    """The lines of a file; none where it is missing."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def act(folder: Path, run: str, tool: str, args: Mapping[str, Any]) -> None:
    """The effect of the tools of these tests."""
    append(folder / LINES[0], {"run": run, "tool": tool, "args": dict(args)})


def effects(folder: Path) -> list[Effect]:
    """Everything that happened, by any tool."""
    told = [line for name in LINES for line in lines(folder / name)]
    return [Effect(line["run"], line["tool"], about(line["args"])) for line in told] + _mails(folder / "mail")


def about(args: Mapping[str, Any]) -> str:
    """What tells one call of a tool from its other calls."""
    return str(args["item"]) if "item" in args else str(args["body"]).strip()


def _mails(folder: Path) -> list[Effect]:
    if not (folder / "new").is_dir():
        return []
    mails = list(mailbox.Maildir(folder, create=False))
    return [Effect(str(mail["X-Run"]), "send_email", str(mail.get_payload()).strip()) for mail in mails]
