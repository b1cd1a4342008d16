"""`signoff audit verify`: what was changed by hand is named with its place, and so is an end that was cut off."""

from __future__ import annotations

import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from agent_runtime.audit import Event, record
from bot.cli.audit import SECTION
from storage import audit as rows
from storage.inspection import look
from storage.tx import Tx
from storage.types import SYSTEM
from tests.cli.conftest import Shell
from tests.core.agent import one
from tests.core.world import ANA, KEY, World, counting
from tests.docs.blocks import ROOT

NEWEST = re.compile(r"The newest is (\d+:[0-9a-f]{64})$")


class Log:
    """A store with a run that ended, in the shell's folder, and a hand on its file."""

    def __init__(self, shell: Shell) -> None:
        self.shell = shell
        self.home = shell.folder / ".signoff"
        self.file = self.home / "signoff.db"
        self._ids = counting()
        shell.set(SIGNOFF_SECRET_KEY=KEY.decode())

    def world(self) -> World:
        """A server on the store; each is another boot."""
        world = World(self.home, one("buy", {"amount": 10}))
        world.ids = self._ids
        return world

    def sql(self, *statements: str) -> None:
        with closing(sqlite3.connect(self.file)) as connection, connection:
            for statement in statements:
                connection.execute(statement)

    async def newest(self) -> str:
        """Number and digest of the newest entry, as the command says them."""
        said = await self.shell.run("audit", "verify")
        found = NEWEST.search(said.out.strip())
        assert found is not None, said.said
        return found[1]

    async def more(self, world: World, count: int) -> None:
        def write(tx: Tx) -> None:
            for _ in range(count):
                record(tx, world.context, Event.NOISE, SYSTEM)

        await world.db.transact(write)


@pytest.fixture
async def log(shell: Shell) -> Log:
    log = Log(shell)
    log.home.mkdir(mode=0o700)
    async with log.world() as world:
        await world.waiting()
        await world.decide(ANA)
        await world.settle()
    return log


async def test_a_whole_log_is_told_in_one_line_and_so_is_an_entry_that_was_noted(log: Log) -> None:
    """How many entries, from when to when, and the newest, which --expect takes as it was said, now and later."""
    said = await log.shell.run("audit", "verify")
    assert (said.code, said.err, said.out.count("\n")) == (0, "", 1)
    count, first, last = _found(r"whole: (\d+) entries, from (\S+ \S+ UTC) to (\S+ \S+ UTC)\.", said.out)
    assert (int(count) > 5, first.startswith("2030-"), last >= first) == (True, True, True)
    noted = await log.newest()
    assert noted.split(":")[0] == count
    async with log.world() as world:
        await log.more(world, 1)
    expected = await log.shell.run("audit", "verify", "--expect", noted)
    assert (expected.code, f"Entry {count} is as it was noted." in expected.out) == (0, True)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("update audit set actor = 'user:EVE' where seq = 3", "Entry 3 of the audit log was changed"),
        ("update audit set at = 'yesterday' where seq = 3", "Entry 3 of the audit log cannot be read"),
        ("update audit set mac = x'00' where seq = 3", "Entry 3 of the audit log cannot be read"),
        ("update audit set mac = '00' where seq = 3", "Entry 3 of the audit log was not sealed by this host's key"),
        ("update audit_text set body = '{}' where seq = 3", "Entry 3 of the audit log has a text that was changed"),
        ("update audit_text set body = 'no JSON' where seq = 3", "Entry 3 of the audit log cannot be read"),
        ("delete from audit where seq = 3", "Entry 3 of the audit log is gone: the next that is there is entry 4"),
        ("delete from audit where seq < 3", "Entry 1 of the audit log is gone: the next that is there is entry 3"),
        ("update audit set seq = 1000 where seq = 3", "Entry 3 of the audit log is gone"),
    ],
)
async def test_what_was_changed_by_hand_is_named_with_what_to_do(log: Log, change: str, told: str) -> None:
    """Exit code 1, the entry, what happened to it, how much is whole before it, and the section of the runbook."""
    log.sql(change)
    said = await log.shell.run("audit", "verify")
    assert (said.code, said.out) == (1, "")
    assert told in said.err
    assert ("The 2 before it are whole." in said.err) == ("Entry 3" in told)
    assert SECTION in said.err


async def test_an_end_that_was_cut_off_is_seen_by_whoever_noted_an_entry(log: Log) -> None:
    """What is left fits together, so only the note shows it."""
    noted = await log.newest()
    number = int(noted.split(":")[0])
    log.sql(f"delete from audit_text where seq > {number - 2}", f"delete from audit where seq > {number - 2}")
    assert (await log.shell.run("audit", "verify")).code == 0
    said = await log.shell.run("audit", "verify", "--expect", noted)
    assert said.code == 1
    assert f"Entry {number} of the audit log is gone: the log ends with entry {number - 2}" in said.err
    assert SECTION in said.err


async def test_an_older_copy_that_went_on_is_seen_by_whoever_noted_an_entry(log: Log) -> None:
    """The number is there again, and the entry is another one."""
    copy = log.home / "older.db"
    shutil.copy(log.file, copy)
    async with log.world() as world:
        await log.more(world, 1)
    noted = await log.newest()
    shutil.copy(copy, log.file)
    async with log.world() as world:
        await log.more(world, 2)
    assert (await log.shell.run("audit", "verify")).code == 0
    said = await log.shell.run("audit", "verify", "--expect", noted)
    assert said.code == 1
    assert f"Entry {noted.split(':')[0]} of the audit log is not the one that was noted" in said.err


async def test_a_log_that_was_emptied_is_not_whole(log: Log) -> None:
    """Where there are runs, there was a log."""
    log.sql("delete from audit_text", "delete from audit")
    said = await log.shell.run("audit", "verify")
    assert (said.code, "all of it is gone" in said.err) == (1, True)


async def test_texts_that_are_gone_are_counted(log: Log) -> None:
    """They may be erased without breaking the chain; whoever did not do it learns that somebody did."""
    log.sql("delete from audit_text where seq in (2, 4)")
    said = await log.shell.run("audit", "verify")
    assert (said.code, "entries, 2 of them without the text, from" in said.out) == (0, True)


async def test_it_reads_beside_a_server_and_hinders_none(log: Log) -> None:
    """The server that holds the store writes on, its file can be tidied up between two pages, and nothing was changed;
    what is wrong on a later page is found, too."""
    async with log.world() as world:
        await log.more(world, 1_200)
        before = await log.newest()
        await log.more(world, 1)
        assert int((await log.newest()).split(":")[0]) == int(before.split(":")[0]) + 1

        def tidied_between(tx: Tx) -> int:
            rows.entries(tx, 0, 10)
            with closing(sqlite3.connect(log.file)) as connection:
                busy, *_ = connection.execute("pragma wal_checkpoint(truncate)").fetchone()
            rows.entries(tx, 10, 10)
            return int(busy)

        assert look(world.url, tidied_between) == 0
        await world.sql("update audit set tool = 'x' where seq = 1100")
        said = await log.shell.run("audit", "verify")
        assert (said.code, "Entry 1100 of the audit log was changed" in said.err) == (1, True)
        assert "The 1,099 before it are whole." in said.err


async def test_another_key_or_none_says_so_with_exit_code_2(log: Log) -> None:
    """That is no change of the log, and nobody is sent after one; a key is never made here."""
    log.shell.set(SIGNOFF_SECRET_KEY="o" * 64)
    said = await log.shell.run("audit", "verify")
    assert said.code == 2
    assert "SIGNOFF_SECRET_KEY is not the key that the audit log was sealed with" in said.err
    log.shell.set(SIGNOFF_SECRET_KEY="")
    said = await log.shell.run("audit", "verify")
    assert (said.code, "secret.key: SIGNOFF_SECRET_KEY: is missing" in said.err) == (2, True)
    assert not (log.home / "secret.key").exists()


async def test_a_first_entry_that_was_sealed_anew_is_no_other_key(log: Log) -> None:
    """While the newest entry has this key's seal, a forged one at the beginning is a change."""
    log.sql("update audit set mac = '00' where seq = 1")
    said = await log.shell.run("audit", "verify")
    assert (said.code, "Entry 1 of the audit log was not sealed by this host's key" in said.err) == (1, True)


async def test_a_store_that_cannot_be_looked_at_is_exit_code_2(log: Log) -> None:
    """Of another version, damaged, or not there: what other commands say of it, and no word of a change by hand."""
    log.sql("update alembic_version set version_num = '9999'")
    said = await log.shell.run("audit", "verify")
    assert (said.code, "has the tables of another version of Signoff" in said.err) == (2, True)
    log.file.write_bytes(b"no database at all" * 1000)
    said = await log.shell.run("audit", "verify")
    assert (said.code, "cannot be read as a database" in said.err) == (2, True)
    shutil.rmtree(log.home)
    said = await log.shell.run("audit", "verify")
    assert (said.code, "is not there yet" in said.err) == (2, True)
    assert not log.home.exists()


async def test_a_note_that_is_none_is_wrong_usage(shell: Shell) -> None:
    """A number alone or a part of a digest would be compared with nothing."""
    for note in ("", "12", "12:abc", ":" + "a" * 64, "0:" + "a" * 64, "12:" + "g" * 64):
        said = await shell.run("audit", "verify", "--expect", note)
        assert (said.code, "is no entry" in said.said) == (2, True), note


def test_the_section_that_it_names_is_there() -> None:
    """Whoever is told of a change by hand is sent to words about it."""
    file, _, anchor = SECTION.partition("#")
    headings = re.findall(r"^#+ (.+)$", (ROOT / Path(file)).read_text(), re.MULTILINE)
    assert anchor in {heading.lower().replace(" ", "-") for heading in headings}


def _found(pattern: str, text: str) -> tuple[str, ...]:
    match = re.search(pattern, text)
    assert match is not None, text
    return match.groups()
