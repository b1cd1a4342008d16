"""Measuring two ways of the same work side by side.

Machines are noisy, so both ways take turns: a round times each once, and every other round in the opposite order. The
ratio is the median over the ratios of the rounds, so that what slows both slows neither. The processor's time of this
process is kept beside the wall's: a machine that does other work too changes it least.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from math import inf
from statistics import median
from time import perf_counter, process_time


@dataclass(frozen=True, slots=True)
class Effort:
    """How much work: rounds that count, and the share (0 to 1) of each benchmark's full size."""

    rounds: int
    share: float = 1.0

    def of(self, full: int) -> int:
        """This share of a full size, at least one."""
        return max(1, round(full * self.share))


@dataclass(frozen=True, slots=True)
class Way:
    """One way of doing the work. `prepare` makes ready for one turn and is not timed; `work` does that turn."""

    name: str
    work: Callable[[], Awaitable[None]]
    prepare: Callable[[], Awaitable[None]] | None = None


@dataclass(frozen=True, slots=True)
class Took:
    """What one unit of a turn took, in seconds: on the wall, and on processors."""

    wall: float
    cpu: float


@dataclass(frozen=True, slots=True)
class Promise:
    """What must hold of ours: at most so many times the peer's time on the wall, and at most so many milliseconds of
    processors a unit."""

    times: float = inf
    cpu_ms: float = inf

    def __str__(self) -> str:
        kept = (f"{self.times:g} times the peer", self.times), (f"{self.cpu_ms:g} ms of processors", self.cpu_ms)
        return "at most " + " and ".join(words for words, limit in kept if limit < inf)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two ways of doing the same, round by round. Ratios above 1: ours took less."""

    subject: str
    ours: Way
    peer: Way
    ours_took: tuple[Took, ...]
    peer_took: tuple[Took, ...]
    promise: Promise | None = None

    @property
    def is_broken(self) -> bool:
        """Whether the medians break what was promised."""
        cpu_ms = median(one.cpu for one in self.ours_took) * 1000
        return self.promise is not None and (1 / self.ratio > self.promise.times or cpu_ms > self.promise.cpu_ms)

    @property
    def ratios(self) -> list[float]:
        """The peer's time on the wall to ours, for each round, sorted."""
        return sorted(peer.wall / ours.wall for ours, peer in self._rounds())

    @property
    def ratio(self) -> float:
        """The median over the rounds."""
        return median(self.ratios)

    @property
    def cpu_ratio(self) -> float:
        """The same for the processors' time."""
        return median(peer.cpu / ours.cpu for ours, peer in self._rounds())

    def _rounds(self) -> Iterator[tuple[Took, Took]]:
        return zip(self.ours_took, self.peer_took, strict=True)


async def compare(
    effort: Effort, subject: str, ours: Way, peer: Way, *, units: float = 1, promise: Promise | None = None
) -> Comparison:
    """One warm-up round, then the rounds that count. Both ways do `units` units a turn."""
    took: dict[str, list[Took]] = {ours.name: [], peer.name: []}
    for number in range(-1, effort.rounds):
        for way in (ours, peer) if number % 2 else (peer, ours):
            turn = await _turn(way, units)
            if number >= 0:
                took[way.name].append(turn)
    return Comparison(subject, ours, peer, tuple(took[ours.name]), tuple(took[peer.name]), promise)


async def _turn(way: Way, units: float) -> Took:
    if way.prepare is not None:
        await way.prepare()
    wall, cpu = perf_counter(), process_time()
    await way.work()
    return Took((perf_counter() - wall) / units, (process_time() - cpu) / units)
