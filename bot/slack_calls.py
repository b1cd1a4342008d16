"""Calls to Slack within their budgets, and those that have none: a pause that Slack asks for holds for all."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

from slack_sdk.web.async_slack_response import AsyncSlackResponse

from agent_runtime.clock import Clock
from agent_runtime.errors import SignoffError
from bot.budgets import Budgets, Holds
from bot.slack_client import RateLimited, answer


class NotYet(SignoffError):
    """Nothing is wrong; it is to be tried at `until`."""

    def __init__(self, until: datetime) -> None:
        super().__init__(f"waits until {until.isoformat()}")
        self.until = until


class SlackCalls:
    """Makes calls. A pause that Slack asks for holds the method for everybody."""

    def __init__(self, budgets: Budgets, clock: Clock) -> None:
        self._budgets = budgets
        self._clock = clock

    def take(self, method: str, urgency: int, channel: str = "") -> None:
        """Take one call of a method from its budget. Raises `NotYet` where there is none left."""
        wait = self._budgets.take(method, channel=channel, urgency=urgency)
        if wait is not None:
            raise NotYet(self._clock.now() + wait)

    async def send(self, method: str, call: Callable[[], Awaitable[AsyncSlackResponse]]) -> Mapping[str, Any]:
        """Make a call that was taken from its budget. Raises `SlackFailure`."""
        try:
            return await answer(call())
        except RateLimited as limited:
            self._budgets.hold(method, limited.retry_after)
            raise

    async def make(
        self, method: str, call: Callable[[], Awaitable[AsyncSlackResponse]], urgency: int, channel: str = ""
    ) -> Mapping[str, Any]:
        """`take`, then `send`."""
        self.take(method, urgency, channel)
        return await self.send(method, call)


class UnbudgetedCalls:
    """Makes calls of people who wait for the answer. While Slack wants a pause of a method it is not called again."""

    def __init__(self, clock: Clock) -> None:
        self._holds = Holds(clock)

    async def make(self, method: str, call: Callable[[], Awaitable[AsyncSlackResponse]]) -> Mapping[str, Any]:
        """Make a call. Raises `SlackFailure`; `RateLimited` for as long as the pause lasts."""
        if (left := self._holds.left(method)) is not None:
            raise RateLimited(left)
        try:
            return await answer(call())
        except RateLimited as limited:
            self._holds.hold(method, limited.retry_after)
            raise
