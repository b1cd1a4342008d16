"""A tool was left in the middle of its work: nobody knows whether it took effect, and an operator says so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from langchain_core.tools import BaseTool, tool

from agent_runtime.clock import MovableClock
from agent_runtime.demo.conversation import Graph, PlannedCall
from bot.workspace import Workspace
from bot.workspace.demo_world import demo_world
from storage.types import CallStatus, RequestKind, RunStatus
from tests.scenarios.agents import MANAGERS, calling
from tests.scenarios.house import START, House, open_house


@dataclass
class Transfer:
    """A tool that hangs after its effect, the first time."""

    effects: list[str] = field(default_factory=list)
    entered: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def tool(self) -> BaseTool:
        @tool
        async def transfer(amount: str) -> str:
            """Move money."""
            self.effects.append(amount)
            if len(self.effects) == 1:
                self.entered.set()
                await asyncio.Event().wait()
            return f"Moved {amount}."

        return transfer

    @property
    def graph(self) -> Graph:
        return calling(PlannedCall("transfer", {"amount": "90"}), tools=[self.tool])


@asynccontextmanager
async def left_in_the_middle(
    tmp_path: Path, policy: str = MANAGERS, typed: str = ""
) -> AsyncIterator[tuple[House, Transfer, str]]:
    """A house whose bot was stopped while the approved call was under way, started again: the house and the run.
    `typed`: what an operator typed after `/approvals` meanwhile."""
    clock, transfer = MovableClock(START), Transfer()
    async with Workspace.serve(demo_world(clock), clock=clock, signing_clock=clock) as ws:
        agents = {"bank": transfer.graph}
        async with open_house(tmp_path, policy=policy, agents=agents, clock=clock, workspace=ws) as house:
            run = await house.start("ana", "bank", "go")
            await house.person("maria").click(house.card("Approve transfer?"), "Approve")
            working = asyncio.create_task(house.settle())
            await transfer.entered.wait()
            if typed:
                await house.person("sam").command("/approvals", typed)
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)
        async with open_house(tmp_path, policy=policy, agents=agents, clock=clock, workspace=ws) as house:
            await house.settle()
            yield house, transfer, run.id


async def test_nothing_is_run_again_and_the_operators_are_asked(tmp_path: Path) -> None:
    """The call's card says that its outcome is unknown; another card asks the operators what happened."""
    async with left_in_the_middle(tmp_path) as (house, transfer, run_id):
        assert transfer.effects == ["90"]
        assert (await house.run(run_id)).status is RunStatus.WAITING
        asked = (await house.requests(run_id))[-1]
        assert asked.kind is RequestKind.OUTCOME
        card = house.card("Did transfer take effect? Nobody knows")
        assert card.labels == ["It happened", "Run again", "It did not, mark failed"]
        assert '"90"' in card.plain()
        assert "@oncall" in card.mentions
        assert "Outcome unknown" in house.card("Approved: transfer").plain()


async def test_they_are_asked_though_everything_is_paused(tmp_path: Path) -> None:
    """Asking executes nothing: what they say is taken as the call's result afterwards."""
    async with left_in_the_middle(tmp_path, typed="pause because the bank is closed") as (house, transfer, run_id):
        sam = house.person("sam")
        opened = await sam.click(house.card("Did transfer take effect? Nobody knows"), "It happened")
        assert opened.view is not None
        await sam.fill_and_submit(opened.view, {"What did it give?": "moved"})
        await house.settle()
        assert (await house.run(run_id)).status is RunStatus.QUEUED
        await sam.command("/approvals", "resume")
        await house.settle()
        assert (await house.run(run_id)).status is RunStatus.SUCCEEDED
        assert transfer.effects == ["90"]


async def test_a_call_that_may_run_twice_runs_again_by_itself(tmp_path: Path) -> None:
    """`idempotent` in its policy: nobody is asked what happened, and the run goes on."""
    policy = MANAGERS + '[[policy]]\ntool = "transfer"\nidempotent = true\n'
    async with left_in_the_middle(tmp_path, policy) as (house, transfer, run_id):
        assert transfer.effects == ["90", "90"]
        assert (await house.run(run_id)).status is RunStatus.SUCCEEDED
        assert [request.kind for request in await house.requests(run_id)] == [RequestKind.TOOL]


async def test_it_happened(tmp_path: Path) -> None:
    """The operator's words become the call's result; the tool is not run again."""
    async with left_in_the_middle(tmp_path) as (house, transfer, run_id):
        sam = house.person("sam")
        await sam.click(house.card("Nobody knows"), "It happened")
        assert sam.view is not None
        assert (await sam.fill_and_submit(sam.view, {"What did it give?": "Moved, says the bank."})).closed
        await house.settle()
        ended = await house.run(run_id)
        assert (ended.status, ended.output) == (RunStatus.SUCCEEDED, "Moved, says the bank.")
        assert transfer.effects == ["90"]
        assert "It happened" in house.card("@sam said that it happened").plain()


async def test_run_again(tmp_path: Path) -> None:
    """The tool is run a second time, because a person said so, and once only."""
    async with left_in_the_middle(tmp_path) as (house, transfer, run_id):
        card = house.card("Nobody knows")
        await house.person("sam").click(card, "Run again")
        await house.person("sam").click_stale(card, "Run again")
        await house.settle()
        ended = await house.run(run_id)
        assert (ended.status, ended.output) == (RunStatus.SUCCEEDED, "Moved 90.")
        assert transfer.effects == ["90", "90"]


async def test_it_did_not_happen(tmp_path: Path) -> None:
    """The agent is told that the call failed, and goes on by itself."""
    async with left_in_the_middle(tmp_path) as (house, transfer, run_id):
        await house.person("sam").click(house.card("Nobody knows"), "It did not, mark failed")
        await house.settle()
        assert (await house.run(run_id)).status in {RunStatus.SUCCEEDED, RunStatus.FAILED}
        assert transfer.effects == ["90"]
        (call,) = [one.call for one in await house.requests(run_id) if one.kind is RequestKind.TOOL]
        assert call is not None
        assert call.status is CallStatus.FAILED


async def test_only_operators_say_what_happened(tmp_path: Path) -> None:
    """The approver who allowed the call does not know either."""
    async with left_in_the_middle(tmp_path) as (house, transfer, run_id):
        for name in ("maria", "ana", "fred"):
            await house.person(name).click(house.card("Nobody knows"), "Run again")
        await house.settle()
        assert (await house.run(run_id)).status is RunStatus.WAITING
        assert len(await house.audit("decision.refused")) == 3
        assert transfer.effects == ["90"]
