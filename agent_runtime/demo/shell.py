"""Running a shell command within limits: time, memory, processes, file sizes, output.

The limits are a safety net against accidents, not a sandbox for hostile code: the command runs as the server's own
user, may read what that user may read, reach the network, and leave its process group. What protects is that a person
reads the command before it runs.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from agent_runtime.demo import confine
from agent_runtime.demo.conversation import ToolError

MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class Limits:
    """What one command may use. `processes` come on top of those the user runs already."""

    seconds: float = 10
    cpu_seconds: int = 10
    memory_bytes: int = 512 * MEGABYTE
    processes: int = 64
    file_bytes: int = 10 * MEGABYTE
    output_bytes: int = 16_000

    def as_rlimits(self) -> str:
        """The limits that the command takes on itself, as JSON."""
        return json.dumps(
            {
                "RLIMIT_CPU": self.cpu_seconds,
                "RLIMIT_AS": self.memory_bytes,
                "RLIMIT_NPROC": self.processes,
                "RLIMIT_FSIZE": self.file_bytes,
                "RLIMIT_NOFILE": 64,
                "RLIMIT_CORE": 0,
            }
        )


@dataclass(frozen=True, slots=True)
class Finished:
    """How a command ended. A negative code is the signal that killed it. `output` is stdout and stderr as they came."""

    code: int
    output: str

    def __str__(self) -> str:
        ending = f"killed by {signal.Signals(-self.code).name}" if self.code < 0 else f"exit code {self.code}"
        return f"{ending}\n{self.output}".rstrip()


async def run(command: str, folder: Path, limits: Limits) -> Finished:
    """Runs the command in the folder with an environment of its own. Whatever way it ends, by itself, by its time or
    by cancellation, its whole process group is killed before this returns. Raises ToolError when its time is over."""
    if "\0" in command:
        raise ToolError("A command cannot hold a NUL character.")
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    # The output goes to a file: its size is under the same limit, and a process left behind cannot hold a pipe open.
    with tempfile.TemporaryFile() as output:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", confine.__file__, limits.as_rlimits(), command),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=asyncio.subprocess.STDOUT,
            cwd=folder,
            env={"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(folder), "LANG": "C.UTF-8"},
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(limits.seconds):
                code = await process.wait()
        except TimeoutError:
            _kill(process.pid)
            raise ToolError(f"Stopped after {limits.seconds:g} s.\n{_read(output, limits)}".rstrip()) from None
        finally:
            _kill(process.pid)
            await process.wait()
        return Finished(code, _read(output, limits))


def _kill(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return


def _read(output: IO[bytes], limits: Limits) -> str:
    output.seek(0)
    head = output.read(limits.output_bytes).decode("utf-8", errors="replace")
    rest = os.fstat(output.fileno()).st_size - limits.output_bytes
    return f"{head}\n({rest} more bytes of output not shown)" if rest > 0 else head
