"""Stopping a run and going on with one: by its buttons and by `/agent`, while it waits, runs, or has failed."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from langchain_core.tools import tool

from agent_runtime.demo.conversation import PlannedCall
from storage import runs
from storage.types import RequestStatus, RunStatus
from tests.scenarios.agents import MANAGERS, calling, failing, noting
from tests.scenarios.effects import mails
from tests.scenarios.house import House, open_house
from tests.scenarios.logs import Logs

TASK = "Send email to team about meeting"

AGAIN = "Start again with changes"


async def test_the_starter_cancels_a_waiting_run(house: House) -> None:
    """*Cancel the run* closes it and its card; nothing is sent, and the card's old buttons decide nothing."""
    run = await house.start("ana", "approval", TASK)
    card = house.card("Approve send_email?")
    await house.person("ana").click(house.root(run.id), "Cancel the run")
    await house.settle()
    assert (await house.run(run.id)).status is RunStatus.CANCELLED
    closed, root = card.now(), house.root(run.id)
    assert closed is not None
    assert "Cancelled: send_email" in closed.plain()
    assert (closed.labels, root.labels) == ([], [AGAIN])
    assert "Cancelled" in root.plain()
    maria = house.person("maria")
    await maria.click_stale(card, "Approve")
    await house.settle()
    assert "Too late" in maria.ephemerals[-1].plain()
    assert mails(house.dir) == []


async def test_an_operator_may_cancel_and_nobody_else(house: House) -> None:
    """Maria approves, but she neither started the run nor operates the bot; Sam is on call."""
    run = await house.start("ana", "approval", TASK)
    maria = house.person("maria")
    await maria.click(house.root(run.id), "Cancel the run")
    await house.settle()
    assert "only the person who started a run" in maria.ephemerals[-1].plain().lower()
    assert (await house.run(run.id)).status is RunStatus.WAITING
    await house.person("sam").click(house.root(run.id), "Cancel the run")
    await house.settle()
    assert (await house.run(run.id)).status is RunStatus.CANCELLED
    assert [entry.actor for entry in await house.audit("run.cancelled")] == [
        f"slack:T0LANTERN01:{house.person('sam').id}"
    ]


async def test_cancel_before_a_worker_took_it(house: House) -> None:
    """A run that is still queued is cancelled at once and never advanced."""
    await house.person("ana").command("/agent", f"approval {TASK}")
    (run_id,) = [run.id for run in await house.bot.runtime.db.read(runs.recent, 10)]
    await house.person("ana").command("/agent", f"cancel {run_id}")
    await house.settle()
    assert (await house.run(run_id)).status is RunStatus.CANCELLED
    assert await house.requests(run_id) == []


async def test_cancelling_while_a_call_runs_lets_nothing_new_start(tmp_path: Path) -> None:
    """The call that is under way ends and is recorded; the run ends cancelled, with nothing started after the click."""
    started, let_go, done = asyncio.Event(), asyncio.Event(), []

    async def slow(text: str) -> str:
        """Take a while."""
        started.set()
        await let_go.wait()
        done.append(text)
        return "done"

    agent = calling(PlannedCall("slow", {"text": "x"}), tools=[tool(slow)])
    async with open_house(tmp_path, policy=MANAGERS, agents={"slow": agent}) as house:
        run = await house.start("ana", "slow", "go")
        await house.person("maria").click(house.card("Approve slow?"), "Approve")
        working = asyncio.create_task(house.settle())
        await started.wait()
        root = house.root(run.id)
        await house.person("ana").click(root, "Cancel the run")
        assert (await house.run(run.id)).cancel_requested
        let_go.set()
        await working
        await house.settle()
        assert (await house.run(run.id)).status is RunStatus.CANCELLED
        assert done == ["x"]
        events = [entry.event for entry in await house.audit() if entry.run_id == run.id]
        assert events[-3:] == ["cancel.requested", "call.finished", "run.cancelled"]


async def test_a_second_cancel_is_harmless_and_told(house: House) -> None:
    """A run that is over cannot be cancelled again."""
    run = await house.start("ana", "approval", TASK)
    root = house.root(run.id)
    ana = house.person("ana")
    await ana.click(root, "Cancel the run")
    await house.settle()
    await ana.click_stale(root, "Cancel the run")
    await house.settle()
    assert "already ended" in ana.ephemerals[-1].plain()
    assert len(await house.audit("run.cancelled")) == 1


async def test_a_confirmation_that_is_declined_cancels_nothing(house: House) -> None:
    """*Cancel the run* asks first, and *Keep it running* keeps it running."""
    run = await house.start("ana", "approval", TASK)
    answer = await house.person("ana").click(house.root(run.id), "Cancel the run", confirm=False)
    assert not answer.delivered
    assert (await house.run(run.id)).status is RunStatus.WAITING


async def test_an_agent_that_raises_fails_with_its_reason_and_can_be_retried(tmp_path: Path, logs: Logs) -> None:
    """The reason stands on the run's message and in its thread; after Retry the run goes on and succeeds."""
    logs.expect("agent raised")
    errors: list[Exception | None] = [RuntimeError("the printer is on fire <!channel>"), None]
    async with open_house(tmp_path, policy=MANAGERS, agents={"shaky": failing(lambda: errors.pop(0))}) as house:
        run = await house.start("ana", "shaky", "go")
        assert (await house.run(run.id)).status is RunStatus.FAILED
        root = house.root(run.id)
        assert "the printer is on fire <!channel>" in root.plain()
        assert any("the printer is on fire" in reply.plain() for reply in root.thread)
        assert all("@channel" not in message.mentions for message in (root, *root.thread))
        await house.person("ana").click(root, "Retry")
        await house.settle()
        assert (await house.run(run.id)).output == "It worked."
        assert house.root(run.id).labels == [AGAIN]


async def test_only_starter_and_operators_may_retry(tmp_path: Path, logs: Logs) -> None:
    """Others are told; the run stays as it is."""
    logs.expect("agent raised")
    errors: list[Exception | None] = [ValueError("no"), None]
    async with open_house(tmp_path, policy=MANAGERS, agents={"shaky": failing(lambda: errors.pop(0))}) as house:
        run = await house.start("ana", "shaky", "go")
        await house.person("fred").click(house.root(run.id), "Retry")
        await house.settle()
        assert (await house.run(run.id)).status is RunStatus.FAILED
        assert "operator" in house.person("fred").ephemerals[-1].plain()
        await house.person("sam").command("/agent", f"retry {run.id}")
        await house.settle()
        assert (await house.run(run.id)).status is RunStatus.SUCCEEDED


async def test_retry_keeps_what_was_done(tmp_path: Path, logs: Logs) -> None:
    """What ran before the failure is not run again: the journal gives its result."""
    logs.expect("agent raised")
    done: list[str] = []
    errors: list[Exception | None] = [RuntimeError("after the note"), None]
    agent = calling(PlannedCall("note", {"text": "once"}), tools=[noting(done)], then=lambda: errors.pop(0))
    async with open_house(tmp_path, policy=MANAGERS, agents={"noter": agent}) as house:
        run = await house.start("ana", "noter", "go")
        await house.person("maria").click(house.card("Approve note?"), "Approve")
        await house.settle()
        assert (await house.run(run.id)).status is RunStatus.FAILED
        await house.person("ana").click(house.root(run.id), "Retry")
        await house.settle()
        assert (await house.run(run.id)).status is RunStatus.SUCCEEDED
        assert done == ["once"]


@pytest.mark.parametrize("word", ["cancel", "retry"])
async def test_a_run_that_is_done_stays_done(house: House, word: str) -> None:
    """Neither cancel nor retry touches a run that succeeded."""
    run = await house.start("ana", "multi-step", "Buy 1 mouse for 250")
    answer = await house.person("ana").command("/agent", f"{word} {run.id}")
    assert "already ended" in answer.text
    assert (await house.run(run.id)).status is RunStatus.SUCCEEDED


async def test_a_run_may_ask_only_so_often(tmp_path: Path) -> None:
    """A run that reaches its cap on requests fails and says so; what it asked is closed."""
    calls = [PlannedCall("note", {"text": str(number)}) for number in range(4)]
    policy = f"{MANAGERS}\n[caps]\nmax_requests = 3\n"
    async with open_house(tmp_path, policy=policy, agents={"keen": calling(*calls, tools=[noting([])])}) as house:
        run = await house.start("ana", "keen", "go")
        ended = await house.run(run.id)
        assert ended.status is RunStatus.FAILED
        assert "which is its cap" in ended.error
        assert RequestStatus.PENDING not in [request.status for request in await house.requests(run.id)]
