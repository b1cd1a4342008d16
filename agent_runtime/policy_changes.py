"""What differs between two policy files, in lines for people: a reload says what it changed. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from agent_runtime.policy import Policy, PolicySet
from agent_runtime.policy_file import Configuration
from agent_runtime.rules import Frozen

_KEYS = {"sets": "set", "tools": "tool", "stages": "stage", "grant": "grants"}
_RESTART = {"agents": "agents", "approvals_channel": "slack.approvals_channel",
            "emails": "slack.emails", "webhooks": "webhook"}  # fmt: skip

_Same = Callable[[Policy, Policy], bool]


def difference(before: PolicySet, after: PolicySet) -> tuple[str, ...]:
    """Which policies were added, removed, changed (with their keys) or moved, by their labels in the file that has
    them, and which other tables changed; empty where nothing did."""
    return (*_policies(before.policies, after.policies), *_tables(before, after))


def needs_restart(before: Configuration, after: Configuration) -> tuple[str, ...]:
    """The keys whose change a running server does not take."""
    keys = [key for name, key in _RESTART.items() if getattr(before, name) != getattr(after, name)]
    new = {policy.callback for policy in after.policies.policies} - {one.callback for one in before.policies.policies}
    return (*keys, "policy.callback") if new - {""} else tuple(keys)


def _policies(before: tuple[Policy, ...], after: tuple[Policy, ...]) -> Iterator[str]:
    old, new = dict(enumerate(before, 1)), dict(enumerate(after, 1))
    kept = list(_pairs(old, new, lambda one, other: one == other))
    changed = list(_pairs(old, new, lambda one, other: one.label(0) == other.label(0)))
    for was, now in changed:
        yield f"changed: {after[now - 1].label(now)}: {', '.join(_changed(before[was - 1], after[now - 1]))}"
    yield from (f"added: {policy.label(number)}" for number, policy in new.items())
    yield from (f"removed: {policy.label(number)}, as it was numbered" for number, policy in old.items())
    order = [now for _, now in sorted([*kept, *changed])]
    if order != sorted(order):
        yield "moved: the policies stand in another order, and the first match wins"


def _pairs(old: dict[int, Policy], new: dict[int, Policy], same: _Same) -> Iterator[tuple[int, int]]:
    """Policies of both files that are the same in a sense, taken out of both."""
    for was, policy in list(old.items()):
        now = next((number for number, other in new.items() if same(policy, other)), None)
        if now is not None:
            del old[was], new[now]
            yield was, now


def _changed(before: Frozen, after: Frozen) -> list[str]:
    names = type(before).model_fields
    return [_KEYS.get(name, name) for name in names if getattr(before, name) != getattr(after, name)]


def _tables(before: PolicySet, after: PolicySet) -> Iterator[str]:
    for key in _changed(before.default, after.default):
        yield f"changed: default.{key}"
    for name, key in (("agents", "agent"), ("operators", "operators"), ("caps", "caps"), ("redact_keys", "redact")):
        if getattr(before, name) != getattr(after, name):
            yield f"changed: {key}"
