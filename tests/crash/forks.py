"""Lives of processes: forked from a warm parent that has imported everything and holds nothing open."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

LONGEST_LIFE = 60
"""Seconds after which a process that hangs is ended by its own alarm."""


@dataclass(frozen=True, slots=True)
class End:
    """How a life ended: the signal that killed it, or 0 with its exit code."""

    signal: int
    code: int

    @property
    def killed(self) -> bool:
        return self.signal == signal.SIGKILL

    @property
    def fine(self) -> bool:
        """It ended by itself and had nothing to complain about."""
        return self.signal == 0 and self.code == 0


def fork(task: Callable[[], None], log: Path, longest: int = LONGEST_LIFE) -> int:
    """Run a task in a process of its own; the process id. What it prints and raises goes to the log. `longest`: seconds
    after which its own alarm ends it; 0 is never."""
    assert threading.active_count() == 1, "a process with threads must not be forked"
    gc.freeze()
    pid = os.fork()
    if pid == 0:
        _live(task, log, longest)
    return pid


def wait(pid: int) -> End:
    """Wait until a process has ended."""
    _, status = os.waitpid(pid, 0)
    return _end(status)


def wait_stopped(pid: int) -> End | None:
    """Wait until a process has stopped itself: None; or how it ended instead."""
    _, status = os.waitpid(pid, os.WUNTRACED)
    return None if os.WIFSTOPPED(status) else _end(status)


def _end(status: int) -> End:
    return End(os.WTERMSIG(status), 0) if os.WIFSIGNALED(status) else End(0, os.WEXITSTATUS(status))


def _live(task: Callable[[], None], log: Path, longest: int) -> None:
    code = 1
    try:
        signal.alarm(longest)
        gc.disable()
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)
        task()
        code = 0
    except BaseException:  # noqa: BLE001 - nothing of this process may reach the code of its parent
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
