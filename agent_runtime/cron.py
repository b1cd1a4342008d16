"""Cron lines in a time zone: five fields, days of the week by name. Raises `TextError` for what it cannot read."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from apscheduler.triggers.cron import CronTrigger

from agent_runtime.errors import TextError, quoted

_MEND = 'Write minute, hour, day, month and days of the week, as "0 9 * * mon-fri"; or "off"'
_SHORTEST = timedelta(minutes=1)
OFF = "off"


def parse_cron(text: str) -> str:
    """The line, its blanks evened out; empty for `off`. Raises `TextError`."""
    line = " ".join(text.split()).lower()
    if line == OFF:
        return ""
    fields = line.split(" ")
    if len(fields) == 5 and re.search("[0-9]", fields[4]):
        # Cron counts Sunday as 0 and the library that reads this Monday: nobody shall be told on the wrong day.
        raise TextError(f"{quoted(text)} counts the days of the week", 'Name them, as "0 9 * * mon-fri"')
    try:
        CronTrigger.from_crontab(line, timezone=UTC)
    except (ValueError, TypeError):
        raise TextError(f"{quoted(text)} is not a cron line", _MEND) from None
    return line


def parse_zone(text: str) -> str:
    """The name of a time zone that this machine knows. Raises `TextError`."""
    name = text.strip()
    try:
        zone_of(name)
    except (OSError, ValueError, KeyError):  # a zone that is not there is a KeyError
        mend = 'Write a name such as "Europe/Berlin", or "UTC"'
        raise TextError(f"{quoted(text)} is not a time zone that this machine knows", mend) from None
    return name


def zone_of(name: str) -> tzinfo:
    """The time zone of a name that `parse_zone` took. UTC needs nothing of the machine."""
    return UTC if name == "UTC" else ZoneInfo(name)


def latest(line: str, zone: str, now: datetime, within: timedelta) -> datetime | None:
    """When the line last came due, at most so long ago, on the zone's own clock; None where it did not. A time that a
    change to summer time leaves out still comes, and one that is there twice comes twice."""
    trigger = CronTrigger.from_crontab(line, timezone=zone_of(zone))
    found, start = None, now - within
    while (due := trigger.get_next_fire_time(None, start)) is not None and due <= now:
        found, start = due, due.astimezone(UTC) + _SHORTEST
    return found
