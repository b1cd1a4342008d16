"""Whether the secrets fit: each its own shape, and the two tokens each other."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot.checks.finding import Finding, fault, ok, warning
from bot.settings import Settings
from bot.slack_client import SlackClients, SlackFailure, answer

_APP_TOKEN = re.compile(r"xapp-\d+-(?P<app>A[A-Z0-9]+)-.+", re.ASCII)
_SIGNING_SECRET = re.compile(r"[0-9a-f]{32}", re.ASCII)


def check_shapes(settings: Settings) -> Iterator[Finding]:
    """Warnings, because Slack promises no shape. That tokens are of the right kind is looked at with the settings."""
    token = settings.slack_bot_token
    if token is not None and token.get_secret_value().startswith("xoxe."):
        yield warning(
            "The token in SLACK_BOT_TOKEN is one of those that expire after 12 hours: token rotation is on",
            "It cannot be turned off again. Create another app from the manifest: signoff manifest",
        )
    secret = settings.slack_signing_secret
    if secret is not None and not _SIGNING_SECRET.fullmatch(secret.get_secret_value()):
        yield warning(
            "SLACK_SIGNING_SECRET does not look like one: 32 characters, each of 0-9 or a-f",
            "Copy the Signing Secret from the app's page Basic Information, not the Verification Token beside it; "
            "with a wrong one every delivery is refused",
        )


async def check_same_app(clients: SlackClients, app_token: str) -> tuple[Finding, ...]:
    """Whether the bot token and the app-level token are of one app. With those of two the server starts, posts cards,
    and never hears of a click. Nothing is said where that cannot be found out: why not is told of the bot token."""
    match = _APP_TOKEN.fullmatch(app_token)
    if match is None:
        return ()
    try:
        identity = await clients.identify()
        bot = (await answer(clients.reads.bots_info(bot=identity.bot_id)))["bot"]
    except SlackFailure:
        return ()
    if bot.get("app_id") != match["app"]:
        return (
            fault(
                f"SLACK_APP_TOKEN is of the app {match['app']}, and SLACK_BOT_TOKEN of {bot.get('app_id')}",
                "Take both from the pages of one app; the App ID is at the top of its page Basic Information",
            ),
        )
    return (ok("Both tokens are of one app"),)
