"""THE state machines: which moves are legal, as data. Whoever moves a run or a call on, or closes a request, asks here
first; the README's diagrams are held to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from storage.types import CallStatus, Described, RequestStatus, RunStatus

Status = TypeVar("Status", bound=Described)

RUN_MOVES: Mapping[RunStatus, frozenset[RunStatus]] = {
    RunStatus.QUEUED: frozenset({RunStatus.RUNNING, RunStatus.CANCELLED}),
    RunStatus.RUNNING: frozenset(
        {
            RunStatus.RUNNING,
            RunStatus.WAITING,
            RunStatus.QUEUED,
            RunStatus.SUCCEEDED,
            RunStatus.FAILED,
            RunStatus.CANCELLED,
        }
    ),
    RunStatus.WAITING: frozenset({RunStatus.QUEUED, RunStatus.FAILED, RunStatus.CANCELLED}),
    RunStatus.FAILED: frozenset({RunStatus.QUEUED, RunStatus.CANCELLED}),
    RunStatus.SUCCEEDED: frozenset(),
    RunStatus.CANCELLED: frozenset(),
}

REQUEST_MOVES: Mapping[RequestStatus, frozenset[RequestStatus]] = {
    RequestStatus.PENDING: frozenset(
        {
            RequestStatus.APPROVED,
            RequestStatus.REJECTED,
            RequestStatus.SKIPPED,
            RequestStatus.ANSWERED,
            RequestStatus.EXPIRED,
            RequestStatus.CANCELLED,
        }
    ),
    RequestStatus.APPROVED: frozenset({RequestStatus.LAPSED}),
    RequestStatus.REJECTED: frozenset(),
    RequestStatus.SKIPPED: frozenset(),
    RequestStatus.ANSWERED: frozenset(),
    RequestStatus.EXPIRED: frozenset({RequestStatus.LAPSED}),
    RequestStatus.CANCELLED: frozenset({RequestStatus.LAPSED}),
    RequestStatus.LAPSED: frozenset(),
}

CALL_MOVES: Mapping[CallStatus, frozenset[CallStatus]] = {
    CallStatus.STARTED: frozenset({CallStatus.FINISHED, CallStatus.FAILED, CallStatus.SUSPENDED, CallStatus.UNKNOWN}),
    CallStatus.SUSPENDED: frozenset({CallStatus.STARTED}),
    CallStatus.UNKNOWN: frozenset({CallStatus.STARTED, CallStatus.FINISHED, CallStatus.FAILED}),
    CallStatus.FINISHED: frozenset(),
    CallStatus.FAILED: frozenset(),
}

ENDED = frozenset({RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.CANCELLED})
"""A run that no worker will touch unless a person retries it."""


class IllegalMove(Exception):
    """Code asked for a move that the machine does not have: a bug, never an answer to a person."""

    def __init__(self, old: Described, new: Described) -> None:
        super().__init__(f"{type(old).__name__}: {old} -> {new}")


def sources(moves: Mapping[Status, frozenset[Status]], target: Status) -> tuple[Status, ...]:
    """The states from which `target` can be reached in one move."""
    return tuple(old for old, allowed in moves.items() if target in allowed)


def require_move(moves: Mapping[Status, frozenset[Status]], old: Status, new: Status) -> None:
    """Raise IllegalMove unless the machine has this move."""
    if new not in moves[old]:
        raise IllegalMove(old, new)
