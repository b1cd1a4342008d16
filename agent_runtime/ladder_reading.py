"""How a request stands in time, as people see it. It looks at the row: who may decide is judged by the log."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from agent_runtime import ladder
from agent_runtime.audit import Event
from agent_runtime.escalation import place
from agent_runtime.rules import Rules
from agent_runtime.views import HoldView, LadderView, StepView
from storage import audit, pauses
from storage.models import Request
from storage.tx import Tx
from storage.types import Actor, RequestStatus

MOST_AHEAD = 2
"""So many steps ahead are told, the nearest first."""

NOTHING = LadderView()


def read_ladder(tx: Tx, request: Request, rules: Rules) -> LadderView:
    """The ladder of an open request; of any other there is nothing to say."""
    if request.status is not RequestStatus.PENDING or request.held_until is not None:
        return NOTHING
    stopped = pauses.stopped_for(tx)
    return LadderView(
        rung=request.rung,
        ahead=_ahead(request, rules, stopped),
        escalated=_escalated(tx, request, rules) if request.rung else (),
        hold=_hold(request, stopped),
    )


def _ahead(request: Request, rules: Rules, stopped: timedelta) -> tuple[StepView, ...]:
    stage = rules.stages[request.stage]
    found: list[StepView] = []
    for step in ladder.steps(stage)[request.rung : request.rung + MOST_AHEAD]:
        at = ladder.step_due(stage, request.ladder_from, step.number, stopped)
        if at is not None and (request.due_at is None or at < request.due_at):
            # What is late, or was put off to the working hours, comes next.
            at = max(at, request.next_at or at)
            found.append(StepView(at + stopped, step.escalate_to))
    return tuple(found)


def _escalated(tx: Tx, request: Request, rules: Rules) -> tuple[StepView, ...]:
    """The escalations of this asking, each to whom it newly reached."""
    steps = ladder.steps(rules.stages[request.stage])[: request.rung]
    entries = audit.of_request(tx, request.id, (Event.REQUEST_ESCALATED.value,))
    texts = audit.texts(tx, [entry.seq or 0 for entry in entries])
    told: dict[Any, Any] = {}
    for entry in entries:
        body = texts[entry.seq or 0].body if (entry.seq or 0) in texts else {}
        if place(request).items() <= body.items():
            told[body.get("rung")] = entry.at
    found: list[StepView] = []
    known = set(rules.stages[request.stage].approvers)
    for step in steps:
        new = tuple(who for who in step.escalate_to if who not in known)
        known.update(new)
        if new and step.number in told:
            found.append(StepView(told[step.number], new))
    return tuple(found)


def _hold(request: Request, stopped: timedelta) -> HoldView | None:
    if request.quiet_until is None or request.quiet is None:
        return None
    by = Actor.model_validate(request.quiet["by"])
    return HoldView(by, str(request.quiet["why"]), request.quiet_until + stopped)
