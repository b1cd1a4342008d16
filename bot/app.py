"""The composition root: the only file that builds things from all three packages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from copy import copy
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from aiohttp import web
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult

from agent_runtime.absence_watch import AbsenceWatch
from agent_runtime.agents import Agent
from agent_runtime.alerts_watch import AlertsWatch
from agent_runtime.audit import record_noise
from agent_runtime.callback import Callbacks
from agent_runtime.clock import Clock, SystemClock
from agent_runtime.context import Asking
from agent_runtime.digest import Seal
from agent_runtime.policy_file import Configuration
from agent_runtime.policy_watch import PolicyWatch
from agent_runtime.retention import forget_old
from agent_runtime.runtime import Runtime
from agent_runtime.scheduler import build_scheduler
from agent_runtime.worker import Heartbeat, Worker
from bot.budgets import Budgets
from bot.delivery import Deliveries
from bot.desk import Desk
from bot.directory import Directory
from bot.dispatch import Dispatch
from bot.door import LARGEST_BODY, PATH, Door
from bot.grant_check import GrantCheck
from bot.home_reading import HomeReader
from bot.homes import Homes
from bot.listeners import register_listeners
from bot.pulse import Pulse
from bot.readiness import Readiness
from bot.readings import Readings
from bot.settings import read_variable
from bot.slack_client import SlackClients, open_clients
from bot.socket_mode import Pace, SocketMode
from bot.vacancies import Vacancies
from bot.webhooks.delivery import Sender, open_senders
from bot.webhooks.endpoints import Endpoint
from storage.database import Database
from storage.webhooks import QUEUE

log = structlog.get_logger("signoff")


@dataclass(frozen=True, slots=True)
class Connection:
    """What the bot needs to be this app in this workspace."""

    api_url: str
    bot_token: str
    signing_secret: str = ""
    """What HTTP deliveries are signed with."""
    app_token: str = ""
    """The app-level token. With it deliveries come over Socket Mode, and none over HTTP."""

    def __post_init__(self) -> None:
        if not (self.signing_secret or self.app_token):
            raise ValueError("a connection has a signing secret or an app-level token")  # or anybody could sign


class Bot:
    """One running Signoff: the web application, the workers, the timers. Built by `open_bot`."""

    def __init__(
        self,
        runtime: Runtime,
        deliveries: Deliveries,
        desk: Desk,
        homes: Homes,
        dispatch: Dispatch,
        entrance: Door | SocketMode,
        grants: GrantCheck,
        alerts: AlertsWatch,
        readiness: Readiness,
        senders: Sequence[Sender] = (),
    ) -> None:
        self.runtime = runtime
        self.deliveries = deliveries
        self.desk = desk
        self.homes = homes
        self.socket = entrance if isinstance(entrance, SocketMode) else None
        self.readiness = readiness
        self.web_app = build_web_app(entrance, readiness)
        self.watch: PolicyWatch | None = None
        self.alerts = alerts
        self.grants = grants
        self.absences = AbsenceWatch(runtime)
        self.senders = senders
        workers: list[Worker[Any]] = [runtime.worker, deliveries.worker, *(sender.worker for sender in senders)]
        self.pulse = Pulse(runtime, workers, read_variable)
        self._dispatch = dispatch

    @asynccontextmanager
    async def receiving(self) -> AsyncIterator[None]:
        """Take deliveries over Socket Mode for the length of the block, if that is this bot's way in; HTTP ones come
        to whoever serves `web_app`. Raises SocketRefused where Slack opens no connection to this app."""
        if self.socket is None:
            yield
            return
        async with self.socket.receiving():
            yield

    async def settle(self) -> None:
        """Run every worker until there is nothing to do now: for tests and the demo's play."""
        while await self.runtime.worker.run_once() or await self.deliveries.worker.run_once() or await self._send():
            pass
        await self.homes.refresh()

    async def _send(self) -> bool:
        """One event of one webhook; False when none is due."""
        for sender in self.senders:
            if await sender.worker.run_once():
                return True
        return False

    async def run(self, stopping: asyncio.Event) -> None:
        """Work until told to stop; then finish what was claimed. Whatever is not finished is on its lease."""
        poll = self.watch.poll if self.watch else None
        minutely = (self.grants.look, self.absences.look)
        of_webhooks = [sender.worker for sender in self.senders]
        delivering = (self.deliveries.worker, *of_webhooks)
        scheduler = build_scheduler(
            self.runtime.poll, self.flush_noise, poll, self.alerts.poll, self.pulse.beat, minutely,
            (partial(forget_old, self.runtime),),
        )  # fmt: skip
        heartbeat = Heartbeat(lambda: self.runtime.beat([key for worker in delivering for key in worker.held]))
        db = self.runtime.db
        await self.grants.first_look()
        scheduler.start()
        heartbeat.start()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self.runtime.worker.run_forever(db.listen("runs")))
                tasks.create_task(self.deliveries.worker.run_forever(db.listen("outbox")))
                for sending in of_webhooks:
                    tasks.create_task(sending.run_forever(db.listen(QUEUE)))
                tasks.create_task(self.homes.run_forever(stopping))
                self.readiness.running.set()
                await stopping.wait()
                self.readiness.stopping.set()
                self.runtime.worker.stop()
                for worker in delivering:
                    worker.stop()
        finally:
            scheduler.shutdown(wait=False)
            heartbeat.stop()

    async def flush_noise(self) -> None:
        """Write down how many unauthenticated deliveries came, if any."""
        counts = self._dispatch.take_noise()
        if counts:
            await self.runtime.db.transact(record_noise, self.runtime.context(), counts)


@asynccontextmanager
async def open_bot(
    connection: Connection,
    configuration: Configuration,
    agents: Mapping[str, Agent],
    database_url: str,
    secret_key: bytes,
    *,
    clock: Clock | None = None,
    on_commit: Callable[[int], None] | None = None,
    budgets: Budgets | None = None,
    pace: Pace | None = None,
    policy_file: Path | None = None,
    asking: Asking = Asking.PEOPLE,
    callbacks: Callbacks | None = None,
    endpoints: Sequence[Endpoint] = (),
) -> AsyncIterator[Bot]:
    """Everything, wired; `budgets` are Slack's own limits and `pace` is Socket Mode's own unless told otherwise, and
    `endpoints` are told of events. The changes of a `policy_file` hold without a restart. Raises SlackRefused where the
    token and StorageUnusable where the store cannot be used."""
    clock = clock or SystemClock()
    async with (
        open_clients(connection.api_url, connection.bot_token) as clients,
        Database(database_url, on_commit=on_commit) as db,
    ):
        identity = await clients.identify()
        runtime = Runtime(
            db,
            agents,
            configuration.policies,
            Seal(secret_key),
            clock,
            asking=asking,
            callbacks=callbacks,
            webhooks=tuple(endpoint.webhook for endpoint in endpoints),
        )
        runtime.alerts = configuration.alerts
        await runtime.boot()
        directory = Directory(clients, clock, identity, addresses=runtime.seal if configuration.emails else None)
        deliveries = Deliveries(runtime, clients, directory, configuration.approvals_channel, budgets=budgets)
        readings = Readings(clock)
        desk = Desk(runtime, directory)
        homes = Homes(db, HomeReader(desk, directory), clients, clock)
        dispatch = Dispatch(build_slack_app(clients, directory, desk, homes))
        token = connection.app_token
        entrance: Door | SocketMode
        if token:
            entrance = SocketMode(clients, token, dispatch, pace or Pace())
        else:
            entrance = Door(dispatch, connection.signing_secret, clock)
        try:
            async with open_senders(runtime, endpoints) as senders:
                bot = Bot(
                    runtime,
                    deliveries,
                    desk,
                    homes,
                    dispatch,
                    entrance,
                    GrantCheck(runtime, directory),
                    AlertsWatch(runtime, Vacancies(runtime, directory).find),
                    Readiness(db, clients, readings, _connections(entrance)),
                    senders,
                )
                bot.watch = PolicyWatch(runtime, policy_file, configuration) if policy_file else None
                yield bot
        finally:
            await readings.close()
            await directory.close()


def build_slack_app(clients: SlackClients, directory: Directory, desk: Desk, homes: Homes) -> AsyncApp:
    """Bolt with our listeners. Deliveries were verified at the door; whose bot this is was asked once, at start."""

    identity = directory.identity

    async def authorize() -> AuthorizeResult:
        return AuthorizeResult(
            enterprise_id=None,
            team_id=identity.team_id,
            bot_user_id=identity.user_id,
            bot_id=identity.bot_id,
            bot_token=clients.token,
        )

    # Bolt takes the token from `authorize` for each delivery, and warns at every start about one that it finds twice.
    web_client = copy(clients.web)
    web_client.token = None
    app = AsyncApp(
        name="signoff",  # Bolt would look through the source of the whole call stack for one
        client=web_client,
        authorize=authorize,
        request_verification_enabled=False,
        process_before_response=True,
    )
    register_listeners(app, desk, homes, directory)
    return app


def _connections(entrance: Door | SocketMode) -> Callable[[], int] | None:
    return None if isinstance(entrance, Door) else lambda: entrance.connections


def build_web_app(entrance: Door | SocketMode, readiness: Readiness) -> web.Application:
    """The HTTP routes; none for Slack's deliveries where they come in another way."""
    app = web.Application(client_max_size=LARGEST_BODY)
    if isinstance(entrance, Door):
        app.router.add_post(PATH, entrance.handle)
    app.router.add_get("/healthz", readiness.healthz)
    app.router.add_get("/readyz", readiness.readyz)
    return app
