"""The ladder: what happens to an open request in time, and when. Pure; `climbing` climbs it.

Moments are in unpaused time, in which a stop of everything did not happen. Working hours are times of the day, so they
need `shift`: what is to be added to unpaused time to get the time on the wall. After every stop they are reckoned anew
(`after_stop`), because the hours that were ahead are others then.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from agent_runtime.rules import Rules, Stage
from agent_runtime.selectors import Selector
from storage.models import Request
from storage.pauses import Stop

NO_SHIFT = timedelta(0)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a ladder: a rung of the file, or a repetition of one. `number` counts from 0, `after` from the
    stage's opening."""

    number: int
    after: timedelta
    remind: bool
    escalate_to: tuple[Selector, ...]
    channel: str


def steps(stage: Stage) -> tuple[Step, ...]:
    """The steps of a stage's ladder in their order; a repetition comes as long after the one before it as its rung
    came after the rung before that."""
    return tuple(Step(number, *one) for number, one in enumerate(_steps(stage)))


def _steps(stage: Stage) -> Iterator[tuple[timedelta, bool, tuple[Selector, ...], str]]:
    before = timedelta(0)
    for rung in stage.rungs:
        for turn in range(rung.repeat + 1):
            yield rung.after + turn * (rung.after - before), rung.remind, rung.escalate_to, rung.channel
        before = rung.after


def step_due(stage: Stage, ladder_from: datetime | None, rung: int, shift: timedelta = NO_SHIFT) -> datetime | None:
    """When the next step is due of a ladder of which `rung` steps are behind; None where none is left."""
    ladder = steps(stage)
    if ladder_from is None or rung >= len(ladder):
        return None
    return _after(stage, ladder_from, ladder[rung].after, shift)


def next_at(request: Request, stage: Stage, shift: timedelta = NO_SHIFT) -> datetime | None:
    """The next thing that happens to an open request in time: the end of a hold of its ladder, a step, its deadline;
    None where nothing does."""
    if request.held_until is not None:
        return request.due_at
    step = request.quiet_until or step_due(stage, request.ladder_from, request.rung, shift)
    return min((moment for moment in (step, request.due_at) if moment is not None), default=None)


def asked(stage: Stage, rung: int) -> tuple[Selector, ...]:
    """Those who may decide when so many steps are behind it."""
    return tuple(dict.fromkeys((*stage.approvers, *(who for step in steps(stage)[:rung] for who in step.escalate_to))))


def widened(rules: Rules, stage: int, more: Sequence[Selector]) -> Rules:
    """The rules with more approvers in a stage; they are in force, and never what is kept."""
    if not more:
        return rules
    stages = list(rules.stages)
    approvers = tuple(dict.fromkeys((*stages[stage].approvers, *more)))
    stages[stage] = stages[stage].model_copy(update={"approvers": approvers})
    return rules.model_copy(update={"stages": tuple(stages)})


def opening(rules: Rules, stage: int, now: datetime, unpaused: datetime, shift: timedelta) -> dict[str, Any]:
    """The timers of a request whose stage opens now, by column: nothing of its ladder is behind it."""
    asked = rules.stages[stage]
    due = later(asked, unpaused, rules.timeout, shift)
    first = step_due(asked, unpaused, 0, shift)
    return {
        "stage": stage,
        "stage_opened_at": now,
        "ladder_from": unpaused,
        "rung": 0,
        "quiet_until": None,
        "quiet": None,
        "held_until": None,
        "due_at": due,
        "next_at": due if first is None else min(first, due),
    }


def later(stage: Stage, due: datetime, span: timedelta, shift: timedelta) -> datetime:
    """So long after a moment, as the time-out of a stage counts."""
    return _after(stage, due, span, shift) if _waits(stage) else due + span


def after_stop(request: Request, stage: Stage, stop: Stop) -> dict[str, datetime | None]:
    """The timers of an open request after a stop, by column: the time that was left before it, open time where that
    counts, is left after it."""

    def plain(moment: datetime | None) -> datetime | None:
        return None if moment is None else moment + (stop.end - stop.begin) + stop.before - stop.after

    quiet, held, due = plain(request.quiet_until), plain(request.held_until), plain(request.due_at)
    if request.due_at is not None and held is None and _waits(stage):
        due = moved(stage, request.due_at, stop)
    start = request.ladder_from
    if start is not None and request.quiet_until is not None and quiet is not None:
        start = moved(
            stage, start, Stop(request.quiet_until + stop.before, quiet + stop.after, stop.before, stop.after)
        )
    elif start is not None:
        start = moved(stage, start, stop)
    timers = {"due_at": due, "ladder_from": start, "held_until": held, "quiet_until": quiet}
    return {**timers, "next_at": next_at(request.model_copy(update=timers), stage, stop.after)}


def moved(stage: Stage, moment: datetime, stop: Stop) -> datetime:
    """A moment of a stage's ladder after a stop in which its time did not pass."""
    if stage.hours is None:
        return moment + (stop.end - stop.begin) + stop.before - stop.after
    return stage.hours.moved(moment + stop.before, stop.begin, stop.end) - stop.after


def _waits(stage: Stage) -> bool:
    return stage.hours is not None and stage.hours.timeout_waits


def _after(stage: Stage, moment: datetime, span: timedelta, shift: timedelta) -> datetime:
    """So long after a moment, in working time where the stage has working hours."""
    return moment + span if stage.hours is None else stage.hours.add(moment + shift, span) - shift
