"""What all tests share: how many examples Hypothesis tries, and SQL that is compiled once.

An engine compiles each statement once and keeps it for its own dialect object. A process in production opens one store;
a process of tests opens a thousand, and would spend half of its time compiling the same SQL again.
"""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from sqlalchemy import Connection, Dialect, Engine, event

# A deadline would measure how busy the machine is. `make test-all` takes the long profile.
settings.register_profile("quick", max_examples=40, deadline=None)
settings.register_profile("long", max_examples=400, deadline=None)
settings.load_profile("quick")

DIALECTS: dict[type[Dialect], Dialect] = {}
COMPILED: dict[Any, Any] = {}


@event.listens_for(Engine, "engine_connect")
def _share_what_is_compiled(connection: Connection) -> None:
    connection.dialect = DIALECTS.setdefault(type(connection.dialect), connection.dialect)
    connection.execution_options(compiled_cache=COMPILED)
