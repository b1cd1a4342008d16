"""A workspace full of people, and a bot that is killed at random while they work; what is left is judged at the end.

The workspace and its people live through everything, as Slack does; the bot lives many short lives on the same files.
"""

from __future__ import annotations

import asyncio
import random
import signal
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from agent_runtime.clock import MovableClock, SystemClock
from bot.posting import POST_AGAIN_AFTER
from bot.workspace import Workspace
from bot.workspace.demo_world import demo_world
from storage.types import DeliveryStatus, RequestKind, RequestStatus, RunStatus
from tests.crash.bot_life import TOOL_PAUSE, BotLife
from tests.crash.findings import Files, breaches, read_files
from tests.crash.life import KEY
from tests.crash.nursery import Nursery
from tests.crash.patterns import SHOPPING, revised
from tests.crash.sweep import forget_starts
from tests.crash.townspeople import Townspeople

DOWN = POST_AGAIN_AFTER + timedelta(seconds=5)
"""How long the bot is down between two lives, on the clock that everybody lives by: a post whose answer was lost is
then looked for and made again at once."""
LONGEST_LIFE = 1.2
LONGEST_IDLE = 2.0
"""Seconds that a life may take to have a tool at work, where it is to be killed then; perhaps nothing is left to do."""
LAST_LIVES = 12
LAST_PATIENCE = 20.0
"""Seconds that each of the last lives is given to come to rest."""
UNRESTFUL = (
    "SELECT count(*) FROM run WHERE status NOT IN ('succeeded', 'failed', 'cancelled')",
    "SELECT count(*) FROM outbox WHERE status IN ('due', 'leased')",
)
STARTED = "SELECT count(*) FROM audit WHERE event = 'call.started'"
DECISIONS = {
    "signoff_approve": "approved", "signoff_reject": "rejected",
    "signoff_outcome_again": "answered", "signoff_outcome_happened": "answered",
}  # fmt: skip
SHOWN = {RequestStatus.APPROVED: "Approved", RequestStatus.REJECTED: "Rejected"}


@dataclass
class Told:
    """What one town saw. `problems` is empty where all is well."""

    kills: int = 0
    runs: int = 0
    requests: int = 0
    outcomes: int = 0
    problems: list[str] = field(default_factory=list)


async def play(folder: Path, nursery: Nursery, seed: int, kills: int, *, forget: bool = False) -> Told:
    """Kill the bot so many times at random, every other time while a tool is at work, let it come to rest, and judge.
    `forget`: each time while one is, and what was written before its effect is taken away, which must be seen."""
    chance = random.Random(seed)
    told = Told()
    clock = MovableClock(follow=SystemClock())
    async with Workspace.serve(demo_world(clock), clock=clock, signing_clock=clock) as ws:
        people = Townspeople(ws, folder, most=max(4, kills // 2))
        town = _Town(folder, nursery, ws, clock, told)
        async with _living(people):
            for number in range(kills):
                if forget or number % 2:
                    await town.live_until_at_work(chance.uniform(0, 2 * TOOL_PAUSE))
                else:
                    await town.live_for(chance.uniform(0, LONGEST_LIFE))
                if forget:
                    forget_starts(folder)
            if not people.were_heard:  # a slow machine has not come so far
                await town.live_until_heard(people)
            people.most = 0
            await town.rest()
        told.problems += ws.problems
        files = await read_files(folder, KEY)
        told.runs, told.requests, told.outcomes = len(files.runs), len(files.requests), len(files.outcomes)
        for check in (breaches(files), _accepted(files, people), _happened(files), _shown(files, people, folder)):
            told.problems += check
    return told


@dataclass
class _Town:
    folder: Path
    nursery: Nursery
    ws: Workspace
    clock: MovableClock
    told: Told
    _ahead: timedelta = timedelta(0)

    async def live_for(self, seconds: float) -> None:
        """One life that is killed after so many seconds."""
        await self._bear()
        await self._kill_after(seconds)

    async def live_until_at_work(self, seconds: float) -> None:
        """One life that is killed so many seconds after it had a tool at work: however slow the machine is, it is."""
        await self._bear()
        before = _count(self.folder, STARTED)
        with suppress(TimeoutError):
            async with asyncio.timeout(LONGEST_IDLE):
                while _count(self.folder, STARTED) <= before:  # noqa: ASYNC110 - rows tell nobody
                    await asyncio.sleep(0.02)
        await self._kill_after(seconds)

    async def live_until_heard(self, people: Townspeople) -> None:
        """One life that is killed once something was done in this town: else nothing could go wrong."""
        await self._bear()
        while not people.were_heard:  # noqa: ASYNC110 - people tell nobody
            await asyncio.sleep(0.1)
        await self._kill_after(0)

    async def _kill_after(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        ended = await self.nursery.end(signal.SIGKILL)
        self.told.kills += 1
        if not ended.killed:
            self.told.problems.append(f"a life ended by itself with {ended}\n{self.nursery.log_tail()}")

    async def rest(self) -> None:
        """Lives that nobody kills, until nothing is left to do."""
        for _ in range(LAST_LIVES):
            await self._bear()
            rested = await self._rests()
            ended = await self.nursery.end(signal.SIGTERM)
            if not ended.fine:
                self.told.problems.append(f"the bot did not stop when told to: {ended}\n{self.nursery.log_tail()}")
            if rested:
                return
        self.told.problems.append(f"there was no rest: {[_count(self.folder, one) for one in UNRESTFUL]}")

    async def _bear(self) -> None:
        self.clock.advance(DOWN)
        self._ahead += DOWN
        life = BotLife(
            str(self.folder), self.ws.api_url, self.ws.bot_token, self.ws.signing_secret, self._ahead.total_seconds()
        )
        self.ws.app_url = await self.nursery.bear(life)

    async def _rests(self) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_PATIENCE):
                while any(_count(self.folder, statement) for statement in UNRESTFUL):  # noqa: ASYNC110 - rows tell nobody
                    await asyncio.sleep(0.1)
                return True
        return False


@asynccontextmanager
async def _living(people: Townspeople) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(people.live())
        yield
        task.cancel()


def _count(folder: Path, statement: str) -> int:
    connection = sqlite3.connect(f"file:{folder / 'signoff.db'}?mode=ro", uri=True)
    try:
        return int(connection.execute(statement).fetchone()[0])
    finally:
        connection.close()


def _order(words: object) -> str:
    """The order that a run's input names."""
    return str(words).rpartition(" ")[2]


def _accepted(files: Files, people: Townspeople) -> Iterator[str]:
    """What Slack was told had arrived is there, once."""
    runs = Counter(_order(run.input) for run in files.runs)
    yield from (f"{order} was acknowledged and is lost" for order in people.acknowledged_runs if not runs[order])
    yield from (f"{order} was started {count} times" for order, count in runs.items() if count > 1)
    made = {vote.request_id: vote.kind.value for vote in files.decisions}
    for request, action in people.acknowledged:
        if made.get(request) != DECISIONS[action]:
            yield f"{action} on {request} was acknowledged, and {made.get(request)} is recorded"


def _happened(files: Files) -> Iterator[str]:
    """Every run succeeded and did exactly what it had to."""
    yield from (
        f"run {run.id} {run.status}: {run.error}" for run in files.runs if run.status is not RunStatus.SUCCEEDED
    )
    found = Counter(files.effects)
    wanted = Counter(
        (run.id, tool, what)
        for run in files.runs
        for tool, what in _wanted(run.agent, _order(run.input))
    )  # fmt: skip
    happened = Counter({(one.run, one.tool, one.about): count for one, count in found.items()})
    yield from (f"did not happen: {one}" for one in (wanted - happened).elements())
    yield from (f"should not have happened: {one}" for one in (happened - wanted).elements())


def _wanted(agent: str, order: str) -> list[tuple[str, str]]:
    if agent == "approval":
        return [("send_email", revised(order))]
    return [(tool, f"{item} {order}") for tool, item in SHOPPING]


def _shown(files: Files, people: Townspeople, folder: Path) -> Iterator[str]:
    """Slack shows how everything ended, once, and nothing that can still be pressed."""
    yield from (f"{card.channel} still has a card to decide on: {card.plain()[:200]}" for card in people.cards())
    messages = people.messages()
    copies = Counter(str((one.metadata or {}).get("event_payload", {}).get("key")) for one in messages)
    yield from (f"{key} stands in Slack {count} times" for key, count in copies.items() if count > 1)
    texts = {str((one.metadata or {})["event_payload"]["key"]): one.plain() for one in messages}
    for run in files.runs:
        if "Finished" not in texts.get(f"run:{run.id}", ""):
            yield f"the message of {run.id} does not show its end: {texts.get(f'run:{run.id}')}"
    for request in files.requests:
        text = texts.get(f"card:{request.card or request.id}:1:0", "")
        words = SHOWN.get(request.status, "") if request.kind is RequestKind.TOOL else ""
        if not text or words not in text:
            yield f"the card of {request.id} ({request.status}) shows: {text}"
    dead = f"SELECT count(*) FROM outbox WHERE status = '{DeliveryStatus.DEAD.value}'"
    if _count(folder, dead):
        yield "deliveries were given up"
