"""Webhooks: is each one's secret there, and does its address mean one that events may be sent to? Nothing is sent."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from agent_runtime.errors import ConfigError
from agent_runtime.webhook import Webhook
from bot.checks.finding import Finding, fault, faults_of, ok, trouble
from bot.settings import read_variable
from bot.webhooks.addresses import AddressRefused, GuardedNames, LookUp, SystemNames
from bot.webhooks.endpoints import Endpoint, read_endpoints

PATIENCE = 5.0
"""Seconds for looking all names up."""


async def check_webhooks(
    webhooks: Sequence[Webhook], look_up: LookUp | None = None
) -> tuple[tuple[Endpoint, ...], tuple[Finding, ...]]:
    """The receivers, none where something about them must be mended, and what was found."""
    endpoints, faults = read_endpoints(webhooks, read_variable)
    if faults:
        return (), faults_of(ConfigError(faults))
    names = SystemNames()
    try:
        found = await asyncio.gather(*(_reach(endpoint, look_up or names) for endpoint in endpoints))
    finally:
        names.close()
    return endpoints, tuple(found)


async def _reach(endpoint: Endpoint, look_up: LookUp) -> Finding:
    """Whether there is an address behind a name that events may be sent to."""
    name, host, private = endpoint.webhook.name, endpoint.host, endpoint.webhook.allow_private
    again = "Try again in a minute; is the name spelt right?"
    try:
        async with asyncio.timeout(PATIENCE):
            await GuardedNames(look_up, allow_private=private).resolve(host, endpoint.port)
    except AddressRefused as refused:
        mend = "Name another address" if private else "Where that is meant, add allow_private = true to its [[webhook]]"
        return fault(f"Nothing would be sent to the webhook {name}: {refused}", mend)
    except TimeoutError:
        return trouble(f"The webhook {name}: {host} could not be looked up in {PATIENCE:g} s", again)
    except (OSError, UnicodeError) as error:
        said = error.strerror if isinstance(error, OSError) else None
        return trouble(f"The webhook {name}: {host} could not be looked up: {said or error}", again)
    return ok(f"{name}: events go to {host}, signed")
