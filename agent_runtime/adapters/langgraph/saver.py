"""LangGraph's checkpoints on Signoff's own store: strict about types, and fenced by the run's lease.

Values are serialised on the caller's side, so that the one writer thread only runs SQL. Every write first calls the
fence in its own transaction: a worker that lost its lease cannot overwrite what the new holder wrote.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from typing import Any, cast

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    WRITES_IDX_MAP,
    BaseCheckpointSaver,
    ChannelVersions,
    CheckpointMetadata,
    CheckpointTuple,
    get_checkpoint_id,
    get_checkpoint_metadata,
)
from langgraph.checkpoint.base import Checkpoint as GraphCheckpoint
from langgraph.checkpoint.serde.base import SerializerProtocol
from langgraph.checkpoint.serde.types import INTERRUPT

from agent_runtime.adapters.langgraph.newest import Kept, Newest, Place
from agent_runtime.errors import AgentError
from storage import checkpoints
from storage.database import Database
from storage.models import Checkpoint, CheckpointWrite
from storage.tx import Tx

Fence = Callable[[Tx], None]
"""Raises unless whoever writes still holds the run."""

MSGPACK = "msgpack"
"""How the serialiser names what is neither nothing nor plain bytes."""

_WRITTEN = {INTERRUPT: "what the agent asked with interrupt()"}


class StoreSaver(BaseCheckpointSaver[int]):
    """Keeps a run's checkpoints (`thread_id` is the run id). The synchronous methods block their thread, not the store.

    `failure` is the first error of a write: LangGraph may report another in its place. A saver serves one advance:
    `newest` spares it from reading what it wrote itself.
    """

    def __init__(self, db: Database, fence: Fence, serde: SerializerProtocol) -> None:
        super().__init__(serde=serde)
        self._db = db
        self._fence = fence
        self.failure: Exception | None = None
        self.newest = Newest()

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        place, wanted = _place(config), get_checkpoint_id(config)
        if self.newest.knows(place, wanted):
            return self._tuple(self.newest.find(place))
        return self._read(place, wanted, await self._db.read(_look_up, place, wanted))

    def get_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        place, wanted = _place(config), get_checkpoint_id(config)
        if self.newest.knows(place, wanted):
            return self._tuple(self.newest.find(place))
        return self._read(place, wanted, self._db.submit(_look_up, place, wanted).result())

    async def begin(self, thread_id: str) -> bool:
        """Whether the thread has a checkpoint to go on from."""
        place = (thread_id, "")
        kept = await self._db.read(_look_up, place, None)
        self.newest.read(place, kept)
        if kept is None:
            self.newest.new.add(thread_id)
        return kept is not None

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,  # noqa: A002 - LangGraph's name
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        for kept in await self._db.read(_list, config, filter, before, limit):
            yield self._decoded(kept)

    def list(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,  # noqa: A002 - LangGraph's name
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> Iterator[CheckpointTuple]:
        for kept in self._db.submit(_list, config, filter, before, limit).result():
            yield self._decoded(kept)

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: GraphCheckpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,  # noqa: ARG002 - values are kept inline
    ) -> RunnableConfig:
        row = self._checkpoint(config, checkpoint, metadata)
        with _Noting(self):
            await self._db.transact(self._put, row)
        self.newest.put(row)
        return _config(row)

    def put(
        self,
        config: RunnableConfig,
        checkpoint: GraphCheckpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,  # noqa: ARG002 - values are kept inline
    ) -> RunnableConfig:
        row = self._checkpoint(config, checkpoint, metadata)
        with _Noting(self):
            self._db.submit(self._put, row).result()
        self.newest.put(row)
        return _config(row)

    async def aput_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        rows, replace = self._writes(config, writes, task_id, task_path)
        with _Noting(self):
            await self._db.transact(self._put_writes, rows, replace)
        self.newest.put_writes(rows, replace=replace)

    def put_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        rows, replace = self._writes(config, writes, task_id, task_path)
        with _Noting(self):
            self._db.submit(self._put_writes, rows, replace).result()
        self.newest.put_writes(rows, replace=replace)

    async def adelete_thread(self, thread_id: str) -> None:
        await self._db.transact(self._delete, thread_id)
        self.newest.forget()

    def delete_thread(self, thread_id: str) -> None:
        self._db.submit(self._delete, thread_id).result()
        self.newest.forget()

    def _put(self, tx: Tx, row: Checkpoint) -> None:
        self._fence(tx)
        checkpoints.put(tx, row)

    def _put_writes(self, tx: Tx, rows: Sequence[CheckpointWrite], replace: bool) -> None:
        self._fence(tx)
        checkpoints.put_writes(tx, rows, replace=replace)

    def _delete(self, tx: Tx, thread_id: str) -> None:
        self._fence(tx)
        checkpoints.delete_thread(tx, thread_id)

    def _checkpoint(
        self, config: RunnableConfig, checkpoint: GraphCheckpoint, metadata: CheckpointMetadata
    ) -> Checkpoint:
        thread_id, namespace = _place(config)
        form, body = self._dump("the agent's state", checkpoint)
        return Checkpoint(
            thread_id=thread_id,
            namespace=namespace,
            id=checkpoint["id"],
            parent_id=get_checkpoint_id(config),
            format=form,
            body=body,
            about=dict(get_checkpoint_metadata(config, metadata)),
        )

    def _writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str
    ) -> tuple[Sequence[CheckpointWrite], bool]:
        thread_id, namespace = _place(config)
        rows = []
        for position, (channel, value) in enumerate(writes):
            form, body = self._dump(_WRITTEN.get(channel, f"what the agent wrote to {channel}"), value)
            rows.append(
                CheckpointWrite(
                    thread_id=thread_id,
                    namespace=namespace,
                    checkpoint_id=config["configurable"]["checkpoint_id"],
                    task_id=task_id,
                    idx=WRITES_IDX_MAP.get(channel, position),
                    task_path=task_path,
                    channel=channel,
                    format=form,
                    body=body,
                )
            )
        return rows, all(channel in WRITES_IDX_MAP for channel, _ in writes)

    def _dump(self, what: str, value: Any) -> tuple[str, bytes]:
        try:
            return self.serde.dumps_typed(value)
        except (TypeError, ValueError) as error:
            reason = error.__cause__ or error
            raise AgentError(f"{what} cannot be kept ({reason}); only plain values and messages survive") from error

    def _read(self, place: Place, wanted: str | None, kept: Kept | None) -> CheckpointTuple | None:
        if wanted is None:
            self.newest.read(place, kept)
        return self._tuple(kept)

    def _tuple(self, kept: Kept | None) -> CheckpointTuple | None:
        return None if kept is None else self._decoded(kept)

    def _decoded(self, kept: Kept) -> CheckpointTuple:
        row, writes = kept
        parent = None if row.parent_id is None else _config(row, row.parent_id)
        return CheckpointTuple(
            config=_config(row),
            checkpoint=self.serde.loads_typed((row.format, row.body)),
            metadata=_metadata(row),
            parent_config=parent,
            pending_writes=[
                (write.task_id, write.channel, self.serde.loads_typed((write.format, write.body))) for write in writes
            ],
        )


class _Noting:
    """Remembers a saver's first failed write."""

    def __init__(self, saver: StoreSaver) -> None:
        self._saver = saver

    def __enter__(self) -> None: ...

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, Exception) and self._saver.failure is None:
            self._saver.failure = error


def _look_up(tx: Tx, place: Place, checkpoint_id: str | None) -> Kept | None:
    row = checkpoints.newest(tx, *place) if checkpoint_id is None else checkpoints.get(tx, *place, checkpoint_id)
    return None if row is None else (row, checkpoints.writes_of(tx, row))


def _list(
    tx: Tx,
    config: RunnableConfig | None,
    wanted: Mapping[str, Any] | None,
    before: RunnableConfig | None,
    limit: int | None,
) -> Sequence[Kept]:
    place = config["configurable"] if config else {}
    found = checkpoints.find(
        tx,
        thread_id=place.get("thread_id"),
        namespace=place.get("checkpoint_ns"),
        checkpoint_id=place.get("checkpoint_id"),
        before=get_checkpoint_id(before) if before else None,
        limit=None if wanted else limit,
    )
    # Metadata is compared here, so that no key of a filter ever becomes SQL.
    if wanted:
        found = [row for row in found if all(row.about.get(key) == value for key, value in wanted.items())][:limit]
    return [(row, checkpoints.writes_of(tx, row)) for row in found]


def _place(config: RunnableConfig) -> Place:
    place = config["configurable"]
    return str(place["thread_id"]), place.get("checkpoint_ns", "")


def _config(row: Checkpoint, checkpoint_id: str | None = None) -> RunnableConfig:
    place = {"thread_id": row.thread_id, "checkpoint_ns": row.namespace, "checkpoint_id": checkpoint_id or row.id}
    return {"configurable": place}


def _metadata(row: Checkpoint) -> CheckpointMetadata:
    return cast("CheckpointMetadata", row.about)
