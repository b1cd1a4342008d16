"""Absences: a person hands over their approvals to a delegate until a moment. Owns who may, and whether one holds.

A delegate decides where the person may, and only in their own name: what was handed over to the person is not handed
on. A row is sealed, and its end is told to the audit log: one that somebody put back holds nothing, and where the log
was changed since, nothing starts on what the delegate said.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from agent_runtime import outbound
from agent_runtime.audit import INTERNAL, Event, Origin, record
from agent_runtime.context import Context
from agent_runtime.digest import digest_payload
from agent_runtime.people import Member, Membership, authorise_delegate, authorise_member
from agent_runtime.refusals import RefusalReason
from agent_runtime.views import AbsenceView
from storage import absences as rows
from storage import audit as audit_rows
from storage import requests
from storage.absences import Absence
from storage.models import Decision
from storage.tx import Tx
from storage.types import Actor, Json

LONGEST = timedelta(days=90)
"""Whoever is away for longer is better taken out of the policies."""

MOST_STOOD_IN_FOR = 10
"""So many people one delegate may stand in for at a time."""

MOST_SHOWN = 200
"""So many open cards are looked at when a hand-over begins or ends, the next deadlines first."""

ABSENCE = "absence"
"""The purpose of an absence's seal."""


def hand_over(
    tx: Tx, context: Context, person: Membership, delegate: Membership, until: datetime, origin: Origin
) -> AbsenceView | RefusalReason:
    """Let the delegate decide where the person may, from now on; it takes the place of an earlier hand-over."""
    refusal = authorise_member(person, context.now) or authorise_delegate(person, delegate, context.now)
    if refusal is None and not context.now < until <= context.now + LONGEST:
        refusal = RefusalReason.BAD_MOMENT
    if refusal is None:
        refusal = _why_not_free(tx, context, person.actor, delegate.actor)
    if refusal is not None:
        text: Json = {"refusal": refusal.value, "delegate": delegate.actor.key}
        record(tx, context, Event.ABSENCE_REFUSED, person.actor, origin=origin, text=text)
        return refusal
    _end(tx, context, person.actor, INTERNAL)
    absence = Absence(
        id="", person=person.actor.model_dump(mode="json"), person_key=person.actor.key,
        delegate=delegate.actor.model_dump(mode="json"), delegate_key=delegate.actor.key,
        began_at=context.now, until=until, mac="",
    )  # fmt: skip
    _insert(tx, context, absence)
    _record(tx, context, Event.ABSENCE_BEGAN, absence, person.actor, origin)
    show_open(tx, context)
    return absence_view(absence)


def end_absence(tx: Tx, context: Context, person: Membership, origin: Origin) -> AbsenceView | RefusalReason:
    """The person is back: nobody stands in for them any more. Anybody may end their own."""
    ended = _end(tx, context, person.actor, origin)
    if ended is None:
        return RefusalReason.NOT_AWAY
    show_open(tx, context)
    return absence_view(ended)


def absence_of(tx: Tx, context: Context, person_key: str) -> AbsenceView | None:
    """The hand-over of a person that holds now."""
    return next((absence_view(one) for one in _genuine(tx, context, rows.of_person(tx, person_key, context.now))), None)


def stood_in_for(tx: Tx, context: Context, delegate_key: str) -> list[Actor]:
    """The people whom this person stands in for now."""
    return [absence_view(one).person for one in _genuine(tx, context, rows.to_delegate(tx, delegate_key, context.now))]


def read_absences(tx: Tx, context: Context, limit: int = 200) -> list[AbsenceView]:
    """Every hand-over that holds now."""
    return [absence_view(one) for one in _genuine(tx, context, rows.holding(tx, context.now, limit))]


def holding_ids(tx: Tx, context: Context) -> frozenset[str]:
    """Which hand-overs hold now, as far as one look tells."""
    return frozenset(one.id for one in rows.holding(tx, context.now, 200))


def show_open(tx: Tx, context: Context) -> None:
    """Open cards mention whoever stands in for those who are asked; one that says the same as before costs no update.
    Whom a group names is not known here, so all of them are looked at."""
    for request in requests.all_pending(tx, MOST_SHOWN):
        outbound.want_card(tx, context, request, patience=outbound.SOON)


def confirmed(tx: Tx, context: Context, membership: Membership) -> Membership:
    """The membership with only those people behind it who, by the rows of this transaction, handed over to its actor:
    who stands in for whom is never taken from a surface."""
    if not isinstance(membership, Member) or not membership.stands_for:
        return membership
    behind = {one.key for one in stood_in_for(tx, context, membership.actor.key)}
    return replace(membership, stands_for=tuple(one for one in membership.stands_for if one.actor.key in behind))


def stood_in(tx: Tx, context: Context, votes: Iterable[Decision]) -> bool:
    """Whether each of these votes that was given in somebody's stead, and was not taken back, was given while a
    hand-over held, by a log that is whole since that began. Raises LogUnread."""
    behind = (vote for vote in votes if vote.on_behalf_of and vote.withdrawn_at is None)
    return all(_held(tx, context, vote, Actor.model_validate(vote.on_behalf_of)) for vote in behind)


def absence_view(absence: Absence) -> AbsenceView:
    """A hand-over as people see it."""
    person, delegate = Actor.model_validate(absence.person), Actor.model_validate(absence.delegate)
    return AbsenceView(person, delegate, absence.began_at, absence.until)


def _why_not_free(tx: Tx, context: Context, person: Actor, delegate: Actor) -> RefusalReason | None:
    """Why this delegate cannot take over: an absent one would decide nothing, and in a ring nobody would."""
    if absence_of(tx, context, delegate.key) is not None:
        return RefusalReason.DELEGATE_AWAY
    others = [one for one in stood_in_for(tx, context, delegate.key) if one.key != person.key]
    return RefusalReason.DELEGATE_BUSY if len(others) >= MOST_STOOD_IN_FOR else None


def _end(tx: Tx, context: Context, person: Actor, origin: Origin) -> Absence | None:
    """End what the person handed over; the newest of it."""
    ended: Absence | None = None
    for absence in _genuine(tx, context, rows.of_person(tx, person.key, context.now)):
        after = Absence(**{**absence.model_dump(), "ended_at": context.now})
        after.mac = context.seal.make(ABSENCE, _sealed(after))
        ends = rows.end(tx, absence, after)
        assert ends, "the row was read in this transaction"
        _record(tx, context, Event.ABSENCE_ENDED, after, person, origin)
        ended = ended or after
    return ended


def _genuine(tx: Tx, context: Context, found: list[Absence]) -> list[Absence]:
    return [one for one in found if _is_genuine(tx, context, one)]


def _is_genuine(tx: Tx, context: Context, absence: Absence) -> bool:
    """Whether a hand-over is as it was written, by its seal and by the audit log."""
    if not context.seal.fits(ABSENCE, _sealed(absence), absence.mac):
        return False
    told = Counter(entry.event for entry in audit_rows.about(tx, _digest(absence)))
    return told[Event.ABSENCE_BEGAN.value] == 1 and told[Event.ABSENCE_ENDED.value] == 0


def _held(tx: Tx, context: Context, vote: Decision, person: Actor) -> bool:
    """Whether a hand-over of that person to whoever gave the vote held when they did."""
    return any(
        context.seal.fits(ABSENCE, _sealed(absence), absence.mac)
        and not any(entry.at < vote.at for entry in audit_rows.about(tx, _digest(absence), Event.ABSENCE_ENDED.value))
        and context.chain.is_whole_since(tx, context.seal, Event.ABSENCE_BEGAN.value, digest=_digest(absence))
        for absence in rows.at(tx, person.key, vote.actor_key, vote.at)
    )


def _insert(tx: Tx, context: Context, absence: Absence) -> None:
    while True:
        absence.id = context.ids("H")
        absence.mac = context.seal.make(ABSENCE, _sealed(absence))
        if rows.insert(tx, absence):
            return


def _record(tx: Tx, context: Context, event: Event, absence: Absence, actor: Actor, origin: Origin) -> None:
    view = absence_view(absence)
    text: Json = {"delegate": view.delegate.key, "delegate_name": view.delegate.name, "until": view.until.isoformat()}
    record(tx, context, event, actor, origin=origin, digest=_digest(absence), text=text)


def _digest(absence: Absence) -> str:
    """What the audit log calls a hand-over: SHA-256 over what never changes of it."""
    return digest_payload({name: value for name, value in _sealed(absence).items() if name != "ended_at"})


def _sealed(absence: Absence) -> Json:
    return absence.model_dump(mode="json", exclude={"mac"})
