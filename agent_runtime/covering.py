"""Which calls a grant lets through: the same tool with like arguments, by rules that still permit it and still ask the
same people, and never what people refused in this run.

The rows are read once; then all is pure, so that the advice an advance is given and the `started` write ask the same
question. A grant's row is sealed, and its uses and its end are counted against the audit log: an older row that
somebody put back lets nothing through.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agent_runtime.audit import Event
from agent_runtime.context import Context
from agent_runtime.decisions import is_whole
from agent_runtime.digest import NotJson, Seal, digest_payload
from agent_runtime.givers import is_confirmed
from agent_runtime.rules import Rules
from agent_runtime.sealed import NO
from storage import audit as audit_rows
from storage import grants as rows
from storage import requests
from storage.grants import Grant
from storage.models import Request, Run
from storage.tx import Tx
from storage.types import Actor, Json, RequestKind

GRANT = "grant"
"""The purpose of a grant's seal."""


@dataclass(frozen=True, slots=True)
class AtHand:
    """The genuine grants that may serve a run, and the calls that people refused in it, at one instant."""

    grants: tuple[Grant, ...] = ()
    refused: tuple[Request, ...] = ()


NOTHING = AtHand()


def at_hand(tx: Tx, context: Context, run: Run, keep: str | None = None) -> AtHand:
    """Read what may serve a run: what is genuine and was confirmed lately. `keep` is a grant that served this very call
    before and needs no further use."""
    found = rows.standing(tx, run, context.now)
    if keep is not None and keep not in {one.id for one in found} and (kept := rows.get(tx, keep)) is not None:
        found.append(kept)
    good = (one for one in found if is_confirmed(context, one.id, one.created_at))
    genuine = tuple(one for one in good if is_genuine_grant(tx, context, one))
    refused = _refused(tx, context, run) if genuine else None
    return NOTHING if refused is None else AtHand(genuine, refused)


def covering(
    held: AtHand, run: Run, tool: str, args: Json, rules: Rules, taken: Mapping[str, int] | None = None
) -> Grant | None:
    """The grant that lets this call through by these rules, the oldest first; None where people must be asked. `taken`
    counts uses that others were promised since the rows were read."""
    promised = Counter(taken or {})
    found = (one for one in held.grants if covers(held, one, run, tool, args, rules))
    return next((one for one in found if one.uses + promised[one.id] < one.max_uses), None)


def covers(held: AtHand, grant: Grant, run: Run, tool: str, args: Json, rules: Rules) -> bool:
    """Whether a grant speaks for this call, however often it was used. What was decided by an error, and what its
    starter would have approved for themselves, it does not."""
    rule = rules.grant
    if rule is None or grant.scope not in rule.scopes or rules.trouble or grant.chain != chain_of(rules):
        return False
    if (grant.agent, grant.tool) != (run.agent, tool) or grant.revoked_at is not None:
        return False
    if grant.run_id not in {"", run.id} or grant.starter_key not in {"", run.starter_key}:
        return False
    if Actor.model_validate(run.starter).hands & set(grant.approvers) and not rules.allow_self_approval:
        return False
    refused = (one for one in held.refused if one.tool == tool)
    return _is_like(grant, args) and not any(_is_like(grant, one.args, one.asked_args) for one in refused)


def likeness(args: Json, keys: Sequence[str]) -> str:
    """What two calls must share for a grant of one to cover the other: SHA-256 over what is compared of them. Raises
    NotJson."""
    return digest_payload(compared(args, keys))


def compared(args: Json, keys: Sequence[str]) -> Json:
    """Of a call's arguments those in which another must be equal: the named ones, where it has each of them, else all.
    What two calls lack does not make them alike."""
    return {key: args[key] for key in keys} if keys and all(key in args for key in keys) else dict(args)


def chain_of(rules: Rules) -> str:
    """Who must agree by these rules, and in what: a grant made under others does not speak for them."""
    assert rules.grant is not None, "asked only where the rules permit grants"
    return digest_payload(
        {
            "policy": rules.policy,
            "stages": [stage.model_dump(mode="json") for stage in rules.stages],
            "keys": list(rules.grant.keys),
            "self": rules.allow_self_approval,
            "guests": rules.allow_guests,
            "same": rules.allow_same_person,
        }
    )


def grant_digest(grant: Grant) -> str:
    """What the audit log calls a grant: SHA-256 over what never changes of it."""
    return digest_payload({name: value for name, value in _sealed(grant).items() if name not in _CHANGES})


def seal_grant(seal: Seal, grant: Grant) -> str:
    """The seal over a whole grant."""
    return seal.make(GRANT, _sealed(grant))


def is_genuine_grant(tx: Tx, context: Context, grant: Grant) -> bool:
    """Whether a grant is as it was last written, by its seal and by the audit log."""
    if not context.seal.fits(GRANT, _sealed(grant), grant.mac):
        return False
    told = audit_rows.of_request(tx, grant.request_id, (Event.GRANT_USED.value, Event.GRANT_REVOKED.value))
    mine = Counter(entry.event for entry in told if entry.digest == grant_digest(grant))
    ended = mine[Event.GRANT_REVOKED.value] > 0
    return mine[Event.GRANT_USED.value] == grant.uses and ended == (grant.revoked_at is not None)


_CHANGES = frozenset({"uses", "revoked_at", "revoked_by"})


def _sealed(grant: Grant) -> Json:
    return grant.model_dump(mode="json", exclude={"mac"})


def _is_like(grant: Grant, *either: Json | None) -> bool:
    try:
        return any(args is not None and likeness(args, grant.keys) == grant.likeness for args in either)
    except NotJson:
        return False


def _refused(tx: Tx, context: Context, run: Run) -> tuple[Request, ...] | None:
    """The calls of a run that people said no to; None where the log knows of requests or acts that the rows do not
    have, or not as they were."""
    asked = requests.of_run(tx, run.id)
    told = {entry.request_id for entry in audit_rows.events_of_run(tx, run.id, Event.REQUEST_OPENED.value)}
    votes = requests.votes(tx, [one.id for one in asked])
    acts = {one.id: [vote for vote in votes if vote.request_id == one.id] for one in asked}
    if told != acts.keys() or not all(is_whole(tx, context, one, acts[one.id]) for one in asked):
        return None
    noes = {vote.request_id for vote in votes if vote.kind in NO and vote.withdrawn_at is None}
    return tuple(one for one in asked if one.kind is RequestKind.TOOL and one.id in noes)
