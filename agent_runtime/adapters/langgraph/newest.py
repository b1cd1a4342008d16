"""What a saver wrote or read last, kept so that it need not be read again.

Within an advance the fence makes a saver the only writer of its run, so what it remembers is what the rows say. Bytes
are kept, not values: whoever gets a checkpoint may change it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from storage.models import Checkpoint, CheckpointWrite

Kept = tuple[Checkpoint, list[CheckpointWrite]]
Place = tuple[str, str]
"""A thread and a namespace in it."""


@dataclass(slots=True)
class _Held:
    """A checkpoint, and its pending writes by task and position."""

    row: Checkpoint
    writes: dict[tuple[str, int], CheckpointWrite] = field(default_factory=dict)


class Newest:
    """The newest checkpoint of each place. `new` are threads of which the store holds only what was put here."""

    def __init__(self) -> None:
        self.new: set[str] = set()
        self._held: dict[Place, _Held | None] = {}

    def knows(self, place: Place, checkpoint_id: str | None) -> bool:
        """Whether `find` can answer in place of the store."""
        if place not in self._held:
            return place[0] in self.new
        held = self._held[place]
        return checkpoint_id is None or (held is not None and held.row.id == checkpoint_id)

    def find(self, place: Place) -> Kept | None:
        """The newest checkpoint and its writes, in the order in which a live run applies them."""
        held = self._held.get(place)
        if held is None:
            return None
        writes = list(held.writes.values())
        return held.row, sorted(writes, key=lambda write: (write.task_path, write.task_id, write.idx))

    def read(self, place: Place, kept: Kept | None) -> None:
        """Remember what the store said was newest."""
        self._held[place] = None
        if kept is not None:
            self._held[place] = _Held(kept[0], {(write.task_id, write.idx): write for write in kept[1]})

    def put(self, row: Checkpoint) -> None:
        """Remember a checkpoint that was kept."""
        place = (row.thread_id, row.namespace)
        held = self._held.get(place)
        if held is not None and held.row.id == row.id:
            held.row = row
        elif self.knows(place, None) and (held is None or held.row.id < row.id):
            self._held[place] = _Held(row)

    def put_writes(self, writes: Sequence[CheckpointWrite], *, replace: bool) -> None:
        """Remember writes that were kept."""
        for write in writes:
            held = self._held.get((write.thread_id, write.namespace))
            if held is None or held.row.id != write.checkpoint_id:
                continue
            key = (write.task_id, write.idx)
            held.writes[key] = write if replace else held.writes.get(key, write)

    def forget(self) -> None:
        """Know nothing."""
        self.new.clear()
        self._held.clear()

    def bodies(self, form: str) -> Iterator[bytes]:
        """The bytes, of one format, that the next worker would go on from."""
        for held in self._held.values():
            if held is not None:
                rows: list[Checkpoint | CheckpointWrite] = [held.row, *held.writes.values()]
                yield from (row.body for row in rows if row.format == form)
