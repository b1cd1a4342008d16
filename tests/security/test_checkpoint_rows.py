"""Somebody changes LangGraph's own checkpoints between a click in Slack and the call: the real bot runs nothing that
its people did not see."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from agent_runtime.audit import Event
from tests.scenarios.effects import mails
from tests.scenarios.house import House
from tests.scenarios.test_restart import TASK, command, lives, press, settle

SHOWN, INSTEAD = b"team@example.com", b"evil@example.com"


def rewritten(folder: Path, old: bytes, new: bytes) -> int:
    """Other bytes in every blob of the closed store; in how many."""
    changed = 0
    with closing(sqlite3.connect(folder / "signoff.db")) as file, file:
        for table in ("checkpoint", "checkpoint_write"):
            for row, body in file.execute(f"select rowid, body from {table}").fetchall():
                if old in body:
                    file.execute(f"update {table} set body = ? where rowid = ?", (body.replace(old, new), row))
                    changed += 1
    return changed


@pytest.mark.parametrize("new", [INSTEAD, SHOWN], ids=["another address", "the same"])
async def test_a_call_changed_in_its_checkpoint_is_not_the_one_that_was_approved(tmp_path: Path, new: bytes) -> None:
    """Maria approved a mail to the team: one to somebody else is refused, recorded, and not told as sent."""
    async with lives(tmp_path) as (_, _, live):
        for step in (command("ana", f"approval {TASK}"), settle, press("maria", "Approve send_email?", "Approve")):
            await live(step)
        assert rewritten(tmp_path, SHOWN, new) >= 2

        async def look(house: House) -> None:
            await house.settle()
            broken = await house.audit(Event.INTEGRITY_BROKEN.value)
            told = "\n".join(message.plain() for message in house.messages())
            if new == SHOWN:  # the control: it is the change that stops it
                assert [to for to, _, _ in mails(tmp_path)] == [SHOWN.decode()]
                assert broken == []
            else:
                assert mails(tmp_path) == []
                assert len(broken) == 1
                assert INSTEAD.decode() not in told

        await live(look)
