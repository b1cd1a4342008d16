"""Webhooks' part of the outbox: a worker for each receiver, so that none waits for another, nor Slack for any."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import SystemRandom

import structlog

from agent_runtime.alert_rules import AlertRules
from agent_runtime.context import Context
from agent_runtime.event_body import Unsendable, read_message
from agent_runtime.lost_events import alert_of
from agent_runtime.next_due import NextDue
from agent_runtime.runtime import Runtime
from agent_runtime.worker import LEASE, Worker
from bot.webhooks.addresses import LookUp, SystemNames
from bot.webhooks.endpoints import Endpoint
from bot.webhooks.posting import PATIENCE, Line, Undelivered, open_line
from storage import outbox, webhooks
from storage.models import Delivery
from storage.outbox import Outcome
from storage.tx import Tx
from storage.types import DeliveryStatus

log = structlog.get_logger("signoff")

WAITS = (
    timedelta(seconds=5), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2), timedelta(hours=5),
    timedelta(hours=10), timedelta(hours=14), timedelta(hours=20), timedelta(hours=24),
)  # fmt: skip
"""How long after each failure the next attempt is made, as Standard Webhooks suggests; after the last there is none."""

AT_ONCE = 4
"""So many events of different runs one receiver is sent at a time."""

GONE = "there is no webhook of this name in the policy file any more"


@dataclass(frozen=True, slots=True)
class Pace:
    """`waits` between the attempts, each longer by up to a fifth, as `jitter` says (0 to 1): receivers that failed
    together are not called together again. `patience` is how long an attempt may take."""

    waits: tuple[timedelta, ...] = WAITS
    jitter: Callable[[], float] = SystemRandom().random
    patience: timedelta = PATIENCE


class Sender:
    """Sends one receiver its events, those about one thing in their order."""

    def __init__(self, runtime: Runtime, line: Line, pace: Pace) -> None:
        self.name = line.endpoint.webhook.name
        self._runtime = runtime
        self._db = runtime.db
        self._clock = runtime.clock
        self._seal = runtime.seal
        self._owner = runtime.boot_id
        self._line = line
        self._pace = pace
        self.worker: Worker[Delivery] = Worker(
            f"webhook {self.name}",
            self.claim,
            self.handle,
            lambda delivery: delivery.key,
            NextDue(self._db, self._clock, lambda tx: webhooks.next_due(tx, self.name)).has_come,
            concurrency=AT_ONCE,
        )

    async def claim(self, skip: Sequence[str]) -> Delivery | None:
        """The next event that is due for this receiver, leased to this boot."""
        now = self._clock.now()
        return await self._db.transact(_claim, self.name, now, self._owner, now + LEASE, skip)

    async def handle(self, delivery: Delivery) -> None:
        """Send a claimed event and settle it. Where the lease was lost meanwhile, the new holder sends it again."""
        outcome = await self._attempt(delivery)
        if outcome.error:
            say = log.error if outcome.status is DeliveryStatus.DEAD else log.warning
            say("webhook", key=delivery.key, status=outcome.status.value, problem=outcome.error)
        runtime = self._runtime
        await self._db.transact(_settle, runtime.context(), runtime.alerts, delivery, self._owner, outcome)

    async def _attempt(self, delivery: Delivery) -> Outcome:
        try:
            message = await self._db.read(read_message, self._seal, webhooks.seq_of(delivery.key))
            await self._line.send(message, self._clock.now())
        except Unsendable as never:
            return Outcome(DeliveryStatus.DEAD, str(never), delivery.failures)
        except Undelivered as failure:
            return self._failed(delivery, failure)
        return Outcome(DeliveryStatus.DONE)

    def _failed(self, delivery: Delivery, failure: Undelivered) -> Outcome:
        failures = delivery.failures + 1
        if failure.final:
            return Outcome(DeliveryStatus.DEAD, str(failure), failures)
        if failures > len(self._pace.waits):
            return Outcome(DeliveryStatus.DEAD, f"given up after {failures} attempts: {failure}", failures)
        wait = self._pace.waits[failures - 1] * (1 + self._pace.jitter() / 5)
        return Outcome(DeliveryStatus.DUE, str(failure), failures, self._clock.now() + max(wait, failure.wish))


@asynccontextmanager
async def open_senders(
    runtime: Runtime, endpoints: Sequence[Endpoint], *, look_up: LookUp | None = None, pace: Pace | None = None
) -> AsyncIterator[tuple[Sender, ...]]:
    """A sender for each receiver. What is still open for others, which are not in the policy file any more, is given
    up."""
    names = [endpoint.webhook.name for endpoint in endpoints]
    retired = await runtime.db.transact(webhooks.retire, names, runtime.clock.now(), GONE)
    if retired:
        log.error("webhook", status=DeliveryStatus.DEAD.value, events=retired, problem=GONE)
    pace = pace or Pace()
    system = SystemNames()
    try:
        async with AsyncExitStack() as stack:
            lines = [
                await stack.enter_async_context(open_line(endpoint, look_up or system, patience=pace.patience))
                for endpoint in endpoints
            ]
            yield tuple(Sender(runtime, line, pace) for line in lines)
    finally:
        system.close()


def _claim(tx: Tx, name: str, now: datetime, owner: str, until: datetime, skip: Sequence[str]) -> Delivery | None:
    delivery = webhooks.claimable(tx, name, now, skip)
    if delivery is None or not outbox.lease(tx, delivery, owner, until):
        return None
    return outbox.get(tx, delivery.key)


def _settle(tx: Tx, context: Context, rules: AlertRules, delivery: Delivery, owner: str, outcome: Outcome) -> None:
    if not outbox.settle(tx, delivery, owner, context.now, **outcome.values()):
        return  # its lease was lost
    if outcome.due_at is not None:
        webhooks.hold_back(tx, delivery, outcome.due_at)
        return
    tx.wake(webhooks.QUEUE)  # what waited behind it can go
    if outcome.status is DeliveryStatus.DEAD:
        alert_of(tx, context, rules, delivery, outcome.error)
