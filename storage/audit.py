"""The audit chain: append-only rows, each covering the one before it."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlmodel import col, select

from storage.models import AuditEntry, AuditText
from storage.tx import Tx

GENESIS = "0" * 64


def head(tx: Tx) -> tuple[int, str]:
    """Sequence number and hash of the newest entry. Always read inside the transaction: a cached head breaks the chain
    when a neighbour in a shared commit is rolled back."""
    statement = sa.select(col(AuditEntry.seq), col(AuditEntry.hash)).order_by(col(AuditEntry.seq).desc())
    newest = tx.rows(statement.limit(1))
    return (newest[0]["seq"], newest[0]["hash"]) if newest else (0, GENESIS)


def append(tx: Tx, entry: AuditEntry, text: AuditText) -> None:
    """Add an entry and its erasable text."""
    tx.insert(entry)
    tx.insert(text)


def count(tx: Tx, run_id: str, event: str, digest: str) -> int:
    """How many entries of this event about this digest a run has."""
    statement = (
        select(sa.func.count())
        .select_from(AuditEntry)
        .where(col(AuditEntry.run_id) == run_id, col(AuditEntry.event) == event, col(AuditEntry.digest) == digest)
    )
    return int(tx.scalar(statement) or 0)


def of_request(tx: Tx, request_id: str, events: Sequence[str]) -> list[AuditEntry]:
    """What the log says of one request, in order, of these events."""
    statement = select(AuditEntry).where(col(AuditEntry.request_id) == request_id, col(AuditEntry.event).in_(events))
    return tx.all(AuditEntry, statement.order_by(col(AuditEntry.seq)))


def events_of_run(tx: Tx, run_id: str, event: str) -> list[AuditEntry]:
    """What the log says of one run, in order, of this event."""
    statement = select(AuditEntry).where(col(AuditEntry.run_id) == run_id, col(AuditEntry.event) == event)
    return tx.all(AuditEntry, statement.order_by(col(AuditEntry.seq)))


def version(tx: Tx) -> int:
    """Another number after anything else than this connection wrote to the store."""
    return int(tx.rows(_VERSION)[0]["data_version"])


_VERSION = sa.text("PRAGMA data_version")


def about(tx: Tx, digest: str, event: str = "") -> list[AuditEntry]:
    """What the log says, in order, of something that belongs to no run; of this event, where one is named."""
    statement = select(AuditEntry).where(sa.text("run_id = '' AND digest <> ''"), col(AuditEntry.digest) == digest)
    only = (col(AuditEntry.event) == event,) if event else ()
    return tx.all(AuditEntry, statement.where(*only).order_by(col(AuditEntry.seq)))


def entries(tx: Tx, after: int = 0, limit: int = 1000) -> list[AuditEntry]:
    """Entries in order."""
    statement = select(AuditEntry).where(col(AuditEntry.seq) > after).order_by(col(AuditEntry.seq)).limit(limit)
    return tx.all(AuditEntry, statement)


def of_run(tx: Tx, run_id: str) -> list[AuditEntry]:
    """The story of a run, in order."""
    return tx.all(AuditEntry, select(AuditEntry).where(col(AuditEntry.run_id) == run_id).order_by(col(AuditEntry.seq)))


def get(tx: Tx, seq: int) -> AuditEntry | None:
    """One entry."""
    return tx.one(AuditEntry, select(AuditEntry).where(col(AuditEntry.seq) == seq))


def texts(tx: Tx, seqs: Sequence[int]) -> dict[int, AuditText]:
    """The texts that were not erased, by sequence number."""
    return {text.seq: text for text in tx.all(AuditText, select(AuditText).where(col(AuditText.seq).in_(seqs)))}
