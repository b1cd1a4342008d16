"""What must not be read anywhere about stored calls. One look at the rows.

The redaction that applied to a call when it was judged holds for all that is said of its run from then on: a request
keeps it in its rules, a call that nobody is asked about in a row of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from typing import cast

from pydantic import TypeAdapter, ValidationError

from agent_runtime.agents import ToolCall
from agent_runtime.clean_text import clean
from agent_runtime.digest import digest_payload
from agent_runtime.errors import quoted
from agent_runtime.judging import Deny, Judgement, Require
from agent_runtime.policy import PolicySet
from agent_runtime.redaction import Redaction, mask
from agent_runtime.rules import Rules
from agent_runtime.views import ArgumentChange
from storage import redacted, requests
from storage.models import Request
from storage.redacted import RedactedCall
from storage.tx import Tx
from storage.types import Json, JsonValue

_REDACTION = TypeAdapter(Redaction)

MOST_NAMED = 5
"""Arguments that are named where a part of them is not shown."""


def redaction_of(rules: Rules) -> Redaction:
    """What a request's rules redact."""
    return Redaction(rules.redact, rules.redact_keys)


def redaction_judged(policies: PolicySet, judgement: Judgement) -> Redaction:
    """What is redacted of a call that was judged so, whether or not anybody is asked about it."""
    return redaction_of(judgement.rules) if isinstance(judgement, Require) else Redaction((), policies.redact_keys)


def keep_redaction(tx: Tx, policies: PolicySet, run_id: str, call: ToolCall, judgement: Judgement) -> None:
    """Keep what is redacted of a call that nobody is asked about: as the agent made it, and as it would run. To be
    called before anything is said of it."""
    redaction = redaction_judged(policies, judgement)
    fixed = None if isinstance(judgement, Deny) else judgement.args
    for args in (call.args, fixed):
        if args is not None and redaction.apply(args) != args:
            kept = asdict(redaction)
            digest = digest_payload({"args": args, "redaction": kept})
            redacted.keep(tx, RedactedCall(run_id=run_id, call_key=call.key, digest=digest, args=args, redaction=kept))


def redaction_kept(tx: Tx, run_id: str, call_key: str) -> Redaction:
    """What was redacted of a call whenever it was judged without a request."""
    kept = [_redaction_in(row) for row in redacted.of_call(tx, run_id, call_key)]
    pointers, keys = (pointer for one in kept for pointer in one.pointers), (key for one in kept for key in one.keys)
    return Redaction(tuple(dict.fromkeys(pointers)), tuple(dict.fromkeys(keys)))


def as_hidden_as(rules: Rules, before: Redaction) -> Rules:
    """The rules, which hide all that was hidden before, too: nothing brings a secret to light."""
    redact = tuple(dict.fromkeys((*before.pointers, *rules.redact)))
    keys = tuple(dict.fromkeys((*before.keys, *rules.redact_keys)))
    return rules.model_copy(update={"redact": redact, "redact_keys": keys})


def remarks(rules: Rules, args: Json | None, secrets: tuple[str, ...], payload: JsonValue = None) -> tuple[str, ...]:
    """What people are told beside a call, or beside what an agent asks: what policies made of it, and where it is not
    shown whole though no policy says so: an agent could hide anything there by calling it a secret in another place."""
    redaction = redaction_of(rules)
    names = [quoted(clean(name)) for name in redaction.repeated(args or {})[:MOST_NAMED]]
    unseen = f"Not all of {', '.join(names)} is shown: it repeats what is redacted elsewhere." if names else ""
    if args is None and secrets and redaction.apply(payload) != redaction.apply(payload, secrets):
        unseen = "Not all of it is shown: it repeats what is redacted in a call of this run."
    return tuple(mask(said, secrets) for said in (rules.trouble, rules.set_note, unseen) if said)


def secrets_of(rules: Rules, request: Request) -> tuple[str, ...]:
    """The redacted values of a request: of what is up for decision, and of what the agent asked."""
    names = (request.digest, request.asked_digest, request.rules_mac)
    return _secrets(_Calls(names, redaction_of(rules), (request.args, request.asked_args)))


@dataclass(frozen=True, slots=True)
class _Calls:
    """Calls under one redaction, told apart by digests over both: large ones are looked through once, not for every
    line."""

    names: tuple[str, ...]
    redaction: Redaction = field(compare=False)
    args: tuple[Json | None, ...] = field(compare=False)


@lru_cache(maxsize=256)
def _secrets(calls: _Calls) -> tuple[str, ...]:
    return tuple(dict.fromkeys(secret for args in calls.args for secret in calls.redaction.secrets(args)))


def secrets_of_run(tx: Tx, run_id: str) -> tuple[str, ...]:
    """The redacted values of every call of a run that was judged."""
    return tuple(dict.fromkeys(_found(tx, run_id)))


def _found(tx: Tx, run_id: str) -> Iterator[str]:
    for request in requests.of_run(tx, run_id):
        try:
            yield from secrets_of(Rules.model_validate(request.rules), request)
        except ValidationError:  # changed by hand: it decides nothing, and hides what it can
            yield from Redaction().secrets(request.args)
    for row in redacted.of_run(tx, run_id):
        yield from _secrets(_Calls((row.run_id, row.call_key, row.digest), _redaction_in(row), (row.args,)))


def _redaction_in(row: RedactedCall) -> Redaction:
    try:
        return _REDACTION.validate_python(row.redaction)
    except ValidationError:  # changed by hand: it hides what it can
        return Redaction()


def shown_change(change: ArgumentChange, redaction: Redaction, secrets: tuple[str, ...]) -> ArgumentChange:
    """One changed argument as it may be shown."""

    def shown(value: JsonValue) -> JsonValue:
        (found,) = redaction.apply({change.name: value}, secrets).values()
        return cast("JsonValue", found)

    before = None if change.added else shown(change.before)
    return replace(change, before=before, after=None if change.removed else shown(change.after))
