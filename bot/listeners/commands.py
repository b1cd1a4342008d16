"""Slash commands. `/agent` alone opens the form that starts one; what follows it is answered privately."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.cards.ids import Draft
from bot.desk import Desk
from bot.listeners.reading import Payload, actor_of, origin_of
from bot.listeners.starting import Starting, run_origin
from bot.listeners.words import Said, Words

Ack = Callable[..., Awaitable[Any]]


def register(app: AsyncApp, desk: Desk) -> None:
    """Attach `/agent`."""
    starting, words = Starting(desk), Words(desk)

    @app.command("/agent")
    async def agent(ack: Ack, body: Payload, client: AsyncWebClient) -> None:
        said = _said(body)
        if not said.text and await starting.open(body, client, Draft(channel=str(body.get("channel_id") or ""))):
            await ack()
            return
        reply = await words.answer(said)
        await ack(text=reply.message.text, blocks=list(reply.message.blocks))


def _said(body: Payload) -> Said:
    actor = actor_of(body)
    return Said(
        text=str(body.get("text") or "").strip(),
        actor=actor,
        evidence=origin_of(body),
        origin=run_origin(Draft(channel=str(body.get("channel_id") or "")), actor),
        dedupe=str(body.get("trigger_id") or "") or None,
    )
