"""Policy files as people write them, made up: strategies for their TOML and for calls of an agent named `agent`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

CALLBACK = "rules_of_ours:decide"
TOOLS = ("buy", "sell", "look")

CONDITIONS = (
    "args.n > 1",
    "args.n == 1 || args.m == 2",
    "has(args.m)",
    'args.p.startsWith("a")',
    'within(args.p, "/d")',
    'run.requested_by == "user:USAM"',
    'run.requested_by == "user:UANA" || args.n >= 2',
    'run.input.text == "go"',
    'tool == "buy" && agent == "agent"',
)
"""Some cannot be evaluated where an argument is missing or of another kind."""

HOURS = (
    {"from": "09:00", "to": "17:00", "zone": "UTC"},
    {"from": "09:00", "to": "17:00", "zone": "UTC", "timeout_waits": True},
    {"from": "10:30", "to": "11:15", "zone": "Europe/Berlin", "days": ["mon", "wed"], "timeout_waits": True},
    {"from": "22:00", "to": "06:00", "zone": "America/New_York", "days": ["mon", "sun"]},
)
RUNGS: tuple[list[dict[str, Any]], ...] = (
    [{"after": "15m", "remind": True, "repeat": 1}, {"after": "40m", "escalate_to": ["user:UEVE"], "channel": "#late"}],
    [{"after": "20m", "remind": True}],
    [{"after": "20m", "escalate_to": ["user:UEVE"]}],
)
"""All are over before the shortest time-out."""


def text(document: Mapping[str, Any]) -> str:
    """The document as TOML, a line for each key of a policy."""
    lines = [f"{key} = {_value(value)}" for key, value in document.items() if key != "policy"]
    for policy in document.get("policy", []):
        lines += ["", "[[policy]]", *(f"{key} = {_value(value)}" for key, value in policy.items())]
    return "\n".join(lines)


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_value(inner)}" for key, inner in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value)


def _table(needed: Mapping[str, Any], optional: Mapping[str, Any] | None = None) -> st.SearchStrategy[dict[str, Any]]:
    made = {key: value if isinstance(value, st.SearchStrategy) else st.just(value) for key, value in needed.items()}
    return st.fixed_dictionaries(made, optional=dict(optional or {}))


def _stage(name: str) -> st.SearchStrategy[dict[str, Any]]:
    people = st.sampled_from(
        [["user:UANA", "user:UBOB"], ["user:UBOB", "user:UCLEO", "user:USAM"], ["user:UANA", "user:UBOB", "user:UCLEO"]]
    )
    return _table(
        {"name": name, "approvers": people},
        {
            "quorum": st.integers(1, 2),
            "reject_quorum": st.integers(1, 2),
            "channel": st.just("#deals"),
            "rung": st.sampled_from(RUNGS),
            "hours": st.sampled_from(HOURS),
        },
    )


_WHERE = {
    "agent": st.sampled_from(["agent", "ag*", "*", "*t", "other"]),
    "tool": st.sampled_from([["buy", "look", "sell"], "[bl]*", "*", "buy"]),
    "when": st.sampled_from(CONDITIONS),
}
_SETS = st.fixed_dictionaries({}, optional={"n": st.integers(0, 3), "p": st.just("/d/x")}).filter(bool)

ALLOW = _table({"action": "allow"}, {**_WHERE, "set": _SETS, "idempotent": st.just(True), "show": st.booleans()})
DENY = _table({"action": "deny"}, {**_WHERE, "reason": st.just("Not on a Monday.")})
_ASKS: dict[str, Any] = {
    **_WHERE,
    "set": _SETS,
    "note": st.just("{args.n} of {args.p}"),
    "decisions": st.sampled_from([["approve", "edit", "reject"], ["approve", "skip"], ["approve", "reject", "skip"]]),
    "require_reason": st.sampled_from([True, ["reject"]]),
    "timeout": st.sampled_from(["90m", "3h"]),
    "on_timeout": st.sampled_from(["reject", "skip", "fail", "keep"]),
    "hours": st.sampled_from(HOURS),
    "valid_for": st.just("1h"),
    "hold": st.just("30s"),
    "confirm": st.just(True),
    "allow_self_approval": st.booleans(),
    "allow_same_person": st.booleans(),
    "allow_guests": st.booleans(),
    "idempotent": st.just(True),
    "redact": st.just(["/p"]),
    "notify": st.just(["channel:#deals", "user:UEVE"]),
    "grants": st.just({"scopes": ["run"], "max_count": 3, "max_age": "1h"}),
    "stage": st.one_of(
        *(st.tuples(*map(_stage, names)).map(list) for names in (["first", "second"], ["first", "second"], ["only"]))
    ),
}
REQUIRE = _table({"action": "require"}, _ASKS)
BY_CALLBACK = _table({"callback": CALLBACK}, _ASKS)
POLICIES = st.sampled_from([*[REQUIRE] * 6, BY_CALLBACK, ALLOW, DENY]).flatmap(lambda made: made)
SPELLINGS = _table(
    {"name": st.sampled_from(["agent", "other"])},
    {
        "interrupt_on": _table(
            {}, {"buy": st.booleans(), "sell": st.just({"allowed_decisions": ["approve", "reject"]})}
        ),
        "hitl_policies": _table({}, {"look": st.sampled_from([{"allow_auto": True}, {"note": "Look {out}"}])}),
        "tool_configs": st.just({"look": {"hitl": {"timeout_seconds": 600}}}),
        "agent_config": _table({"hitl_enabled": st.booleans()}),
    },
).map(lambda table: {"agent_config": {"hitl_enabled": True}, **table} if "tool_configs" in table else table)

FILES = _table(
    {
        "operators": {"members": ["user:UOPS"]},
        "default": _table(
            {"stage": _table({"approvers": ["user:UANA", "user:UBOB"]}, {"rung": st.sampled_from(RUNGS)})},
            {
                "timeout": st.sampled_from(["2h", "4h"]),
                "on_timeout": st.sampled_from(["reject", "skip", "fail", "keep"]),
                "hours": st.sampled_from(HOURS),
            },
        ),
        "policy": st.lists(POLICIES, min_size=1, max_size=4),
    },
    {"agent": st.lists(SPELLINGS, min_size=1, max_size=2), "caps": st.just({"max_open_per_starter": 5})},
)
"""Whole policy files, each of which can be read."""

CALLS = st.tuples(
    st.sampled_from(TOOLS),
    st.fixed_dictionaries(
        {},
        optional={
            "n": st.integers(0, 3) | st.sampled_from(["1", None, 2.0]),
            "m": st.integers(1, 2),
            "p": st.sampled_from(["/d/x", "/d/../e", "a"]),
        },
    ),
)
"""A tool and its arguments."""
