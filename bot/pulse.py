"""The heartbeat to the outside: a monitor of the operators' own is told every minute that Signoff works, so that it
notices when nobody is left who could tell. It hears of us only while the store is written and the workers turn."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import structlog
from aiohttp import ClientError, ClientSession, ClientTimeout
from pydantic import SecretStr

from agent_runtime.causes import Cause
from agent_runtime.runtime import Runtime
from agent_runtime.storms import raise_at_once, resolve_at_once
from agent_runtime.troubles import Trouble
from agent_runtime.worker import LEASE, Worker
from bot.slack_client import goes_direct
from storage import boots

log = structlog.get_logger("signoff")

PATIENCE = timedelta(seconds=8)
TOO_OFTEN = 3
"""So many heartbeats in a row that the monitor did not take are an alert; one alone is a hiccup of the network."""

THING = "heartbeat"


class Pulse:
    """Sends heartbeats. `beat` is called every few seconds; `variable` reads what the environment has under a name."""

    def __init__(
        self, runtime: Runtime, workers: Sequence[Worker[Any]], variable: Callable[[str], SecretStr | None]
    ) -> None:
        self._runtime = runtime
        self._workers = workers
        self._variable = variable
        self._sent_at: datetime | None = None
        self._turns: dict[str, int] = {}
        self._missed = 0
        self._quiet = ""
        self._resting = False

    async def beat(self) -> None:
        """Tell the monitor, if one is set and it is time, and all is well."""
        rules, now = self._runtime.alerts, self._runtime.clock.now()
        url = self._address()
        if not url:
            await self._rest()
        if not url or (self._sent_at is not None and now - self._sent_at < rules.heartbeat_every):
            return
        self._sent_at, self._resting = now, False
        quiet = await self._why_quiet(now)
        if quiet != self._quiet:
            self._quiet = quiet
            log.error("no heartbeat is sent", problem=quiet) if quiet else log.info("heartbeats are sent again")
        if not quiet:
            await self._tell(url)

    async def _rest(self) -> None:
        """No monitor is set, or none any more: then none is amiss."""
        if not self._resting:
            self._resting, self._missed = True, 0
            runtime = self._runtime
            await runtime.db.transact(resolve_at_once, runtime.context(), Cause.UNHEARD, THING)

    def _address(self) -> str:
        rules = self._runtime.alerts
        said = self._variable(rules.heartbeat_url_env) if rules.heartbeat_url_env else None
        return said.get_secret_value() if said is not None else rules.heartbeat_url

    async def _why_quiet(self, now: datetime) -> str:
        """What does not work; empty where all does. The process's own heartbeat goes through the store's writer."""
        try:
            async with asyncio.timeout(PATIENCE.total_seconds()):
                boot = await self._runtime.db.read(boots.get, self._runtime.boot_id)
        except TimeoutError:
            return "the store does not answer"
        if boot is None or now - boot.heartbeat_at > LEASE:
            return "nothing is written to the store"
        before, self._turns = self._turns, {worker.name: worker.turns for worker in self._workers}
        stuck = [one.name for one in self._workers if before.get(one.name) == one.turns and not one.is_full]
        return f"the worker {stuck[0]} stands still" if stuck else ""

    async def _tell(self, url: str) -> None:
        problem = await _send(url)
        self._missed = self._missed + 1 if problem else 0
        runtime = self._runtime
        if self._missed == 1:
            log.warning("the monitor took no heartbeat", problem=problem)
        if self._missed == TOO_OFTEN:
            trouble = Trouble(Cause.UNHEARD, THING, runtime.clock.now(), facts={"problem": problem})
            await runtime.db.transact(raise_at_once, runtime.context(), runtime.alerts, trouble)
        elif not problem:
            await runtime.db.transact(resolve_at_once, runtime.context(), Cause.UNHEARD, THING)


async def _send(url: str) -> str:
    """What went wrong, without the address, which may be a secret; empty where the monitor took it."""
    host = urlsplit(url).hostname or ""
    try:
        async with (
            ClientSession(
                timeout=ClientTimeout(total=PATIENCE.total_seconds()), trust_env=not goes_direct(host)
            ) as session,
            session.get(url, allow_redirects=False) as answer,
        ):
            return "" if answer.ok and answer.status < 300 else f"{host} answered {answer.status}"
    except TimeoutError:
        return f"{host} did not answer in time"
    except (ClientError, OSError, ValueError) as error:
        return f"{host} could not be reached: {type(error).__name__}"
