"""What all tests share: which examples are tried, patience with a busy machine, and SQL that is compiled once.

An engine compiles each statement once and keeps it for its own dialect object. A process in production opens one store;
a process of tests opens a thousand, and would spend half of its time compiling the same SQL again.
"""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import Connection, Dialect, Engine, event

from tests.patience import be_patient

# A deadline would measure how busy the machine is, and so does the check for examples that take long to make. The quick
# profile tries the same examples each time; `make test-all` takes the long one, and finds new ones.
EVER = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("quick", EVER, max_examples=40, derandomize=True)
settings.register_profile("long", EVER, max_examples=400)
settings.load_profile("quick")


def pytest_xdist_auto_num_workers() -> int:
    """Half as many again as there are cores: many tests wait for a browser or for a process of their own."""
    return (os.cpu_count() or 1) * 3 // 2


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
    be_patient(monkeypatch.setattr)
