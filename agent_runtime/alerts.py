"""The only writer of alerts: raise, update, resolve. One open alert for one thing, and one message for one alert."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta

from agent_runtime import outbound
from agent_runtime.alert_rules import AlertRules
from agent_runtime.audit import INTERNAL, Event, Origin, record
from agent_runtime.causes import Cause
from agent_runtime.context import Context
from agent_runtime.outbound import Priority, Topic
from agent_runtime.troubles import MOST_OPEN, Found, Trouble
from storage import alerts, messages, outbox, requests, runs
from storage.alerts import Alert
from storage.tx import Tx
from storage.types import SCHEDULER, Actor, ActorKind, Json, RequestStatus, RunStatus

ACKNOWLEDGED_FOR = timedelta(hours=1)
MUTED_FOR = timedelta(days=1)
MOST_AT_ONCE = 50
"""So many are raised by one look: the rest follow, and nobody's click waits while the store writes hundreds."""

FOLD = "*"
"""What the thing of an alert begins with that stands for many of one cause."""

REFUSED = "refused"
"""The fact that says which places did not take an alert's message."""

OVER: Mapping[Cause, str] = {
    Cause.WAITING: "The run does not wait for them any more.",
    Cause.OVERDUE: "It was decided, or is not asked any more.",
    Cause.NOBODY: "Enough people can decide now, or nobody has to any more.",
    Cause.OUTCOME: "Somebody said what happened, or the run ended.",
    Cause.QUEUED: "A worker has taken it, or it was stopped.",
    Cause.RUNNING: "Its work ended, or it waits for somebody.",
    Cause.FAILING: "It goes on, was stopped, was left alone for a week, or is told together with its agent.",
    Cause.UNDELIVERED: "It was delivered, or nobody waits for it any more.",
    Cause.PAUSED: "Executions and timers go on.",
    Cause.SILENT: "It says again that it lives, or holds no work any more.",
    Cause.POLICY: "The file is in order, and holds.",
    Cause.UNHEARD: "The monitor takes the heartbeat again.",
}
"""Why an alert is over, in a sentence."""

_DECIDED: Mapping[RequestStatus, str] = {
    RequestStatus.APPROVED: "It was approved.",
    RequestStatus.REJECTED: "It was rejected.",
    RequestStatus.SKIPPED: "The step was skipped.",
    RequestStatus.ANSWERED: "It was answered.",
}
_ENDED: Mapping[RunStatus, str] = {
    RunStatus.FAILED: "The run failed.",
    RunStatus.CANCELLED: "The run was cancelled.",
}
"""What became of the request that an alert was about, and of its run."""


def message_key(alert_id: str) -> str:
    """The key of the delivery of an alert's message."""
    return f"alert:{alert_id}"


def want(tx: Tx, context: Context, alert_id: str, *, patience: timedelta = outbound.NOW) -> None:
    """The alert's message must show its current state."""
    key = message_key(alert_id)
    outbox.want(tx, key, Topic.ALERT, alert_id, Priority.ALERT, context.now, patience=patience)


def call_again(tx: Tx, context: Context, alert: Alert, seq: int, text: str) -> None:
    """People are mentioned anew, below the alert's message: one that is updated notifies nobody."""
    row = messages.get(tx, message_key(alert.id))
    if row is not None and row.ts is not None:
        outbox.tell(tx, f"call:{seq}", Topic.CALL, alert.id, {"text": text}, Priority.ALERT, context.now, None)


def raise_alert(tx: Tx, context: Context, rules: AlertRules, trouble: Trouble) -> Alert:
    """The open alert about this thing, with what is known of it now. A thing that somebody muted stays muted."""
    known = alerts.find(tx, trouble.cause, trouble.thing)
    return _raise(tx, context, rules, trouble) if known is None else _update(tx, context, rules, known, trouble)


def _raise(tx: Tx, context: Context, rules: AlertRules, trouble: Trouble) -> Alert:
    before = alerts.latest(tx, trouble.cause, trouble.thing)
    muted = before if before is not None and before.muted_until and before.muted_until > context.now else None
    alert = Alert(
        id=context.ids("L"), cause=trouble.cause, thing=trouble.thing, agent=trouble.agent, run_id=trouble.run_id,
        request_id=trouble.request_id, severity=rules.severity(trouble.cause, trouble.agent), facts=dict(trouble.facts),
        since=trouble.since, raised_at=context.now, muted_by=muted.muted_by if muted else None,
        muted_until=muted.muted_until if muted else None,
    )  # fmt: skip
    while not alerts.insert(tx, alert):
        alert.id = context.ids("L")
    note(tx, context, Event.ALERT_RAISED, alert, SCHEDULER, INTERNAL, {"facts": alert.facts})
    want(tx, context, alert.id)
    return alert


def resolve(tx: Tx, context: Context, alert: Alert, why: str = "") -> None:
    """Its trouble is over."""
    why = why or _became(tx, alert) or OVER[Cause(alert.cause)]
    if alerts.change(tx, alert.id, resolved_at=context.now, resolved_why=why):
        lasted = int((context.now - alert.since).total_seconds())
        note(tx, context, Event.ALERT_RESOLVED, alert, SCHEDULER, INTERNAL, {"why": why, "seconds": lasted})
        want(tx, context, alert.id)


def _became(tx: Tx, alert: Alert) -> str:
    """What became of the request that people were waited for, and of its run; empty where that is not known."""
    request = requests.get(tx, alert.request_id) if alert.request_id else None
    if request is None or alert.cause not in {Cause.WAITING, Cause.OVERDUE}:
        return ""
    run, closer = runs.get(tx, request.run_id), request.closed_by or {}
    timed_out = request.status is RequestStatus.EXPIRED or closer.get("kind") == ActorKind.SCHEDULER.value
    said = "Its time ran out." if timed_out else _DECIDED.get(request.status, "")
    return " ".join(filter(None, (said, _ENDED.get(run.status, "") if run is not None else "")))


def places_refused(tx: Tx, context: Context, alert_id: str, said: str) -> None:
    """Its message stands, but not where it belongs: Slack refused the places before."""
    alert = alerts.get(tx, alert_id)
    if alert is not None and alert.facts.get(REFUSED) != said:
        alerts.change(tx, alert_id, facts={**alert.facts, REFUSED: said})
        want(tx, context, alert_id)


def compare(tx: Tx, context: Context, rules: AlertRules, found: Found) -> None:
    """Raise what is new, update what goes on, resolve what is over. What nobody could judge stays as it is."""
    things = {(trouble.cause, trouble.thing) for trouble in found.troubles}
    known = {(Cause(alert.cause), alert.thing): alert for alert in alerts.all_open(tx)}
    over = [alert for key, alert in known.items() if key not in things and _is_judged(alert, found)]
    for alert in over:
        resolve(tx, context, alert)
    new: list[Trouble] = []
    for trouble in found.troubles:
        if (trouble.cause, trouble.thing) in known:
            _update(tx, context, rules, known[trouble.cause, trouble.thing], trouble)
        else:
            new.append(trouble)
    open_ = Counter((alert.cause, alert.agent) for alert in known.values())
    open_.subtract((alert.cause, alert.agent) for alert in over)
    _raise_some(tx, context, rules, sorted(new, key=lambda one: one.since), open_)


_STANDING_STILL = frozenset({Cause.WAITING, Cause.QUEUED, Cause.RUNNING, Cause.FAILING})


def _is_judged(alert: Alert, found: Found) -> bool:
    held = alert.agent in found.stopped and alert.cause in _STANDING_STILL
    return alert.cause in found.judged and not alert.thing.startswith(FOLD) and not held


def _raise_some(
    tx: Tx, context: Context, rules: AlertRules, new: Sequence[Trouble], open_: Counter[tuple[str, str]]
) -> None:
    """The first of them, and no more of one cause about one agent than anybody reads. `open_` counts what there is."""
    raised = 0
    for trouble in new:
        about = trouble.cause.value, trouble.agent
        if raised < MOST_AT_ONCE and open_[about] < MOST_OPEN:
            raised += 1
            open_[about] += 1
            _raise(tx, context, rules, trouble)


def lapse(tx: Tx, context: Context) -> None:
    """Acknowledgements and mutes last for a while; whoever gave them may have forgotten."""
    for alert in alerts.lapsed(tx, context.now):
        if alert.acknowledged_until is not None and alert.acknowledged_until <= context.now:
            alerts.change(tx, alert.id, acknowledged_by=None, acknowledged_until=None)
            _again(tx, context, alert, "Nobody has mended this within the hour in which it was acknowledged.")
        if alert.muted_until is not None and alert.muted_until <= context.now:
            alerts.change(tx, alert.id, muted_by=None, muted_until=None)
            _again(tx, context, alert, "This was muted for a day, and still is as it was.")


def _again(tx: Tx, context: Context, alert: Alert, text: str) -> None:
    seq = note(tx, context, Event.ALERT_LAPSED, alert, SCHEDULER, INTERNAL, {})
    call_again(tx, context, alert, seq, text)
    want(tx, context, alert.id)


def _update(tx: Tx, context: Context, rules: AlertRules, alert: Alert, trouble: Trouble) -> Alert:
    kept = {REFUSED: alert.facts[REFUSED]} if REFUSED in alert.facts else {}
    values = {
        "facts": {**trouble.facts, **kept},
        "request_id": trouble.request_id,
        "run_id": trouble.run_id,
        "since": trouble.since,
        "severity": rules.severity(trouble.cause, trouble.agent).value,
    }
    if any(getattr(alert, name) != value for name, value in values.items()):
        alerts.change(tx, alert.id, **values)
        want(tx, context, alert.id, patience=outbound.SOON)
        return alert.model_copy(update=values)
    return alert


def note(tx: Tx, context: Context, event: Event, alert: Alert, actor: Actor, origin: Origin, text: Json) -> int:
    """One audit entry about an alert; its sequence number."""
    about: Json = {
        "alert": alert.id,
        "cause": str(alert.cause),
        "thing": alert.thing,
        "severity": str(alert.severity),
        "agent": alert.agent,
        "since": alert.since.isoformat(),
    }
    return record(
        tx, context, event, actor,
        origin=origin, run_id=alert.run_id, request_id=alert.request_id, text={**about, **text},
    )  # fmt: skip
