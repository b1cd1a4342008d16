"""The `ops` agent: its commands, its files and its shell."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from pathlib import Path

import pytest

from agent_runtime.demo import ops, shell
from agent_runtime.demo.conversation import ToolError
from agent_runtime.demo.sandbox import Sandbox
from tests.demo.play import Play, Refused, play
from tests.patience import PATIENCE

BACKUP = "Create a backup script at /backup.sh that archives the /data directory"


@pytest.fixture
def box(tmp_path: Path) -> Path:
    """The sandbox folder with one file in it."""
    folder = tmp_path / "sandbox"
    folder.mkdir()
    (folder / "a.txt").write_text("one two\n")
    return folder


def contents(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("text", "result", "files"),
    [
        ("read a.txt", "one two\n", {"a.txt": "one two\n"}),
        (
            "write /b/c.txt: hello: you",
            "Wrote /b/c.txt in the sandbox, 11 bytes.",
            {"a.txt": "one two\n", "b/c.txt": "hello: you\n"},
        ),
        ("edit a.txt: two -> three", "Edited a.txt in the sandbox, 10 bytes now.", {"a.txt": "one three\n"}),
        ("delete /a.txt", "Deleted /a.txt from the sandbox.", {}),
        ("run cat a.txt", "$ cat a.txt\nexit code 0\none two", {"a.txt": "one two\n"}),
        ("run ls nothing", "$ ls nothing\nexit code 2\nls: ", {"a.txt": "one two\n"}),
    ],
)
async def test_each_command_does_what_it_says(
    tmp_path: Path, box: Path, text: str, result: str, files: dict[str, str]
) -> None:
    """One call per command, its effect in the sandbox, its outcome as the result."""
    ending = await play(tmp_path, "ops").start(text)
    assert ending.result.startswith(result)
    assert contents(box) == files


async def test_a_backup_script_is_written_checked_and_works(tmp_path: Path, box: Path) -> None:
    """Two calls in one message, a third in the next, and a script that really archives the folder."""
    run = play(tmp_path, "ops")
    ending = await run.start(BACKUP)
    assert [call[:3] for call in await run.calls()] == [
        ("plan-1", "call_0", "write_file"),
        ("plan-1", "call_1", "execute"),
        ("plan-2", "call_0", "execute"),
    ]
    assert ending.result.startswith("Wrote /backup.sh in the sandbox, ")
    assert ending.result.endswith("exit code 0\nthe script is readable")
    (box / "data" / "x").write_text("kept")
    await play(tmp_path, "ops").start("run sh backup.sh")
    [archive] = (box / "backups").iterdir()
    listed = await play(tmp_path, "ops").start(f"run tar -tzf backups/{archive.name}")
    assert "./data/x" in listed.result


async def test_a_refused_step_stops_the_steps_after_it(tmp_path: Path) -> None:
    """The approved sibling is done, the refused one and what follows are not, and the result tells both apart."""
    run = play(tmp_path, "ops", None, Refused("rejected", "no commands today"))
    ending = await run.start(BACKUP)
    assert len(await run.calls()) == 2
    assert ending.result.splitlines()[-1] == (
        "execute mkdir -p backups ./data: not done, a person said no: no commands today."
    )
    assert (tmp_path / "sandbox" / "backup.sh").exists()
    assert not (tmp_path / "sandbox" / "backups").exists()


async def test_files_named_together_are_asked_for_together(tmp_path: Path, box: Path) -> None:
    """Each file is a call of its own in one message, and one failure does not hide the others."""
    run = play(tmp_path, "ops")
    ending = await run.start("delete a.txt, missing.txt")
    assert [(call[1], call[3]["path"]) for call in await run.calls()] == [
        ("call_0", "a.txt"),
        ("call_1", "missing.txt"),
    ]
    deleted, missing = ending.result.splitlines()
    assert deleted == "Deleted a.txt from the sandbox."
    assert missing == "delete_file missing.txt: not done, There is no file missing.txt."


@pytest.mark.parametrize(
    "path",
    ["../secret", "/../secret", "x/../../secret", "out/secret", "link", "out", "", "/", "dir/", "nul\0"],
)
def test_no_path_reads_outside_the_sandbox(tmp_path: Path, box: Path, path: str) -> None:
    """Dots, links and folders are refused with a sentence."""
    (tmp_path / "secret").write_text("secret")
    (box / "out").symlink_to(tmp_path)
    (box / "link").symlink_to(tmp_path / "secret")
    (box / "dir").mkdir()
    with pytest.raises(ToolError):
        Sandbox(box).read(path)


async def test_a_pipe_is_refused_and_not_waited_for(box: Path) -> None:
    """Opening a pipe that nobody writes to must not hold a thread for ever."""
    os.mkfifo(box / "pipe")
    reading = asyncio.create_task(asyncio.to_thread(Sandbox(box).read, "pipe"))
    done, _ = await asyncio.wait([reading], timeout=PATIENCE)
    if not done:
        os.close(os.open(box / "pipe", os.O_WRONLY | os.O_NONBLOCK))  # lets the thread go, so that the test can end
    assert done
    with pytest.raises(ToolError, match="not a plain file"):
        await reading


def test_no_path_writes_or_deletes_outside_the_sandbox(tmp_path: Path, box: Path) -> None:
    """A link in the way is refused; a link at the end is itself replaced or removed, never what it points to."""
    secret = tmp_path / "secret"
    secret.write_text("secret")
    (box / "out").symlink_to(tmp_path)
    (box / "link").symlink_to(secret)
    sandbox = Sandbox(box)
    for path in ("../secret", "out/secret", "out/new/secret"):
        with pytest.raises(ToolError):
            sandbox.write(path, "changed")
    for path in ("../secret", "out/secret"):
        with pytest.raises(ToolError):
            sandbox.delete(path)
    sandbox.write("link", "mine")
    assert (box / "link").read_text() == "mine"
    assert not (box / "link").is_symlink()
    sandbox.delete("out")
    assert secret.read_text() == "secret"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["sandbox", "secret"]


def test_an_edit_needs_its_text_exactly_once(box: Path) -> None:
    """An edit that could mean two places, or none, changes nothing."""
    sandbox = Sandbox(box)
    (box / "a.txt").write_text("two two")
    for old in ("two", "three", ""):
        with pytest.raises(ToolError, match="must occur once"):
            sandbox.edit("a.txt", old, "x")
    assert (box / "a.txt").read_text() == "two two"


def test_files_have_a_size_at_which_they_are_refused(box: Path) -> None:
    """Neither a huge read nor a huge write is begun, and folders are not deleted."""
    (box / "big").write_bytes(b"x" * 70_000)
    (box / "dir").mkdir()
    with pytest.raises(ToolError, match="70000 bytes"):
        Sandbox(box).read("big")
    with pytest.raises(ToolError, match="1000001 bytes"):
        Sandbox(box).write("huge", "x" * 1_000_001)
    with pytest.raises(ToolError, match="is a folder"):
        Sandbox(box).delete("dir")


def reading(pipe: Path) -> asyncio.Future[bytes]:
    """Makes a pipe. The future ends with what was written to it once every process that held it is dead. The thread
    that waits for that is a daemon: should a process survive, the test fails and does not hang."""
    os.mkfifo(pipe)
    loop = asyncio.get_running_loop()
    written: asyncio.Future[bytes] = loop.create_future()

    def read() -> None:
        content = pipe.read_bytes()
        loop.call_soon_threadsafe(lambda: written.done() or written.set_result(content))

    threading.Thread(target=read, daemon=True).start()
    return written


async def test_a_command_that_takes_too_long_is_killed_with_its_children(tmp_path: Path, box: Path) -> None:
    """When the time is over, no process of the group is left, and the result says so."""
    dead = reading(box / "alive")
    run = Play(ops.graph(tmp_path, shell.Limits(seconds=2)))
    ending = await run.start("run echo begun; exec 3>alive; (sleep 900 & sleep 900) & sleep 900")
    assert "not done, Stopped after 2 s.\nbegun" in ending.result
    assert await asyncio.wait_for(dead, PATIENCE) == b""


async def test_a_cancelled_command_is_killed_with_its_children(box: Path) -> None:
    """Cancelling the caller leaves nothing running."""
    begun, dead = reading(box / "begun"), reading(box / "alive")
    running = asyncio.create_task(
        shell.run("exec 3>alive; (sleep 900 & sleep 900) & echo > begun; wait", box, shell.Limits())
    )
    await asyncio.wait_for(begun, PATIENCE)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert await asyncio.wait_for(dead, PATIENCE) == b""


async def test_what_a_command_leaves_behind_is_killed_when_it_ends(box: Path) -> None:
    """A command that ends by itself cannot keep a process in the background."""
    dead = reading(box / "alive")
    ended = await shell.run("exec 3>alive; sleep 900 & echo done", box, shell.Limits())
    assert (ended.code, ended.output) == (0, "done\n")
    assert await asyncio.wait_for(dead, PATIENCE) == b""


async def test_output_is_cut_and_bounded(box: Path) -> None:
    """A command that never stops writing is ended by the file size limit, and only the head of it is told."""
    ended = await shell.run("yes", box, shell.Limits(file_bytes=100_000, output_bytes=100))
    assert ended.code in {-signal.SIGXFSZ, 128 + signal.SIGXFSZ}
    assert ended.output == "y\n" * 50 + "\n(99900 more bytes of output not shown)"


async def test_memory_and_time_on_the_processor_are_bounded(box: Path) -> None:
    """A command that asks for too much memory fails, one that only computes is killed."""
    greedy = f"{sys.executable} -I -S -c 'bytearray(10**9)'"
    assert "MemoryError" in (await shell.run(greedy, box, shell.Limits(memory_bytes=200_000_000))).output
    busy = await shell.run("while :; do :; done", box, shell.Limits(cpu_seconds=1))
    assert busy.code == -9


async def test_a_command_sees_nothing_of_the_server(box: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment is clean, there is no input, and the working folder is the sandbox."""
    monkeypatch.setenv("SLACK_BOT_TOKEN", "a secret of the server")
    told = (await shell.run("env; pwd; cat; ls -l /proc/self/fd 2>/dev/null", box, shell.Limits())).output
    assert "SLACK" not in told
    assert f"\n{box}\n" in told
    assert "socket:" not in told


async def test_a_pipe_ends_when_nobody_reads_it(box: Path) -> None:
    """Commands get the signals that a shell expects."""
    assert await shell.run("yes | head -n 1", box, shell.Limits()) == shell.Finished(0, "y\n")


@pytest.mark.skipif(not Path("/proc/self/limits").exists(), reason="the system has no /proc to read the limit from")
async def test_the_number_of_processes_is_bounded(box: Path) -> None:
    """The allowance counts on top of what the user runs, so it is finite and never below that."""
    told = (await shell.run("grep processes /proc/self/limits", box, shell.Limits(processes=7))).output
    assert 7 < int(told.split()[2]) < 1_000_000


async def test_a_command_with_a_nul_is_refused(tmp_path: Path) -> None:
    """What no program can be given is a sentence, not a crash."""
    ending = await play(tmp_path, "ops").start("run echo \0")
    assert ending.result.endswith("A command cannot hold a NUL character.")
