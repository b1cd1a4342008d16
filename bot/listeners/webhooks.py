"""`/approvals webhooks`: how events get to their receivers, and sending them again. For operators."""

from __future__ import annotations

import re

from agent_runtime.audit import Origin
from agent_runtime.refusals import RefusalReason
from bot.cards import webhooks as replies
from bot.cards.blocks import Message
from bot.webhooks.desk import WebhookDesk
from storage.types import Actor

_REPLAY = re.compile(r"replay\b\s*(?P<name>\S*)(?:\s+since\s+(?P<since>[0-9]{1,12}))?", re.IGNORECASE)


class WebhookWords:
    """Understands what follows `webhooks`."""

    def __init__(self, desk: WebhookDesk) -> None:
        self._desk = desk

    async def answer(self, text: str, actor: Actor, origin: Origin) -> Message:
        """List them, or send one what it did not get."""
        if not text:
            tallies = await self._desk.tallies(actor)
            if isinstance(tallies, RefusalReason):
                return replies.refused(tallies)
            return replies.standing(self._desk.names, tallies)
        wanted = _REPLAY.fullmatch(text)
        if wanted is None:
            return replies.not_understood(text)
        return await self._replay(wanted["name"], int(wanted["since"]) if wanted["since"] else None, actor, origin)

    async def _replay(self, name: str, since: int | None, actor: Actor, origin: Origin) -> Message:
        if name not in self._desk.names:
            known = await self._desk.tallies(actor)  # names are for operators, too
            return (
                replies.refused(known) if isinstance(known, RefusalReason) else replies.unknown(name, self._desk.names)
            )
        count = await self._desk.replay(name, since, actor, origin)
        return replies.refused(count) if isinstance(count, RefusalReason) else replies.replayed(name, count)
