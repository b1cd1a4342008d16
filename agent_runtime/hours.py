"""Working hours: on which days and between which times of a zone a ladder climbs. Pure.

Everything is reckoned between instants in UTC, so an hour that a zone skips is not there and one that it doubles counts
twice, as it does for whoever is at work then.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, model_validator

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = timedelta(days=1)


class Hours(BaseModel):
    """Open from `start` to `end` on these days of a zone; where `end` is not after `start`, until that time of the next
    day. `timeout_waits`: the time-out counts open time, too."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    start: time
    end: time
    days: tuple[str, ...] = Field(default=DAYS[:5], min_length=1)
    zone: str
    timeout_waits: bool = False

    @model_validator(mode="after")
    def _make_sense(self) -> Self:
        ZoneInfo(self.zone)
        if unknown := set(self.days) - set(DAYS):
            raise ValueError(f"{sorted(unknown)} are no days")
        if self.start.tzinfo is not None or self.end.tzinfo is not None:
            raise ValueError("the times are those of the zone")
        return self

    def next_open(self, moment: datetime) -> datetime:
        """The first instant from then on at which it is open."""
        return next(max(start, moment) for start, end in self._windows(moment) if end > moment)

    def is_open(self, moment: datetime) -> bool:
        """Whether it is open at this instant."""
        return self.next_open(moment) == moment

    def add(self, moment: datetime, span: timedelta) -> datetime:
        """The instant at which it has been open for so long since then, while it is open."""
        for start, end in self._windows(moment):
            start = max(start, moment)
            if end <= start:
                continue
            if span < end - start:
                return start + span
            span -= end - start
        raise AssertionError("there is always another day")

    def between(self, begin: datetime, end: datetime) -> timedelta:
        """How long it is open from one instant to another."""
        found = timedelta(0)
        for start, until in self._windows(begin):
            if start >= end:
                return found
            found += max(min(until, end) - max(start, begin), timedelta(0))
        raise AssertionError("there is always another day")

    def moved(self, moment: datetime, begin: datetime, end: datetime) -> datetime:
        """Where a moment goes when what counts open time stood still from `begin` to `end` (or goes on sooner than was
        thought, at `end`): as much of it lies between the moment and `end` as lay between it and `begin`."""
        if moment >= begin:
            return self.add(end, self.between(begin, moment))
        passed, back = self.between(moment, begin), max(end - moment, _DAY)
        while (left := self.between(end - back, end) - passed) < timedelta(0):
            back *= 2
        return self.add(end - back, left)

    def _windows(self, moment: datetime) -> Iterator[tuple[datetime, datetime]]:
        """What is open from about then on, in order, as instants in UTC. What overlaps is joined."""
        zone = ZoneInfo(self.zone)
        day = moment.astimezone(zone).date() - _DAY
        end = datetime.min.replace(tzinfo=UTC)
        while True:
            if DAYS[day.weekday()] in self.days:
                start, until = _instant(day, self.start, zone), self._until(day, zone)
                start, end = max(start, end), max(until, end)
                if end > start:
                    yield start, end
            day += _DAY

    def _until(self, day: date, zone: ZoneInfo) -> datetime:
        return _instant(day if self.end > self.start else day + _DAY, self.end, zone)


@lru_cache(maxsize=1_000)
def _instant(day: date, at: time, zone: ZoneInfo) -> datetime:
    """When a clock of the zone first shows this time; one that it skips, the moment after the gap."""
    shown = datetime.combine(day, at, zone)
    instant = shown.astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == shown.replace(tzinfo=None):
        return instant
    # In a gap the earlier reading of the clock lies as far behind it as the later one lies before it.
    before, after = instant, shown.replace(fold=1).astimezone(UTC)
    return _first_after_gap(min(before, after), max(before, after), zone)


def _first_after_gap(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The instant between two at which the zone's clock jumps, to the second."""
    offset = before.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) // 2
        middle = middle.replace(microsecond=0)
        if middle.astimezone(zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after
