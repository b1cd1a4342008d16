"""What all tests share: how many examples are tried, patience with a busy machine, and SQL that is compiled once.

An engine compiles each statement once and keeps it for its own dialect object. A process in production opens one store;
a process of tests opens a thousand, and would spend half of its time compiling the same SQL again.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import settings
from sqlalchemy import Connection, Dialect, Engine, event

from bot import directory, home_reading
from bot.listeners import commands, opening
from bot.workspace import deliveries

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


@pytest.fixture(autouse=True)
def _patience(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody here presses again because a busy machine took a second: whoever clicks waits as long as it takes, but in
    tests of the limits themselves, which are marked `hurried`."""
    if request.node.get_closest_marker("hurried"):
        return
    monkeypatch.setattr(directory, "LIMIT", timedelta(seconds=60))
    monkeypatch.setattr(opening, "OPEN_SECONDS", 60.0)
    monkeypatch.setattr(commands, "REACH_SECONDS", 60.0)
    monkeypatch.setattr(home_reading, "LINK_SECONDS", 60.0)
    monkeypatch.setattr(deliveries, "ACK_SECONDS", 60.0)
