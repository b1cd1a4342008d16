"""What people write to us: a mention in a channel, a direct message, a reply in the thread of a run.

Slack delivers an event again where it saw no answer, and a mention twice: as itself and as a message. Everything that
follows from a message bears that message's name, so it follows once.
"""

from __future__ import annotations

from slack_bolt.app.async_app import AsyncApp

from bot.desk import Desk
from bot.listeners.answering import Answering
from bot.listeners.hearing import Heard
from bot.listeners.reading import Ack, Payload
from bot.listeners.words import Audience, Said, Words


def register(app: AsyncApp, desk: Desk, us: str) -> None:
    """Attach mentions and messages; `us` is the bot's user."""
    listener = Listening(desk)

    @app.event("app_mention")
    async def mention(ack: Ack, body: Payload) -> None:
        heard = Heard.of(body, us)
        if heard is not None and heard.mentions_us and not heard.direct:
            await listener.mention(heard)
        await ack()

    @app.event("message")
    async def message(ack: Ack, body: Payload) -> None:
        heard = Heard.of(body, us)
        if heard is not None and heard.direct:
            await listener.direct(heard)
        elif heard is not None and heard.thread_ts and not heard.mentions_us:
            await listener.reply(heard)
        await ack()


class Listening:
    """Understands what was heard."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._words = Words(desk)
        self._answering = Answering(desk)

    async def mention(self, heard: Heard) -> None:
        """Somebody called us: their words, or the answer to a question of the thread. Being spoken about in passing is
        no call."""
        if self._words.knows(heard.text):
            await self._answer(heard)
            return
        proposed = bool(heard.thread_ts) and await self._answering.propose(heard)
        if heard.addressed and not proposed:
            await self._answer(heard)

    async def direct(self, heard: Heard) -> None:
        """Somebody writes to us alone: words of ours, or an answer to what a run there asks them."""
        if heard.text and self._words.knows(heard.text):
            await self._answer(heard)
            return
        proposed = await self._answering.propose(heard)
        if not heard.thread_ts and not proposed:
            await self._answer(heard)

    async def reply(self, heard: Heard) -> None:
        """Somebody writes in a thread: perhaps the answer to a question in it. Everything else is not for us."""
        await self._answering.propose(heard)

    async def _answer(self, heard: Heard) -> None:
        if not await self._desk.offers.talks_with(heard.actor):
            return
        said = Said(heard.text, heard.actor, heard.evidence, heard.origin, dedupe=f"message:{heard.key}")
        reply = await self._words.answer(said)
        if reply.audience is not Audience.NOBODY:
            await self._answering.reply(heard, reply.message, private=reply.audience is Audience.PERSON)
