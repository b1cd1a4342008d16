"""App Home: somebody opened it."""

from __future__ import annotations

from slack_bolt.app.async_app import AsyncApp

from bot.homes import Homes
from bot.listeners.reading import Ack, Payload, author_of


def register(app: AsyncApp, homes: Homes) -> None:
    """Attach the opening of Home; its messages tab needs nothing."""

    @app.event("app_home_opened")
    async def opened(ack: Ack, body: Payload) -> None:
        event: Payload = body.get("event") or {}
        if event.get("tab", "home") == "home":
            shown = event.get("view") or {}
            homes.opened(author_of(body), str(shown.get("hash") or ""))
        await ack()
