"""The outbox's worker: claims deliveries, has them shown, and settles them: done, due again, dead or expired."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog

from agent_runtime.alert_rules import AlertRules
from agent_runtime.context import Context
from agent_runtime.next_due import NextDue
from agent_runtime.outbound import ABOUT_ALERTS, Topic
from agent_runtime.runtime import Runtime
from agent_runtime.storms import raise_at_once
from agent_runtime.troubles import undelivered
from agent_runtime.worker import LEASE, Worker
from bot.budgets import Budgets
from bot.directory import Directory
from bot.posting import NoPlace
from bot.showing import Showing, Unshowable
from bot.slack_calls import NotYet, SlackCalls
from bot.slack_client import RateLimited, SlackClients, SlackFailure, SlackRefused
from storage import alerts, outbox
from storage.database import Database
from storage.errors import LeaseLost
from storage.models import Delivery
from storage.outbox import Outcome
from storage.tx import Tx
from storage.types import DeliveryStatus

log = structlog.get_logger("signoff")

MOST_REFUSALS = 12
"""So often Slack may refuse a delivery for a reason that might pass."""

MOST_OUTAGES = 300
"""So often a delivery may meet a Slack that does not answer, or that does not take our token: a day, at the longest
back-off. An outage is nobody's message's fault."""

FIRST_BACKOFF, LONGEST_BACKOFF = timedelta(seconds=2), timedelta(minutes=5)

_OUR_FAULT = frozenset(
    {
        "attachment_payload_limit_exceeded", "block_mismatch", "invalid_arg_name", "invalid_arguments",
        "invalid_array_arg", "invalid_blocks", "invalid_blocks_format", "invalid_json", "invalid_metadata_format",
        "invalid_metadata_schema", "json_not_object", "metadata_too_large", "msg_blocks_too_long", "msg_too_long",
        "no_text", "unknown_method",
    }
)  # fmt: skip
"""What we sent is wrong, and would be wrong again."""

_TOKEN_FAULT = frozenset(
    {
        "access_denied", "account_inactive", "invalid_auth", "missing_scope", "no_permission", "not_allowed_token_type",
        "not_authed", "token_expired", "token_revoked",
    }
)  # fmt: skip
"""Nothing can be delivered until somebody mends the installation."""


class Deliveries:
    """Makes Slack match the rows. Its `worker` claims and handles; its lease is extended by the process's heartbeat."""

    def __init__(
        self,
        runtime: Runtime,
        clients: SlackClients,
        directory: Directory,
        approvals_channel: str,
        *,
        budgets: Budgets | None = None,
    ) -> None:
        self._runtime = runtime
        self._db: Database = runtime.db
        self._clock = runtime.clock
        self._owner = runtime.boot_id
        calls = SlackCalls(budgets or Budgets(runtime.clock), runtime.clock)
        self._showing = Showing(runtime, clients, calls, directory, approvals_channel)
        self.worker: Worker[Delivery] = Worker(
            "outbox",
            self.claim,
            self.handle,
            lambda delivery: delivery.key,
            NextDue(self._db, self._clock, outbox.next_due).has_come,
        )

    async def claim(self, skip: Sequence[str]) -> Delivery | None:
        """The most urgent delivery that is due, leased to this boot."""
        now = self._clock.now()
        return await self._db.transact(_claim, now, self._owner, now + LEASE, skip)

    async def handle(self, delivery: Delivery) -> None:
        """Make a claimed delivery and settle it. A lost lease ends this silently: the new holder does the rest."""
        try:
            outcome = await self._attempt(delivery)
        except LeaseLost:
            log.warning("lease lost", delivery=delivery.key, attempt=delivery.attempt)
            return
        if outcome.error:
            say = log.error if outcome.status is DeliveryStatus.DEAD else log.warning
            say("delivery", key=delivery.key, status=outcome.status.value, problem=outcome.error)
        context, rules = self._runtime.context(), self._runtime.alerts
        await self._db.transact(_settle, context, rules, delivery, self._owner, outcome)

    async def _attempt(self, delivery: Delivery) -> Outcome:
        now = self._clock.now()
        if delivery.expires_at is not None and delivery.expires_at <= now:
            return Outcome(DeliveryStatus.EXPIRED)
        outcome = await self._made(delivery)
        if outcome.status is DeliveryStatus.DEAD and await self._db.read(_is_told_on, delivery):
            failures = delivery.failures + 1
            return Outcome(DeliveryStatus.DUE, outcome.error, failures, self._clock.now() + backoff(failures))
        return outcome

    async def _made(self, delivery: Delivery) -> Outcome:
        try:
            return Outcome(DeliveryStatus.DONE, await self._showing.show(delivery))
        except NotYet as waiting:
            return Outcome(DeliveryStatus.DUE, delivery.error, delivery.failures, waiting.until)
        except RateLimited as limited:
            until = self._clock.now() + limited.retry_after
            return Outcome(DeliveryStatus.DUE, delivery.error, delivery.failures, until)
        except (Unshowable, NoPlace) as never:
            # A private sentence that cannot be shown is no reason to call an operator.
            lost = DeliveryStatus.EXPIRED if delivery.kind == Topic.NOTICE.value else DeliveryStatus.DEAD
            return Outcome(lost, str(never), delivery.failures)
        except SlackFailure as failure:
            return self._failed(delivery, failure)

    def _failed(self, delivery: Delivery, failure: SlackFailure) -> Outcome:
        failures = delivery.failures + 1
        refused = failure.code if isinstance(failure, SlackRefused) else ""
        most = MOST_REFUSALS if refused and refused not in _TOKEN_FAULT else MOST_OUTAGES
        if refused in _OUR_FAULT or failures >= most:
            return Outcome(DeliveryStatus.DEAD, str(failure), failures)
        return Outcome(DeliveryStatus.DUE, str(failure), failures, self._clock.now() + backoff(failures))


def backoff(failures: int) -> timedelta:
    """How long to wait after so many failures: twice as long each time, up to a limit."""
    return min(FIRST_BACKOFF * (1 << min(failures - 1, 20)), LONGEST_BACKOFF)


def _is_told_on(tx: Tx, delivery: Delivery) -> bool:
    """Whether a delivery that was refused is about an alert, and worth further attempts: for as long as what it tells
    goes on, and for a day."""
    if delivery.kind not in ABOUT_ALERTS:
        return False
    alert = alerts.get(tx, delivery.subject)
    return delivery.failures < MOST_OUTAGES or (alert is not None and alert.resolved_at is None)


def _claim(tx: Tx, now: datetime, owner: str, until: datetime, skip: Sequence[str]) -> Delivery | None:
    delivery = outbox.claimable(tx, now, skip)
    if delivery is None or not outbox.lease(tx, delivery, owner, until):
        return None
    return outbox.get(tx, delivery.key)


def _settle(tx: Tx, context: Context, rules: AlertRules, delivery: Delivery, owner: str, outcome: Outcome) -> None:
    now = context.now
    values = outcome.values()
    if outcome.status is DeliveryStatus.DONE:
        values["shown"] = delivery.wanted
    if outcome.due_at is not None:
        row = outbox.get(tx, delivery.key)
        # What was wanted meanwhile may be more urgent than what was told to wait its turn.
        more = row is not None and row.wanted > delivery.wanted and outcome.failures == 0
        values |= {"due_at": now} if more else {}
    settled = outbox.settle(tx, delivery, owner, now, **values)
    dead = outcome.status is DeliveryStatus.DEAD and delivery.kind not in ABOUT_ALERTS
    elsewhere = outcome.status is DeliveryStatus.DONE and delivery.kind == Topic.CARD.value and bool(outcome.error)
    if settled and (dead or elsewhere):
        trouble = undelivered(
            tx, delivery.key, delivery.subject, delivery.kind, outcome.error, now, elsewhere=elsewhere
        )
        raise_at_once(tx, context, rules, trouble)
