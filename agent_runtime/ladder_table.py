"""One `[[policy.stage.rung]]` and one `[policy.hours]` of the file, into models. Owns what a ladder must hold."""

from __future__ import annotations

from collections.abc import Callable
from datetime import time, timedelta
from difflib import get_close_matches
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from agent_runtime.errors import TextError, quoted
from agent_runtime.hours import DAYS, Hours
from agent_runtime.rules import Rung
from agent_runtime.selectors import Selector, parse_channel
from agent_runtime.toml_reader import TableReader, one_of, span

MOST_STEPS = 100
"""So many steps one ladder may have, repetitions counted."""


SHORTEST = timedelta(minutes=15)
"""Working hours of a day are at least so long: what counts them must come to an end."""


def read_rungs(
    table: TableReader, approvers: tuple[Selector, ...], timeout: timedelta, selector: Callable[[str], Selector]
) -> tuple[Rung, ...]:
    """The rungs of a stage, in their order; those with a fault are left out."""
    found: list[Rung] = []
    before = last = timedelta(0)
    for one in table.tables("rung"):
        rung = _rung(one, approvers, selector)
        one.done()
        if rung is None:
            continue
        interval = rung.after - before
        if rung.after <= last:
            problem = f"is {span(rung.after)}, which is not after the {span(last)} of the step before"
            one.fault("after", problem, "Write the rungs in the order in which they come, each later than the last")
        elif (end := rung.after + rung.repeat * interval) >= timeout:
            key = "after" if rung.after >= timeout else "repeat"
            problem = f"reaches {span(end)}, and the stage times out after {span(timeout)}"
            one.fault(key, problem, "Write less, or a longer timeout: what comes after it would never happen")
        before, last = rung.after, max(last, rung.after + rung.repeat * interval)
        found.append(rung)
    if sum(rung.repeat + 1 for rung in found) > MOST_STEPS:
        table.fault("rung", f"makes more than {MOST_STEPS} steps", "Repeat less often: nobody reads that many messages")
    return tuple(found)


def read_hours(table: TableReader) -> Hours | None:
    """The working hours under `hours`; None where there are none, or a fault."""
    if not table.has("hours"):
        table.raw("hours")
        return None
    hours = table.table("hours")
    start, end, zone = (hours.parsed(key, parse) for key, parse in (("from", _time), ("to", _end), ("zone", _zone)))
    for key, example in (("from", '"09:00"'), ("to", '"17:30"'), ("zone", '"Europe/Berlin"')):
        if not hours.has(key):
            hours.fault(key, "is missing", f"Write {key} = {example}")
    days = hours.texts("days", _day, default=DAYS[:5])
    waits = hours.flag("timeout_waits")
    hours.done()
    if start and start == end:
        hours.fault("to", "is the same as from", 'For whole days write from = "00:00" and to = "24:00"')
    if not (start and end and zone):
        return None
    first, last = time.fromisoformat(start), time() if end == _MIDNIGHT else time.fromisoformat(end)
    if timedelta(0) < _between(first, last) < SHORTEST:
        hours.fault("to", f"is less than {span(SHORTEST)} after from", "Write a longer time: nobody decides in less")
    return Hours(
        start=first,
        end=last,
        days=tuple(day for day in DAYS if day in days),
        zone=zone,
        timeout_waits=waits,
    )


_MIDNIGHT = "24:00"


def _between(first: time, last: time) -> timedelta:
    """From one time of the day to the other, over midnight where that comes first; nothing for a whole day."""
    minutes = (last.hour - first.hour) * 60 + last.minute - first.minute
    return timedelta(minutes=minutes % (24 * 60))


def _rung(table: TableReader, approvers: tuple[Selector, ...], selector: Callable[[str], Selector]) -> Rung | None:
    after, remind = table.duration("after"), table.flag("remind")
    escalate_to = table.texts("escalate_to", selector)
    channel, repeat = table.parsed("channel", parse_channel), table.count("repeat", 0, 0)
    if not table.has("after"):
        table.fault("after", "is missing", 'Say how long after the stage opened, as after = "30m"')
    if not remind and not table.has("escalate_to"):
        mend = 'Write remind = true, or escalate_to = ["usergroup:directors"]'
        table.fault("remind", "is not set and nobody is named to escalate to, so nothing would happen", mend)
    if escalate_to and set(escalate_to) <= set(approvers):
        mend = "Name others, or write remind = true in its place"
        table.fault("escalate_to", "names only those who may decide from the beginning", mend)
    if after is None:
        return None
    return Rung(after=after, remind=remind, escalate_to=escalate_to, channel=channel, repeat=repeat)


def _time(text: str) -> str:
    """A time of the day, `09:00`."""
    try:
        found = time.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or len(text) != len("09:00"):
        raise TextError(f"{quoted(text)} is not a time of the day", 'Write hours and minutes, as "09:00"')
    return text


def _end(text: str) -> str:
    return text if text == _MIDNIGHT else _time(text)


def _day(text: str) -> str:
    word = text.strip().lower()[:3]
    if word not in DAYS or not text.strip().lower().isalpha():
        raise TextError(f"{quoted(text)} is not a day", one_of(text, dict.fromkeys(DAYS)))
    return word


def _zone(text: str) -> str:
    """A time zone by its name."""
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        near = get_close_matches(text, available_timezones(), n=1)
        mend = f'Did you mean "{near[0]}"?' if near else 'Write its name, as "Europe/Berlin"'
        raise TextError(f"{quoted(text)} is not the name of a time zone", mend) from None
    return text
