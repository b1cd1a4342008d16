"""What Slack sends us, one file for each kind. A listener reads the delivery, calls the desk, and acknowledges last."""

from __future__ import annotations

from slack_bolt.app.async_app import AsyncApp

from bot.alert_desk import AlertDesk
from bot.desk import Desk
from bot.directory import Directory
from bot.homes import Homes
from bot.listeners import (
    actions,
    alerts,
    answering,
    approvals,
    commands,
    editing,
    events,
    fallbacks,
    handing_over,
    holding,
    home,
    inquiring,
    starting,
    views,
)


def register_listeners(app: AsyncApp, desk: Desk, homes: Homes, directory: Directory) -> None:
    """Attach every listener; the fallbacks come last, because Bolt takes the first that matches."""
    commands.register(app, desk, directory.channels)
    alert_desk = AlertDesk(desk, directory)
    approvals.register(app, desk, alert_desk)
    alerts.register(app, alert_desk)
    starting.register(app, desk)
    actions.register(app, desk)
    views.register(app, desk)
    editing.register(app, desk)
    inquiring.register(app, desk)
    handing_over.register(app, desk)
    holding.register(app, desk)
    home.register(app, homes)
    answering.register(app, desk)
    events.register(app, desk, directory.identity.user_id)
    fallbacks.register(app)
