"""One audit entry as the message that a webhook receives. Read from the log when it is sent: what was erased since is
not sent, and what was changed by hand is not signed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from agent_runtime.audit import is_genuine_text
from agent_runtime.chain import is_genuine_entry
from agent_runtime.digest import Seal
from agent_runtime.errors import SignoffError
from storage import audit, runs
from storage.models import AuditEntry, AuditText
from storage.tx import Tx

LARGEST_TEXT = 64 * 1024
"""Characters of an entry's text, as JSON; a longer one is left out. Receivers refuse large bodies, each at its own
limit, and would refuse them again and again."""

_OWN = frozenset({"actor_name", "evidence"})
"""What of a text is no part of what happened: the name stands with the actor, the evidence stays in the log."""


class Unsendable(SignoffError):
    """This entry is never sent; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent: the same `id` and `body` however often; `body` is JSON in ASCII."""

    id: str
    body: str


def read_message(tx: Tx, seal: Seal, seq: int) -> Message:
    """The message about one entry. Raises `Unsendable` where the log does not hold it as it was written."""
    entry, text = audit.get(tx, seq), audit.texts(tx, [seq]).get(seq)
    if entry is None:
        raise Unsendable(f"the audit log has no entry {seq}")
    if not is_genuine_entry(entry, seal) or (text is not None and not is_genuine_text(entry, text)):
        raise Unsendable(f"the audit log's entry {seq} was changed by hand")
    run = runs.get(tx, entry.run_id) if entry.run_id else None
    body = {
        "type": entry.event,
        "timestamp": entry.at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "data": {
            "seq": seq,
            "run_id": entry.run_id or None,
            "request_id": entry.request_id or None,
            "agent": run.agent if run else None,
            "tool": entry.tool or None,
            "digest": entry.digest or None,
            "actor": _actor(entry, text),
            "surface": entry.surface,
            **_text(text),
        },
    }
    # With a part of the hash, which covers random salt: no other installation has this id.
    return Message(f"msg_{seq}_{entry.hash[:16]}", json.dumps(body, separators=(",", ":")))


def _actor(entry: AuditEntry, text: AuditText | None) -> dict[str, str | None]:
    kind, team, identity = entry.actor.split(":", 2)
    name = text.body.get("actor_name") if text else None
    return {"kind": kind, "team": team or None, "id": identity, "name": str(name) if name else None}


def _text(text: AuditText | None) -> dict[str, Any]:
    """What the log says happened, or why that is left out."""
    if text is None:
        return {"text": None, "left_out": "erased"}
    said = {name: value for name, value in text.body.items() if name not in _OWN}
    try:
        written = json.dumps(said, allow_nan=False)
    except ValueError:
        return {"text": None, "left_out": "not JSON"}
    return {"text": None, "left_out": "too large"} if len(written) > LARGEST_TEXT else {"text": said}
