"""Migrations and models say the same, a store of another version is refused with the mend, and a filled one goes on."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine
from sqlmodel import SQLModel

from agent_runtime.approvals import Accepted
from agent_runtime.audit import Event
from agent_runtime.reading import read_run
from agent_runtime.redaction import MARK
from storage import models, runs
from storage.database import Database, migrate
from storage.errors import StorageUnusable
from storage.migrate import at_head, is_empty
from storage.types import RunStatus
from tests.core.agent import one
from tests.core.world import BOB, OPS, YES, World, counting

FIRST_VERSION = Path(__file__).with_name("first_version.sql")
"""A store as the first version filled it: a call done, one half decided, one whose end nobody knows, one approved."""


@pytest.fixture
def path(tmp_path: Path, empty_store: Path) -> Path:
    copy = tmp_path / "signoff.db"
    copy.write_bytes(empty_store.read_bytes())
    return copy


def test_migrations_make_exactly_the_models(path: Path) -> None:
    """Nothing is in the models that migrations do not make, nor the other way round."""
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, SQLModel.metadata) == []
    assert at_head(engine)
    assert not is_empty(engine)
    engine.dispose()
    assert len(SQLModel.metadata.tables) >= 12
    assert models.Run.__tablename__ in SQLModel.metadata.tables


def test_the_indexes_of_hot_looks_are_there(path: Path) -> None:
    """Claims, sweeps and barriers do not read whole tables."""
    looks = {
        "select * from run where status = 'queued' and due_at <= 'x' order by due_at limit 1": "run_due",
        "select * from run where status = 'running' and lease_until <= 'x' order by lease_until limit 1": "run_leased",
        "select * from request where status = 'pending' and due_at <= 'x' order by due_at, id limit 1": "request_due",
        "select * from request where status = 'pending' and next_at <= 'x' order by next_at limit 1": "request_next",
        "select * from request where closed_at is not null order by closed_at desc, id desc limit 9": "request_closed",
        "select * from outbox where subject = 'x'": "outbox_subject",
        "select * from outbox where status = 'dead' and updated_at > 'x' and priority < 100": "outbox_dead",
        "select * from alert where cause = 'x' and thing = 'y' and resolved_at is null": "alert_open",
        "select * from alert where cause = 'x' and thing = 'y' order by raised_at desc limit 1": "alert_of_thing",
        "select count(*) from request where run_id = 'x' and status = 'pending'": "request_open",
        "select * from absence where delegate_key = 'x' and ended_at is null and until > 'x'": "absence_delegate",
        "select * from approval_grant where agent = 'x' and expires_at > 'x'": "grant_look",
        "select * from decision where request_id in ('x') order by id": "ix_decision_request_id",
        "select count(*) from audit where run_id = '' and digest <> '' and digest = 'x'": "audit_subject",
    }
    with sqlite3.connect(path) as connection:
        for look, index in looks.items():
            plan = " ".join(row[3] for row in connection.execute("explain query plan " + look))
            assert index in plan, (look, plan)
    connection.close()


def test_statuses_nobody_knows_are_refused_by_the_store(path: Path) -> None:
    """A word that is no status cannot be written, by anybody."""
    with sqlite3.connect(path) as connection, pytest.raises(sqlite3.IntegrityError):
        connection.execute(
            "insert into run (id, agent, status, starter, starter_key, error, fingerprint, origin, pause, stuck,"
            " cancel_requested, due_at, attempt, failures, crashes, created_at, updated_at)"
            " values ('R1', 'a', 'done', '{}', '', '', '', '{}', 0, 0, 0, 'x', 0, 0, 0, 'x', 'x')"
        )
    connection.close()


async def test_a_store_of_another_version_is_refused_with_the_mend(path: Path) -> None:
    """An old or newer file is not touched; the error names the command, which then helps."""
    url = f"sqlite:///{path}"
    with sqlite3.connect(path) as connection:
        ((newest,),) = connection.execute("select version_num from alembic_version").fetchall()
        connection.execute("update alembic_version set version_num = '0000'")
    connection.close()
    with pytest.raises(StorageUnusable, match="signoff migrate"):
        Database(url)
    with sqlite3.connect(path) as connection:
        connection.execute("update alembic_version set version_num = ?", (newest,))
    connection.close()
    migrate(url)
    await Database(url).close()


async def test_a_new_file_is_made_ready_by_itself(tmp_path: Path) -> None:
    """The first start needs no command."""
    database = Database(f"sqlite:///{tmp_path / 'deep' / 'er' / 'signoff.db'}")
    assert await database.read(runs.recent, 10) == []
    await database.close()


def first_version(home: Path) -> World:
    """A world, not open yet, over a store of the first version."""
    with sqlite3.connect(home / "signoff.db") as connection:
        connection.executescript(FIRST_VERSION.read_text())
    connection.close()
    world = World(home, one("buy", {"amount": 10}))
    world.ids = counting(100)
    return world


async def test_a_filled_store_of_the_first_version_goes_on(tmp_path: Path) -> None:
    """What was asked, half decided, decided and started under the first version holds after the migration: its seals
    still fit, its votes still count, and what was done is not done again."""
    world = first_version(tmp_path)
    with pytest.raises(StorageUnusable, match="signoff migrate"):
        Database(world.url)
    migrate(world.url)
    async with world:
        world.agent.steps = (one("pay", {"amount": 20}),)
        await world.settle()
        assert [effect["tool"] for effect in world.effects] == ["pay"]
        world.agent.steps = (one("buy", {"amount": 10}),)
        half, outcome = await world.pending("call:m1/c1"), await world.pending("outcome:m1/c1")
        assert (half.asked_args, half.asked_digest, half.policy_set) == ({"amount": 10}, half.digest, None)
        assert isinstance(await world.decide(BOB, YES, half), Accepted)
        assert isinstance(await world.answer(OPS, {"action": "run_again"}, outcome), Accepted)
        await world.settle()
        assert {effect["run"] for effect in world.effects[1:]} == {half.run_id, outcome.run_id}
        assert {run.status for run in await world.db.read(runs.recent, 10)} == {RunStatus.SUCCEEDED}
        assert await world.count(Event.INTEGRITY_BROKEN) == 0
        assert (await world.verify()).problem == ""


async def test_calls_of_an_older_store_that_ran_without_a_request_are_redacted(tmp_path: Path) -> None:
    """Of a call that nobody was asked about no policy is known any more: what every file redacts is redacted of it."""
    world = first_version(tmp_path)
    with sqlite3.connect(tmp_path / "signoff.db") as connection:
        connection.execute(
            "update journal set request_id = null, args = ? where run_id = 'R000002'",
            ('{"password": "correct-horse"}',),
        )
        connection.execute("""update run set output = '"opened with correct-horse"' where id = 'R000002'""")
    connection.close()
    migrate(world.url)
    async with world:
        run = await world.db.read(read_run, "R000002")
        assert run is not None
        assert run.output == f"opened with {MARK}"


def test_cards_of_an_older_store_keep_their_messages(tmp_path: Path) -> None:
    """The card on which a request is asked stays that, and those of its other stages stay its earlier cards."""
    first_version(tmp_path)
    store = tmp_path / "signoff.db"
    with sqlite3.connect(store) as connection:
        connection.execute("update request set stage = 1 where id = 'A000005'")
        connection.execute(
            "insert into outbox select 'card:A000005:1', kind, subject, body, status, priority, wanted, shown, due_at,"
            " expires_at, owner, attempt, failures, lease_until, error, updated_at from outbox"
            " where key = 'card:A000005:0'"
        )
        connection.executemany(
            "insert into message (key, channel, ts, thread_ts, rendering, posts, updated_at)"
            " values (?, 'C1', ?, '', '', 1, '2030-01-07 09:00:00')",
            [("card:A000005:0", "1.0"), ("card:A000005:1", "2.0"), ("run:R000004", "3.0")],
        )
    connection.close()
    migrate(f"sqlite:///{store}")
    with sqlite3.connect(store) as connection:
        moved = dict(connection.execute("select ts, key from message").fetchall())
        keys = {key for (key,) in connection.execute("select key from outbox where subject = 'A000005'")}
    connection.close()
    assert moved == {"1.0": "card:A000005:0:0", "2.0": "card:A000005:1:1", "3.0": "run:R000004"}
    assert keys == {"card:A000005:0:0", "card:A000005:1:1"}
