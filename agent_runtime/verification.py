"""Reading the whole audit log: is each entry as this host wrote it, and in its place?

It is read in pages, each a look of its own: a log of any length needs the memory of one page, and keeps no server that
writes meanwhile from tidying up its store. Whoever may write to the store can still cut off the log's end, or put back
an older copy: that is seen only by comparing with an entry that was noted elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass

from agent_runtime.audit import is_genuine_text
from agent_runtime.chain import PAGE, PURPOSE, hash_entry
from agent_runtime.digest import Seal
from storage import audit as rows
from storage.models import AuditEntry, AuditText
from storage.tx import Tx

UNREADABLE = "cannot be read"
UNSEALED = "was not sealed by this host's key"


@dataclass(frozen=True, slots=True)
class Noted:
    """An entry as somebody noted it earlier: its number and its hash (hex)."""

    seq: int
    hash: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What a walk over the log found: how many entries are whole, the first and the last of them, and how many of them
    have no text any more; the number of the first that is not as it was written, with what is wrong with it."""

    entries: int
    broken_at: int | None = None
    problem: str = ""
    oldest: AuditEntry | None = None
    newest: AuditEntry | None = None
    erased: int = 0


def verify(tx: Tx, seal: Seal, noted: Noted | None = None) -> Verification:
    """Walk the whole log and check numbers, links, hashes, seals, the texts that were not erased, and that an entry
    noted earlier is still there."""
    oldest: AuditEntry | None = None
    newest: AuditEntry | None = None
    count = erased = 0
    while page := _page(tx, count):
        for entry, text in page:
            problem = _problem(entry, text, newest, seal, noted)
            if problem:
                return Verification(count, count + 1, problem, oldest, newest, erased)
            oldest, newest = oldest or entry, entry
            count += 1
            erased += text is None
    if noted is not None and noted.seq > count:
        ends = f"the log ends with entry {count}" if count else "the log is empty"
        problem = f"is gone: {ends}, so its end was cut off or an older copy was put back"
        return Verification(count, noted.seq, problem, oldest, newest, erased)
    return Verification(count, None, "", oldest, newest, erased)


def is_foreign(tx: Tx, seal: Seal) -> bool:
    """Whether the log was sealed with another key: so was its oldest entry, and its newest, and both are whole."""
    newest, _ = rows.head(tx)
    ends = [*_page(tx, 0, 1), *_page(tx, newest - 1, 1)]
    return bool(ends) and all(_wrong_in(entry, text, seal) == UNSEALED for entry, text in ends)


_Read = tuple[AuditEntry | None, AuditText | None]
"""An entry, None where nobody can read it, and its text, None where it was erased."""


def _page(tx: Tx, after: int, limit: int = PAGE) -> list[_Read]:
    """The next entries; fewer where the store cannot read one of them, and that one, when it is next, as None."""
    try:
        entries = rows.entries(tx, after, limit)
        texts = rows.texts(tx, [entry.seq or 0 for entry in entries])
    except Exception:  # noqa: BLE001 - whatever the driver makes of what was written there by hand
        return _page(tx, after, limit // 2) if limit > 1 else [(None, None)]
    return [(entry, texts.get(entry.seq or 0)) for entry in entries]


def _problem(
    entry: AuditEntry | None, text: AuditText | None, before: AuditEntry | None, seal: Seal, noted: Noted | None
) -> str:
    """What is wrong with the entry that should be the next after `before`; empty where nothing is."""
    number, previous = (before.seq or 0, before.hash) if before else (0, rows.GENESIS)
    if entry is not None and entry.seq != number + 1:
        return f"is gone: the next that is there is entry {entry.seq}"
    if entry is not None and entry.previous != previous:
        return "does not follow the entry before it"
    if wrong := _wrong_in(entry, text, seal):
        return wrong
    if entry is not None and noted is not None and noted.seq == entry.seq and noted.hash != entry.hash:
        return "is not the one that was noted: an older copy was put back and went on, or the log was written anew"
    return ""


def _wrong_in(entry: AuditEntry | None, text: AuditText | None, seal: Seal) -> str:
    """What is wrong with an entry, wherever it stands."""
    if entry is None:
        return UNREADABLE
    try:
        if hash_entry(entry) != entry.hash:
            return "was changed after it was written"
        if not seal.fits(PURPOSE, entry.hash, entry.mac):
            return UNSEALED
        return "has a text that was changed" if text is not None and not is_genuine_text(entry, text) else ""
    except Exception:  # noqa: BLE001 - a hand may have put a number or bytes where there was text
        return UNREADABLE
