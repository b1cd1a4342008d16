"""Keeps people's App Home up to date: published when they open it, and again when something changes for those who did.

Best effort: who opened it is known to this process only, and no more than `MOST_KEPT` of them are. Home opens with what
it showed before, and is published anew each time somebody looks.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from agent_runtime.clock import Clock
from bot.budgets import Holds
from bot.cards.home import home
from bot.home_reading import HomeReader
from bot.offers import Asked
from bot.slack_client import RateLimited, SlackClients, SlackFailure, SlackRefused, answer
from storage.database import Database
from storage.types import Actor

log = structlog.get_logger("signoff")

MOST_KEPT = 20
KEPT_FOR = timedelta(hours=1)
"""Whose Home is redrawn when something changes: the last who looked, for so long. Each redrawing asks the directory who
they are, and whoever presses a button meanwhile needs it more."""

PAUSE_SECONDS = 3.0
"""Between two redrawings for changes; whoever opens their Home does not wait for it."""

_METHOD = "views.publish"


@dataclass(slots=True)
class _Shown:
    """What one person's Home shows, as far as this process knows: when they looked, the view's hash at Slack, and what
    was published."""

    actor: Actor
    at: datetime
    hash: str = ""
    view: object = None
    wanted: bool = True


class Homes:
    """Everybody's Home."""

    def __init__(self, db: Database, reader: HomeReader, clients: SlackClients, clock: Clock) -> None:
        self._reader = reader
        self._slack = clients.reads
        self._clock = clock
        self._holds = Holds(clock)
        self._shown: OrderedDict[str, _Shown] = OrderedDict()
        self._opened = asyncio.Event()
        self._changed = db.listen("outbox")

    def opened(self, actor: Actor, view_hash: str) -> None:
        """Somebody looks at their Home; `view_hash` is that of what they see, empty where it was never published."""
        self._shown[actor.key] = _Shown(actor, self._clock.now(), view_hash)
        self._shown.move_to_end(actor.key)
        while len(self._shown) > MOST_KEPT:
            self._shown.popitem(last=False)
        self._opened.set()

    async def refresh(self) -> None:
        """Publish what is to be published now."""
        if self._changed.is_set():
            self._changed.clear()
            since = self._clock.now() - KEPT_FOR
            self._shown = OrderedDict((key, shown) for key, shown in self._shown.items() if shown.at > since)
            for shown in self._shown.values():
                shown.wanted = True
        self._opened.clear()
        wanted = [shown for shown in reversed(self._shown.values()) if shown.wanted]
        if not wanted or self._holds.left(_METHOD) is not None:
            return
        open_ = await self._reader.open_requests()
        for shown in wanted:
            shown.wanted = False
            await self._publish(shown, open_)

    async def run_forever(self, stopping: asyncio.Event) -> None:
        """Refresh whenever somebody looks, at most every `PAUSE_SECONDS` when something changes, and when a pause that
        Slack wanted is over."""
        while not stopping.is_set():
            await _first_of(self._put_off(), self._opened, self._changed, stopping)
            try:
                await self.refresh()
            except Exception:
                # A Home that is not redrawn harms nobody; a loop that ended here would redraw none.
                log.exception("could not redraw App Home")
            await _first_of(PAUSE_SECONDS, self._opened, stopping)

    def _put_off(self) -> float | None:
        """Seconds until what is still to be published may be; None where nothing is."""
        if not any(shown.wanted for shown in self._shown.values()):
            return None
        return (self._holds.left(_METHOD) or timedelta(0)).total_seconds()

    async def _publish(self, shown: _Shown, open_: Sequence[Asked]) -> None:
        view = home(await self._reader.read(shown.actor, open_), self._clock.now())
        if view == shown.view:
            return
        try:
            await self._send(shown, view)
        except RateLimited as limited:
            self._holds.hold(_METHOD, limited.retry_after)
            shown.wanted = True
        except SlackFailure as failure:
            log.warning("could not show App Home", user=shown.actor.id, problem=str(failure))

    async def _send(self, shown: _Shown, view: dict[str, object]) -> None:
        """Publish over what we know to be there. Somebody else's newer view has a hash of its own: ours, drawn from the
        rows just now, takes its place."""
        try:
            said = await answer(self._slack.views_publish(user_id=shown.actor.id, view=view, hash=shown.hash or None))
        except SlackRefused as refused:
            if refused.code != "hash_conflict":
                raise
            said = await answer(self._slack.views_publish(user_id=shown.actor.id, view=view))
        shown.hash, shown.view = str((said.get("view") or {}).get("hash") or ""), view


async def _first_of(seconds: float | None, *events: asyncio.Event) -> None:
    waits = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
