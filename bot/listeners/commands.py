"""Slash commands. `/agent` alone opens the form that starts one; what follows it is answered privately."""

from __future__ import annotations

import asyncio

from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.cards import replies
from bot.cards.ids import Draft
from bot.channels import Channels
from bot.desk import Desk
from bot.listeners.reading import Ack, Payload, actor_of, origin_of
from bot.listeners.starting import Starting, run_origin
from bot.listeners.words import Audience, Said, Words

REACH_SECONDS = 0.8
"""How long we look for where a run's messages will be; starting it may have taken a second before."""


def register(app: AsyncApp, desk: Desk, channels: Channels) -> None:
    """Attach `/agent`."""
    starting, words = Starting(desk), Words(desk)

    @app.command("/agent")
    async def agent(ack: Ack, body: Payload, client: AsyncWebClient) -> None:
        said = _said(body)
        if not said.text and await starting.open(body, client, Draft(channel=str(body.get("channel_id") or ""))):
            await ack()
            return
        reply = await words.answer(said)
        message = reply.message
        if reply.audience is Audience.NOBODY:
            reaches = await _reaches(channels, body)
            if reaches:  # the run's own message stands right here, and says more
                await ack()
                return
            message = message if reaches is None else replies.elsewhere(message)
        await ack(text=message.text, blocks=list(message.blocks))


async def _reaches(channels: Channels, body: Payload) -> bool | None:
    """Whether the run's message will stand where the command was typed; None where that is not known in time."""
    try:
        async with asyncio.timeout(REACH_SECONDS):
            return await channels.reaches(str(body.get("channel_id") or ""), str(body.get("user_id") or ""))
    except TimeoutError:
        return None


def _said(body: Payload) -> Said:
    actor = actor_of(body)
    return Said(
        text=str(body.get("text") or "").strip(),
        actor=actor,
        evidence=origin_of(body),
        origin=run_origin(Draft(channel=str(body.get("channel_id") or "")), actor),
        dedupe=str(body.get("trigger_id") or "") or None,
    )
