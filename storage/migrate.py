"""Alembic, run from code: is the schema at head, and bring it there."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, inspect, text

from storage.tx import Tx

SCRIPTS = Path(__file__).parent / "migrations"


def is_empty(engine: Engine) -> bool:
    """Whether the database has no tables at all."""
    with engine.connect() as connection:
        return not inspect(connection).get_table_names()


def at_head(engine: Engine) -> bool:
    """Whether the schema is exactly the one this code knows."""
    with engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_heads()
    return frozenset(current) == _heads()


def tables_are_current(tx: Tx) -> bool:
    """`at_head`, of an open store."""
    found = tx.rows(text("SELECT version_num FROM alembic_version"))
    return frozenset(str(row["version_num"]) for row in found) == _heads()


def upgrade(engine: Engine) -> None:
    """Run every missing migration, in one transaction."""
    with engine.begin() as connection:
        command.upgrade(_config(connection), "head")


@cache
def _heads() -> frozenset[str]:
    """Where the migrations of this code lead. Alembic runs each of their files to tell, so it is asked once."""
    return frozenset(ScriptDirectory(str(SCRIPTS)).get_heads())


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.attributes["connection"] = connection
    return config
