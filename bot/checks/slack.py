"""The connection to Slack: whose token this is, what it may do, and whether the two clocks agree."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from agent_runtime.clock import Clock
from bot.checks.finding import Finding, fault, ok, warning
from bot.checks.refusals import found_failure
from bot.checks.scopes import check_scopes
from bot.slack_client import SlackClients, SlackFailure, answer

FRESH = timedelta(minutes=5)
"""Slack's deliveries are signed with its time; a verifier refuses what is further away than this."""

REFUSED_AFTER = timedelta(minutes=4)
"""What is left of that is for a slow delivery, and for the clock to drift while the server runs."""

WORTH_TELLING = timedelta(minutes=1)
"""Clocks that NTP keeps agree within a second."""


@dataclass(frozen=True, slots=True)
class Connected:
    """What the first call told. `scopes` is None where Slack did not say; `bot` is empty where the call failed."""

    findings: tuple[Finding, ...]
    bot: str = ""
    scopes: frozenset[str] | None = None

    @property
    def works(self) -> bool:
        """Whether anything more can be asked."""
        return bool(self.bot)


async def check_connection(clients: SlackClients, clock: Clock, *, emails: bool = False) -> Connected:
    """Ask Slack whose token this is."""
    headers: dict[str, str] = {}

    async def ask() -> Any:
        response = await clients.reads.auth_test()
        headers.update({name.lower(): value for name, value in response.headers.items()})
        return response

    try:
        said = await answer(ask())
    except SlackFailure as failure:
        return Connected((found_failure(failure, address=clients.reads.base_url),))
    told = headers.get("x-oauth-scopes")
    scopes = frozenset(name.strip() for name in told.split(",")) if told is not None else None
    named = ok(f"Slack knows the bot as @{said.get('user')} in {said.get('team')} ({said.get('url')})")
    findings = (named, *check_scopes(scopes, emails=emails), *check_clocks(headers.get("date", ""), clock.now()))
    return Connected(findings, str(said["user_id"]), scopes)


def check_clocks(date: str, now: datetime) -> tuple[Finding, ...]:
    """How far this machine's clock is from Slack's, by the Date header of an answer; nothing where there is none."""
    try:
        skew = abs(now - parsedate_to_datetime(date))
    except (ValueError, TypeError):  # no header, or one without its zone
        return ()
    seconds = f"{skew.total_seconds():.0f} s"
    mend = "Set this machine's clock, and keep it right with NTP"
    if skew >= REFUSED_AFTER:
        problem = "deliveries would be refused as too old or too new"
        return (fault(f"This machine's clock is {seconds} away from Slack's: {problem}", mend),)
    if skew >= WORTH_TELLING:
        return (warning(f"This machine's clock is {seconds} away from Slack's; {FRESH.seconds} s make it deaf", mend),)
    return (ok("This machine's clock agrees with Slack's"),)
