"""Where the webhooks of the policy file go and what signs them: the file's words joined with the environment's."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from pydantic import SecretStr
from standardwebhooks import Webhook as Signer

from agent_runtime.errors import ENVIRONMENT, ConfigFault, TextError
from agent_runtime.webhook import Webhook
from agent_runtime.webhook_table import BEGINS, parse_url, require_encrypted

SHORTEST, LONGEST = 24, 64
"""Bytes of a secret, as Standard Webhooks has it."""

MOST_SECRETS = 2
_MEND = 'Set it to the receiver\'s secret; a new one: echo "whsec_$(openssl rand -base64 32)"'


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One receiver. Neither its address, whose path may be all that protects it, nor what signs is ever shown."""

    webhook: Webhook
    url: str = field(repr=False)
    signers: tuple[Signer, ...] = field(repr=False)
    """While a secret is replaced by another, both sign."""

    @property
    def host(self) -> str:
        """What may be shown of the address."""
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        parts = urlsplit(self.url)
        return parts.port or (443 if parts.scheme == "https" else 80)


def read_endpoints(
    webhooks: Sequence[Webhook], variable: Callable[[str], SecretStr | None]
) -> tuple[tuple[Endpoint, ...], tuple[ConfigFault, ...]]:
    """Every receiver, and everything that is wrong with what the environment says of them. `variable` reads it."""
    endpoints: list[Endpoint] = []
    faults: list[ConfigFault] = []
    for webhook in webhooks:
        url = webhook.url
        signers: tuple[Signer, ...] = ()
        if webhook.url_env:
            try:
                url = _url(webhook, variable(webhook.url_env))
            except TextError as error:
                faults.append(ConfigFault(ENVIRONMENT, webhook.url_env, error.problem, error.mend))
        try:
            signers = _signers(webhook, variable(webhook.secret_env))
        except TextError as error:
            faults.append(ConfigFault(ENVIRONMENT, webhook.secret_env, error.problem, error.mend))
        endpoints.append(Endpoint(webhook, url, signers))
    return (() if faults else tuple(endpoints)), tuple(faults)


def _url(webhook: Webhook, said: SecretStr | None) -> str:
    """Raises `TextError`."""
    if said is None:
        raise TextError(f"is not set, and the webhook {webhook.name} goes there", "Set it to the receiver's address")
    url = parse_url(said.get_secret_value())
    require_encrypted(url, allow_private=webhook.allow_private)
    return url


def _signers(webhook: Webhook, said: SecretStr | None) -> tuple[Signer, ...]:
    """What signs for each secret in a variable, which are apart by spaces. Raises `TextError`, which repeats none."""
    if said is None:
        raise TextError(f"is not set, and the webhook {webhook.name} is signed with it", _MEND)
    secrets = said.get_secret_value().split()
    if len(secrets) > MOST_SECRETS:
        raise TextError(f"holds more than {MOST_SECRETS} secrets", "Keep the new one and, for a while, the old one")
    return tuple(_signer(secret) for secret in secrets)


def _signer(secret: str) -> Signer:
    if not secret.startswith(BEGINS):
        raise TextError(f"holds no secret that begins with {BEGINS}", _MEND)
    encoded = secret.removeprefix(BEGINS).rstrip("=")
    try:
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except binascii.Error:
        raise TextError(f"is not base64 after {BEGINS}", _MEND) from None
    if not SHORTEST <= len(key) <= LONGEST:
        raise TextError(f"holds a secret of {len(key)} bytes, not of {SHORTEST} to {LONGEST}", _MEND)
    return Signer(key)
