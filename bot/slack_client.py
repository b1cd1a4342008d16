"""The connection to Slack: its HTTP session, its two clients, and what a failed call means.

Two clients, because a library that sends a post again after a lost connection posts it twice: `web` never repeats a
call, `reads` repeats those that change nothing or always the same.
"""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast
from urllib.parse import urlsplit
from urllib.request import proxy_bypass

from aiohttp import ClientConnectorError, ClientError, ClientSession, ClientTimeout, ConnectionTimeoutError
from slack_sdk.errors import SlackApiError, SlackRequestError
from slack_sdk.http_retry.async_handler import AsyncRetryHandler
from slack_sdk.http_retry.builtin_async_handlers import AsyncConnectionErrorRetryHandler
from slack_sdk.http_retry.builtin_interval_calculators import FixedValueRetryIntervalCalculator
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from agent_runtime.errors import SignoffError
from bot.settings import is_loopback

CALL_TIME = timedelta(seconds=10)
"""How long one call may take, all in."""

RETRY_AFTER = timedelta(seconds=30)
"""What a 429 that does not say how long means."""

REPEAT_AFTER = 0.05
"""Seconds before a read is repeated: somebody who clicked may be waiting for it."""

_AMBIGUOUS = frozenset({"fatal_error", "internal_error", "request_timeout", "service_unavailable"})
_RATE_LIMITED = frozenset({"ratelimited", "rate_limited"})


class SlackFailure(SignoffError):
    """A call to Slack did not succeed."""


class SlackRefused(SlackFailure):
    """Slack said no: nothing happened. `code` is its error, such as `channel_not_found`."""

    def __init__(self, code: str, needed: str = "") -> None:
        super().__init__(f"Slack refused: {code}" + (f" (needs {needed})" if needed else ""))
        self.code = code
        self.needed = needed


class RateLimited(SlackFailure):
    """Slack wants a pause: nothing happened."""

    def __init__(self, retry_after: timedelta) -> None:
        super().__init__(f"Slack asks to wait {retry_after.total_seconds():.0f} s")
        self.retry_after = retry_after


class Unsent(SlackFailure):
    """No connection was made: nothing happened."""


class Ambiguous(SlackFailure):
    """No answer, or one that does not say: it may have happened or not."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose token this is: the app's team, bot user and bot id. `response` is the whole answer of auth.test."""

    team_id: str
    user_id: str
    bot_id: str
    response: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SlackClients:
    """The clients of one token. `web` sends each call once: for posts, and for everything Bolt does. `reads` repeats a
    call whose connection was lost: for reads and updates."""

    token: str
    web: AsyncWebClient
    reads: AsyncWebClient
    session: ClientSession

    async def identify(self) -> Identity:
        """Ask Slack whose token this is. Raises `SlackFailure`."""
        said = await answer(self.reads.auth_test())
        return Identity(str(said["team_id"]), str(said["user_id"]), str(said.get("bot_id") or ""), said)


@asynccontextmanager
async def open_clients(api_url: str, token: str) -> AsyncIterator[SlackClients]:
    """Clients for a token, on one session that is closed at the end. `api_url` ends with `/api/`."""
    # Given a session, the library ignores its own time-out; without one it opens a connection for every call.
    async with ClientSession(timeout=ClientTimeout(total=CALL_TIME.total_seconds())) as session:
        host = urlsplit(api_url).hostname or ""
        used = cast("ClientSession", _Direct(session)) if goes_direct(host) else session
        # A logger without a level makes the library format every request as if to log it.
        logger = logging.getLogger("signoff.slack")
        logger.setLevel(logging.WARNING)
        common: dict[str, Any] = {"token": token, "base_url": api_url, "session": used, "logger": logger}
        repeat: list[AsyncRetryHandler] = [
            AsyncConnectionErrorRetryHandler(1, FixedValueRetryIntervalCalculator(REPEAT_AFTER))
        ]
        yield SlackClients(
            token,
            AsyncWebClient(**common, retry_handlers=[]),
            AsyncWebClient(**common, retry_handlers=repeat),
            session,
        )


def goes_direct(host: str) -> bool:
    """Whether a host is reached without the proxy that the environment names."""
    return is_loopback(host) or bool(proxy_bypass(host))


async def answer(call: Awaitable[AsyncSlackResponse]) -> Mapping[str, Any]:
    """What Slack answers to a call. Raises `SlackRefused`, `RateLimited`, `Unsent` or `Ambiguous`, nothing else."""
    try:
        response = await call
    except SlackApiError as error:
        raise _failure(error.response) from error
    except (ClientConnectorError, ConnectionTimeoutError) as error:
        raise Unsent(f"Slack could not be reached: {why_unreached(error)}") from error
    except TimeoutError as error:
        raise Ambiguous("Slack did not answer in time") from error
    except (ClientError, SlackRequestError, OSError, UnicodeError) as error:
        raise Ambiguous(f"Slack did not answer: {type(error).__name__} {error}".strip()) from error
    return cast("Mapping[str, Any]", response.data)


def why_unreached(error: ClientConnectorError | ConnectionTimeoutError) -> str:
    """Host, port and what the system said of them; the library's own sentence names its settings, too."""
    if isinstance(error, ConnectionTimeoutError):
        return "no connection was made in time"
    number, said = error.os_error.errno or 0, error.os_error.strerror or str(error.os_error)
    # What asyncio puts into a refused connection is no sentence; a failed look-up and TLS have numbers of their own.
    reason = os.strerror(number) if said.startswith("Connect call failed") else said
    return f"{error.host}:{error.port}: {reason}"


def _failure(response: Any) -> SlackFailure:
    """What the answer behind an error means; `response` is a client's answer, or the raw one if it was unreadable."""
    if not isinstance(response, AsyncSlackResponse):
        return Ambiguous("Slack's answer could not be read")
    data = response.data if isinstance(response.data, dict) else {}
    code = str(data.get("error") or "")
    if response.status_code == 429 or code in _RATE_LIMITED:
        return RateLimited(_retry_after(response.headers))
    if response.status_code >= 500 or code in _AMBIGUOUS or (response.status_code == 200 and not code):
        return Ambiguous(f"Slack answered {code or response.status_code}")
    return SlackRefused(code or f"http_{response.status_code}", str(data.get("needed") or ""))


def _retry_after(headers: Mapping[str, str]) -> timedelta:
    for name, value in headers.items():
        if name.lower() == "retry-after" and value.isascii() and value.isdigit():
            return timedelta(seconds=max(int(value), 1))
    return RETRY_AFTER


class _Direct:
    """A session that goes through no proxy. The library takes one from the environment for every client, Bolt's copies
    included, and never asks NO_PROXY; a workspace on this machine would be looked for at the proxy."""

    def __init__(self, session: ClientSession) -> None:
        self._session = session

    @property
    def closed(self) -> bool:
        return self._session.closed

    def request(self, method: str, url: str, **given: Any) -> Any:
        given.pop("proxy", None)
        return self._session.request(method, url, **given)
