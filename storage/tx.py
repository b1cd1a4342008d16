"""A transaction as the runtime sees it: rows in, rows out, and who to wake once it is durable."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from sqlalchemy import Connection, Executable, Select, insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import SQLModel

Record = TypeVar("Record", bound=SQLModel)


class Tx:
    """One unit of work on one connection. It cannot await, so nothing outside is called while it is open, and it can be
    run again whole. Only storage modules put SQL in; the runtime passes it on."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.woken: set[str] = set()

    def wake(self, queue: str) -> None:
        """Wake the workers of a queue once this is committed."""
        self.woken.add(queue)

    def all(self, model: type[Record], statement: Select[Any]) -> list[Record]:
        """Rows of one table as records."""
        return [model(**row) for row in self._connection.execute(statement).mappings()]

    def one(self, model: type[Record], statement: Select[Any]) -> Record | None:
        """The first row as a record, or None."""
        row = self._connection.execute(statement).mappings().first()
        return None if row is None else model(**row)

    def rows(self, statement: Executable) -> list[Mapping[str, Any]]:
        """Rows of any shape."""
        return [dict(row) for row in self._connection.execute(statement).mappings()]

    def scalar(self, statement: Select[Any]) -> Any:
        """The first column of the first row, or None."""
        return self._connection.execute(statement).scalar()

    def change(self, statement: Executable) -> int:
        """Run an update or delete; how many rows it changed. Zero means that somebody else was first."""
        return self._connection.execute(statement).rowcount

    def insert(self, row: SQLModel) -> int | None:
        """Insert a record; its generated integer key, if it has one. Raises on a conflict, which is a bug."""
        result = self._connection.execute(insert(type(row)).values(**_values(row)))
        key = result.inserted_primary_key
        return key[0] if key is not None and isinstance(key[0], int) else None

    def insert_new(self, row: SQLModel) -> bool:
        """Insert a record unless one like it exists; whether it was inserted."""
        dialect = sqlite if self._connection.dialect.name == "sqlite" else postgresql
        statement = dialect.insert(type(row)).values(**_values(row)).on_conflict_do_nothing()
        return self._connection.execute(statement).rowcount == 1

    def upsert(self, row: SQLModel, *, keys: tuple[str, ...]) -> None:
        """Insert a record, or replace every other column of the one that has these keys."""
        dialect = sqlite if self._connection.dialect.name == "sqlite" else postgresql
        values = _values(row)
        statement = dialect.insert(type(row)).values(**values)
        changes = {name: statement.excluded[name] for name in values if name not in keys}
        self._connection.execute(statement.on_conflict_do_update(index_elements=list(keys), set_=changes))


def _values(row: SQLModel) -> dict[str, Any]:
    fields = type(row).model_fields
    return {name: value for name in fields if (value := getattr(row, name)) is not None or name not in _generated(row)}


def _generated(row: SQLModel) -> set[str]:
    return {column.name for column in type(row).__table__.primary_key.columns}  # type: ignore[attr-defined]
