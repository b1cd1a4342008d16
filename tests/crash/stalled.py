"""A worker is stopped, its lease runs out, another one takes its run over, and then the first one is woken."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

from agent_runtime.audit import Event
from storage.types import CallStatus, RequestKind, RequestStatus, RunStatus
from tests.crash import forks
from tests.crash.findings import Files
from tests.crash.judging import look, read, require, started_calls
from tests.crash.life import Faults, Life
from tests.crash.people import Nobody, People, Sceptics
from tests.crash.sweep import Sweep

SETTLED = (
    "SELECT id, status, closed_by, answer, consumed_at FROM request ORDER BY id",
    "SELECT request_id, kind, mac FROM decision ORDER BY id",
    "SELECT id, status, output, owner, attempt, pause FROM run ORDER BY id",
    "SELECT call_key, status, starts, owner, attempt, mac FROM journal ORDER BY call_key",
    "SELECT thread_id, namespace, id, body FROM checkpoint ORDER BY thread_id, namespace, id",
)
"""What a worker that was taken for dead may not change once the run has ended. (The audit log says what it tried.)"""

Check = Callable[[Files], list[str]]


class Stall(Sweep):
    """Stops a worker at each point instead of killing it. Both processes have the files open at the same time."""

    def answered(self, point: str) -> None:
        """People have answered everything and the run has ended when the first worker wakes: it changes nothing."""
        folder = self.folder(point)

        def watch() -> Check:
            settled = _memory(folder)
            return lambda _files: [] if _memory(folder) == settled else ["the woken worker changed something"]

        self._meet(folder, point, Sceptics(), watch)

    def unanswered(self, point: str) -> None:
        """Nobody has said anything about the unknown calls when the first worker wakes: what it knows is evidence."""
        self._meet(self.folder(f"{point} unanswered"), point, Nobody(), lambda: _is_taken_as_evidence)

    def _meet(self, folder: Path, point: str, meanwhile: People, watch: Callable[[], Check]) -> None:
        log = folder / "log"
        first = self._life(folder, 0, Sceptics(), Faults(at=point, by=signal.SIGSTOP))
        pid = forks.fork(first.run, log)
        ended = forks.wait_stopped(pid)
        if ended is not None:
            if not ended.fine:
                self.problem(folder, f"the first life ended with {ended}")
            return
        self.tally.met += 1
        self.tally.unknown += len(started_calls(folder))
        was_held = bool(look(folder, f"SELECT id FROM run WHERE status = '{RunStatus.RUNNING.value}'"))
        self.lives(self._life(folder, 1, meanwhile, Faults()).run, folder)
        check = watch()
        os.kill(pid, signal.SIGCONT)
        ended = forks.wait(pid)
        if not ended.fine:
            self.problem(folder, f"the woken life ended with {ended}")
        elif was_held and "lease lost" not in log.read_text():
            self.problem(folder, "the woken worker never noticed that its lease was lost")
        elif self.lives(lambda: self._judge(folder, check), folder):
            shutil.rmtree(folder)

    def _judge(self, folder: Path, check: Check) -> None:
        files = read(folder)
        require(folder, self.pattern, files, check(files))

    def _life(self, folder: Path, number: int, people: People, faults: Faults) -> Life:
        leaves = isinstance(people, Nobody)
        return Life(folder, self.pattern, self.agent, number, faults, people, shared=True, leaves=leaves)


def _memory(folder: Path) -> list[list[tuple[object, ...]]]:
    return [look(folder, statement) for statement in SETTLED]


def _is_taken_as_evidence(files: Files) -> list[str]:
    asked = [one for one in files.requests if one.kind is RequestKind.OUTCOME]
    late = [entry for entry in files.entries if entry.event == Event.CALL_LATE.value]
    wrong = [f"{one.subject} is {one.status}" for one in asked if one.status is not RequestStatus.CANCELLED]
    if not asked or len(late) != len(asked):
        wrong.append(f"{len(late)} late ends for {len(asked)} questions")
    return wrong + [f"{call.tool} is {call.status}" for call in files.calls if call.status is not CallStatus.FINISHED]
