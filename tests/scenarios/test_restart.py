"""The bot is stopped and started between any two steps: the same files, another process, and everything goes on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from agent_runtime.clock import MovableClock
from bot.workspace import Workspace
from bot.workspace.demo_world import demo_world
from storage.types import RunStatus
from tests.scenarios.effects import mails, records
from tests.scenarios.house import START, House, open_house

TASK = "Send email to team about meeting"
Life = Callable[[Callable[[House], Awaitable[None]]], Awaitable[None]]


@asynccontextmanager
async def lives(tmp_path: Path) -> AsyncIterator[tuple[Workspace, MovableClock, Life]]:
    """One workspace over many lives of the bot; each step is lived in a life of its own."""
    clock = MovableClock(START)
    async with Workspace.serve(demo_world(clock), clock=clock, signing_clock=clock) as ws:

        async def live(step: Callable[[House], Awaitable[None]]) -> None:
            async with open_house(tmp_path, clock=clock, workspace=ws) as house:
                await step(house)

        yield ws, clock, live


async def settle(house: House) -> None:
    await house.settle()


def press(who: str, words: str, button: str) -> Callable[[House], Awaitable[None]]:
    """Press a button and stop: nothing that follows from it happens in this life."""

    async def step(house: House) -> None:
        answer = await house.person(who).click(house.card(words, button), button)
        assert answer.status == 200

    return step


def command(who: str, text: str) -> Callable[[House], Awaitable[None]]:
    """Type a command and stop."""

    async def step(house: House) -> None:
        assert (await house.person(who).command("/agent", text)).status == 200

    return step


async def test_an_approval_over_six_lives(tmp_path: Path) -> None:
    """Started, asked, approved, executed, each by another process: one mail, one card, and the card says so."""
    async with lives(tmp_path) as (ws, _, live):
        for step in (
            command("ana", f"approval {TASK}"),
            settle,
            settle,
            press("maria", "Approve send_email?", "Approve"),
        ):
            await live(step)
            assert mails(tmp_path) == []
        await live(settle)
        assert len(mails(tmp_path)) == 1
        await live(settle)
        assert len(mails(tmp_path)) == 1
        assert len(ws.channel("#approvals").messages) == 1
        assert "Approved: send_email" in ws.channel("#approvals").messages[0].plain()


async def test_a_purchase_over_many_lives(tmp_path: Path) -> None:
    """Both checkpoints survive: the manager's yes is not asked for again, and one purchase is made."""
    async with lives(tmp_path) as (_, _, live):
        for step in (
            command("ana", "multi-step Buy 3 laptops for 4500"), settle,
            press("maria", "manager_signoff", "Approve"), settle,
            press("fred", "finance_purchase", "Approve"), settle, settle,
        ):  # fmt: skip
            await live(step)
        assert len(records(tmp_path, "signoffs")) == 1
        assert [record["args"]["amount"] for record in records(tmp_path, "purchases")] == [4500]


async def test_an_open_form_outlives_the_bot(tmp_path: Path) -> None:
    """A form that was opened in one life is sent in the next, and its words count."""
    async with lives(tmp_path) as (_, _, live):
        for step in (command("ana", "input Book a flight to Rome"), settle, press("ana", "Which airline?", "Answer")):
            await live(step)

        async def send(house: House) -> None:
            ana = house.person("ana")
            assert ana.view is not None
            assert (await ana.fill_and_submit(ana.view, {"Answer": "3. Skylark"})).closed

        await live(send)
        await live(settle)
        assert [record["args"]["airline"] for record in records(tmp_path, "bookings")] == ["Skylark"]


async def test_a_deadline_that_passed_while_it_was_down_fires_at_the_start(tmp_path: Path) -> None:
    """Down over the deadline: the request times out at the next sweep, once, and nothing is sent."""
    async with lives(tmp_path) as (ws, clock, live):
        await live(command("ana", f"approval {TASK}"))
        await live(settle)
        clock.advance(timedelta(days=2))

        async def wake(house: House) -> None:
            await house.advance(timedelta(0))
            assert len(await house.audit("request.closed")) == 1
            run = (await house.audit("run.started"))[0].run_id
            assert (await house.run(run)).status is RunStatus.SUCCEEDED

        await live(wake)
        assert mails(tmp_path) == []
        assert "Timed out, rejected" in ws.channel("#approvals").messages[0].plain()


async def test_a_click_is_answered_twice_over_a_restart_and_counts_once(tmp_path: Path) -> None:
    """The answer to a click was lost with the process; the person clicks again in the next life."""
    async with lives(tmp_path) as (ws, _, live):
        for step in (command("ana", f"approval {TASK}"), settle):
            await live(step)
        copy = ws.channel("#approvals").messages[0]

        async def click(house: House) -> None:
            assert (await house.person("maria").click_stale(copy, "Approve")).status == 200

        await live(click)
        await live(click)
        await live(settle)
        assert len(mails(tmp_path)) == 1
        assert ws.person("maria").ephemerals == []
