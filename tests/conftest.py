"""What all tests share: SQL that is compiled once.

An engine compiles each statement once and keeps it for its own dialect object. A process in production opens one store;
a process of tests opens a thousand, and would spend half of its time compiling the same SQL again.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Dialect, Engine, event

DIALECTS: dict[type[Dialect], Dialect] = {}
COMPILED: dict[Any, Any] = {}


@event.listens_for(Engine, "engine_connect")
def _share_what_is_compiled(connection: Connection) -> None:
    connection.dialect = DIALECTS.setdefault(type(connection.dialect), connection.dialect)
    connection.execution_options(compiled_cache=COMPILED)
