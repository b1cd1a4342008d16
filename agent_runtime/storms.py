"""Storms: more than a few open alerts with one cause become one, with a count and a list, until few are left. And what
is known the moment it happens: raised and resolved where it is found."""

from __future__ import annotations

from agent_runtime.alert_rules import AlertRules
from agent_runtime.alerts import FOLD, raise_alert, resolve, want
from agent_runtime.causes import Cause
from agent_runtime.context import Context
from agent_runtime.troubles import MOST_OPEN, Trouble
from storage import alerts
from storage.alerts import Alert
from storage.tx import Tx

MOST_APART = 5
"""So many open alerts with one cause have messages of their own; more become one message."""

FEW_AGAIN = 3
"""When no more than so many are left they get messages of their own again."""

LISTED = 10
"""So many of a storm are named in its message."""


def raise_at_once(tx: Tx, context: Context, rules: AlertRules, trouble: Trouble) -> None:
    """Raise an alert where its trouble is found, unless as many of its kind are open as anybody reads: then it follows
    as these are mended. A storm that stands counts it at the next look."""
    is_new = alerts.find(tx, trouble.cause, trouble.thing) is None
    if is_new and alerts.count_open(tx, trouble.cause, trouble.agent) >= MOST_OPEN:
        return
    alert = raise_alert(tx, context, rules, trouble)
    if storm_of(tx, alert, rules) is None:
        fold(tx, context, rules)


def resolve_at_once(tx: Tx, context: Context, cause: Cause, thing: str) -> None:
    """Resolve the alert about a thing, if there is one, where it is found to be over."""
    alert = alerts.find(tx, cause, thing)
    if alert is not None:
        resolve(tx, context, alert)


def channel_of(alert: Alert, rules: AlertRules) -> str:
    """Where an alert's message belongs; a storm's channel stands in its thing."""
    if alert.thing.startswith(FOLD):
        return alert.thing[len(FOLD) :] or rules.channel
    return rules.channel_for(alert.agent)


def storm_of(tx: Tx, alert: Alert, rules: AlertRules) -> Alert | None:
    """The open alert that stands for this one and others like it."""
    return None if alert.thing.startswith(FOLD) else alerts.find(tx, alert.cause, _thing(alert, rules))


def members(tx: Tx, storm: Alert, rules: AlertRules) -> list[Alert]:
    """The open alerts that a storm stands for, the oldest trouble first."""
    return [
        one
        for one in alerts.all_open(tx)
        if one.cause == storm.cause and not one.thing.startswith(FOLD) and _thing(one, rules) == storm.thing
    ]


def told_apart(tx: Tx, rules: AlertRules) -> list[Alert]:
    """The open alerts that have a message of their own, storms among them, the oldest trouble first."""
    found = alerts.all_open(tx)
    storms = {(one.cause, one.thing) for one in found if one.thing.startswith(FOLD)}
    return [one for one in found if one.thing.startswith(FOLD) or (one.cause, _thing(one, rules)) not in storms]


def fold(tx: Tx, context: Context, rules: AlertRules) -> None:
    """Begin storms, keep them up to date, and end them."""
    groups: dict[tuple[str, str], list[Alert]] = {}
    storms: dict[tuple[str, str], Alert] = {}
    for alert in alerts.all_open(tx):
        if alert.thing.startswith(FOLD):
            storms[alert.cause, alert.thing] = alert
        elif alert.muted_until is None:
            groups.setdefault((alert.cause, _thing(alert, rules)), []).append(alert)
    for key, group in groups.items():
        storm = storms.pop(key, None)
        if len(group) > (MOST_APART if storm is None else FEW_AGAIN):
            raise_alert(tx, context, rules, _storm(key, group))
        elif storm is not None:
            _end(tx, context, storm, group)
        if storm is None and len(group) > MOST_APART:
            _redraw(tx, context, group)
    for storm in storms.values():
        _end(tx, context, storm, [])


def _storm(key: tuple[str, str], group: list[Alert]) -> Trouble:
    cause, thing = key
    listed = [one.id for one in group[:LISTED]]
    return Trouble(Cause(cause), thing, group[0].since, facts={"count": len(group), "alerts": listed})


def _end(tx: Tx, context: Context, storm: Alert, left: list[Alert]) -> None:
    words = "Those that are left have messages of their own again." if left else "None of them is left."
    resolve(tx, context, storm, words)
    _redraw(tx, context, left)


def _redraw(tx: Tx, context: Context, group: list[Alert]) -> None:
    for alert in group:
        want(tx, context, alert.id)


def _thing(alert: Alert, rules: AlertRules) -> str:
    channel = rules.channel_for(alert.agent)
    return FOLD if channel == rules.channel else f"{FOLD}{channel}"
