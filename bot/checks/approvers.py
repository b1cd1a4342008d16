"""The people that the policy file names: does every selector mean somebody, and can every stage reach its quorum?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from agent_runtime.policy_file import Configuration
from agent_runtime.rules import Stage
from agent_runtime.selectors import MEMBERS, STARTER, Selector
from bot.checks.finding import Finding, Level, fault, ok, warning
from bot.checks.listing import Listing, Shape
from bot.checks.refusals import found_failure
from bot.slack_client import SlackFailure

_CORRECT = "Correct it in the policy file"
_OR_CORRECT = "or correct it in the policy file"


@dataclass(frozen=True, slots=True)
class Asked:
    """Who is named in one place of the file. `quorum` is 0 where nobody votes."""

    where: str
    selectors: tuple[Selector, ...]
    quorum: int = 0
    allow_public: bool = True
    allow_guests: bool = True
    allow_self: bool = False


@dataclass(frozen=True, slots=True)
class Meant:
    """Whom a selector means, and what was found about it."""

    people: frozenset[str]
    finding: Finding


async def check_approvers(configuration: Configuration, listing: Listing) -> tuple[Finding, ...]:
    """Findings about every selector once, then about the stages that cannot be passed."""
    found: list[Finding] = []
    known: dict[tuple[Selector, bool, bool], Meant] = {}
    for asked in everybody_asked(configuration):
        for selector in asked.selectors:
            key = (selector, asked.allow_public, asked.allow_guests)
            if selector in (STARTER, MEMBERS) or key in known:
                continue
            known[key] = await _meant(selector, asked, listing)
            found.append(known[key].finding)
        meant = [known[key] for s in asked.selectors if (key := (s, asked.allow_public, asked.allow_guests)) in known]
        found += _quorum(asked, meant)
    return tuple(dict.fromkeys(found))


def everybody_asked(configuration: Configuration) -> Iterator[Asked]:
    """Every place of the file that names people."""
    policies = configuration.policies
    stage = policies.default.stage
    asked = Asked("[default.stage]", stage.approvers, stage.quorum, stage.allow_public, allow_guests=False)
    yield from (asked, *_escalated(stage, asked))
    for number, policy in enumerate(policies.policies, start=1):
        for stage in policy.stages:
            where = f"{policy.label(number)}, stage {stage.name}"
            guests, own = policy.allow_guests, policy.allow_self_approval
            asked = Asked(where, stage.approvers, stage.quorum, stage.allow_public, guests, own)
            yield from (asked, *_escalated(stage, asked))
        people = tuple(who for who in policy.notify if not who.startswith("channel:"))
        yield Asked(f"{policy.label(number)}, notify", people)
    if told := tuple(who for who in configuration.alerts.fallback if who.startswith("user:")):
        yield Asked("[alerts], fallback", told)
    if policies.operators:
        yield Asked("[operators]", policies.operators, 1, allow_public=False, allow_guests=False)
    for rule in policies.agents:
        yield Asked(f'[[agent]] "{rule.name}", starters', rule.starters)


def _escalated(stage: Stage, asked: Asked) -> Iterator[Asked]:
    """Those to whom each rung of a stage escalates, who may decide as its approvers may."""
    for number, rung in enumerate(stage.rungs, start=1):
        if rung.escalate_to:
            yield replace(asked, where=f"{asked.where}, rung {number}", selectors=rung.escalate_to, quorum=0)


async def _meant(selector: Selector, asked: Asked, listing: Listing) -> Meant:
    kind, _, name = selector.partition(":")
    try:
        if kind == "user":
            return _person(selector, asked, await listing.person(name))
        if kind == "email":
            return _person(selector, asked, await listing.addressee(name))
        if kind == "usergroup":
            return await _group(selector, asked, listing)
        return await _channel(selector, asked, listing)
    except SlackFailure as failure:
        return Meant(frozenset(), found_failure(failure, f"{selector} ({asked.where}) cannot be looked at"))


def _person(selector: Selector, asked: Asked, shape: Shape | None) -> Meant:
    if shape is None:
        return _nobody(selector, asked, "is nobody in this workspace", _CORRECT)
    name = shape.get("real_name") or shape.get("name")
    if shape.get("deleted"):
        return _nobody(selector, asked, f"is {name}, whose account is deactivated", _CORRECT)
    if shape.get("is_bot"):
        return _nobody(selector, asked, f"is {name}, a bot, and bots may not decide", _CORRECT)
    guest = shape.get("is_restricted") or shape.get("is_ultra_restricted")
    if guest and not asked.allow_guests:
        mend = "Name a full member, or set allow_guests = true in that policy"
        return _nobody(selector, asked, f"is {name}, a guest, and guests may not decide there", mend)
    return Meant(frozenset({str(shape["id"])}), ok(f"{selector}: {name}"))


async def _group(selector: Selector, asked: Asked, listing: Listing) -> Meant:
    name = selector.partition(":")[2]
    shape = await listing.group(name)
    if shape is None:
        near = await listing.group_like(name)
        mend = (f"Is it {near}? " if near else "") + f"Create it in Slack, {_OR_CORRECT}"
        return _nobody(selector, asked, "is not a user group of this workspace", mend)
    if shape.get("date_delete"):
        return _nobody(selector, asked, "is a user group that was disabled", f"Enable it in Slack, {_OR_CORRECT}")
    people = frozenset(str(user) for user in shape.get("users") or ())
    if not people:
        return _nobody(selector, asked, "is a user group without members", "Add somebody to it in Slack")
    return Meant(people, ok(f"{selector}: {_count(people)}"))


async def _channel(selector: Selector, asked: Asked, listing: Listing) -> Meant:
    name = selector.partition(":")[2]
    shape = await listing.channel(name)
    if shape is None:
        mend = f"Invite the bot there: /invite @signoff in {name}; {_OR_CORRECT}"
        return _nobody(selector, asked, "is not a channel that the bot can see", mend)
    if shape.get("is_archived"):
        return _nobody(selector, asked, "is an archived channel", _CORRECT)
    if not shape.get("is_private") and not asked.allow_public:
        mend = "Use a private channel, or accept it with allow_public = true in that stage"
        return _nobody(selector, asked, "is a public channel, which anybody may join to approve", mend)
    if not shape.get("is_member") and shape.get("is_private"):
        return _nobody(selector, asked, "is a private channel without the bot", "Invite it there: /invite @signoff")
    people = await listing.members(str(shape["id"]))
    if not people:
        return _nobody(selector, asked, "is a channel without people", "Invite the approvers there")
    return Meant(people, ok(f"{selector}: {_count(people)}"))


def _quorum(asked: Asked, meant: Iterable[Meant]) -> Iterator[Finding]:
    """A stage that has people, but too few. Where a selector means nobody, its own finding says so."""
    people = frozenset[str]().union(*(one.people for one in meant))
    complete = all(one.finding.level is Level.OK for one in meant)
    if not asked.quorum or not complete or STARTER in asked.selectors:
        return
    if len(people) < asked.quorum:
        yield fault(
            f"{asked.where} needs {asked.quorum} approvals and only {_count(people)} could give one",
            "Lower its quorum, or name more approvers",
        )
    elif len(people) == asked.quorum and not asked.allow_self:
        everybody = "only 1 person can decide" if asked.quorum == 1 else f"all {asked.quorum} people must agree"
        yield warning(
            f"{', '.join(asked.selectors)}: {everybody}, and nobody approves a run of their own",
            "Name one more approver, or set allow_self_approval = true where that is meant",
        )


def _nobody(selector: Selector, asked: Asked, problem: str, mend: str) -> Meant:
    return Meant(frozenset(), fault(f"{selector} ({asked.where}) {problem}", mend))


def _count(people: frozenset[str]) -> str:
    return "1 person" if len(people) == 1 else f"{len(people)} people"
