"""One attempt to send one message to one receiver: signed, within a limit of time, to an address that may be called."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import partial
from importlib.metadata import version

from aiohttp import (
    ClientConnectorCertificateError,
    ClientConnectorError,
    ClientError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    ConnectionTimeoutError,
    DummyCookieJar,
    InvalidURL,
    TCPConnector,
)

from agent_runtime.errors import SignoffError
from agent_runtime.event_body import Message
from bot.slack_client import why_unreached
from bot.webhooks.addresses import AddressRefused, GuardedNames, LookUp, guarded_socket
from bot.webhooks.endpoints import Endpoint

PATIENCE = timedelta(seconds=10)
"""How long an attempt may take, all in."""

LONGEST_WISH = timedelta(days=1)
"""A receiver may ask to be left alone this long."""


class Undelivered(SignoffError):
    """An attempt failed; the sentence says how. `final`: it would fail again. `wish` is how long the receiver wants to
    be left alone."""

    def __init__(self, sentence: str, *, final: bool = False, wish: timedelta = timedelta(0)) -> None:
        super().__init__(sentence)
        self.final = final
        self.wish = wish


class Line:
    """The connections to one receiver."""

    def __init__(self, endpoint: Endpoint, session: ClientSession, patience: timedelta) -> None:
        self.endpoint = endpoint
        self._session = session
        self._patience = patience

    async def send(self, message: Message, now: datetime) -> None:
        """One attempt, signed for this moment. Raises `Undelivered`; it may have arrived all the same."""
        try:
            # The answer's body is not read: it tells nothing, and may never end.
            async with self._session.post(
                self.endpoint.url, data=message.body, headers=self._headers(message, now), allow_redirects=False
            ) as response:
                _require_taken(response)
        except (ClientError, OSError, UnicodeError) as error:
            raise self._why(error) from None  # its own words may have the address, and with it what protects it

    def _headers(self, message: Message, now: datetime) -> dict[str, str]:
        signed = (signer.sign(message.id, now, message.body) for signer in self.endpoint.signers)
        return {
            "webhook-id": message.id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": " ".join(signed),
            "content-type": "application/json",
        }

    def _why(self, error: Exception) -> Undelivered:
        host = self.endpoint.host
        if isinstance(error, InvalidURL):
            return Undelivered(f"{host} is not spelt as hosts are", final=True)
        if isinstance(error, ClientConnectorCertificateError):
            return Undelivered(f"the certificate of {host} is not one that this machine trusts")
        if isinstance(error, ClientConnectorError) and isinstance(error.os_error, AddressRefused):
            return Undelivered(f"nothing is sent there: {error.os_error}", final=True)
        if isinstance(error, ClientConnectorError | ConnectionTimeoutError):
            return Undelivered(f"no connection was made: {why_unreached(error)}")
        if isinstance(error, TimeoutError):
            return Undelivered(f"{host} did not answer within {self._patience.total_seconds():g} s")
        return Undelivered(f"{host} did not answer: {type(error).__name__}")


@asynccontextmanager
async def open_line(endpoint: Endpoint, look_up: LookUp, *, patience: timedelta = PATIENCE) -> AsyncIterator[Line]:
    """Connections of their own for a receiver: nothing it does holds another one up. No proxy, no cookies, no
    passwords from a file in somebody's home."""
    private = endpoint.webhook.allow_private
    connector = TCPConnector(
        resolver=GuardedNames(look_up, allow_private=private),
        socket_factory=partial(guarded_socket, allow_private=private),
        use_dns_cache=False,
    )
    async with ClientSession(
        connector=connector,
        timeout=ClientTimeout(total=patience.total_seconds()),
        cookie_jar=DummyCookieJar(),
        headers={"user-agent": f"Signoff/{version('signoff')}"},
        auto_decompress=False,
        trust_env=False,
    ) as session:
        yield Line(endpoint, session, patience)


def _require_taken(response: ClientResponse) -> None:
    """Raises `Undelivered` for any answer but a 2xx."""
    status = response.status
    if 200 <= status < 300:
        return
    if status == 410:
        raise Undelivered("the receiver answered 410: it wants no more events", final=True)
    moved = ", which is not followed: name the new address in the policy file" if 300 <= status < 400 else ""
    raise Undelivered(f"the receiver answered {status}{moved}", wish=_wish(response))


def _wish(response: ClientResponse) -> timedelta:
    """How long the receiver wants to be left alone, in seconds; dates are not read."""
    said = response.headers.get("Retry-After", "")
    if not (said.isascii() and said.isdigit() and len(said) < 10):
        return timedelta(0)
    return min(timedelta(seconds=int(said)), LONGEST_WISH)
