"""Grants: "approve, and the next ones like this, too". Owns who gets one, how it is used up, and how it ends.

A grant stands in for people's yes, never for a rule: `covering` says which calls it lets through.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from agent_runtime import outbound
from agent_runtime.audit import INTERNAL, Event, Origin, record
from agent_runtime.context import Context
from agent_runtime.covering import chain_of, grant_digest, is_genuine_grant, likeness, seal_grant
from agent_runtime.decisions import is_whole
from agent_runtime.people import Membership, authorise_owner
from agent_runtime.refusals import RefusalReason
from agent_runtime.rules import Rules
from agent_runtime.sealed import YES, standing_votes
from agent_runtime.wishes import Wish, wish_fault
from storage import grants as rows
from storage import requests, runs
from storage.grants import Grant
from storage.models import Decision, Request, Run
from storage.tx import Tx
from storage.types import SYSTEM, Actor, ActorKind, DecisionKind, GrantScope, Json


def grant_as_wished(tx: Tx, context: Context, request: Request, rules: Rules) -> Grant | None:
    """The grant that a request leaves behind as it is approved: only where everybody whose yes counted wished one, of
    the same scope; the smallest number and the shortest time of them."""
    decisions = requests.votes(tx, [request.id])
    counted = [one for one in standing_votes(context.seal, request, decisions) if one.kind in YES]
    wish = _common(counted, request, rules)
    run = runs.get(tx, request.run_id)
    if wish is None or run is None or not is_whole(tx, context, request, decisions):
        return None
    grant = _insert(tx, context, _drawn_up(context, request, run, rules, wish, counted))
    text: Json = {
        "grant": grant.id,
        "scope": grant.scope.value,
        "uses": grant.max_uses,
        "until": _utc(grant.expires_at),
    }
    seq = _record(tx, context, Event.GRANT_MADE, grant, giver(grant), run.id, text)
    outbound.note(tx, context, run.id, seq, f"{_words(grant)}: {_left(grant)}. {grant.scope.sentence}")
    return grant


def use(tx: Tx, context: Context, grant: Grant, run: Run, call_key: str) -> bool:
    """Count one call that a grant lets through, in the transaction that starts it. False where it changed since."""
    after = Grant(**{**grant.model_dump(), "uses": grant.uses + 1})
    after.mac = seal_grant(context.seal, after)
    if not rows.replace(tx, grant, after):
        return False
    seq = _record(tx, context, Event.GRANT_USED, after, acting(grant), run.id, {"grant": grant.id, "call": call_key})
    outbound.note(tx, context, run.id, seq, f"{grant.tool} runs by {_words(after)}: {_left(after)}.")
    _show(tx, context, after)
    return True


def served_again(grant: Grant) -> str:
    """What a run's thread is told where a call starts again by the grant that let it start before."""
    return f"{grant.tool} runs again by {_words(grant)}, which counts as the same use."


def revoke(tx: Tx, context: Context, grant_id: str, membership: Membership, origin: Origin) -> Grant | RefusalReason:
    """End a grant: by whoever gave it, or an operator. One that has ended stays as it is."""
    grant = rows.get(tx, grant_id)
    if grant is None:
        return RefusalReason.UNKNOWN_GRANT
    actor = membership.actor
    operators = context.policies.operators
    refusal = authorise_owner(membership, actor if actor.key in grant.approvers else SYSTEM, operators, context.now)
    if refusal is not None:
        _record(tx, context, Event.DECISION_REFUSED, grant, actor, "", {"revoke": grant.id}, origin)
        return RefusalReason.NOT_YOUR_GRANT if refusal is RefusalReason.NOT_YOUR_RUN else refusal
    if grant.revoked_at is not None:
        return grant
    after, _ = _end(tx, context, grant, actor, origin, {"grant": grant.id})
    return after


def lapse(tx: Tx, context: Context, grant_id: str, gone: Actor, reason: RefusalReason) -> bool:
    """End a grant because one of those whose yes made it may no longer decide. False where it has ended."""
    grant = rows.get(tx, grant_id)
    if grant is None or grant.revoked_at is not None:
        return False
    text: Json = {"grant": grant.id, "giver": gone.key, "refusal": reason.value}
    after, seq = _end(tx, context, grant, SYSTEM, INTERNAL, text)
    line = f"{_words(grant)} has ended: {gone.label} may no longer decide. Calls like it are asked for again."
    outbound.note(tx, context, _run_id(tx, after), seq, line)
    return True


def _end(tx: Tx, context: Context, grant: Grant, actor: Actor, origin: Origin, text: Json) -> tuple[Grant, int]:
    """The ended grant, and the entry that says so."""
    after = Grant(**{**grant.model_dump(), "revoked_at": context.now, "revoked_by": actor.model_dump(mode="json")})
    after.mac = seal_grant(context.seal, after)
    replaced = rows.replace(tx, grant, after)
    assert replaced, "the row was read in this transaction"
    if not is_genuine_grant(tx, context, grant):  # it ends all the same: it had let nothing through
        _record(tx, context, Event.INTEGRITY_BROKEN, grant, actor, "", {"problem": "a grant was changed by hand"})
    seq = _record(tx, context, Event.GRANT_REVOKED, after, actor, _run_id(tx, after), text, origin)
    _show(tx, context, after)
    return after, seq


def giver(grant: Grant) -> Actor:
    """Whose yes came last, and made it."""
    return Actor.model_validate(grant.granted_by)


def acting(grant: Grant) -> Actor:
    """The grant as an actor: what let a call through, and on whose word."""
    return Actor(kind=ActorKind.GRANT, id=grant.id, name=f"grant {grant.id}, of {giver(grant).label}")


def _common(counted: Sequence[Decision], request: Request, rules: Rules) -> Wish | None:
    """What all of them wish."""
    wishes = [Wish.read(one.value) for one in counted]
    granted = [wish for wish in wishes if wish and not wish_fault(wish, rules, request.kind, DecisionKind.APPROVED)]
    if not granted or len(granted) != len(wishes) or len({wish.scope for wish in granted}) != 1:
        return None
    return Wish(granted[0].scope, min(one.uses for one in granted), min(one.lasts for one in granted))


def _drawn_up(
    context: Context, request: Request, run: Run, rules: Rules, wish: Wish, counted: Sequence[Decision]
) -> Grant:
    assert rules.grant is not None, "a wish without a rule is a fault"
    last = max(counted, key=lambda one: (one.at, one.number))
    return Grant(
        id="", agent=run.agent, tool=request.tool, scope=wish.scope,
        run_id=run.id if wish.scope is GrantScope.RUN else "",
        starter_key=run.starter_key if wish.scope is GrantScope.REQUESTER else "",
        keys=list(rules.grant.keys), likeness=likeness(request.args or {}, rules.grant.keys), chain=chain_of(rules),
        request_id=request.id, granted_by=last.actor,
        approvers=sorted({hand for one in counted for hand in requests.hands(one)}),
        max_uses=wish.uses, created_at=context.now, expires_at=context.now + wish.lasts, mac="",
    )  # fmt: skip


def _insert(tx: Tx, context: Context, grant: Grant) -> Grant:
    while True:
        grant.id = context.ids("G")
        grant.mac = seal_grant(context.seal, grant)
        if rows.insert(tx, grant):
            return grant
        taken = rows.get(tx, grant.id)
        assert taken is not None, "only a taken id may refuse a new grant"


def _record(
    tx: Tx, context: Context, event: Event, grant: Grant, actor: Actor, run_id: str, text: Json,
    origin: Origin = INTERNAL,
) -> int:  # fmt: skip
    """An entry of the request that made the grant, about this grant."""
    return record(
        tx, context, event, actor,
        origin=origin, run_id=run_id, request_id=grant.request_id, tool=grant.tool, digest=grant_digest(grant),
        text=text,
    )  # fmt: skip


def _show(tx: Tx, context: Context, grant: Grant) -> None:
    """The card of the request that made it names it."""
    request = requests.get(tx, grant.request_id)
    if request is not None:
        outbound.want_card(tx, context, request, patience=outbound.SOON)


def _run_id(tx: Tx, grant: Grant) -> str:
    request = requests.get(tx, grant.request_id)
    return request.run_id if request else ""


def _words(grant: Grant) -> str:
    return f"grant {grant.id}, of {giver(grant).label}"


def _left(grant: Grant) -> str:
    return f"{grant.max_uses - grant.uses} more, until {_utc(grant.expires_at)}"


def _utc(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
