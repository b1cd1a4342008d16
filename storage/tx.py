"""A transaction as the runtime sees it: rows in, rows out, and who to wake once it is durable."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import Connection, Executable, Select, Table, inspect
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import SQLModel

Record = TypeVar("Record", bound=SQLModel)
T = TypeVar("T")


class Tx:
    """One unit of work on one connection. It cannot await, so nothing outside is called while it is open, and it can be
    run again whole. Only storage modules put SQL in; the runtime passes it on."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.woken: set[str] = set()

    def wake(self, queue: str) -> None:
        """Wake the workers of a queue once this is committed."""
        self.woken.add(queue)

    def all(self, model: type[Record], statement: Select[Any], **values: Any) -> list[Record]:
        """Rows of one table as records; `values` as below."""
        return [_record(model, row) for row in self._connection.execute(statement, values or None).mappings()]

    def one(self, model: type[Record], statement: Select[Any], **values: Any) -> Record | None:
        """The first row as a record, or None. `values` are for the parameters of a statement that is built once and
        asked often: to build it costs more than to ask it."""
        row = self._connection.execute(statement, values or None).mappings().first()
        return None if row is None else _record(model, row)

    def rows(self, statement: Executable, **values: Any) -> list[Mapping[str, Any]]:
        """Rows of any shape; `values` as above."""
        return [dict(row) for row in self._connection.execute(statement, values or None).mappings()]

    def scalar(self, statement: Select[Any], **values: Any) -> Any:
        """The first column of the first row, or None; `values` as above."""
        return self._connection.execute(statement, values or None).scalar()

    def change(self, statement: Executable, **values: Any) -> int:
        """Run an update or delete; how many rows it changed. Zero means that somebody else was first. `values` as
        above."""
        return self._connection.execute(statement, values or None).rowcount

    def change_each(self, statement: Executable, values: Sequence[Mapping[str, Any]]) -> None:
        """Run an update once with each of these values, as one statement of the driver's."""
        if values:
            self._connection.execute(statement, list(values))

    def insert(self, row: SQLModel) -> None:
        """Insert a record. Raises on a conflict, which is a bug."""
        self._connection.execute(_table(type(row)).insert(), _values(row))

    def insert_new(self, row: SQLModel) -> bool:
        """Insert a record unless one like it exists; whether it was inserted."""
        statement = self._insert(type(row)).on_conflict_do_nothing()
        return self._connection.execute(statement, _values(row)).rowcount == 1

    def upsert(self, row: SQLModel, *, keys: tuple[str, ...]) -> None:
        """Insert a record, or replace every other column of the one that has these keys."""
        values = _values(row)
        statement = self._insert(type(row))
        changes = {name: statement.excluded[name] for name in values if name not in keys}
        self._connection.execute(statement.on_conflict_do_update(index_elements=list(keys), set_=changes), values)

    def apart(self, part: Callable[[], T]) -> T:
        """Run a part of this unit of work: what it raises comes through, and undoes that part only."""
        with self._connection.begin_nested():
            return part()

    def _insert(self, model: type[SQLModel]) -> Any:
        dialect = sqlite if self._connection.dialect.name == "sqlite" else postgresql
        return dialect.insert(_table(model))


@cache
def _table(model: type[SQLModel]) -> Table:
    table: Table = inspect(model).local_table
    return table


@cache
def _maker(model: type[Record]) -> Callable[[], Record]:
    """Makes empty records of a table."""
    make: Callable[[], Record] = inspect(model).class_manager.new_instance
    return make


@cache
def _columns(model: type[SQLModel]) -> tuple[tuple[str, bool], ...]:
    """The names of a table's columns, and whether each is a key that the store may generate."""
    return tuple((column.name, column.primary_key) for column in _table(model).columns)


def _values(row: SQLModel) -> dict[str, Any]:
    values = ((name, key, getattr(row, name)) for name, key in _columns(type(row)))
    return {name: value for name, key, value in values if value is not None or not key}


def _record(model: type[Record], row: Mapping[Any, Any]) -> Record:
    """A row as a record, made as SQLAlchemy's own loading makes it: the store's values need no defaults."""
    record: Record = _maker(model)()
    record.__dict__.update(row)
    return record
