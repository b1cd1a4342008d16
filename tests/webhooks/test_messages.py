"""What a webhook is told of an entry: what the log says, without secrets, where the log is as it was written."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from agent_runtime.audit import Event, record
from agent_runtime.event_body import LARGEST_TEXT, Message, Unsendable, read_message
from storage import audit, webhooks
from storage.tx import Tx
from storage.types import SYSTEM, DeliveryStatus
from tests.core.agent import one
from tests.core.conftest import empty_store, worlds
from tests.core.test_redaction import ARGS, CARD, PIN, SECRETS, TOKEN, policies
from tests.core.world import ANA, BOB, NO, YES, World
from tests.webhooks.receiver import HOST, SECRET, Receiver, open_post, webhook

__all__ = ["empty_store", "worlds"]

TOLD = webhook(url=f"https://{HOST}/hook")


async def messages(world: World) -> AsyncIterator[Message]:
    """What a webhook is told of each entry of the log."""
    for entry in await world.db.read(audit.entries):
        assert entry.seq is not None
        yield await world.db.read(read_message, world.seal, entry.seq)


async def test_a_request_is_told_from_its_opening_to_its_end(worlds: Any) -> None:
    """Who decided what about which call, in the words of the log, and of the message's shape."""
    world: World = await worlds(one("buy", {"amount": 10}))
    run = await world.waiting()
    asked = await world.pending()
    await world.decide(ANA, NO, asked, reason="too much")
    told = {body["type"]: body for one in [one async for one in messages(world)] for body in [json.loads(one.body)]}
    closed = told["request.closed"]
    assert closed["timestamp"] == "2030-01-07T09:00:00Z"
    assert closed["data"] == {
        "seq": closed["data"]["seq"], "run_id": run.id, "request_id": asked.id, "agent": "agent", "tool": "buy",
        "digest": asked.digest, "actor": {"kind": "slack", "team": "T1", "id": "UANA", "name": "Ana"},
        "surface": "slack", "text": {"status": "rejected", "reason": "too much"},
    }  # fmt: skip
    assert told["request.opened"]["data"]["text"]["args"] == {"amount": 10}
    assert {set(body["data"]) == set(closed["data"]) for body in told.values()} == {True}


async def test_no_secret_of_a_call_is_told(worlds: Any) -> None:
    """What is redacted on cards is redacted here, in the arguments, in people's words and in what the tool returned."""
    world: World = await worlds(
        one("pay", ARGS, reason=f"the card {CARD}"), one("pay", ARGS, step="m2"), policies=policies()
    )
    await world.waiting()
    await world.decide(ANA, NO, reason=f"not with {CARD}")
    await world.settle()
    await world.decide(BOB, YES, reason=f"fine, {PIN}")
    world.agent.output = {"receipt": f"{CARD} charged", "token": TOKEN}
    await world.settle()
    everything = "".join([one.body async for one in messages(world)])
    assert everything.count("request.opened") == 2
    for secret in SECRETS:
        assert secret not in everything, secret


async def test_ids_are_of_one_installation_and_one_entry(worlds: Any) -> None:
    """Two installations with the same story have no id in common; no id has what Standard Webhooks forbids."""
    ids = []
    for _ in range(2):
        world: World = await worlds(one("buy"))
        await world.waiting()
        ids += [one.id async for one in messages(world)]
    assert len(set(ids)) == len(ids) > 5
    assert all(identity.replace("_", "").isalnum() for identity in ids)


@pytest.mark.parametrize(
    "change",
    [
        "update audit set actor = 'slack:T1:UEVE' where seq = 1",
        "update audit_text set body = '{\"a\": 1}' where seq = 1",
    ],
)
async def test_what_was_changed_by_hand_is_never_signed(worlds: Any, change: str) -> None:
    """Whoever can write the store cannot make Signoff vouch for it."""
    world: World = await worlds(one("buy"))
    await world.waiting()
    await world.sql(change)
    with pytest.raises(Unsendable, match="entry 1 was changed by hand"):
        await world.db.read(read_message, world.seal, 1)


async def test_a_changed_entry_is_given_up_and_says_so(tmp_path: Path, receiver: Receiver) -> None:
    """It is no failure that passes, and the row says what happened."""
    async with open_post(tmp_path, webhook(url=receiver.url, events=("call.*",))) as post:
        seq = await post.happens()
        await post.db.transact(lambda tx: tx._connection.exec_driver_sql("update audit set tool = 'sell'"))
        await post.settle()
        row = await post.row(seq)
        assert (row.status, row.error) == (DeliveryStatus.DEAD, f"the audit log's entry {seq} was changed by hand")
        assert receiver.attempts == []


async def test_a_text_that_was_erased_is_not_told(worlds: Any) -> None:
    """What waits to be sent is read from the log when it is sent: erasing reaches it, too."""
    world: World = await worlds(one("buy"))
    await world.waiting()
    await world.sql("delete from audit_text where seq = 1")
    told = json.loads((await world.db.read(read_message, world.seal, 1)).body)["data"]
    assert (told["text"], told["left_out"], told["actor"]["name"]) == (None, "erased", None)


@pytest.mark.parametrize(
    ("output", "left_out"), [({"report": "x" * LARGEST_TEXT}, "too large"), ({"sum": float("nan")}, "not JSON")]
)
async def test_a_text_that_no_receiver_would_take_is_left_out(
    tmp_path: Path, receiver: Receiver, output: Any, left_out: str
) -> None:
    """The event itself arrives."""
    async with open_post(tmp_path, webhook(url=receiver.url)) as post:
        await post.happens(event=Event.RUN_SUCCEEDED, output=output)
        await post.settle()
        (told,) = receiver.taken
        assert (told["type"], told["data"]["text"], told["data"]["left_out"]) == ("run.succeeded", None, left_out)


async def test_any_words_survive_the_way(tmp_path: Path, receiver: Receiver) -> None:
    """Marks, other scripts, and half of a character that is two."""
    words = 'Ünïcødé "🙂" \\ \n\x00 \ud83d <!channel>'
    async with open_post(tmp_path, webhook(url=receiver.url)) as post:
        await post.happens(reason=words)
        await post.settle()
        assert receiver.taken[0]["data"]["text"]["reason"] == words


async def test_entries_of_a_run_are_rows_of_the_same_transaction(worlds: Any) -> None:
    """A story through the real core has a row for each entry, and none without its entry."""
    world: World = await worlds(one("buy"))
    world.runtime.webhooks = (TOLD,)
    await world.waiting()
    await world.decide(ANA)
    await world.settle()
    keys = [key for (key,) in await world.look("select key from outbox where kind = 'webhook' order by key")]
    assert keys == [webhooks.key_of("crm", seq) for (seq,) in await world.look("select seq from audit order by seq")]
    assert len(keys) == 8
    assert (await world.verify()).problem == ""


async def test_what_did_not_happen_is_told_to_nobody(tmp_path: Path, receiver: Receiver) -> None:
    """A unit of work that fails after it wrote its entry leaves neither that nor an event."""
    async with open_post(tmp_path, webhook(url=receiver.url)) as post:

        def fails(tx: Tx) -> None:
            record(tx, post.runtime.context(), Event.RUN_STARTED, SYSTEM, run_id="R1")
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await post.db.transact(fails)
        assert await post.db.read(webhooks.tallies) == []
        assert await post.db.read(audit.entries) == []


async def test_while_a_secret_is_replaced_both_verify(tmp_path: Path, receiver: Receiver) -> None:
    """The variable holds the new one and the old one; the receiver still has the old one, then the new one."""
    new = "whsec_" + base64.b64encode(b"another secret that is new").decode()
    async with open_post(tmp_path, webhook(url=receiver.url), secrets=f"{new} {SECRET}") as post:
        await post.happens("R1")
        await post.settle()
        receiver.secret = new
        await post.happens("R2")
        await post.settle()
        assert len(receiver.taken) == 2
