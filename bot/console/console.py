"""Asks a person at a terminal for everything a run waits for, and says how the run ended.

Deadlines hold here as everywhere: a request that closes while its prompt is open is said to be closed, and the line
that was begun for it answers nothing else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from datetime import tzinfo
from functools import partial
from typing import TextIO

from agent_runtime.approvals import Accepted, Refused
from agent_runtime.audit import Origin
from agent_runtime.json_text import indented
from agent_runtime.reading import read_run
from agent_runtime.refusals import RefusalReason
from agent_runtime.views import RequestView, RunView
from bot.cards.plain import card_text, closed_text
from bot.cards.run import STATES
from bot.cards.text import local, visible
from bot.console.answers import NobodyThere, ask_for
from bot.console.lines import Lines
from bot.console.people import console_actor, console_origin
from bot.desk import Desk
from bot.desk_work import Answered
from storage.types import Actor, RequestStatus, RunStatus

POLL_SECONDS = 1.0
"""How long a prompt waits between two looks at the clock."""

OVER = frozenset({RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.CANCELLED})
_ASK_AGAIN = frozenset({RefusalReason.OUTDATED, RefusalReason.BAD_ANSWER, RefusalReason.TOO_LATE})


class Closed(Exception):
    """The request changed while its prompt was open."""


class Console:
    """One person at one terminal. The desk's people must be `ConsolePeople`. Somebody else must run the workers. Times
    are in `zone`; None is this machine's."""

    def __init__(
        self,
        desk: Desk,
        reader: TextIO,
        writer: TextIO,
        *,
        actor: Actor | None = None,
        origin: Origin | None = None,
        zone: tzinfo | None = None,
    ) -> None:
        self.desk = desk
        self.actor = actor or console_actor()
        self.origin = origin or console_origin()
        self._runtime = desk.runtime
        self._at = partial(local, zone=zone)
        self._lines = Lines(reader)
        self._writer = writer
        self._unanswered: asyncio.Future[str | None] | None = None
        self._left: set[tuple[str, int]] = set()

    async def play(self, run_id: str) -> RunView:
        """Ask for each request of a run until the run is over; the run as it is then. Where the input ends first, what
        is open stays open and the run is given as it is."""
        changed = self._runtime.db.listen("outbox")
        while True:
            changed.clear()
            run = await self._runtime.db.read(read_run, run_id)
            assert run is not None, "the caller started it"
            if run.status in OVER:
                self._tell_end(run)
                return run
            request = next((one for one in run.waiting_on if (one.id, one.revision) not in self._left), None)
            if request is None:
                await self._wait(changed)
                continue
            try:
                await self._ask(request, changed)
            except Closed:
                await self._tell_closed(request)
            except NobodyThere:
                self._write("\nThe input has ended: what is open waits for somebody else, or for its time to be up.\n")
                return run

    async def _ask(self, request: RequestView, changed: asyncio.Event) -> None:
        async def line(prompt: str) -> str:
            return await self._line(prompt, request, changed)

        self._write(f"\n{card_text(request, self._at)}")
        act = await ask_for(request, line, self._write)
        self._tell(request, await self.desk.decide(act, self.actor, self.origin))

    def _tell(self, request: RequestView, answered: Answered) -> None:
        verdict = answered.verdict
        if isinstance(verdict, Accepted):
            self._left.add((request.id, request.revision))
            open_ = answered.view is not None and answered.view.status is RequestStatus.PENDING
            self._write("Recorded; others must decide too.\n" if open_ else "Recorded.\n")
            return
        assert isinstance(verdict, Refused)
        if verdict.reason not in _ASK_AGAIN:
            self._left.add((request.id, request.revision))
        self._write(f"Nothing was changed: {visible(verdict.message or verdict.reason.sentence).text}\n")

    async def _line(self, prompt: str, request: RequestView, changed: asyncio.Event) -> str:
        """What the person types at this prompt. Raises Closed and NobodyThere."""
        if self._unanswered is not None:
            if not self._unanswered.done():
                self._write("Press Enter to go on. ")
            # Whatever it says was begun for a request that is closed.
            await self._or_closed(self._unanswered, request, changed)
        self._write(prompt)
        return await self._or_closed(self._lines.read(), request, changed)

    async def _or_closed(
        self, reading: asyncio.Future[str | None], request: RequestView, changed: asyncio.Event
    ) -> str:
        self._unanswered = reading
        while not reading.done():
            changed.clear()
            await self._sweep_if_due(request)
            if await self._is_closed(request):
                raise Closed
            await _first(reading, changed.wait(), self._patience(request))
        self._unanswered = None
        text = reading.result()
        if text is None:
            raise NobodyThere
        return text

    async def _is_closed(self, request: RequestView) -> bool:
        now = await self.desk.request(request.id)
        return now is None or (now.status, now.revision, now.stage) != (
            RequestStatus.PENDING,
            request.revision,
            request.stage,
        )

    async def _sweep_if_due(self, request: RequestView) -> None:
        if request.due_at is not None and request.due_at <= self._runtime.clock.now():
            await self._runtime.sweep()

    def _patience(self, request: RequestView) -> float:
        """Seconds until the next look. Due and still open: time stands still, or the policy keeps it open."""
        left = (request.due_at - self._runtime.clock.now()).total_seconds() if request.due_at else 0.0
        return min(left, POLL_SECONDS) if left > 0 else POLL_SECONDS

    async def _wait(self, changed: asyncio.Event) -> None:
        """Until something changed; what others must decide may also run out of time."""
        await _first(changed.wait(), None, POLL_SECONDS)
        await self._runtime.sweep()

    async def _tell_closed(self, request: RequestView) -> None:
        now = await self.desk.request(request.id)
        if now is not None and now.status is not RequestStatus.PENDING:
            self._write(f"\nClosed while you were asked. {closed_text(now)}\n")
        else:
            self._write("\nThis request changed while you were asked.\n")

    def _tell_end(self, run: RunView) -> None:
        said = run.error if run.status is RunStatus.FAILED else run.output
        text = said if isinstance(said, str) else indented(said)
        words = f": {visible(text, lines=True).text}" if said else "."
        self._write(f"\n{STATES[run.status]}{words}\n")

    def _write(self, text: str) -> None:
        self._writer.write(text)
        self._writer.flush()


async def _first(one: Awaitable[object], other: Awaitable[object] | None, seconds: float) -> None:
    """Wait until one of two is there, or time is up. A future that is given is not cancelled."""
    given = [waiting for waiting in (one, other) if waiting is not None]
    tasks = [asyncio.ensure_future(waiting) for waiting in given]
    try:
        await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task, waiting in zip(tasks, given, strict=True):
            if task is not waiting:
                task.cancel()
