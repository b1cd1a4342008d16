"""What a run was started as: its agent, its starter and its input, as the audit log bound them. Policies judge by them,
and no request seals them where nobody was asked."""

from __future__ import annotations

import hashlib
import json

from agent_runtime.audit import Event
from agent_runtime.chain import is_genuine_entry
from agent_runtime.context import Context
from agent_runtime.digest import digest_payload
from storage import audit
from storage.models import Run
from storage.tx import Tx
from storage.types import Actor, JsonValue


def digest_start(agent: str, starter: Actor, given: JsonValue) -> str:
    """What the log's entry of a start binds, SHA-256: whose account it is, where that is known, is part of it."""
    bound = {"agent": agent, "starter": starter.key, "person": starter.person, "input": given}
    # Not RFC 8785: people's words may hold what it refuses.
    return hashlib.sha256(json.dumps(bound, sort_keys=True).encode()).hexdigest()


def is_as_started(tx: Tx, context: Context, run: Run) -> bool:
    """Whether a run's row still says what it was started as."""
    starter = Actor.model_validate(run.starter)
    told = audit.events_of_run(tx, run.id, Event.RUN_STARTED.value)
    known = (digest_start(run.agent, starter, run.input), _digest_of_earlier(starter))
    fits = [one.actor == run.starter_key == starter.key and one.digest in known for one in told]
    return fits == [True] and is_genuine_entry(told[0], context.seal)


def _digest_of_earlier(starter: Actor) -> str:
    """What was bound of runs that an earlier version started: no agent and no input."""
    return digest_payload({"starter": starter.key, "person": starter.person}) if starter.person else ""
