"""The deterministic planner of the `ops` agent: simple commands, read into batches of tool calls. Pure."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import PurePosixPath

from agent_runtime.demo.conversation import PlannedCall

_BACKUP = re.compile(
    r"create (?:a |the )?backup script (?:at|in) (?P<path>[\w./-]{1,200}) "
    r"that archives (?:the )?(?P<source>[\w./-]{1,200}?)(?: directory| folder)?\.?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Batch:
    """Calls that do not need each other and are asked for together, and the agent's reason for them."""

    reason: str
    calls: tuple[PlannedCall, ...]


def parse(text: str) -> tuple[Batch, ...] | None:
    """The batches, to be done in order; None where the text is no command."""
    verb, _, rest = text.strip().partition(" ")
    match verb.casefold():
        case "read":
            return _each("read_file", rest)
        case "delete":
            return _each("delete_file", rest)
        case "write":
            return _write(rest)
        case "edit":
            return _edit(rest)
        case "run":
            return _one("To run what you asked for.", "execute", command=rest.strip()) if rest.strip() else None
        case "create":
            return _backup(text)
        case _:
            return None


def _one(reason: str, tool: str, **args: str) -> tuple[Batch, ...]:
    return (Batch(reason, (PlannedCall(tool, dict(args)),)),)


def _each(tool: str, rest: str) -> tuple[Batch, ...] | None:
    """`read a.txt, b.txt`: one call per file, asked for together."""
    paths = [path.strip() for path in rest.split(",") if path.strip()]
    if not paths:
        return None
    return (Batch("The files you named.", tuple(PlannedCall(tool, {"path": path}) for path in paths)),)


def _write(rest: str) -> tuple[Batch, ...] | None:
    path, colon, content = rest.partition(":")
    if not colon or not path.strip():
        return None
    content = content.lstrip(" ")
    return _one("The text you gave.", "write_file", path=path.strip(), content=content.rstrip("\n") + "\n")


def _edit(rest: str) -> tuple[Batch, ...] | None:
    path, colon, change = rest.partition(":")
    old, arrow, new = change.partition("->")
    if not (colon and arrow and path.strip() and old.strip()):
        return None
    return _one("The change you asked for.", "edit_file", path=path.strip(), old=old.strip(), new=new.strip())


def _backup(text: str) -> tuple[Batch, ...] | None:
    """`Create a backup script at /backup.sh that archives the /data directory`: the script and the folders it needs do
    not depend on each other; checking the script comes after both."""
    found = _BACKUP.fullmatch(" ".join(text.split()))
    if found is None:
        return None
    script, source = found["path"].lstrip("/"), found["source"].strip("/")
    if not script or not source:
        return None
    return (
        Batch(
            "The script, and the folders it reads and fills.",
            (
                PlannedCall("write_file", {"path": found["path"], "content": backup_script(source)}),
                PlannedCall("execute", {"command": f"mkdir -p backups {shlex.quote('./' + source)}"}),
            ),
        ),
        Batch(
            "To see whether the shell can read the script, without running it.",
            (
                PlannedCall(
                    "execute", {"command": f"sh -n {shlex.quote('./' + script)} && echo the script is readable"}
                ),
            ),
        ),
    )


def backup_script(source: str) -> str:
    """A shell script that archives a folder of the sandbox, to be run from the sandbox's top."""
    name = PurePosixPath(source).name
    return (
        "#!/bin/sh\n"
        f"# Archives {source} into backups/, with the time in the name.\n"
        "set -eu\n"
        "mkdir -p backups\n"
        f'tar -czf "backups/{name}-$(date +%Y%m%d-%H%M%S).tar.gz" {shlex.quote("./" + source)}\n'
    )
