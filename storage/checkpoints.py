"""Rows of LangGraph's checkpoints and of the pending writes of their tasks. Values are bytes; nobody reads them here.

Checkpoint ids sort by age. Writes come back in the order in which a live run applies them, because reducers need not
be indifferent to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, delete
from sqlmodel import col, select

from storage.models import Checkpoint, CheckpointWrite
from storage.tx import Tx

_CHECKPOINT_KEYS = ("thread_id", "namespace", "id")
_WRITE_KEYS = ("thread_id", "namespace", "checkpoint_id", "task_id", "idx")


def put(tx: Tx, checkpoint: Checkpoint) -> None:
    """Keep a checkpoint, in place of the one with the same id if there is one."""
    tx.upsert(checkpoint, keys=_CHECKPOINT_KEYS)


def put_writes(tx: Tx, writes: Sequence[CheckpointWrite], *, replace: bool) -> None:
    """Keep a task's writes. A task that runs again does not change what it wrote before, unless `replace`: errors,
    interrupts and answers have one place each, and the newest counts."""
    for write in writes:
        if replace:
            tx.upsert(write, keys=_WRITE_KEYS)
        else:
            tx.insert_new(write)


def get(tx: Tx, thread_id: str, namespace: str, checkpoint_id: str) -> Checkpoint | None:
    """One checkpoint."""
    return tx.one(Checkpoint, _of(thread_id, namespace).where(col(Checkpoint.id) == checkpoint_id))


def newest(tx: Tx, thread_id: str, namespace: str) -> Checkpoint | None:
    """The checkpoint to go on from."""
    return tx.one(Checkpoint, _of(thread_id, namespace).order_by(col(Checkpoint.id).desc()).limit(1))


def find(
    tx: Tx,
    *,
    thread_id: str | None = None,
    namespace: str | None = None,
    checkpoint_id: str | None = None,
    before: str | None = None,
    limit: int | None = None,
) -> list[Checkpoint]:
    """Checkpoints, newest first. None means any; `before` is a checkpoint id."""
    statement = _of(thread_id, namespace).order_by(col(Checkpoint.id).desc())
    if checkpoint_id is not None:
        statement = statement.where(col(Checkpoint.id) == checkpoint_id)
    if before is not None:
        statement = statement.where(col(Checkpoint.id) < before)
    return tx.all(Checkpoint, statement if limit is None else statement.limit(limit))


def writes_of(tx: Tx, checkpoint: Checkpoint) -> list[CheckpointWrite]:
    """The pending writes of a checkpoint."""
    statement = (
        select(CheckpointWrite)
        .where(
            col(CheckpointWrite.thread_id) == checkpoint.thread_id,
            col(CheckpointWrite.namespace) == checkpoint.namespace,
            col(CheckpointWrite.checkpoint_id) == checkpoint.id,
        )
        .order_by(col(CheckpointWrite.task_path), col(CheckpointWrite.task_id), col(CheckpointWrite.idx))
    )
    return tx.all(CheckpointWrite, statement)


def delete_thread(tx: Tx, thread_id: str) -> int:
    """Forget a thread; how many checkpoints it had."""
    tx.change(delete(CheckpointWrite).where(col(CheckpointWrite.thread_id) == thread_id))
    return tx.change(delete(Checkpoint).where(col(Checkpoint.thread_id) == thread_id))


def _of(thread_id: str | None, namespace: str | None) -> Select[Any]:
    statement: Select[Any] = select(Checkpoint)
    if thread_id is not None:
        statement = statement.where(col(Checkpoint.thread_id) == thread_id)
    if namespace is not None:
        statement = statement.where(col(Checkpoint.namespace) == namespace)
    return statement
