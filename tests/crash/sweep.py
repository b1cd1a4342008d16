"""One process after another is killed at every point of a pattern, one point at a time; a second life repairs it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import chdir
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa
from sqlmodel import col

from agent_runtime.chain import PURPOSE, hash_entry
from agent_runtime.digest import Seal
from storage import audit
from storage.models import AuditEntry
from storage.tx import Tx
from tests.conftest import COMPILED
from tests.crash import forks
from tests.crash.effects import lines
from tests.crash.judging import judge, look, started_calls
from tests.crash.life import KEY, Faults, Life
from tests.crash.patterns import PATTERNS, build
from tests.stores import put_store


@dataclass
class Tally:
    """What a sweep saw: the points it tried, how many processes a signal met there, how many calls were left without
    an end, and every breach by point."""

    points: list[str] = field(default_factory=list)
    met: int = 0
    unknown: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def commits(self) -> int:
        return sum(point.startswith("commit") for point in self.points)


class Sweep:
    """Tries one pattern at many points. `home` is an empty folder. `forget` is done to the files between two lives."""

    def __init__(self, home: Path, pattern: str, forget: Callable[[Path], None] = lambda _folder: None) -> None:
        self.pattern = pattern
        self.agent = build(PATTERNS[pattern].agent)
        self.tally = Tally()
        self._home = home
        self._forget = forget

    def everywhere(self, visit: Callable[[str], None], choose: Callable[[str], bool] = lambda _point: True) -> Tally:
        """Find the points of the pattern in a life that nothing happens to, and visit each of those chosen."""
        self._compile()
        folder, trace = self.folder("undisturbed"), self._home / "trace"
        first = Life(folder, self.pattern, self.agent, faults=Faults(trace=trace))
        if self.lives(first.run, folder):
            self.lives(lambda: judge(folder, self.pattern, []), folder)
        points = dict.fromkeys(line["point"] for line in lines(trace))
        self.tally.points = [point for point in points if choose(point)]
        for point in self.tally.points:
            visit(point)
        return self.tally

    def kill(self, point: str) -> None:
        """A life that is killed at this point, one that goes on, and a look at what is left. Where calls run at the
        same time the last points may not come; then the first life simply ends."""
        folder = self.folder(point)
        first = Life(folder, self.pattern, self.agent, faults=Faults(at=point))
        end = forks.wait(forks.fork(first.run, folder / "log"))
        if not (end.killed or end.fine):
            self.problem(folder, f"the first life ended with {end}")
            return
        self.tally.met += end.killed
        unknown = started_calls(folder)
        self.tally.unknown += len(unknown)
        self._forget(folder)
        if self.lives(lambda: self._repair(folder, unknown), folder):
            shutil.rmtree(folder)

    def lives(self, task: Callable[[], None], folder: Path) -> bool:
        """Run a task in a process of its own that must end well."""
        end = forks.wait(forks.fork(task, folder / "log"))
        if not end.fine:
            self.problem(folder, f"ended with {end}")
        return end.fine

    def _compile(self) -> None:
        """Live once in this process, on files that nobody looks at: compiling the same SQL takes half of a life, and
        what is compiled here is there in every process that is forked."""
        folder = self.folder("compiled")
        with chdir(folder):
            Life(folder, self.pattern, self.agent).run()
        assert COMPILED
        shutil.rmtree(folder)

    def folder(self, name: str) -> Path:
        """A folder with an empty store."""
        folder = self._home / name.replace(" ", "-")
        folder.mkdir()
        put_store(folder)
        return folder

    def problem(self, folder: Path, words: str) -> None:
        tail = "\n".join((folder / "log").read_text().splitlines()[-12:])
        self.tally.problems.append(f"{self.pattern}, {folder.name}: {words}\n{tail}")

    def _repair(self, folder: Path, unknown: list[str]) -> None:
        Life(folder, self.pattern, self.agent, number=1).run()
        judge(folder, self.pattern, unknown)


def forget_starts(folder: Path) -> None:
    """Take away every memory of calls without an end, as if nothing had been written before the effect: in the log,
    too, which is sealed anew, because nothing starts on one that was changed."""
    look(folder, "DELETE FROM journal WHERE status = 'started'")
    look(folder, "UPDATE request SET consumed_at = NULL")
    look(folder, "UPDATE audit SET event = 'forgotten' WHERE event = 'call.started'")
    engine = sa.create_engine(f"sqlite:///{folder / 'signoff.db'}")
    with engine.begin() as connection:
        _seal_anew(Tx(connection), Seal(KEY))
    engine.dispose()


def _seal_anew(tx: Tx, seal: Seal) -> None:
    previous = audit.GENESIS
    for entry in audit.entries(tx, limit=1_000_000):
        entry.previous = previous
        previous = hash_entry(entry)
        values = {"previous": entry.previous, "hash": previous, "mac": seal.make(PURPOSE, previous)}
        tx.change(sa.update(AuditEntry).where(col(AuditEntry.seq) == entry.seq).values(**values))
