"""The saver: LangGraph's own conformance suite, and what that suite leaves out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import WRITES_IDX_MAP, empty_checkpoint
from langgraph.checkpoint.conformance import checkpointer_test, validate
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from agent_runtime.adapters.langgraph.saver import StoreSaver
from storage.database import Database
from storage.errors import LeaseLost
from storage.tx import Tx
from tests.contract.bench import store

STRICT = JsonPlusSerializer(pickle_fallback=False, allowed_msgpack_modules=None)
PLACE: RunnableConfig = {"configurable": {"thread_id": "R1", "checkpoint_ns": ""}}


def _open(_tx: Tx) -> None:
    """A fence that lets everybody through."""


def _closed(_tx: Tx) -> None:
    raise LeaseLost("run R1")


@pytest.fixture
def saver(db: Database) -> StoreSaver:
    return StoreSaver(db, _open, STRICT)


async def _put(saver: StoreSaver, place: RunnableConfig = PLACE, **values: Any) -> RunnableConfig:
    checkpoint = {**empty_checkpoint(), "channel_values": values}
    return await saver.aput(place, checkpoint, {"source": "loop", "step": 1}, {})  # type: ignore[typeddict-item]


async def _pending(saver: StoreSaver, place: RunnableConfig) -> list[tuple[str, str, Any]]:
    found = await saver.aget_tuple(place)
    assert found is not None
    return found.pending_writes or []


async def test_langgraphs_conformance_suite_passes(tmp_path: Path) -> None:
    """Every base test of LangGraph's own suite holds."""
    opened = iter(range(100))

    @checkpointer_test(name="signoff")
    async def factory() -> AsyncIterator[StoreSaver]:
        async with store(tmp_path / str(next(opened))) as db:
            yield StoreSaver(db, _open, STRICT)

    report = await validate(factory)
    faults = [fault for result in report.results.values() for fault in result.failures or ()]
    assert report.passed_all_base(), faults


async def test_pending_writes_come_back_in_the_order_a_live_run_applies_them(saver: StoreSaver) -> None:
    """By path, then task, then position; not in the order in which tasks happened to finish."""
    place = await _put(saver)
    await saver.aput_writes(place, [("list", 1), ("list", 2)], "task-a", "~path, 1")
    await saver.aput_writes(place, [("list", 3)], "task-c", "~path, 0")
    await saver.aput_writes(place, [("list", 4)], "task-b", "~path, 0")
    assert [value for _, _, value in await _pending(saver, place)] == [4, 3, 1, 2]


async def test_a_task_that_runs_again_does_not_change_what_it_wrote(saver: StoreSaver) -> None:
    """The first result of a task stays."""
    place = await _put(saver)
    await saver.aput_writes(place, [("out", "first")], "task")
    await saver.aput_writes(place, [("out", "second")], "task")
    assert [value for _, _, value in await _pending(saver, place)] == ["first"]


@pytest.mark.parametrize("channel", WRITES_IDX_MAP)
async def test_errors_interrupts_and_answers_are_replaced(channel: str, saver: StoreSaver) -> None:
    """The newest error, interrupt or answer of a task counts."""
    place = await _put(saver)
    await saver.aput_writes(place, [(channel, "first")], "task")
    await saver.aput_writes(place, [(channel, "second")], "task")
    assert [value for _, _, value in await _pending(saver, place)] == ["second"]


async def test_a_worker_without_the_lease_writes_nothing(db: Database, saver: StoreSaver) -> None:
    """Each kind of write is refused in its own transaction, and what was there stays."""
    place = await _put(saver, kept=True)
    stale = StoreSaver(db, _closed, STRICT)
    with pytest.raises(LeaseLost):
        await _put(stale, kept=False)
    with pytest.raises(LeaseLost):
        await stale.aput_writes(place, [("out", 1)], "task")
    with pytest.raises(LeaseLost):
        await stale.adelete_thread("R1")
    found = await saver.aget_tuple(PLACE)
    assert found is not None
    assert (found.checkpoint["channel_values"], found.pending_writes) == ({"kept": True}, [])
    assert isinstance(stale.failure, LeaseLost)


async def test_the_synchronous_methods_do_the_same(saver: StoreSaver) -> None:
    """A node may call an inner graph synchronously: its checkpoints land in the same rows."""

    def use() -> None:
        place = saver.put(PLACE, {**empty_checkpoint(), "channel_values": {"a": 1}}, {"source": "input"}, {})
        saver.put_writes(place, [("out", 2)], "task")
        found = saver.get_tuple(PLACE)
        assert found is not None
        assert (found.checkpoint["channel_values"], found.pending_writes) == ({"a": 1}, [("task", "out", 2)])
        assert [one.config for one in saver.list(PLACE, filter={"source": "input"})] == [place]
        saver.delete_thread("R1")
        assert saver.get_tuple(PLACE) is None

    await asyncio.to_thread(use)


async def test_many_runs_write_at_once(saver: StoreSaver) -> None:
    """Fifty threads of checkpoints side by side: each finds its own."""

    async def one(number: int) -> None:
        thread: RunnableConfig = {"configurable": {"thread_id": f"R{number}", "checkpoint_ns": ""}}
        place = await _put(saver, thread, number=number)
        await saver.aput_writes(place, [("out", number)], "task")
        found = await saver.aget_tuple(thread)
        assert found is not None
        assert (found.checkpoint["channel_values"], found.pending_writes) == (
            {"number": number}, [("task", "out", number)],
        )  # fmt: skip

    await asyncio.gather(*(one(number) for number in range(50)))


async def test_versions_of_a_channel_grow(saver: StoreSaver) -> None:
    """LangGraph compares versions: they are numbers that only go up."""
    first = saver.get_next_version(None, None)
    assert saver.get_next_version(first, None) > first


async def test_bytes_in_the_store_run_no_code(saver: StoreSaver) -> None:
    """A type that is on no list comes back as plain data, whatever the bytes say."""
    loose = JsonPlusSerializer(allowed_msgpack_modules=True)

    class Impostor:
        def get_secret_value(self) -> str:
            return "rm -rf /"

    Impostor.__module__, Impostor.__name__ = "os", "system"
    form, body = loose.dumps_typed({"value": Impostor()})
    assert b"system" in body
    assert saver.serde.loads_typed((form, body)) == {"value": "rm -rf /"}


async def test_what_the_saver_remembers_is_what_the_store_holds(db: Database, saver: StoreSaver) -> None:
    """Through puts, replaced and repeated writes, and older checkpoints: the same as a saver that knows nothing."""

    async def same() -> None:
        ignorant = StoreSaver(db, _open, STRICT)
        assert await saver.aget_tuple(PLACE) == await ignorant.aget_tuple(PLACE)

    assert not await saver.begin("R1")
    old = await _put(saver, step=1)
    new = await _put(saver, old, step=2)
    await same()
    for place in (new, old):
        await saver.aput_writes(place, [("out", 1), ("out", 2)], "b", "~2")
        await saver.aput_writes(place, [("out", 3)], "a", "~3")
        await saver.aput_writes(place, [("out", 4)], "b", "~2")
        await saver.aput_writes(place, [("__interrupt__", 5)], "b", "~2")
        await saver.aput_writes(place, [("__interrupt__", 6)], "b", "~2")
        await same()
    again = await saver.aget_tuple(new)
    assert again is not None
    await saver.aput(old, {**again.checkpoint, "channel_values": {"step": 3}}, {"source": "fork"}, {})
    await same()
    later = StoreSaver(db, _open, STRICT)
    assert await later.begin("R1")
    await later.aput_writes(new, [("out", 7)], "c", "~1")
    await saver.aput_writes(new, [("out", 7)], "c", "~1")
    assert await later.aget_tuple(PLACE) == await saver.aget_tuple(PLACE)
    await saver.adelete_thread("R1")
    await same()
