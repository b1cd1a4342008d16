"""How often we may call Slack: token buckets by method and, for posts, by channel; and pauses that Slack asked for.

Pure arithmetic on the injected clock. A caller that must wait is promised a moment, the sooner the more urgent it is,
so that a hundred waiting deliveries come back one by one and not all at every moment.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from agent_runtime.clock import Clock


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `per_minute` calls in any minute, up to `burst` of them at once."""

    per_minute: int
    burst: int


LIMITS: Mapping[str, Rate] = {
    "chat.update": Rate(50, 10),
    "chat.postMessage": Rate(200, 20),
    "chat.postEphemeral": Rate(100, 20),
    "conversations.history": Rate(50, 10),
    "conversations.replies": Rate(50, 10),
}
"""Of one workspace. A method that is not listed has no budget of its own."""

PER_CHANNEL: Mapping[str, Rate] = {"chat.postMessage": Rate(60, 5)}
"""Of one channel: Slack shows about one post a second."""

UNLIMITED: Mapping[str, Rate] = {}
_ENOUGH = 1 - 1e-6
_MOST_CHANNELS = 500


class Holds:
    """Pauses that Slack asked for, by method."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until: dict[str, datetime] = {}

    def hold(self, method: str, span: timedelta) -> None:
        """Call this method no more for so long."""
        until = self._clock.now() + span
        self._until[method] = max(until, self._until.get(method, until))

    def left(self, method: str) -> timedelta | None:
        """How long this method still pauses; None where it may be called."""
        until = self._until.get(method)
        now = self._clock.now()
        return until - now if until is not None and until > now else None


class Budgets:
    """The budgets of one workspace."""

    def __init__(
        self, clock: Clock, limits: Mapping[str, Rate] = LIMITS, per_channel: Mapping[str, Rate] = PER_CHANNEL
    ) -> None:
        self._clock = clock
        self._limits = limits
        self._per_channel = per_channel
        self._buckets: dict[tuple[str, str], _Bucket] = {}
        self._holds = Holds(clock)

    def take(self, method: str, *, channel: str = "", urgency: int = 0) -> timedelta | None:
        """Take one call: None when it may be made now, else how long to wait before asking again. A lower `urgency`
        comes first."""
        if (left := self._holds.left(method)) is not None:
            return left
        now = self._clock.now()
        buckets = self._buckets_of(method, channel, now)
        short = [bucket for bucket in buckets if not bucket.has_token(now)]
        if short:
            return max(bucket.promise(now, urgency) for bucket in short)
        for bucket in buckets:
            bucket.spend()
        return None

    def hold(self, method: str, span: timedelta) -> None:
        """Slack asked for a pause of this method."""
        self._holds.hold(method, span)

    def _buckets_of(self, method: str, channel: str, now: datetime) -> list[_Bucket]:
        rates = [(self._limits.get(method), ""), (self._per_channel.get(method) if channel else None, channel)]
        if len(self._buckets) > _MOST_CHANNELS:
            self._buckets = {key: bucket for key, bucket in self._buckets.items() if not bucket.is_full(now)}
        return [
            self._buckets.setdefault((method, name), _Bucket(rate, now)) for rate, name in rates if rate is not None
        ]


class _Bucket:
    """Tokens that come back with time. It refills so slowly that burst and refill together keep the rate in any minute
    that one may look at."""

    def __init__(self, rate: Rate, now: datetime) -> None:
        self._rate = rate
        self._per_second = max(rate.per_minute - rate.burst, 1) / 60
        self._tokens = float(rate.burst)
        self._at = now
        self._promised: list[tuple[int, datetime]] = []

    def has_token(self, now: datetime) -> bool:
        elapsed = max((now - self._at).total_seconds(), 0.0)
        self._at = max(now, self._at)
        self._tokens = min(self._tokens + elapsed * self._per_second, float(self._rate.burst))
        return self._tokens >= _ENOUGH

    def is_full(self, now: datetime) -> bool:
        return self.has_token(now) and self._tokens >= self._rate.burst - 1e-6

    def spend(self) -> None:
        self._tokens -= 1

    def promise(self, now: datetime, urgency: int) -> timedelta:
        """How long until there is a token for this caller, after those promised to others as urgent."""
        self._promised = [(theirs, at) for theirs, at in self._promised if at > now]
        ahead = sum(1 for theirs, _ in self._promised if theirs <= urgency)
        seconds = (1 + ahead - self._tokens) / self._per_second
        span = timedelta(microseconds=math.ceil(seconds * 1_000_000))
        self._promised.append((urgency, now + span))
        return span
