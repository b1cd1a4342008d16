"""Events that a webhook did not get: an alert when one is given up, and operators having them sent again."""

from __future__ import annotations

from collections.abc import Sequence

from agent_runtime.alert_rules import AlertRules
from agent_runtime.audit import Event, Origin, record
from agent_runtime.causes import Cause
from agent_runtime.context import Context
from agent_runtime.people import Membership, authorise_operator
from agent_runtime.refusals import RefusalReason
from agent_runtime.storms import raise_at_once
from agent_runtime.troubles import undelivered
from storage import alerts, audit, webhooks
from storage.models import Delivery
from storage.tx import Tx
from storage.webhooks import Tally


def alert_of(tx: Tx, context: Context, rules: AlertRules, delivery: Delivery, error: str) -> None:
    """Raise an alert about an event that was given up: one for each webhook, however many it lost. An event that tells
    of an alert raises none, or a webhook that is gone would never be quiet again."""
    name, _, about = delivery.subject.partition(":")
    entry = audit.get(tx, webhooks.seq_of(delivery.key))
    if entry is not None and entry.event.startswith("alert."):
        return
    beginning = webhooks.key_of(name, 0).rpartition(":")[0] + ":"
    if any(one.cause == Cause.UNDELIVERED and one.thing.startswith(beginning) for one in alerts.all_open(tx)):
        return
    trouble = undelivered(tx, delivery.key, about, delivery.kind, f"the webhook {name}: {error}", context.now)
    raise_at_once(tx, context, rules, trouble)


def read_tallies(tx: Tx, context: Context, membership: Membership) -> Sequence[Tally] | RefusalReason:
    """How many events of which webhook stand how. Only operators may know."""
    refusal = authorise_operator(membership, context.policies.operators, context.now)
    return webhooks.tallies(tx) if refusal is None else refusal


def replay(
    tx: Tx, context: Context, name: str, since: int | None, membership: Membership, origin: Origin
) -> int | RefusalReason:
    """Send a webhook at once what it lacks, or with `since` everything from that entry of the log on, what arrived,
    too; how many events. Only operators may."""
    text = {"webhook": name, "since": since}
    refusal = authorise_operator(membership, context.policies.operators, context.now)
    if refusal is not None:
        refused = {**text, "refusal": refusal.value}
        record(tx, context, Event.REPLAY_REFUSED, membership.actor, origin=origin, text=refused)
        return refusal
    count = webhooks.replay(tx, name, context.now, since)
    record(tx, context, Event.EVENTS_REPLAYED, membership.actor, origin=origin, text={**text, "events": count})
    return count
