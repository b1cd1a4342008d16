"""Rows of the journal: one execution of one tool call each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import update
from sqlmodel import col, select

from storage.models import JournalEntry
from storage.tx import Tx
from storage.types import CallStatus


def insert(tx: Tx, entry: JournalEntry) -> bool:
    """Write `started` for a call that was never started. False where a row exists."""
    return tx.insert_new(entry)


def get(tx: Tx, run_id: str, call_key: str) -> JournalEntry | None:
    """What is known of one call."""
    statement = select(JournalEntry).where(col(JournalEntry.run_id) == run_id, col(JournalEntry.call_key) == call_key)
    return tx.one(JournalEntry, statement)


def of_run(tx: Tx, run_id: str) -> list[JournalEntry]:
    """Every call a run started, in order."""
    statement = select(JournalEntry).where(col(JournalEntry.run_id) == run_id)
    return tx.all(JournalEntry, statement.order_by(col(JournalEntry.started_at), col(JournalEntry.call_key)))


def change(tx: Tx, entry: JournalEntry, expected: Sequence[CallStatus], **values: Any) -> bool:
    """Change a call that is in one of the expected states, in the start (owner, attempt, count) this record shows."""
    statement = (
        update(JournalEntry)
        .where(
            col(JournalEntry.run_id) == entry.run_id,
            col(JournalEntry.call_key) == entry.call_key,
            col(JournalEntry.status).in_(expected),
            col(JournalEntry.owner) == entry.owner,
            col(JournalEntry.attempt) == entry.attempt,
            col(JournalEntry.starts) == entry.starts,
        )
        .values(**values)
    )
    return tx.change(statement) == 1
