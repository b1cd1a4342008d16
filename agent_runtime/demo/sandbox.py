"""Files inside one folder. A path is walked name by name without following links, so that neither `..` nor a symbolic
link, not even one that is put there meanwhile, leads out; `/backup.sh` means `backup.sh` in the folder."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from agent_runtime.demo.conversation import ToolError, one_line

READ_LIMIT = 64_000
WRITE_LIMIT = 1_000_000


class Sandbox:
    """The files below `root`, which is made when it is first needed. Sizes are in bytes of UTF-8."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def read(self, path: str) -> str:
        """The text of a file, which may not be longer than READ_LIMIT."""
        with self._folder_of(path) as (folder, name), self._opened(folder, name, path) as file:
            size = os.fstat(file).st_size
            if size > READ_LIMIT:
                raise ToolError(f"{path} has {size} bytes, {READ_LIMIT} can be read.")
            with os.fdopen(os.dup(file), "rb") as content:
                return content.read(READ_LIMIT).decode("utf-8", errors="replace")

    def write(self, path: str, content: str) -> int:
        """Puts a whole file in place at once and returns its size. Folders on the way are made; a link is replaced."""
        body = content.encode()
        if len(body) > WRITE_LIMIT:
            raise ToolError(f"{path} would have {len(body)} bytes, {WRITE_LIMIT} are allowed.")
        with self._folder_of(path, make=True) as (folder, name):
            draft = f".draft-{os.getpid()}-{threading.get_ident()}"
            file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600, dir_fd=folder)
            try:
                with os.fdopen(file, "wb") as target:
                    target.write(body)
                    target.flush()
                    os.fsync(target.fileno())
                os.replace(draft, name, src_dir_fd=folder, dst_dir_fd=folder)
            except BaseException:
                os.unlink(draft, dir_fd=folder)
                raise
        return len(body)

    def edit(self, path: str, old: str, new: str) -> int:
        """Replaces `old`, which must occur exactly once, and returns the new size."""
        content = self.read(path)
        found = content.count(old) if old else 0
        if found != 1:
            raise ToolError(f"“{one_line(old, 80)}” occurs {found} times in {path}, it must occur once.")
        return self.write(path, content.replace(old, new))

    def delete(self, path: str) -> None:
        """Removes a file, or a link (not what it points to). Folders are refused."""
        with self._folder_of(path) as (folder, name):
            try:
                mode = os.lstat(name, dir_fd=folder).st_mode
                if stat.S_ISDIR(mode):
                    raise ToolError(f"{path} is a folder.")
                os.unlink(name, dir_fd=folder)
            except FileNotFoundError:
                raise ToolError(f"There is no file {path}.") from None

    @contextmanager
    def _folder_of(self, path: str, *, make: bool = False) -> Iterator[tuple[int, str]]:
        """The open folder that holds the file, and the file's name in it."""
        *folders, name = names(path)
        self.root.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            here = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY)
            stack.callback(os.close, here)
            for folder in folders:
                here = _enter(here, folder, path, make=make)
                stack.callback(os.close, here)
            yield here, name

    @contextmanager
    def _opened(self, folder: int, name: str, path: str) -> Iterator[int]:
        """A plain file, open for reading. O_NONBLOCK: opening a pipe must not wait for its writer."""
        try:
            file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
        except FileNotFoundError:
            raise ToolError(f"There is no file {path}.") from None
        except OSError as error:
            raise ToolError(f"{path} cannot be read: {error.strerror}.") from None
        try:
            if not stat.S_ISREG(os.fstat(file).st_mode):
                raise ToolError(f"{path} is not a plain file.")
            yield file
        finally:
            os.close(file)


def names(path: str) -> list[str]:
    """The names on the way from the root to the file; at least one. Refuses `..` and NUL."""
    found = [name for name in path.split("/") if name not in {"", "."}]
    if not found or path.endswith("/"):
        raise ToolError(f"“{one_line(path, 80)}” names no file.")
    if ".." in found or "\0" in path:
        raise ToolError(f"“{one_line(path, 80)}” may lead out of the sandbox.")
    return found


def _enter(here: int, folder: str, path: str, *, make: bool) -> int:
    """The folder's descriptor. A link in its place is refused, wherever it points."""
    try:
        if make:
            _make(here, folder)
        return os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=here)
    except FileNotFoundError:
        raise ToolError(f"There is no folder {folder} on the way to {path}.") from None
    except OSError:
        raise ToolError(f"{folder}, on the way to {path}, is no folder of the sandbox.") from None


def _make(here: int, folder: str) -> None:
    try:
        os.mkdir(folder, 0o700, dir_fd=here)
    except FileExistsError:
        return
