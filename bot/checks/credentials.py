"""What can be seen of a secret without using it: whether it has the shape that Slack gives such a thing."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot.checks.finding import Finding, warning
from bot.settings import Settings

_SIGNING_SECRET = re.compile(r"[0-9a-f]{32}", re.ASCII)


def check_shapes(settings: Settings) -> Iterator[Finding]:
    """A warning, because Slack promises no shape. Tokens have prefixes, and are looked at with the settings."""
    secret = settings.slack_signing_secret
    if secret is not None and not _SIGNING_SECRET.fullmatch(secret.get_secret_value()):
        yield warning(
            "SLACK_SIGNING_SECRET does not look like one: 32 characters, each of 0-9 or a-f",
            "Copy the Signing Secret from the app's page Basic Information, not the Verification Token beside it; "
            "with a wrong one every delivery is refused",
        )
