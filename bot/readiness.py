"""Whether this process can do its work now, for whoever sends it traffic: `/healthz` says that it lives, `/readyz` that
it is ready, or why not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta

from aiohttp import web

from bot.readings import Readings
from bot.slack_client import SlackClients, SlackFailure
from storage.database import Database
from storage.migrate import tables_are_current

LIMIT = timedelta(seconds=2)
IDENTITY_LASTS = timedelta(minutes=1)
"""How old Slack's word may be that the token is good: whoever asks often asks Slack no more often than this."""


class Readiness:
    """Looks at what the work needs. `running` and `stopping` are set by whoever runs the workers. `connections` counts
    those to Slack in Socket Mode; None over HTTP."""

    def __init__(
        self, db: Database, clients: SlackClients, readings: Readings, connections: Callable[[], int] | None
    ) -> None:
        self.running = asyncio.Event()
        self.stopping = asyncio.Event()
        self._db = db
        self._clients = clients
        self._readings = readings
        self._connections = connections

    async def healthz(self, _request: web.Request) -> web.Response:
        """It lives."""
        counted = {"connections": self._connections()} if self._connections is not None else {}
        return web.json_response({"ok": True} | counted)

    async def readyz(self, _request: web.Request) -> web.Response:
        """200 where it is ready, else 503 with the reasons."""
        reasons = await self.reasons()
        return web.json_response({"ready": not reasons, "reasons": reasons}, status=503 if reasons else 200)

    async def reasons(self) -> Sequence[str]:
        """Why it is not ready; empty where it is."""
        found = [*await asyncio.gather(self._store(), self._slack())]
        if self._connections is not None and not self._connections():
            found.append("socket: there is no connection to Slack")
        if self.stopping.is_set():
            found.append("stopping: what was begun is being finished")
        elif not self.running.is_set():
            found.append("starting: the workers do not run yet")
        return [reason for reason in found if reason]

    async def _store(self) -> str:
        try:
            async with asyncio.timeout(LIMIT.total_seconds()):
                current = await self._db.read(tables_are_current)
        except TimeoutError:
            return "store: does not answer"
        except Exception as error:  # noqa: BLE001 - whatever the store's driver raises, it cannot be read
            return f"store: cannot be read ({type(error).__name__})"
        return "" if current else "store: its tables are not those of this version"

    async def _slack(self) -> str:
        try:
            async with asyncio.timeout(LIMIT.total_seconds()):
                await self._readings.get("identity", IDENTITY_LASTS, self._clients.identify)
        except TimeoutError:
            return "slack: does not answer"
        except SlackFailure as failure:
            return f"slack: {failure}"
        return ""
