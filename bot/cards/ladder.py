"""What happens next to an open request in time, and who holds that up, in mrkdwn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from agent_runtime.views import RequestView, StepView
from bot.cards.text import clock, date, listed, mention, person, quantity

_SOON = timedelta(hours=12)
"""What is nearer is told by its time of the day alone."""

_MOST_NAMED = 4

_HOLDS = {
    "on_it": ("*{who} is on it{until}*", " until {at}"),
    "snoozed": ("{who} put it off{until}", " until {at}"),
    "asked": ("{who} waits for an answer{until}", ", until {at} at most"),
}


def at(moment: datetime, now: datetime) -> str:
    """A moment ahead in mrkdwn, in the reader's zone."""
    return clock(moment) if timedelta(0) <= moment - now < _SOON else date(moment)


def standing(view: RequestView, now: datetime) -> Iterator[str]:
    """What an open request's ladder has come to: who holds it, and who may decide since when."""
    hold = view.ladder.hold
    if hold is not None:
        words, until = _HOLDS[hold.why]
        # While everything is stopped, or its agent is, no hold ends, and nobody knows when it will.
        ends = until.format(at=at(hold.until, now)) if view.paused is None else ""
        yield words.format(who=person(hold.by), until=ends)
    for step in view.ladder.escalated:
        yield f"escalated to {listed([mention(who) for who in step.escalate_to])} {date(step.at)}"


def coming(view: RequestView, now: datetime) -> Iterator[str]:
    """The steps ahead of an open request."""
    return (_step(step, now) for step in view.ladder.ahead)


def _step(step: StepView, now: datetime) -> str:
    what = f"escalates to {_named(step.escalate_to)}" if step.escalate_to else "reminder"
    return f"{what} {at(step.at, now)}"


def _named(selectors: Sequence[str]) -> str:
    """To whom, without a mention: nobody is called before their time."""
    people = sum(who.startswith(("user:", "email:")) for who in selectors)
    named = [mention(who) for who in selectors if not who.startswith(("user:", "email:", "usergroup:S"))]
    groups = sum(who.startswith("usergroup:S") for who in selectors)
    counted = [quantity(groups, "group")] if groups else []
    counted += ["1 person" if people == 1 else f"{people} people"] if people else []
    told = [*named, *counted]
    rest = [quantity(len(told) - _MOST_NAMED, "other")] if len(told) > _MOST_NAMED else []
    return " and ".join([*told[:_MOST_NAMED], *rest])
