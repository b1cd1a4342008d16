"""Wishes: what an approver asks for beside their yes, "and the next ones like this, too". Pure; the policy permits them
or not, and they lie in the sealed decision until the request is approved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from agent_runtime.rules import Rules
from storage.types import DecisionKind, GrantScope, Json, JsonValue, RequestKind

_KEY = "grant"


@dataclass(frozen=True, slots=True)
class Wish:
    """For whom a yes shall also count, for how many further calls, and for how long."""

    scope: GrantScope
    uses: int
    lasts: timedelta

    @property
    def value(self) -> Json:
        """As the decision that carries it keeps it."""
        seconds = int(self.lasts.total_seconds())
        return {_KEY: {"scope": self.scope.value, "uses": self.uses, "seconds": seconds}}

    @classmethod
    def read(cls, value: JsonValue) -> Wish | None:
        """The wish in a decision's value, or None."""
        inner = value.get(_KEY) if isinstance(value, Mapping) else None
        if not isinstance(inner, Mapping):
            return None
        scope, uses, seconds = inner.get("scope"), inner.get("uses"), inner.get("seconds")
        if scope not in set(GrantScope) or type(uses) is not int or type(seconds) is not int:
            return None
        return cls(GrantScope(str(scope)), uses, timedelta(seconds=seconds))


def wish_fault(wish: Wish, rules: Rules, kind: RequestKind, decision: DecisionKind) -> str:
    """Why the policy does not permit this wish, as a sentence; empty where it does."""
    rule = rules.grant
    if kind is not RequestKind.TOOL or decision is not DecisionKind.APPROVED:
        return "Only an approval of a call can count for further calls."
    if rule is None:
        return "The policy wants to be asked about every call like this one."
    if wish.scope not in rule.scopes:
        return f"The policy permits this for: {', '.join(scope.value for scope in rule.scopes)}."
    if not 1 <= wish.uses <= rule.max_count:
        return f"The policy permits this for 1 to {rule.max_count} further calls."
    if not timedelta(0) < wish.lasts <= rule.max_age:
        return f"The policy permits this for at most {_words(rule.max_age)}."
    return ""


def _words(span: timedelta) -> str:
    minutes = int(span.total_seconds() // 60)
    if minutes % 60:
        return f"{minutes} minutes"
    return f"{minutes // 60} hours" if minutes != 60 else "1 hour"
