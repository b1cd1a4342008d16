"""What nobody else listens to: buttons of older versions, forms that only inform, events nobody asked for."""

from __future__ import annotations

import re

import structlog
from slack_bolt.app.async_app import AsyncApp

from bot.listeners.reading import Ack, Payload, first_action

log = structlog.get_logger("signoff")

ANY = re.compile(".*", re.DOTALL)


def register(app: AsyncApp) -> None:
    """Acknowledge the rest, so that nobody sees a warning sign for a button that has no work to do."""

    @app.action(ANY)
    async def button(ack: Ack, body: Payload) -> None:
        log.info("button without a listener", action=first_action(body).get("action_id"))
        await ack()

    @app.view(ANY)
    async def form(ack: Ack) -> None:
        await ack()

    @app.view_closed(ANY)
    async def closed(ack: Ack) -> None:
        await ack()

    @app.shortcut(ANY)
    async def shortcut(ack: Ack) -> None:
        await ack()

    @app.event(ANY)
    async def event(ack: Ack) -> None:
        await ack()
