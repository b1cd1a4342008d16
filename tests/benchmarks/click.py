"""A click over HTTP, end to end: a signed request goes in, a 200 comes out.

Ours verifies, looks the person up (in what the directory keeps in memory), makes the decision durable with its audit
and outbox rows, and answers; the peer is a bare Bolt app that verifies and acknowledges.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult

from agent_runtime.clock import Clock, SystemClock
from bot.cards.ids import ActionId, Target
from bot.door import PATH
from bot.workspace.deliveries import encode, signature
from storage import requests
from storage.types import Actor, ActorKind
from tests.benchmarks.core import open_requests
from tests.benchmarks.rounds import Comparison, Effort, Way, compare
from tests.scenarios.agents import MANAGERS
from tests.scenarios.house import House, open_house
from tests.stores import put_store

CLICKS, TOGETHER = 32, 32
SECRET = "the peer's signing secret"


@dataclass
class Clicker:
    """Sends clicks on Approve to an app, `together` at a time, each signed with the time of the app's clock."""

    session: aiohttp.ClientSession
    url: str
    secret: str
    clock: Clock
    clicks: list[dict[str, Any]]
    together: int

    async def work(self) -> None:
        for at in range(0, len(self.clicks), self.together):
            await asyncio.gather(*map(self._send, self.clicks[at : at + self.together]))

    async def _send(self, click: dict[str, Any]) -> None:
        body, content_type = encode("interactive", click)
        stamp = str(int(self.clock.now().timestamp()))
        headers = {"Content-Type": content_type, "X-Slack-Request-Timestamp": stamp}
        headers["X-Slack-Signature"] = signature(self.secret, stamp, body)
        async with self.session.post(self.url, data=body, headers=headers) as answer:
            assert answer.status == 200, await answer.text()
            await answer.read()


class Waiting:
    """Requests of the house that wait for Maria, a fresh set for each turn."""

    def __init__(self, house: House, clicker: Clicker, count: int) -> None:
        self._house = house
        self._clicker = clicker
        self._count = count

    async def prepare(self) -> None:
        ana, runtime = self._house.ws.world.user_named("ana"), self._house.bot.runtime
        starter = Actor(kind=ActorKind.SLACK, id=ana.id, team=ana.team_id, name=ana.name)
        made = await runtime.db.transact(open_requests, runtime.context(), self._count, starter)
        self._clicker.clicks[:] = clicks(self._house, [Target(one.id, one.revision, one.stage) for one in made])


def clicks(house: House, targets: Sequence[Target]) -> list[dict[str, Any]]:
    """What Slack sends when Maria clicks Approve on the cards of these requests."""
    world = house.ws.world
    maria, channel = world.user_named("maria"), house.ws.channel("#approvals").id
    return [
        {
            "type": "block_actions",
            "team": {"id": maria.team_id, "domain": world.team.domain},
            "user": {"id": maria.id, "username": "maria", "name": "maria", "team_id": maria.team_id},
            "api_app_id": world.app.app_id,
            "trigger_id": f"1.2.{target.request_id}",
            "container": {"type": "message", "message_ts": f"1.{number:06}", "channel_id": channel},
            "channel": {"id": channel, "name": "approvals"},
            "actions": [{
                "type": "button", "action_id": ActionId.APPROVE.value, "block_id": "b", "value": target.value,
                "action_ts": "2.000001",
            }],
        }
        for number, target in enumerate(targets)
    ]  # fmt: skip


async def measure(effort: Effort, folder: Path) -> list[Comparison]:
    """One at a time and 32 at a time against the faster of Bolt's two ways; one at a time against its default."""
    count = effort.of(CLICKS)
    found = []
    put_store(folder)
    async with AsyncExitStack() as stack:
        house = await stack.enter_async_context(open_house(folder, policy=MANAGERS, agents={}))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        for together, first in ((1, True), (TOGETHER, True), (1, False)):
            url = await stack.enter_async_context(bare_bolt(acknowledge_last=first))
            sample = clicks(house, [Target(f"A{number}", 1, 0) for number in range(count)])
            peer = Clicker(session, url, SECRET, SystemClock(), sample, together)
            ours = Clicker(session, house.ws.app_url, house.ws.signing_secret, house.clock, [], together)
            found.append(await compare(
                effort, f"click over HTTP, {'one' if together == 1 else together} at a time",
                Way("decided, durable, 200", ours.work, Waiting(house, ours, count).prepare),
                Way("bare Bolt, ack only" + (", process_before_response" if first else ", default"), peer.work),
                units=count,
            ))  # fmt: skip
        left = await house.bot.runtime.db.read(requests.all_pending, 1)
        assert left == [], "every click must have closed its request"
    return found


@asynccontextmanager
async def bare_bolt(*, acknowledge_last: bool) -> AsyncIterator[str]:
    """A Bolt app that acknowledges every click and does nothing else; its URL."""

    async def authorize() -> AuthorizeResult:
        return AuthorizeResult(enterprise_id=None, team_id="T1", bot_user_id="U1", bot_id="B1", bot_token="xoxb-1")

    app = AsyncApp(signing_secret=SECRET, authorize=authorize, process_before_response=acknowledge_last)

    @app.action(ActionId.APPROVE.value)
    async def approve(ack: Any) -> None:
        await ack()

    runner = web.AppRunner(app.web_app(PATH), access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}{PATH}"
    finally:
        await runner.cleanup()
