"""The secrets of stored calls: what must not be read in any other text about them. One look at the rows."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import cast

from pydantic import ValidationError

from agent_runtime.redaction import Redaction
from agent_runtime.rules import Rules
from agent_runtime.views import ArgumentChange
from storage import requests
from storage.models import Request
from storage.tx import Tx
from storage.types import JsonValue


def redaction_of(rules: Rules) -> Redaction:
    """What a request's rules redact."""
    return Redaction(rules.redact, rules.redact_keys)


def secrets_of(rules: Rules, request: Request) -> tuple[str, ...]:
    """The redacted values of a request: of what is up for decision, and of what the agent asked."""
    return _secrets(_Call((request.digest, request.asked_digest, request.rules_mac), rules, request))


@dataclass(frozen=True, slots=True)
class _Call:
    """A request's calls, told apart by what seals them: large ones are looked through once, not for every line."""

    seals: tuple[str, str, str]
    rules: Rules = field(compare=False)
    request: Request = field(compare=False)


@lru_cache(maxsize=256)
def _secrets(call: _Call) -> tuple[str, ...]:
    redaction = redaction_of(call.rules)
    calls = (call.request.args, call.request.asked_args)
    return tuple(dict.fromkeys(secret for args in calls for secret in redaction.secrets(args)))


def secrets_of_run(tx: Tx, run_id: str) -> tuple[str, ...]:
    """The redacted values of every request of a run."""
    found: dict[str, None] = {}
    for request in requests.of_run(tx, run_id):
        try:
            found |= dict.fromkeys(secrets_of(Rules.model_validate(request.rules), request))
        except ValidationError:  # changed by hand: it decides nothing, and hides what it can
            found |= dict.fromkeys(Redaction().secrets(request.args))
    return tuple(found)


def shown_change(change: ArgumentChange, redaction: Redaction, secrets: tuple[str, ...]) -> ArgumentChange:
    """One changed argument as it may be shown."""

    def shown(value: JsonValue) -> JsonValue:
        (found,) = redaction.apply({change.name: value}, secrets).values()
        return cast("JsonValue", found)

    before = None if change.added else shown(change.before)
    return replace(change, before=before, after=None if change.removed else shown(change.after))
