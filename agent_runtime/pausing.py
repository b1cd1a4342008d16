"""The pause switch: operators stop executions and timers, of everything or of one agent, and let them go on.

While it lasts no call starts, no timer fires, and no run of a paused agent is taken; what runs already ends as it does.
Votes are recorded: what they bring about happens afterwards. `valid_for` of an approval does not stand still: a pause
makes nobody's yes any fresher.
"""

from __future__ import annotations

from dataclasses import replace

from pydantic import ValidationError

from agent_runtime import alerts, ladder, outbound
from agent_runtime.audit import Event, Origin, record
from agent_runtime.causes import Cause
from agent_runtime.clean_text import clean
from agent_runtime.context import Context
from agent_runtime.people import Membership, authorise_operator
from agent_runtime.refusals import RefusalReason
from agent_runtime.rules import Stage
from agent_runtime.troubles import paused_thing
from agent_runtime.views import PauseView
from storage import alerts as alert_rows
from storage import pauses, requests, runs, timers
from storage.models import Request
from storage.pauses import AgentPause, Pause, Stop
from storage.tx import Tx
from storage.types import Actor, Json, RequestStatus

LONGEST_WHY = 300
"""Characters of a reason that cards tell."""

MOST_SHOWN = 200
"""So many open runs are redrawn, with their cards, when a pause begins or ends, the newest first: Slack takes about 50
updates a minute, and a vote must not wait behind thousands that only say that nothing happens."""


def pause(
    tx: Tx, context: Context, agent: str, why: str, membership: Membership, origin: Origin
) -> PauseView | RefusalReason:
    """Stop everything, or one agent where it is named. Only operators may."""
    actor, why = membership.actor, clean(why).strip()[:LONGEST_WHY]
    by = actor.model_dump(mode="json")
    refusal = authorise_operator(membership, context.policies.operators, context.now)
    if refusal is None:
        now = context.now
        new = pauses.stop_agent(tx, agent, now, by, why) if agent else pauses.stop(tx, now, by, why)
        refusal = None if new else RefusalReason.ALREADY_PAUSED
    if refusal is not None:
        return _refuse(tx, context, "pause", agent, refusal, actor, origin)
    record(tx, context, Event.PAUSE_BEGAN, actor, origin=origin, text={"agent": agent, "why": why})
    _show(tx, context, agent)
    return PauseView(agent, context.now, actor, why)


def resume(tx: Tx, context: Context, agent: str, membership: Membership, origin: Origin) -> PauseView | RefusalReason:
    """Let everything, or one agent, go on; the pause that ended. Each pause is ended by itself: an agent that was
    paused alone stays so when everything else goes on."""
    actor = membership.actor
    refusal = authorise_operator(membership, context.policies.operators, context.now)
    row = pauses.of_agent(tx, agent) if agent else pauses.everything(tx)
    if refusal is not None or row is None:
        return _refuse(tx, context, "resume", agent, refusal or RefusalReason.NOT_PAUSED, actor, origin)
    ended = _view(row)
    stop = pauses.go_agent(tx, agent, context.now) if agent else pauses.go(tx, context.now)
    assert stop is not None, "read in this transaction"
    _move_timers(tx, agent, stop)
    text: Json = {"agent": agent, "seconds": (context.now - ended.since).total_seconds()}
    record(tx, context, Event.PAUSE_ENDED, actor, origin=origin, text=text)
    alert = alert_rows.find(tx, Cause.PAUSED, paused_thing(agent))
    if alert is not None:
        alerts.resolve(tx, context, alert, f"{actor.label} let it go on.")
    _show(tx, context, agent)
    return ended


def pause_of(tx: Tx, agent: str) -> PauseView | None:
    """What stops this agent now: the pause of everything, else its own."""
    row = pauses.everything(tx) or pauses.of_agent(tx, agent)
    return None if row is None else _view(row)


def is_to_come(request: Request) -> bool:
    """Whether a call is approved and was not started yet."""
    return request.status is RequestStatus.APPROVED and request.consumed_at is None


def read_pauses(tx: Tx) -> tuple[PauseView, ...]:
    """Every pause that lasts: that of everything first, then those of agents by name."""
    everything = pauses.everything(tx)
    return tuple(_view(row) for row in (*((everything,) if everything else ()), *pauses.of_agents(tx)))


def _move_timers(tx: Tx, agent: str, stop: Stop) -> None:
    """What is open has the time left that it had. Unpaused time does that by itself for a stop of everything; one of an
    agent moves its timers, and whatever counts working hours is reckoned anew."""
    length = stop.end - stop.begin
    if agent:
        timers.move_all(tx, agent, length)
    alone = {one.agent: one.stands_at + stop.before for one in pauses.of_agents(tx)}
    moved = []
    for request in timers.in_hours(tx, agent):
        if (stage := _stage(request)) is not None:
            begin = alone.get(request.agent, stop.begin)
            own = replace(stop, begin=begin, end=begin + length)
            moved.append((request.id, ladder.after_stop(request, stage, own)))
    timers.move(tx, moved)


def _stage(request: Request) -> Stage | None:
    """The stage that a request is at, without a look at the seal: that takes long for thousands, no timer has one, and
    what happens at its time asks for it. None where somebody's hand made it something else."""
    try:
        return Stage.model_validate(request.rules["stages"][request.stage])
    except (LookupError, TypeError, ValidationError):
        return None


def _view(row: Pause | AgentPause) -> PauseView:
    assert row.since is not None, "only pauses that last are read"
    by = Actor.model_validate(row.stopped_by) if row.stopped_by else None
    return PauseView(row.agent if isinstance(row, AgentPause) else "", row.since, by, row.why)


def _refuse(
    tx: Tx, context: Context, command: str, agent: str, refusal: RefusalReason, actor: Actor, origin: Origin
) -> RefusalReason:
    text: Json = {"command": command, "agent": agent, "refusal": refusal.value}
    record(tx, context, Event.PAUSE_REFUSED, actor, origin=origin, text=text)
    return refusal


def _show(tx: Tx, context: Context, agent: str) -> None:
    """What is open says whether it is paused: runs' own messages and cards, and whatever else listens for changes."""
    for run in runs.open_(tx, MOST_SHOWN, agent):
        outbound.want_run(tx, context, run.id)
        for request in requests.of_run(tx, run.id):
            if request.status is RequestStatus.PENDING or is_to_come(request):
                outbound.want_card(tx, context, request, patience=outbound.SOON)
    tx.wake("outbox")
