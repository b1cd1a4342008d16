"""Who may act: pure checks over a membership snapshot that a directory took just before."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from agent_runtime.digest import Seal
from agent_runtime.policy import Rules
from agent_runtime.refusals import RefusalReason
from agent_runtime.selectors import MEMBERS, STARTER, Selector
from storage.types import Actor, ActorKind

FRESH = timedelta(seconds=60)
"""A membership snapshot older than this, or as far in the future after a clock was set back, decides nothing."""


@dataclass(frozen=True, slots=True)
class Member:
    """One person as the directory saw them at `taken_at`. `holds` are those of the asked selectors that name them.
    `home_team` is the team the app is installed in; `starter_person` says whose account the run's starter is now, as
    `Actor.person` does, and is empty like it where addresses are not read."""

    actor: Actor
    home_team: str
    taken_at: datetime
    holds: frozenset[Selector] = frozenset()
    known: bool = True
    deleted: bool = False
    bot: bool = False
    guest: bool = False
    starter_person: str = ""
    stands_for: tuple[Membership, ...] = ()
    """Those who handed over to this person, as the directory saw them for the same selectors."""


@dataclass(frozen=True, slots=True)
class Unreachable:
    """The directory gave no answer in time: nobody is authorised by it."""

    actor: Actor


Membership = Member | Unreachable


def person_of(seal: Seal, address: str) -> str:
    """Whose account it is, by its e-mail address: a keyed hash, from which nobody reads the address back. What follows
    a plus sign does not count: with it one mailbox has many addresses, each good for an account."""
    local, at, domain = address.casefold().rpartition("@")
    return seal.make("person", f"{local.partition('+')[0] or local}{at}{domain}") if address else ""


def same_person(one: Actor, other: Actor) -> bool:
    """Whether both are one person's: one account, or two with one address."""
    return bool(one.hands & other.hands)


def apart(people: Iterable[Actor], but: Collection[str] = ()) -> list[Actor]:
    """Of these accounts one for each person, without those of whom a hand is in `but`."""
    used, found = set(but), list[Actor]()
    for one in people:
        if one.hands.isdisjoint(used):
            used |= one.hands
            found.append(one)
    return found


def authorise_decision(
    membership: Membership, rules: Rules, stage: int, starter: Actor, now: datetime
) -> RefusalReason | None:
    """Why this person may not decide in this stage, or None where they may, in their own name or another's."""
    found = authority(membership, rules, stage, starter, now)
    return found if isinstance(found, RefusalReason) else None


def authority(
    membership: Membership,
    rules: Rules,
    stage: int,
    starter: Actor,
    now: datetime,
    used: Collection[str] = (),
) -> Actor | RefusalReason:
    """In whose name this person may decide: their own, else that of the first who handed over to them and may decide;
    one none of whose hands is in `used` where there is such a one. Nobody stands in for others in a run that they
    started."""
    own = _authorise_approver(membership, rules, stage, starter, now)
    if own is None:
        return membership.actor
    if own is not RefusalReason.NOT_AN_APPROVER or not isinstance(membership, Member):
        return own
    if membership.guest or _is_same_person(membership, starter):
        return own
    found = [(one.actor, _authorise_approver(one, rules, stage, starter, now)) for one in membership.stands_for]
    behind = [actor for actor, refusal in found if refusal is None]
    if not behind:
        down = any(refusal is RefusalReason.DIRECTORY_DOWN for _, refusal in found)
        return RefusalReason.DIRECTORY_DOWN if down else own
    return next((actor for actor in behind if actor.hands.isdisjoint(used)), behind[0])


def _authorise_approver(
    membership: Membership, rules: Rules, stage: int, starter: Actor, now: datetime
) -> RefusalReason | None:
    """Why this person may not decide in this stage in their own name."""
    if refusal := _standing(membership, now):
        return refusal
    assert isinstance(membership, Member)
    if membership.guest and not rules.allow_guests:
        return RefusalReason.GUEST
    if not rules.allow_self_approval and _is_same_person(membership, starter):
        return RefusalReason.OWN_REQUEST
    approvers = rules.stages[stage].approvers
    is_starter = STARTER in approvers and membership.actor.key == starter.key
    if not is_starter and not membership.holds & set(approvers):
        return RefusalReason.NOT_AN_APPROVER
    return None


def authorise_member(membership: Membership, now: datetime) -> RefusalReason | None:
    """Why this is no full member of the workspace, or None."""
    if refusal := _standing(membership, now):
        return refusal
    assert isinstance(membership, Member)
    return RefusalReason.GUEST if membership.guest else None


def authorise_delegate(person: Membership, delegate: Membership, now: datetime) -> RefusalReason | None:
    """Why this delegate cannot stand in for this person, or None: only another full member may."""
    refusal = authorise_member(delegate, now)
    if refusal is RefusalReason.DIRECTORY_DOWN:
        return refusal
    if refusal is not None or not isinstance(person, Member) or not isinstance(delegate, Member):
        return RefusalReason.BAD_DELEGATE
    return RefusalReason.BAD_DELEGATE if same_person(person.actor, delegate.actor) else None


def authorise_start(membership: Membership, starters: tuple[Selector, ...], now: datetime) -> RefusalReason | None:
    """Why this person may not start an agent, or None. Guests only where a selector names them."""
    if refusal := _standing(membership, now):
        return refusal
    assert isinstance(membership, Member)
    if membership.holds & set(starters):
        return None
    if MEMBERS in starters and not membership.guest:
        return None
    return RefusalReason.NOT_A_STARTER


def authorise_owner(
    membership: Membership, starter: Actor, operators: tuple[Selector, ...], now: datetime
) -> RefusalReason | None:
    """Why this person may not cancel or retry a run: only its starter and operators may."""
    if refusal := _standing(membership, now):
        return refusal
    assert isinstance(membership, Member)
    if membership.actor.key == starter.key or membership.holds & set(operators):
        return None
    return RefusalReason.NOT_YOUR_RUN


def authorise_operator(membership: Membership, operators: tuple[Selector, ...], now: datetime) -> RefusalReason | None:
    """Why this person may not act as an operator, or None."""
    if refusal := _standing(membership, now):
        return refusal
    assert isinstance(membership, Member)
    return None if membership.holds & set(operators) else RefusalReason.NOT_AN_OPERATOR


def may_look(membership: Membership, selectors: Collection[Selector]) -> bool:
    """Whether what these selectors' people are asked may be shown to somebody: a named, living member."""
    if not isinstance(membership, Member) or membership.deleted or membership.bot or not membership.known:
        return False
    return bool(membership.holds & set(selectors)) and membership.actor.team == membership.home_team


def _standing(membership: Membership, now: datetime) -> RefusalReason | None:
    if membership.actor.kind is ActorKind.CLI:
        return None if isinstance(membership, Member) else RefusalReason.DIRECTORY_DOWN
    if isinstance(membership, Unreachable) or abs(now - membership.taken_at) > FRESH:
        return RefusalReason.DIRECTORY_DOWN
    if membership.actor.team != membership.home_team:
        return RefusalReason.OTHER_TEAM
    checks = (
        (not membership.known, RefusalReason.UNKNOWN_PERSON),
        (membership.deleted, RefusalReason.DEACTIVATED),
        (membership.bot, RefusalReason.BOT),
    )
    return next((reason for wrong, reason in checks if wrong), None)


def _is_same_person(member: Member, starter: Actor) -> bool:
    """Whether this is the run's starter, by what both were known by then or are now."""
    now = starter.model_copy(update={"person": member.starter_person})
    return same_person(member.actor, starter) or same_person(member.actor, now)
