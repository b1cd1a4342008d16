"""Patience with a busy machine: how long tests wait for what must come, and what people in them wait for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from bot import directory, grant_check, home_reading, pulse, readiness, slack_client
from bot.listeners import commands, opening
from bot.workspace import deliveries

PATIENCE = 120.0
"""Seconds after which what has not come will not come. Nobody waits so long where all is well."""


def be_patient(change: Callable[[object, str, object], None] = setattr) -> None:
    """Have nobody in this process give up because the machine is busy with something else."""
    for module, name in (
        (opening, "OPEN_SECONDS"),
        (commands, "REACH_SECONDS"),
        (home_reading, "LINK_SECONDS"),
        (grant_check, "FIRST_LOOK_SECONDS"),
        (deliveries, "ACK_SECONDS"),
    ):
        change(module, name, PATIENCE)
    for module, name in ((directory, "LIMIT"), (readiness, "LIMIT"), (pulse, "PATIENCE"), (slack_client, "CALL_TIME")):
        change(module, name, timedelta(seconds=PATIENCE))
