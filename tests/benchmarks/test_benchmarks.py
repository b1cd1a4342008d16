"""The benchmarks can still be run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks.__main__ import BENCHMARKS, sentence, table
from tests.benchmarks.rounds import Effort


@pytest.mark.parametrize("name", BENCHMARKS)
async def test_a_benchmark_does_the_work_it_times(name: str, tmp_path: Path) -> None:
    """Each benchmark, made tiny, does its work both ways and gives a ratio for everything it compares."""
    found = await BENCHMARKS[name].measure(Effort(rounds=1, share=0.0001), tmp_path)
    assert all(one.ratio > 0 and one.subject in sentence(one) for one in found)
    assert table(found).row_count == len(found) > 0
