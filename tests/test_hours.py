"""Working hours: where a span of open time ends, in every zone, over nights, weekends and hours that clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_runtime.hours import DAYS, Hours

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
BERLIN = Hours(start=time(9), end=time(17, 30), zone="Europe/Berlin")
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "America/Sao_Paulo", "UTC")
HOURS = st.builds(
    Hours,
    start=st.times().map(lambda at: at.replace(second=0, microsecond=0)),
    end=st.times().map(lambda at: at.replace(second=0, microsecond=0)),
    days=st.lists(st.sampled_from(DAYS), min_size=1, unique=True).map(tuple),
    zone=st.sampled_from(ZONES),
)
MOMENTS = st.integers(1_704_067_200, 1_830_297_600).map(lambda second: datetime.fromtimestamp(second, UTC))
SPANS = st.timedeltas(timedelta(0), timedelta(days=9))


def at(text: str, zone: str = "Europe/Berlin", fold: int = 0) -> datetime:
    """The instant at which a clock of the zone shows this."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)


@pytest.mark.parametrize(
    ("start", "span", "end"),
    [
        ("2026-11-20 10:00", HOUR, "2026-11-20 11:00"),
        ("2026-11-20 17:20", 30 * MINUTE, "2026-11-23 09:20"),
        ("2026-11-20 17:20", 10 * MINUTE, "2026-11-23 09:00"),
        ("2026-11-20 20:00", 30 * MINUTE, "2026-11-23 09:30"),
        ("2026-11-21 12:00", timedelta(0), "2026-11-23 09:00"),
        ("2026-11-23 08:00", 9 * HOUR, "2026-11-24 09:30"),
        ("2026-03-27 17:00", HOUR, "2026-03-30 09:30"),
        ("2026-10-23 17:00", HOUR, "2026-10-26 09:30"),
    ],
)
def test_what_is_left_on_a_friday_goes_on_on_monday(start: str, span: timedelta, end: str) -> None:
    """Open time is counted from window to window, by the clocks of the zone, the weekends of their change included."""
    assert BERLIN.add(at(start), span) == at(end)


@pytest.mark.parametrize(
    ("start", "span", "end", "fold"),
    [
        ("2026-03-28 23:00", 3 * HOUR, "2026-03-29 03:00", 0),
        ("2026-10-24 23:00", 3 * HOUR, "2026-10-25 02:00", 0),
        ("2026-10-24 23:00", 4 * HOUR, "2026-10-25 02:00", 1),
        ("2026-10-24 23:00", 8 * HOUR, "2026-10-25 22:00", 0),
        ("2026-03-28 23:00", 6 * HOUR, "2026-03-29 22:00", 0),
    ],
)
def test_a_night_shift_works_the_hours_there_are(start: str, span: timedelta, end: str, fold: int) -> None:
    """An hour that is skipped is not worked, and one that is doubled is worked twice."""
    nights = Hours(start=time(22), end=time(6), days=DAYS, zone="Europe/Berlin")
    # From 22:00 on; an hour of it is over at 23:00.
    assert nights.add(at(start), span) == at(end, fold=fold)


def test_hours_that_begin_in_a_skipped_hour_begin_after_it() -> None:
    """On the night when 02:30 is not there, what begins at 02:30 begins at 03:00."""
    early = Hours(start=time(2, 30), end=time(5), days=DAYS, zone="Europe/Berlin")
    assert early.next_open(at("2026-03-29 00:00")) == at("2026-03-29 03:00")
    assert early.next_open(at("2026-10-25 00:00")) == at("2026-10-25 02:30")


def test_a_window_that_is_skipped_whole_is_none() -> None:
    """Between two times of a skipped hour nobody works that day."""
    short = Hours(start=time(2, 10), end=time(2, 50), days=DAYS, zone="Europe/Berlin")
    assert short.next_open(at("2026-03-29 00:00")) == at("2026-03-30 02:10")


def test_whole_days_leave_no_gap_between_them() -> None:
    """Midnight to midnight is open all day."""
    always = Hours(start=time(0), end=time(0), days=DAYS, zone="America/New_York")
    moment = at("2026-11-20 23:59")
    assert always.add(moment, 90 * HOUR) == moment + 90 * HOUR


@given(HOURS, MOMENTS, SPANS)
@settings(max_examples=60, deadline=None)
def test_the_end_of_a_span_is_open_and_never_before_its_start(hours: Hours, moment: datetime, span: timedelta) -> None:
    """Whatever the hours: the result lies in a window, so long after the start at the least."""
    end = hours.add(moment, span)
    assert hours.is_open(end)
    assert end >= moment + span


@given(HOURS, MOMENTS, MOMENTS, SPANS, SPANS)
@settings(max_examples=60, deadline=None)
def test_later_starts_and_longer_spans_never_end_sooner(
    hours: Hours, one: datetime, other: datetime, short: timedelta, more: timedelta
) -> None:
    """Monotone in both."""
    first, second = sorted((one, other))
    assert hours.add(first, short) <= hours.add(second, short)
    assert hours.add(first, short) <= hours.add(first, short + more)


@given(HOURS, MOMENTS, SPANS, SPANS)
@settings(max_examples=60, deadline=None)
def test_two_spans_one_after_the_other_are_their_sum(
    hours: Hours, moment: datetime, first: timedelta, then: timedelta
) -> None:
    """A ladder may be climbed step by step."""
    assert hours.add(hours.add(moment, first), then) == hours.add(moment, first + then)


@given(st.sampled_from(ZONES), MOMENTS, st.lists(st.sampled_from(DAYS), min_size=1, unique=True))
@settings(max_examples=60, deadline=None)
def test_it_is_open_when_the_clock_on_the_wall_says_so(zone: str, moment: datetime, days: list[str]) -> None:
    """By the hour and the day of the week that people in the zone read."""
    hours = Hours(start=time(9), end=time(17), days=tuple(days), zone=zone)
    wall = moment.astimezone(ZoneInfo(zone))
    assert hours.is_open(moment) == (9 <= wall.hour < 17 and DAYS[wall.weekday()] in days)
