"""The reader, in an empty folder, with a workspace that nothing points to but its address."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.cli.conftest import Shell, shell, ws
from tests.docs.reader import Reader

__all__ = ["shell", "ws"]


@pytest.fixture
async def reader(shell: Shell) -> AsyncIterator[Reader]:
    for path in shell.folder.iterdir():
        path.unlink()
    for name in ("SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET"):
        del shell.env[name]
        shell.monkeypatch.delenv(name)
    reader = Reader(shell)
    yield reader
    await reader.close()
