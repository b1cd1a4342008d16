"""A receiver of webhooks on this machine that misbehaves on demand, and the senders and the store before it."""

from __future__ import annotations

import asyncio
import base64
import socket
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from aiohttp import web
from pydantic import SecretStr
from sqlmodel import select
from standardwebhooks import Webhook as Verifier

from agent_runtime.audit import Event, record
from agent_runtime.clock import MovableClock, SystemClock
from agent_runtime.digest import Seal
from agent_runtime.runtime import Runtime
from agent_runtime.webhook import Webhook
from bot.webhooks.addresses import Found, LookUp
from bot.webhooks.delivery import Pace, Sender, open_senders
from bot.webhooks.endpoints import Endpoint, read_endpoints
from storage import outbox
from storage import webhooks as rows
from storage.database import Database
from storage.models import Delivery
from storage.tx import Tx
from storage.types import SYSTEM, DeliveryStatus
from tests.core.world import policy_set
from tests.patience import PATIENCE
from tests.stores import put_store

SECRET = "whsec_" + base64.b64encode(b"a secret for the receiver's tests").decode()
HOST = "receiver.example"
"""What the fake names of these tests say is this machine."""

SHORT = (timedelta(milliseconds=10),) * 30
"""Waits that leave the clock where the verifier's is."""

TAKEN = 200
SLAMS = 0
HANGS = -1
"""What a receiver may do in place of an answer: close the connection, or never answer."""


@dataclass
class Receiver:
    """Notes what arrives, verified, and answers as `mood` says: a status, or `SLAMS` or `HANGS`."""

    url: str = ""
    secret: str = SECRET
    mood: Callable[[], int] = lambda: TAKEN
    taken: list[dict[str, Any]] = field(default_factory=list)
    """The bodies that were answered with a 2xx, each with its `id`."""
    attempts: list[str] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    answer_headers: dict[str, str] = field(default_factory=dict)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    patience_ends: asyncio.Event = field(default_factory=asyncio.Event)
    """What hangs goes on then, and is no answer that counts."""

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.text()
        said = Verifier(self.secret).verify(body, dict(request.headers))
        assert isinstance(said, dict)
        identity = request.headers["webhook-id"]
        self.headers.append(dict(request.headers))
        self.attempts.append(identity)
        self.paths.append(request.path)
        self.arrived.set()
        mood = self.mood()
        if mood == HANGS:
            await self.patience_ends.wait()
        if mood == SLAMS:
            assert request.transport is not None
            request.transport.abort()
        elif 200 <= mood < 300:
            self.taken.append({**said, "id": identity})
        return web.Response(status=mood if mood > 0 else 500, headers=self.answer_headers)

    async def hears(self) -> None:
        """Wait for the next attempt."""
        await self.arrived.wait()
        self.arrived.clear()

    @property
    def seqs(self) -> list[int]:
        """The audit entries that were taken, in order, each once."""
        return list(dict.fromkeys(one["data"]["seq"] for one in self.taken))


@asynccontextmanager
async def open_receiver() -> AsyncIterator[Receiver]:
    """A receiver on this machine, under a name."""
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/hook/{rest:.*}", receiver.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.url = f"http://{HOST}:{runner.addresses[0][1]}/hook/path-that-nobody-may-know"
    try:
        yield receiver
    finally:
        await runner.cleanup()


async def here(_host: str, _port: int) -> Found:
    """Every name means this machine."""
    return [(socket.AF_INET, "127.0.0.1")]


def webhook(name: str = "crm", url: str = "", **fields: Any) -> Webhook:
    return Webhook(name=name, secret_env="THE_SECRET", url=url, **{"allow_private": True, **fields})


def endpoint_of(webhook: Webhook, secrets: str) -> Endpoint:
    (endpoint,), faults = read_endpoints([webhook], lambda _name: SecretStr(secrets))
    assert not faults
    return endpoint


class Post:
    """A store whose log is sent on to webhooks: one boot. The clock begins at the real time, because the library's
    verifier asks no other and takes what is up to five minutes off."""

    def __init__(self, db: Database, clock: MovableClock, webhooks: Iterable[Webhook]) -> None:
        self.db = db
        self.clock = clock
        self.runtime = Runtime(db, {}, policy_set(), Seal(b"k" * 32), clock, webhooks=tuple(webhooks))
        self.senders: tuple[Sender, ...] = ()

    async def happens(self, run_id: str = "R1", event: Event = Event.CALL_STARTED, **text: Any) -> int:
        """Something is written into the log; its number."""
        return await self.db.transact(_write, self.runtime.context(), run_id, event, text)

    async def much_happens(self, count: int) -> None:
        """So many entries of fifty runs, in one transaction."""
        await self.db.transact(_write_many, self.runtime.context(), count)

    async def settle(self) -> None:
        """Send all that is due now."""
        while any([await sender.worker.run_once() for sender in self.senders]):
            pass

    async def settle_all(self) -> None:
        """Send until nothing is left that will be sent, on the clock."""
        await self.settle()
        while (due := await self.db.read(_next_due)) is not None:
            assert due > self.clock.now(), "what is due is not sent"
            self.clock.advance(due - self.clock.now())
            await self.settle()

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """The workers at work by themselves, as in a server."""
        async with asyncio.TaskGroup() as tasks:
            for sender in self.senders:
                tasks.create_task(sender.worker.run_forever(self.db.listen(rows.QUEUE)))
            try:
                yield
            finally:
                for sender in self.senders:
                    sender.worker.stop()

    async def row(self, seq: int, name: str = "crm") -> Delivery:
        row = await self.db.read(outbox.get, rows.key_of(name, seq))
        assert row is not None, seq
        return row


@asynccontextmanager
async def open_post(
    folder: Path,
    *webhooks: Webhook,
    waits: tuple[timedelta, ...] = SHORT,
    patience: timedelta = timedelta(seconds=PATIENCE),
    look_up: LookUp = here,
    secrets: str = SECRET,
) -> AsyncIterator[Post]:
    """A boot on the store in this folder; opened again, it is the next one."""
    clock = MovableClock(SystemClock().now())
    store = put_store(folder)
    async with AsyncExitStack() as stack:
        db = await stack.enter_async_context(Database(f"sqlite:///{store}"))
        post = Post(db, clock, webhooks)
        await post.runtime.boot()
        pace = Pace(waits, jitter=lambda: 0.0, patience=patience)
        endpoints = [endpoint_of(one, secrets) for one in webhooks]
        post.senders = await stack.enter_async_context(
            open_senders(post.runtime, endpoints, look_up=look_up, pace=pace)
        )
        yield post


def _next_due(tx: Tx) -> datetime | None:
    """When the next event is due; alerts about events wait for Slack, which is not here."""
    due = select(Delivery.due_at).where(Delivery.kind == rows.KIND, Delivery.status == DeliveryStatus.DUE)
    found: datetime | None = tx.scalar(due.order_by(Delivery.due_at).limit(1))
    return found


def _write_many(tx: Tx, context: Any, count: int) -> None:
    for number in range(count):
        _write(tx, context, f"R{number % 50}", Event.CALL_STARTED, {})


def _write(tx: Tx, context: Any, run_id: str, event: Event, text: dict[str, Any]) -> int:
    return record(tx, context, event, SYSTEM, run_id=run_id, tool="buy", text=text)
