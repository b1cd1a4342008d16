"""A person at a terminal decides what a run waits for: real runs, a real store, real streams."""

from __future__ import annotations

import asyncio
import io
import os
import pty
import select
import tty
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TextIO
from zoneinfo import ZoneInfo

import pytest

from agent_runtime.audit import Event
from agent_runtime.clock import MovableClock
from agent_runtime.digest import Seal
from agent_runtime.policy_file import read_policy_text
from agent_runtime.reading import read_request
from agent_runtime.registry import load_agents
from agent_runtime.runs import Order
from agent_runtime.runtime import Runtime
from agent_runtime.views import RunView
from bot.cards.plain import card_text
from bot.console import Console, ConsolePeople, console_actor, console_origin
from bot.console.lines import Lines
from bot.desk import Desk
from storage import audit, requests
from storage.database import Database
from storage.types import Actor, ActorKind, RequestStatus, RunStatus
from tests.patience import PATIENCE

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
REQUESTER = Actor(kind=ActorKind.CLI, id="requester", name="the requester")
POLICY = """\
[default]
timeout = "4h"
[default.stage]
approvers = ["usergroup:managers"]
[[policy]]
tool = ["book_flight", "publish_report"]
action = "allow"
[[policy]]
tool = "send_email"
note = "Sends a mail to {args.to}."
decisions = ["approve", "reject", "skip"]
"""


class Screen(io.StringIO):
    """What the console wrote; tests wait for words on it."""

    def __init__(self) -> None:
        super().__init__()
        self._news = asyncio.Event()

    def write(self, text: str) -> int:
        self._news.set()
        return super().write(text)

    async def shows(self, text: str, times: int = 1) -> None:
        """Wait until a text stands there so many times."""
        try:
            async with asyncio.timeout(PATIENCE):
                while self.getvalue().count(text) < times:
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"{text!r} is not on the screen:\n{self.getvalue()}") from None


@dataclass
class Terminal:
    """A terminal with a run behind it. `type` is a person at the keyboard."""

    runtime: Runtime
    clock: MovableClock
    screen: Screen
    console: Console
    keyboard: TextIO

    def type(self, *lines: str) -> None:
        for line in lines:
            self.keyboard.write(f"{line}\n")
        self.keyboard.flush()

    async def start(self, agent: str, text: str, starter: Actor = REQUESTER) -> str:
        run = await self.console.desk.start(Order(agent, text, {}), starter, console_origin())
        assert isinstance(run, RunView)
        return run.id

    async def play(self, run_id: str) -> RunView:
        async with asyncio.timeout(PATIENCE):
            return await self.console.play(run_id)

    async def request(self, run_id: str, number: int = 0) -> tuple[str, RequestStatus]:
        row = (await self.runtime.db.read(requests.of_run, run_id))[number]
        return row.id, row.status


@pytest.fixture
async def terminal(tmp_path: Path) -> AsyncIterator[Terminal]:
    clock, screen = MovableClock(START), Screen()
    agents = load_agents(("agent_runtime.demo:agents",), tmp_path)
    policies = read_policy_text(POLICY, "signoff.toml").policies
    reading, writing = os.pipe()
    with os.fdopen(reading) as reader, os.fdopen(writing, "w") as keyboard:
        async with Database(f"sqlite:///{tmp_path}/signoff.db") as db:
            runtime = Runtime(db, agents, policies, Seal(b"k" * 32), clock)
            await runtime.boot()
            console = Console(Desk(runtime, ConsolePeople(clock)), reader, screen, zone=ZoneInfo("Europe/Berlin"))
            working = asyncio.create_task(runtime.worker.run_forever(db.listen("runs")))
            yield Terminal(runtime, clock, screen, console, keyboard)
            runtime.worker.stop()
            await working
        keyboard.close()  # lets go of a thread that still reads


def _mails(folder: Path) -> int:
    return sum(1 for _ in folder.glob("mail/new/*"))


@pytest.mark.parametrize("yes", ["yes", " Y ", "Approve"])
async def test_yes_runs_the_call_that_was_shown(terminal: Terminal, tmp_path: Path, yes: str) -> None:
    """The card says what, for whom and until when, in the terminal's zone; yes sends exactly that mail."""
    run_id = await terminal.start("approval", "Send email to team about meeting")
    terminal.type(yes)
    run = await terminal.play(run_id)
    shown = terminal.screen.getvalue()
    for part in (
        "Approve send_email? Agent “approval”, started by the requester.",
        "Due 2026-03-02 14:00 CET, then it is rejected.",
        "The policy's note:", "  │ Sends a mail to", "Arguments:", "  │ to: ", "Approve? (yes/no/skip): ",
    ):  # fmt: skip
        assert part in shown
    assert (run.status, _mails(tmp_path)) == (RunStatus.SUCCEEDED, 1)
    assert "Finished: Sent" in shown


async def test_anything_but_the_offered_words_is_asked_again(terminal: Terminal, tmp_path: Path) -> None:
    """Neither an empty line nor a guess is a yes."""
    run_id = await terminal.start("approval", "Send email to team about meeting")
    terminal.type("", "ok", "yess", "1", "n", "not today, please")
    playing = asyncio.create_task(terminal.play(run_id))
    await terminal.screen.shows("Approve? (yes/no/skip): ", 6)  # five, and the next plan's
    terminal.type("skip")
    run = await playing
    assert terminal.screen.getvalue().count("Please type yes or no or skip.") == 4
    assert (run.status, _mails(tmp_path)) == (RunStatus.SUCCEEDED, 0)
    assert await _closed_with(terminal, run_id) == [("rejected", "not today, please"), ("skipped", "")]


async def _closed_with(terminal: Terminal, run_id: str) -> list[tuple[str, str]]:
    rows = await terminal.runtime.db.read(requests.of_run, run_id)
    return [(row.status.value, row.close_reason) for row in rows]


async def test_a_question_takes_a_number_or_the_answer(terminal: Terminal, tmp_path: Path) -> None:
    """An answer that is none is told so and asked again."""
    run_id = await terminal.start("input", "Book a flight to Rome")
    terminal.type("99", "2")
    run = await terminal.play(run_id)
    assert run.status is RunStatus.SUCCEEDED, run
    assert "Choose one of these" in terminal.screen.getvalue()
    assert (tmp_path / "bookings.jsonl").exists()


async def test_a_review_takes_changes_and_then_an_acceptance(terminal: Terminal) -> None:
    """Feedback makes a second draft; yes publishes it."""
    run_id = await terminal.start("feedback", "Write a report about Q3 sales")
    terminal.type("changes", "Add more data", "yes")
    run = await terminal.play(run_id)
    assert run.status is RunStatus.SUCCEEDED, run
    assert terminal.screen.getvalue().count("Accept the draft? (yes/changes): ") == 2


async def test_the_deadline_holds_while_the_prompt_is_open(terminal: Terminal, tmp_path: Path) -> None:
    """The request expires under the prompt, the person is told, and a yes that was begun for it approves nothing."""
    first = await terminal.start("approval", "Send email to team about meeting")
    playing = asyncio.create_task(terminal.play(first))
    await terminal.screen.shows("Approve? (yes/no/skip): ")
    terminal.clock.advance(timedelta(hours=4))
    await terminal.runtime.sweep()
    run = await playing
    shown = terminal.screen.getvalue()
    assert "Closed while you were asked. Timed out, rejected: send_email by the scheduler." in shown
    assert (run.status, _mails(tmp_path)) == (RunStatus.SUCCEEDED, 0)
    second = await terminal.start("approval", "Send email to team about lunch")
    playing = asyncio.create_task(terminal.play(second))
    await terminal.screen.shows("Press Enter to go on. ")
    terminal.type("yes")
    await terminal.screen.shows("Approve? (yes/no/skip): ", 2)
    assert (await terminal.request(second))[1] is RequestStatus.PENDING
    terminal.type("yes")
    await playing
    assert _mails(tmp_path) == 1


async def test_a_yes_after_the_deadline_is_too_late_even_before_any_sweep(terminal: Terminal, tmp_path: Path) -> None:
    """The console looks at the clock itself: nobody else has swept."""
    run_id = await terminal.start("approval", "Send email to team about meeting")
    playing = asyncio.create_task(terminal.play(run_id))
    await terminal.screen.shows("Approve? (yes/no/skip): ")
    terminal.clock.advance(timedelta(hours=4))
    terminal.type("yes")
    await playing
    assert (await terminal.request(run_id))[1] is RequestStatus.EXPIRED
    assert _mails(tmp_path) == 0


async def test_the_deadline_is_found_without_a_key_being_pressed(terminal: Terminal) -> None:
    """Where nobody sweeps, the open prompt wakes by the clock and sweeps itself."""
    run_id = await terminal.start("approval", "Send email to team about meeting")
    playing = asyncio.create_task(terminal.play(run_id))
    await terminal.screen.shows("Approve? (yes/no/skip): ")
    terminal.clock.advance(timedelta(hours=5))
    assert (await playing).status is RunStatus.SUCCEEDED
    assert "Closed while you were asked." in terminal.screen.getvalue()


async def test_somebody_elses_decision_closes_the_prompt(terminal: Terminal, tmp_path: Path) -> None:
    """A click in Slack while the terminal asks: the terminal says who and goes on."""
    run_id = await terminal.start("approval", "Send email to team about meeting")
    playing = asyncio.create_task(terminal.play(run_id))
    await terminal.screen.shows("Approve? (yes/no/skip): ")
    view = await terminal.runtime.db.read(read_request, (await terminal.request(run_id))[0])
    assert view is not None
    other = Console(terminal.console.desk, io.StringIO("yes\n"), Screen(), actor=Actor(kind=ActorKind.CLI, id="maria"))
    await other.play(run_id)
    await playing
    assert "Closed while you were asked. Approved: send_email by maria." in terminal.screen.getvalue()
    assert _mails(tmp_path) == 1


async def test_nobody_approves_a_run_of_their_own_at_the_console_either(terminal: Terminal) -> None:
    """The one who started it is refused, and the request stays open for others."""
    run_id = await terminal.start("approval", "Send email to team about meeting", starter=console_actor())
    playing = asyncio.create_task(terminal.console.play(run_id))
    terminal.type("yes")
    await terminal.screen.shows("Nothing was changed: you started this run, and nobody approves their own.")
    assert (await terminal.request(run_id))[1] is RequestStatus.PENDING
    playing.cancel()
    with suppress(asyncio.CancelledError):
        await playing


async def test_where_the_input_ends_the_request_stays_open(terminal: Terminal) -> None:
    """No answer is no yes: the run is given back as it waits."""
    run_id = await terminal.start("approval", "Send email to team about meeting")
    playing = asyncio.create_task(terminal.play(run_id))
    await terminal.screen.shows("Approve? (yes/no/skip): ")
    terminal.keyboard.close()
    run = await playing
    assert run.status is RunStatus.WAITING
    assert "The input has ended" in terminal.screen.getvalue()


async def test_a_no_counts_where_the_input_ends_before_the_reason(terminal: Terminal, tmp_path: Path) -> None:
    """`echo no | signoff demo --console approval` is a rejection without a reason."""
    run_id = await terminal.start("approval", "Send email to team about meeting")
    terminal.type("no")
    terminal.keyboard.close()
    await terminal.play(run_id)
    assert (await _closed_with(terminal, run_id))[0] == ("rejected", "")
    assert _mails(tmp_path) == 0


async def test_the_audit_knows_host_user_and_process(terminal: Terminal) -> None:
    """A decision at the console is recorded as one of the user the process runs as."""
    run_id = await terminal.start("approval", "Send email to team about meeting")
    terminal.type("yes")
    await terminal.play(run_id)
    entries = await terminal.runtime.db.read(audit.of_run, run_id)
    (decision,) = [entry for entry in entries if entry.event == Event.DECISION_MADE]
    assert decision.seq is not None
    texts = await terminal.runtime.db.read(audit.texts, [decision.seq])
    assert decision.actor == console_actor().key
    assert texts[decision.seq].body["evidence"] == console_origin().evidence
    assert set(console_origin().evidence) == {"host", "user", "pid"}


async def test_an_arguments_text_cannot_pass_for_a_prompt(terminal: Terminal) -> None:
    """Every line of what the agent says stands behind a bar, and control characters are written out."""
    run_id = await terminal.start("approval", "Send email to team about meeting")
    playing = asyncio.create_task(terminal.play(run_id))
    await terminal.screen.shows("Approve? (yes/no/skip): ")
    view = await terminal.runtime.db.read(read_request, (await terminal.request(run_id))[0])
    assert view is not None
    hostile = replace(view, args={"body": "hello\nApprove? (yes/no): yes\nRecorded.\x1b[2J"}, reason="a\nRecorded.")
    text = card_text(hostile)
    assert "\x1b" not in text
    assert [line for line in text.split("\n") if line.startswith(("Approve? (", "Recorded"))] == []
    terminal.type("skip")
    await playing


async def test_what_was_typed_before_a_prompt_at_a_terminal_answers_nothing() -> None:
    """Type-ahead is dropped: it was typed before there was anything to see."""
    person, program = pty.openpty()
    tty.setcbreak(program)  # no echo; lines still end with a newline
    with os.fdopen(program, closefd=True) as stream, os.fdopen(person, "wb", buffering=0) as keys:
        keys.write(b"yes\n")
        await asyncio.to_thread(_until, lambda: _waiting(stream))
        line = Lines(stream).read()
        keys.write(b"no\n")
        async with asyncio.timeout(PATIENCE):
            assert await line == "no"


def _until(there: Callable[[], bool]) -> None:
    while not there():
        pass


def _waiting(stream: TextIO) -> bool:
    return bool(select.select([stream], [], [], 0.01)[0])
