"""Who somebody at the terminal is, and what they may do.

Whoever can run a command as the server's user owns its files and its key, so no rule could keep them from anything:
this person holds every selector that is asked for, and may answer for whoever started the run. One rule stays: nobody
approves a run of their own, so a run asked about at the console is started by another actor.
"""

from __future__ import annotations

import os
import pwd
import socket
from collections.abc import Sequence

from agent_runtime.audit import Origin
from agent_runtime.clock import Clock
from agent_runtime.people import Member, Membership
from agent_runtime.selectors import Selector
from storage.types import Actor, ActorKind


class ConsolePeople:
    """The directory of the terminal: everybody there holds whatever is asked."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def member(
        self,
        actor: Actor,
        selectors: Sequence[Selector],
        *,
        starter: Actor | None = None,  # noqa: ARG002 - the same whoever started it
        allow_public: bool = False,  # noqa: ARG002 - no channel is read
    ) -> Membership:
        return Member(actor, home_team=actor.team, taken_at=self._clock.now(), holds=frozenset(selectors))

    async def mentions(self, selectors: Sequence[Selector], starter: Actor | None = None) -> tuple[str, ...]:  # noqa: ARG002
        return ()


def console_actor() -> Actor:
    """The user this process runs as: by its user id, which nobody can set, and not by what the environment says."""
    number = os.getuid()
    try:
        name = pwd.getpwuid(number).pw_name
    except KeyError:
        name = str(number)
    return Actor(kind=ActorKind.CLI, id=name, name=name)


def console_origin() -> Origin:
    """What the audit keeps of an act at the terminal: host, user and process."""
    return Origin("console", {"host": socket.gethostname(), "user": console_actor().id, "pid": os.getpid()})
