"""What Slack sends us, one file for each kind. A listener reads the delivery, calls the desk, and acknowledges last."""

from __future__ import annotations

from slack_bolt.app.async_app import AsyncApp

from bot.desk import Desk
from bot.homes import Homes
from bot.listeners import actions, answering, commands, events, fallbacks, home, starting, views


def register_listeners(app: AsyncApp, desk: Desk, homes: Homes, us: str) -> None:
    """Attach every listener; `us` is the bot's own user. The fallbacks come last: Bolt takes the first that matches."""
    commands.register(app, desk)
    starting.register(app, desk)
    actions.register(app, desk)
    views.register(app, desk)
    home.register(app, homes)
    answering.register(app, desk)
    events.register(app, desk, us)
    fallbacks.register(app)
