"""The audit chain: any byte changed, removed in the middle or moved is found; erased texts are not a break."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest

from agent_runtime.audit import Event, Origin, record, record_noise
from agent_runtime.digest import Seal
from storage.tx import Tx
from storage.types import SYSTEM
from tests.core.agent import one
from tests.core.world import ANA, BOB, World

BUY = one("buy", {"amount": 10})
COLUMNS = (
    "seq", "at", "event", "actor", "surface", "run_id", "request_id", "tool", "digest", "text_digest", "previous",
    "hash", "mac",
)  # fmt: skip


async def story(worlds: Any) -> World:
    """A chain of a dozen entries."""
    world: World = await worlds(BUY)
    await world.waiting()
    shown = await world.pending()
    await world.decide(ANA)
    await world.decide(BOB, request=shown)
    await world.settle()
    assert (await world.verify()).problem == ""
    return world


async def test_the_columns_of_the_chain_are_all_known_here(worlds: Any) -> None:
    """A new column must join the chain and the tests below."""
    world = await story(worlds)
    found = await world.look("select name from pragma_table_info('audit')")
    assert {name for (name,) in found} == set(COLUMNS)


@pytest.mark.parametrize("column", [name for name in COLUMNS if name != "seq"])
async def test_a_changed_byte_is_found_where_it_is(worlds: Any, column: str) -> None:
    """Each column of each entry is covered: a change is found at that entry."""
    world = await story(worlds)
    ((count,),) = await world.look("select count(*) from audit")
    for seq in random.Random(column).sample(range(1, count + 1), 3):
        ((old,),) = await world.look(f"select {column} from audit where seq = ?", seq)
        new = old.replace("2030", "2031") if column == "at" else ("x" + old[1:] if old else "x")
        await world.sql(f"update audit set {column} = ? where seq = ?", new, seq)
        found = await world.verify()
        assert found.broken_at in {seq, seq + 1}
        assert found.problem
        await world.sql(f"update audit set {column} = ? where seq = ?", old, seq)
    assert (await world.verify()).problem == ""


async def test_a_changed_text_is_found(worlds: Any) -> None:
    """The erasable part cannot be rewritten: neither its salt nor its words."""
    for change in ("salt = 'ff' || substr(salt, 3)", "body = json_set(body, '$.actor_name', 'Eve')", "body = '{}'"):
        world = await story(worlds)
        await world.sql(f"update audit_text set {change} where seq = 4")
        found = await world.verify()
        assert (found.broken_at, found.problem) == (4, "has a text that was changed")


async def test_an_erased_text_breaks_nothing(worlds: Any) -> None:
    """Names and reasons may be erased; the chain still verifies."""
    world = await story(worlds)
    await world.sql("delete from audit_text")
    assert (await world.verify()).problem == ""


@pytest.mark.parametrize("seq", [1, 2, 5])
async def test_an_entry_removed_is_found(worlds: Any, seq: int) -> None:
    """A hole in the chain is found, even when everything after it is numbered anew."""
    world = await story(worlds)
    await world.sql("delete from audit_text")
    await world.sql("delete from audit where seq = ?", seq)
    assert (await world.verify()).problem
    await world.sql("update audit set seq = seq - 1 where seq > ?", seq)
    assert (await world.verify()).problem


async def test_entries_that_changed_places_are_found(worlds: Any) -> None:
    """Order is part of what is covered."""
    world = await story(worlds)
    await world.sql("delete from audit_text")
    await world.sql("update audit set seq = 1000 where seq = 3")
    await world.sql("update audit set seq = 3 where seq = 4")
    await world.sql("update audit set seq = 4 where seq = 1000")
    assert (await world.verify()).broken_at == 3


async def test_an_entry_added_by_hand_is_found(worlds: Any) -> None:
    """Without the key nobody continues the chain."""
    world = await story(worlds)
    forged = Seal(b"another key")
    honest, world.runtime.seal = world.runtime.seal, forged
    await world.db.transact(record, world.context, Event.RUN_SUCCEEDED, SYSTEM)
    world.runtime.seal = honest
    assert (await world.verify()).problem == "was not sealed by this host's key"


async def test_a_unit_that_raised_leaves_no_hole(worlds: Any) -> None:
    """A neighbour of a shared commit that is rolled back takes its entries along; the chain goes on from the others."""
    world = await story(worlds)

    def raises(tx: Tx) -> None:
        record(tx, world.context, Event.NOISE, SYSTEM)
        raise ZeroDivisionError

    def writes(tx: Tx) -> None:
        record(tx, world.context, Event.NOISE, SYSTEM)

    work = [world.db.transact(raises if number % 2 else writes) for number in range(40)]
    await asyncio.gather(*work, return_exceptions=True)
    assert await world.count(Event.NOISE) == 20
    assert (await world.verify()).problem == ""


async def test_texts_of_any_kind_are_kept_and_verify(worlds: Any) -> None:
    """What people, agents and surfaces say never makes an entry fail, whatever it holds."""
    world = await story(worlds)
    wild: Any = {"a": float("nan"), "b": "\ud83d", "c": 2**80, "d": b"bytes", "e": {10: 1, 2: 2}, "f": (1, 2)}
    origin = Origin("slack", {"ts": "\udcff", "n": 10**30})
    await world.db.transact(
        record, world.context, Event.NOISE, SYSTEM, origin=origin, tool="t\ud83d", text=wild
    )  # fmt: skip
    await world.db.transact(record_noise, world.context, {"bad signature": 3})
    assert (await world.verify()).problem == ""


async def test_two_entries_about_the_same_words_do_not_show_it(worlds: Any) -> None:
    """Text digests are salted: equal texts cannot be told from their digests."""
    world = await story(worlds)
    for _ in range(2):
        await world.db.transact(record, world.context, Event.NOISE, SYSTEM, text={"reason": "same"})
    digests = await world.look("select text_digest from audit order by seq desc limit 2")
    assert digests[0] != digests[1]
