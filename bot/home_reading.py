"""What one person's App Home is about: everything it shows, read anew."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

from agent_runtime.alert_reading import AlertView
from agent_runtime.alerts import message_key
from agent_runtime.outbound import card_key
from agent_runtime.pace import Pace, read_pace
from agent_runtime.reading import read_recent_runs
from agent_runtime.refusals import RefusalReason
from agent_runtime.views import RunView
from bot.alert_desk import AlertDesk
from bot.cards.home import MOST_ALERTS, MOST_DECIDED, MOST_STARTED, MOST_WAITING, HomeView
from bot.desk import Desk
from bot.directory import Directory
from bot.labels import labelled
from bot.offers import Asked
from bot.placing import run_key
from storage import messages
from storage.tx import Tx
from storage.types import Actor

LINK_SECONDS = 2.0

PACE_AGE = timedelta(minutes=1)
"""How old the pace of the week may be: it is the same for everybody, and looks at every request of a week."""


class HomeReader:
    """Reads what Homes show."""

    def __init__(self, desk: Desk, directory: Directory) -> None:
        self._desk = desk
        self._directory = directory
        self._alerts = AlertDesk(desk, directory)
        self._pace: tuple[datetime, Pace] | None = None

    async def open_requests(self) -> tuple[Asked, ...]:
        """What is open, for everybody: read once for all the Homes that are redrawn together."""
        return await self._desk.offers.open_requests()

    async def read(self, actor: Actor, open_: Sequence[Asked]) -> HomeView:
        """Everything this person's Home shows."""
        offers, db = self._desk.offers, self._desk.runtime.db
        found = await offers.decidable(actor, open_, MOST_WAITING + 1)
        waiting = found or ()
        recent = await db.read(read_recent_runs, MOST_STARTED, actor.key)
        started = [labelled(run, self._desk.runtime.agents) for run in recent]
        agents = await offers.startable(actor)
        alerts = await self._open_alerts(actor)
        cards = [card_key(view) for view in waiting[:MOST_WAITING]]
        told = [message_key(alert.id) for alert in alerts or ()][:MOST_ALERTS]
        links = await self._links([*cards, *(run_key(run.id) for run in started), *told])
        of_runs, of_alerts = links[len(cards) : len(cards) + len(started)], links[len(cards) + len(started) :]
        return HomeView(
            unsure=found is None,
            waiting=tuple(zip(waiting[:MOST_WAITING], links, strict=False)),
            started=tuple(zip(started, of_runs, strict=True)),
            more_waiting=len(waiting) > MOST_WAITING,
            may_start=not isinstance(agents, RefusalReason) and bool(agents),
            member=await offers.is_member(actor),
            decided=await self._desk.history.recent(actor, MOST_DECIDED),
            away=await self._desk.absence_of(actor),
            behind=tuple(await self._desk.stands_in_for(actor)),
            pauses=await self._desk.switch.lasting(),
            pace=await self._read_pace(),
            alerts=None if alerts is None else tuple(zip(alerts, of_alerts + [""] * len(alerts), strict=False)),
            asked=dict(zip((run.id for run in started), await asyncio.gather(*map(self._asked, started)), strict=True)),
        )

    async def _open_alerts(self, actor: Actor) -> list[AlertView] | None:
        """Those that an operator should look at; None for everybody else."""
        found = await self._alerts.open_alerts(actor)
        return None if isinstance(found, RefusalReason) else [one for one in found if one.muted_until is None]

    async def _asked(self, run: RunView) -> tuple[str, ...]:
        """Whom the oldest open request of a run asks, as `mention` writes them."""
        if not run.waiting_on:
            return ()
        oldest = run.waiting_on[0]
        return await self._directory.mentions(oldest.asked_stage.approvers, run.starter)

    async def _read_pace(self) -> Pace:
        now = self._desk.runtime.clock.now()
        if self._pace is None or abs(now - self._pace[0]) > PACE_AGE:
            self._pace = now, await self._desk.runtime.db.read(read_pace, now)
        return self._pace[1]

    async def _links(self, keys: list[str]) -> list[str]:
        """The addresses of these deliveries' messages; empty ones where there is none, or none in time."""
        places = await self._desk.runtime.db.read(_places, keys)
        asked = [asyncio.ensure_future(self._directory.channels.permalink(*place)) for place in places if place]
        if asked:
            _, late = await asyncio.wait(asked, timeout=LINK_SECONDS)
            for one in late:
                one.cancel()
        found = iter(asked)
        tasks = [next(found) if place else None for place in places]
        return [task.result() if task and task.done() and not task.cancelled() else "" for task in tasks]


def _places(tx: Tx, keys: list[str]) -> list[tuple[str, str] | None]:
    rows = (messages.get(tx, key) for key in keys)
    return [(row.channel, row.ts) if row is not None and row.ts is not None else None for row in rows]
