"""What people do with an alert: acknowledge it, mute it, have a message sent again. Operators may, and whoever is asked
to decide what it is about."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from agent_runtime import outbound
from agent_runtime.alert_rules import AlertRules
from agent_runtime.alerts import ACKNOWLEDGED_FOR, MUTED_FOR, note, want
from agent_runtime.audit import Event, Origin, record
from agent_runtime.causes import Cause
from agent_runtime.context import Context
from agent_runtime.digest import Seal
from agent_runtime.escalation import in_force
from agent_runtime.outbound import Priority, Topic
from agent_runtime.people import Member, Membership, authorise_member, authorise_operator, may_look
from agent_runtime.refusals import RefusalReason
from agent_runtime.sealed import read_rules
from agent_runtime.selectors import Selector
from agent_runtime.storms import fold
from storage import alerts, audit, outbox, requests, webhooks
from storage.alerts import Alert
from storage.models import Request
from storage.tx import Tx
from storage.types import Described, Json, RequestStatus


class AlertAct(Described):
    """What somebody does with an alert."""

    ACKNOWLEDGE = "acknowledge", "I look after it: nobody is called again for an hour."
    MUTE = "mute", "Nobody is to hear of it for a day."
    UNMUTE = "unmute", "It is to be heard of again."
    REMIND = "remind", "Those who are asked are to be called again, below the card."
    SEND_AGAIN = "send_again", "Try once more to deliver what was given up: a message, or all that a webhook lacks."


REMINDED_EVERY = timedelta(minutes=10)
"""However often somebody presses, nobody is reminded more often than this."""


def request_of(tx: Tx, alert_id: str) -> Request | None:
    """The open request that an alert is about."""
    alert = alerts.get(tx, alert_id)
    request = requests.get(tx, alert.request_id) if alert is not None and alert.request_id else None
    return request if request is not None and request.status is RequestStatus.PENDING else None


def asked_about(tx: Tx, seal: Seal, alert_id: str) -> tuple[Selector, ...]:
    """Who may decide now about the request that an alert is about."""
    request = request_of(tx, alert_id)
    rules = read_rules(seal, request) if request is not None else None
    if request is None or rules is None:
        return ()
    return in_force(tx, seal, request, rules).stages[request.stage].approvers


def act_on(
    tx: Tx,
    context: Context,
    rules: AlertRules,
    act: AlertAct,
    alert_id: str,
    membership: Membership,
    origin: Origin,
) -> Alert | RefusalReason:
    """Do it, or say why this person may not. Repeating it is harmless."""
    alert = alerts.get(tx, alert_id)
    refusal = _refusal(tx, context, alert, act, membership)
    if alert is None or refusal is not None:
        refusal = refusal or RefusalReason.UNKNOWN_ALERT
        about = {"alert": alert_id, "command": act.value, "refusal": refusal.value}
        known = alert.run_id if alert is not None else ""
        record(tx, context, Event.ALERT_REFUSED, membership.actor, origin=origin, run_id=known, text=about)
        return refusal
    _do(tx, context, act, alert, membership, origin)
    fold(tx, context, rules)
    return alerts.get(tx, alert_id) or alert


def is_asked(membership: Membership, asked: Sequence[Selector]) -> bool:
    """Whether somebody is among those who may decide, by themselves or for one who handed over to them."""
    stands_for = membership.stands_for if isinstance(membership, Member) else ()
    return any(may_look(one, asked) for one in (membership, *stands_for))


def _refusal(
    tx: Tx, context: Context, alert: Alert | None, act: AlertAct, membership: Membership
) -> RefusalReason | None:
    if alert is None:
        return RefusalReason.UNKNOWN_ALERT
    if (refusal := _authorise(context, membership, asked_about(tx, context.seal, alert.id))) is not None:
        return refusal
    if alert.resolved_at is not None:
        return RefusalReason.ALERT_OVER
    return _why_no_reminder(tx, context, alert) if act is AlertAct.REMIND else None


def _why_no_reminder(tx: Tx, context: Context, alert: Alert) -> RefusalReason | None:
    request = request_of(tx, alert.id)
    if request is None:
        return RefusalReason.TOO_LATE
    reminded = audit.of_request(tx, request.id, (Event.ALERT_REMINDED.value,))
    lately = any(entry.at > context.now - REMINDED_EVERY for entry in reminded)
    return RefusalReason.ALREADY_REMINDED if lately else None


def _authorise(context: Context, membership: Membership, asked: Sequence[Selector]) -> RefusalReason | None:
    refusal = authorise_operator(membership, context.policies.operators, context.now)
    if refusal is not RefusalReason.NOT_AN_OPERATOR:
        return refusal
    if is_asked(membership, asked):
        return authorise_member(membership, context.now)
    return RefusalReason.NOT_YOUR_ALERT


def _do(tx: Tx, context: Context, act: AlertAct, alert: Alert, membership: Membership, origin: Origin) -> None:
    actor = membership.actor
    by = actor.model_dump(mode="json")
    match act:
        case AlertAct.ACKNOWLEDGE:
            until = context.now + ACKNOWLEDGED_FOR
            alerts.change(tx, alert.id, acknowledged_by=by, acknowledged_until=until)
            note(tx, context, Event.ALERT_ACKNOWLEDGED, alert, actor, origin, {"until": until.isoformat()})
        case AlertAct.MUTE:
            until = context.now + MUTED_FOR
            alerts.change(tx, alert.id, muted_by=by, muted_until=until)
            note(tx, context, Event.ALERT_MUTED, alert, actor, origin, {"until": until.isoformat()})
        case AlertAct.UNMUTE:
            alerts.change(tx, alert.id, muted_by=None, muted_until=None)
            note(tx, context, Event.ALERT_UNMUTED, alert, actor, origin, {})
        case AlertAct.REMIND:
            if (request := request_of(tx, alert.id)) is not None:
                _remind(tx, context, request, note(tx, context, Event.ALERT_REMINDED, alert, actor, origin, {}))
        case AlertAct.SEND_AGAIN:
            if alert.cause == Cause.UNDELIVERED:
                _send_again(tx, context, alert.thing)
            note(tx, context, Event.ALERT_SENT_AGAIN, alert, actor, origin, {})
    want(tx, context, alert.id, patience=outbound.NOW)


def _send_again(tx: Tx, context: Context, key: str) -> None:
    """What was given up is tried once more: a message, or everything that the webhook of an event lacks."""
    row = outbox.get(tx, key)
    if row is not None and row.kind == webhooks.KIND:
        webhooks.replay(tx, webhooks.name_of(key), context.now)
    elif row is not None:
        outbox.want(tx, row.key, row.kind, row.subject, row.priority, context.now)


def _remind(tx: Tx, context: Context, request: Request, seq: int) -> None:
    """A line below the request's card that calls those who are asked, as a step of its ladder does."""
    body: Json = {"asking": request.asking, "rung": request.rung - 1}
    key = f"remind:{request.id}:{request.asking}:now:{seq}"
    outbox.tell_once(tx, key, Topic.REMINDER, request.id, body, Priority.NEW_CARD, context.now, None)
