"""The words of the store and the machines: each has a sentence, each status its moves, and only legal moves happen."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from agent_runtime import lifecycle
from agent_runtime.audit import Event
from agent_runtime.lifecycle import CALL_MOVES, ENDED, REQUEST_MOVES, RUN_MOVES, IllegalMove, require_move, sources
from storage import types
from storage.types import CallStatus, Described, RequestStatus, RunStatus

ENUMS = [
    value for _, value in inspect.getmembers(types, inspect.isclass)
    if issubclass(value, Described) and value is not Described
]  # fmt: skip
MACHINES: list[tuple[type[Described], Any, Described]] = [
    (RunStatus, RUN_MOVES, RunStatus.QUEUED),
    (RequestStatus, REQUEST_MOVES, RequestStatus.PENDING),
    (CallStatus, CALL_MOVES, CallStatus.STARTED),
]


@pytest.mark.parametrize("words", [*ENUMS, Event], ids=lambda words: words.__name__)
def test_every_word_has_a_sentence(words: type[Described]) -> None:
    """Each member says when a row is in it, in one sentence."""
    for word in words:
        assert word.sentence[0].isupper(), word
        assert word.sentence.endswith((".", "?")), word
        assert len(word.value) <= 24


@pytest.mark.parametrize(("words", "moves", "first"), MACHINES, ids=["run", "request", "call"])
def test_every_status_has_its_moves(words: type[Described], moves: Any, first: Described) -> None:
    """Every status is a key, every target is a status, and every status can be reached from the first."""
    assert set(moves) == set(words)
    assert {target for targets in moves.values() for target in targets} <= set(words)
    reached, fresh = {first}, {first}
    while fresh:
        fresh = {target for status in fresh for target in moves[status]} - reached
        reached |= fresh
    assert reached == set(words)


def test_ends_are_final_but_for_a_persons_retry() -> None:
    """A succeeded or cancelled run has no move; a failed one has those that a person makes."""
    assert {status for status in RunStatus if not RUN_MOVES[status]} == {RunStatus.SUCCEEDED, RunStatus.CANCELLED}
    assert {RunStatus.SUCCEEDED, RunStatus.CANCELLED, RunStatus.FAILED} == ENDED
    assert RUN_MOVES[RunStatus.FAILED] == {RunStatus.QUEUED, RunStatus.CANCELLED}


def test_a_request_closes_once() -> None:
    """No closed request becomes pending again, and nothing becomes approved but a pending one."""
    assert sources(REQUEST_MOVES, RequestStatus.PENDING) == ()
    assert sources(REQUEST_MOVES, RequestStatus.APPROVED) == (RequestStatus.PENDING,)


def test_an_ended_call_never_starts_again() -> None:
    """Only a suspended call, or an unknown one by a person's answer, is started once more."""
    assert set(sources(CALL_MOVES, CallStatus.STARTED)) == {CallStatus.SUSPENDED, CallStatus.UNKNOWN}
    assert CALL_MOVES[CallStatus.FINISHED] == CALL_MOVES[CallStatus.FAILED] == frozenset()


def test_an_illegal_move_is_a_bug() -> None:
    """Code that asks for a move the machine does not have is stopped with both words."""
    with pytest.raises(IllegalMove, match="pending -> lapsed"):
        require_move(REQUEST_MOVES, RequestStatus.PENDING, RequestStatus.LAPSED)
    require_move(REQUEST_MOVES, RequestStatus.PENDING, RequestStatus.APPROVED)
    assert lifecycle.RUN_MOVES is RUN_MOVES
