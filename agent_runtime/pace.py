"""Pace: how long people take to decide, and what they approve so often, unchanged, that a rule might do it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from storage import requests
from storage.requests import Closed
from storage.tx import Tx
from storage.types import RequestStatus

WEEK = timedelta(days=7)
OFTEN = 20
"""So many approvals of a kind in a row, none edited and none refused, are worth a thought."""

MOST_LOOKED_AT = 5_000
_DECIDED = frozenset(
    {
        RequestStatus.APPROVED,
        RequestStatus.REJECTED,
        RequestStatus.SKIPPED,
        RequestStatus.ANSWERED,
        RequestStatus.LAPSED,
    }
)


@dataclass(frozen=True, slots=True)
class Pace:
    """How many requests people decided in a span, and the median time they took; None where there were none."""

    decided: int
    median: timedelta | None


@dataclass(frozen=True, slots=True)
class Habit:
    """Calls of one tool that were approved as the agent made them, so many times in a row: consider a rule."""

    agent: str
    tool: str
    policy: str
    times: int


def read_pace(tx: Tx, now: datetime, span: timedelta = WEEK) -> Pace:
    """How long people took, of what they decided since then."""
    closed = requests.closed_since(tx, now - span, MOST_LOOKED_AT)
    took = [one.closed_at - one.opened_at for one in closed if one.by_people and one.status in _DECIDED]
    return Pace(len(took), timedelta(seconds=median(span.total_seconds() for span in took)) if took else None)


def read_habits(tx: Tx, now: datetime, span: timedelta = 8 * WEEK, often: int = OFTEN) -> list[Habit]:
    """What was approved at least so often in a row, up to its latest decision; the most often first."""
    closed = [one for one in requests.closed_since(tx, now - span, MOST_LOOKED_AT) if one.tool and one.by_people]
    kinds = dict.fromkeys((one.agent, one.tool, one.policy) for one in closed)
    counted = [Habit(*kind, _in_a_row(closed, kind)) for kind in kinds]
    return sorted((one for one in counted if one.times >= often), key=lambda one: (-one.times, one.agent, one.tool))


def _in_a_row(closed: Iterable[Closed], kind: tuple[str, str, str]) -> int:
    """How many of the newest were approved as they came."""
    times = 0
    for one in closed:
        if (one.agent, one.tool, one.policy) != kind:
            continue
        if one.status not in {RequestStatus.APPROVED, RequestStatus.LAPSED} or one.revision > 1:
            break
        times += 1
    return times
