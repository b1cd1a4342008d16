"""Alerts as people see them: read models, and one look that builds them from rows."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from agent_runtime.alert_rules import AlertRules
from agent_runtime.alerts import FOLD
from agent_runtime.causes import Cause, Severity
from agent_runtime.reading import read_request
from agent_runtime.storms import LISTED, channel_of, members, storm_of, told_apart
from agent_runtime.troubles import MOST_OPEN
from agent_runtime.views import RequestView
from storage import alerts
from storage.alerts import Alert
from storage.tx import Tx
from storage.types import Actor, Json, RequestStatus


@dataclass(frozen=True, slots=True)
class AlertView:
    """One alert. `request` is the open request it is about. `many` are the first of those that a storm stands for,
    and `count` how many there are, at least, where that `is_cut`; an alert that is `folded` is told of by its storm.
    `channel` is where it belongs."""

    id: str
    cause: Cause
    thing: str
    severity: Severity
    since: datetime
    raised_at: datetime
    agent: str = ""
    run_id: str = ""
    facts: Json = field(default_factory=dict)
    request: RequestView | None = None
    channel: str = ""
    folded: bool = False
    many: tuple[AlertView, ...] = ()
    count: int = 1
    is_cut: bool = False
    acknowledged_by: Actor | None = None
    acknowledged_until: datetime | None = None
    muted_by: Actor | None = None
    muted_until: datetime | None = None
    resolved_at: datetime | None = None
    resolved_why: str = ""

    @property
    def is_storm(self) -> bool:
        """Whether it stands for many of one cause."""
        return self.thing.startswith(FOLD)

    @property
    def is_told(self) -> bool:
        """Whether a message about it is worth posting: it goes on, nobody muted it, and no other message tells it."""
        return self.resolved_at is None and self.muted_until is None and not self.folded


def read_alert(tx: Tx, alert_id: str, rules: AlertRules) -> AlertView | None:
    """One alert as people see it."""
    alert = alerts.get(tx, alert_id)
    return None if alert is None else _view(tx, alert, rules)


def read_open_alerts(tx: Tx, rules: AlertRules) -> list[AlertView]:
    """Every open alert, the oldest trouble first; those that a storm stands for are in it."""
    return [_view(tx, alert, rules) for alert in told_apart(tx, rules)]


def _view(tx: Tx, alert: Alert, rules: AlertRules) -> AlertView:
    storm = alert.thing.startswith(FOLD)
    inside = members(tx, alert, rules) if storm and alert.resolved_at is None else []
    request = read_request(tx, alert.request_id) if alert.request_id else None
    return AlertView(
        id=alert.id,
        cause=Cause(alert.cause),
        thing=alert.thing,
        severity=Severity(alert.severity),
        since=alert.since,
        raised_at=alert.raised_at,
        agent=alert.agent,
        run_id=alert.run_id,
        facts=alert.facts,
        request=request if request is not None and request.status is RequestStatus.PENDING else None,
        channel=channel_of(alert, rules),
        folded=alert.resolved_at is None and storm_of(tx, alert, rules) is not None,
        many=tuple(_view(tx, one, rules) for one in inside[:LISTED]),
        count=len(inside) if storm else 1,
        is_cut=MOST_OPEN in Counter(one.agent for one in inside).values(),
        acknowledged_by=Actor.model_validate(alert.acknowledged_by) if alert.acknowledged_by else None,
        acknowledged_until=alert.acknowledged_until,
        muted_by=Actor.model_validate(alert.muted_by) if alert.muted_by else None,
        muted_until=alert.muted_until,
        resolved_at=alert.resolved_at,
        resolved_why=alert.resolved_why,
    )
