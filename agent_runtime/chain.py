"""The links of the audit chain, and whether it is whole: asked before every start, because what counts on the log
(votes taken back, calls started, grants used) must not be gone from it.

What this process found whole is not read again while nobody else writes to the store: each entry is looked at once,
and a log that grew long meanwhile is read beside the writer, where nobody's click waits for it.
Nothing in a store tells an older copy of the whole of it from the newest: a log that was cut off, with all rows as they
were then, is whole.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from agent_runtime.digest import Seal, canonical
from storage import audit as rows
from storage.errors import SignoffError
from storage.models import AuditEntry
from storage.tx import Tx
from storage.types import Json

PAGE = 1000
PURPOSE = "audit"
"""The purpose of an entry's seal."""


def hash_entry(entry: AuditEntry) -> str:
    """SHA-256, hex, over all that an entry says, the hash of the one before it included."""
    covered: Json = {
        "seq": entry.seq,
        "at": entry.at.isoformat(),
        "event": entry.event,
        "actor": entry.actor,
        "surface": entry.surface,
        "run": entry.run_id,
        "request": entry.request_id,
        "tool": entry.tool,
        "digest": entry.digest,
        "text": entry.text_digest,
        "previous": entry.previous,
    }
    return hashlib.sha256(canonical(covered)).hexdigest()


def is_genuine_entry(entry: AuditEntry, seal: Seal) -> bool:
    """Whether one entry is as it was written, by this host. Says nothing about the entries around it."""
    return hash_entry(entry) == entry.hash and seal.fits(PURPOSE, entry.hash, entry.mac)


MOST_AT_ONCE = 2_000
"""So many entries are read in the writer; more take longer than a click may wait."""


@dataclass(frozen=True, slots=True)
class Known:
    """Entries that were found whole: from which to which, the last one's hash, and the store's version then."""

    first: int
    last: int
    hash: str
    version: int


class LogUnread(SignoffError):
    """More of the log is to be read than the writer has time for: `read_ahead` what is behind `known`, `learn` it, and
    ask again."""

    def __init__(self, known: Known) -> None:
        super().__init__(f"the log is to be read from entry {known.last} on")
        self.known = known


class Chain:
    """What one process knows of the chain; for the thread that writes."""

    def __init__(self) -> None:
        self._known: Known | None = None
        self._read_ahead: set[int] = set()

    def is_whole_since(
        self, tx: Tx, seal: Seal, event: str, *, run_id: str = "", request_id: str = "", digest: str = ""
    ) -> bool:
        """Whether nothing was changed in the log, or left out of it, since the first such event of a run, of a request,
        or of what has this digest and belongs to no run. Raises LogUnread, once for each entry to begin with."""
        if run_id:
            told = rows.events_of_run(tx, run_id, event)
        else:
            told = rows.of_request(tx, request_id, (event,)) if request_id else rows.about(tx, digest, event)
        first = told[0] if told else None
        if first is None or first.seq is None or not is_genuine_entry(first, seal):
            return False
        known, fresh = self._known, Known(first.seq, first.seq, first.hash, rows.version(tx))
        if known is not None and known.version == fresh.version and known.first <= fresh.first:
            # What was known may have been rolled back since: then all of it is read again.
            self._known = self._walk(tx, seal, known) or self._walk(tx, seal, fresh)
        else:
            self._known = self._walk(tx, seal, fresh)
        return self._known is not None

    def learn(self, _: Tx, known: Known, found: Known | None) -> None:
        """What was read ahead from `known` on."""
        self._known = found
        self._read_ahead.add(known.last)

    def _walk(self, tx: Tx, seal: Seal, known: Known) -> Known | None:
        newest, _ = rows.head(tx)
        if newest - known.last > MOST_AT_ONCE and known.last not in self._read_ahead:
            raise LogUnread(known)
        return read_ahead(tx, seal, known)


def read_ahead(tx: Tx, seal: Seal, known: Known) -> Known | None:
    """What is known once every entry after it was read, to the newest; None where one does not fit."""
    last = rows.get(tx, known.last)
    if last is None or last.hash != known.hash:
        return None
    while page := rows.entries(tx, last.seq or 0, PAGE):
        for entry in page:
            fits = (entry.seq, entry.previous) == ((last.seq or 0) + 1, last.hash) and hash_entry(entry) == entry.hash
            if not fits:
                return None
            last = entry
        if len(page) < PAGE:
            break
    # The newest entry's seal vouches for all before it: each hash covers the one before.
    return Known(known.first, last.seq or 0, last.hash, known.version) if is_genuine_entry(last, seal) else None
