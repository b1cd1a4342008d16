"""The channels that cards and alerts go to: are they there, and may the bot post in them?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from agent_runtime.policy_file import Configuration
from agent_runtime.rules import Stage
from bot.checks.finding import Finding, fault, ok, warning
from bot.checks.listing import Listing, Shape
from bot.checks.refusals import found_failure
from bot.slack_client import SlackFailure


async def check_places(
    configuration: Configuration, listing: Listing, scopes: frozenset[str] | None
) -> tuple[Finding, ...]:
    """One or more findings for each channel that the policy file sends something to."""
    found: list[Finding] = []
    for name, purpose in places(configuration).items():
        try:
            found += await _check(name, purpose, listing, scopes)
        except SlackFailure as failure:
            found.append(found_failure(failure, f"{name} ({purpose}) cannot be looked at"))
    if not configuration.approvals_channel:
        found.append(ok("No approvals channel is set: a card goes to the thread of the run that asks"))
    return tuple(found)


def _of_stage(stage: Stage, where: str) -> Iterator[tuple[str, str]]:
    yield stage.channel, where
    yield from ((rung.channel, f"{where}, rung {number}") for number, rung in enumerate(stage.rungs, start=1))


def places(configuration: Configuration) -> Mapping[str, str]:
    """Every channel that is posted to, and what for."""
    policies = configuration.policies
    named = [(configuration.approvals_channel, "approvals"), (configuration.alerts.channel, "alerts")]
    named += [(one.channel, f"alerts of {one.name}") for one in configuration.alerts.agents]
    named += [(who, "alerts, fallback") for who in configuration.alerts.fallback if not who.startswith("user:")]
    named += _of_stage(policies.default.stage, "[default.stage]")
    for number, policy in enumerate(policies.policies, start=1):
        for stage in policy.stages:
            named += _of_stage(stage, f"{policy.label(number)}, stage {stage.name}")
        told = [who.partition(":")[2] for who in policy.notify if who.startswith("channel:")]
        named += [(channel, f"{policy.label(number)}, notify") for channel in told]
    found: dict[str, str] = {}
    for name, purpose in named:
        if name:
            found.setdefault(name, purpose)
    return found


async def _check(name: str, purpose: str, listing: Listing, scopes: frozenset[str] | None) -> list[Finding]:
    shape = await listing.channel(name)
    if shape is None:
        return [fault(f"{name} ({purpose}) is not a channel that the bot can see", await _mend_unseen(name, listing))]
    return [*_posting(name, purpose, shape, scopes)]


async def _mend_unseen(name: str, listing: Listing) -> str:
    near = await listing.like(name) if name.startswith("#") else ""
    meant = f"Is it {near}? " if near else ""
    return f"{meant}Create it; or, if it is private, invite the bot there: /invite @signoff"


def _posting(name: str, purpose: str, shape: Shape, scopes: frozenset[str] | None) -> Iterator[Finding]:
    if shape.get("is_archived"):
        yield fault(f"{name} ({purpose}) is archived", "Bring it back, or name another channel in the policy file")
        return
    member = bool(shape.get("is_member"))
    anywhere = scopes is None or "chat:write.public" in scopes
    if not member and (shape.get("is_private") or not anywhere):
        yield fault(f"The bot may not post in {name} ({purpose})", "Invite it there: /invite @signoff")
        return
    yield ok(f"{name} ({purpose}): the bot {'is a member' if member else 'may post without being a member'}")
    if shape.get("is_ext_shared"):
        yield warning(
            f"{name} ({purpose}) is shared with another workspace, whose people can read the cards",
            "Name a channel of your own where that is not meant",
        )
