"""The benchmarks can still be run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks.__main__ import BENCHMARKS, sentence, table
from tests.benchmarks.rounds import Comparison, Effort, Promise, Took, Way


@pytest.mark.parametrize("name", BENCHMARKS)
async def test_a_benchmark_does_the_work_it_times(name: str, tmp_path: Path) -> None:
    """Each benchmark, made tiny, does its work both ways and gives a ratio for everything it compares."""
    found = await BENCHMARKS[name].measure(Effort(rounds=1, share=0.0001), tmp_path)
    assert all(one.ratio > 0 and one.subject in sentence(one) for one in found)
    assert table(found).row_count == len(found) > 0


def test_a_broken_promise_is_said() -> None:
    """Twice the peer's time, where one and a half times was promised, and 20 ms of processors where ten were."""

    def measured(wall: float, cpu: float, promise: Promise) -> Comparison:
        ours, peer = Way("ours", _nothing), Way("peer", _nothing)
        return Comparison("work", ours, peer, (Took(wall, cpu),) * 3, (Took(1, 1),) * 3, promise)

    assert "at most 1.5 times the peer, which holds" in sentence(measured(1.4, 1, Promise(1.5)))
    assert measured(2, 1, Promise(1.5)).is_broken
    assert measured(1, 0.02, Promise(cpu_ms=10)).is_broken
    assert "at most 10 ms of processors, which does NOT hold" in sentence(measured(1, 0.02, Promise(cpu_ms=10)))


async def _nothing() -> None: ...
