"""Many people's clicks at once: each request has one winner, and everybody else is refused in good order."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from agent_runtime.demo.conversation import PlannedCall
from agent_runtime.outbound import Topic
from bot.cards.ids import Target
from bot.workspace import Message
from bot.workspace.demo_world import add_person
from storage import outbox, runs
from storage.types import RequestStatus, RunStatus
from tests.scenarios.agents import MANAGERS, calling, noting
from tests.scenarios.house import House, open_house

CALLS, PEOPLE = 10, 10


async def ask(house: House, runs: int) -> list[tuple[Message, str]]:
    """Runs that wait for the managers: the id of each request, and the card it is on."""
    house.ws.admin.set_group("managers", [f"manager{number}" for number in range(PEOPLE)])
    commands = (house.person("ana").command("/agent", f"noter {number}") for number in range(runs))
    answers = await asyncio.gather(*commands)
    assert {answer.status for answer in answers} == {200}
    await house.settle()
    shown = [
        (message, target.request_id)
        for message in house.ws.channel("#approvals").messages
        for button in message.buttons
        if button.label == "Approve" and (target := Target.parse(button.value))
    ]
    assert len({request_id for _, request_id in shown}) == runs * CALLS
    return shown


@pytest.mark.parametrize("many", [2, pytest.param(10, marks=pytest.mark.slow)])
async def test_of_ten_simultaneous_clicks_on_each_of_many_requests_one_wins(tmp_path: Path, many: int) -> None:
    """Simultaneous clicks of ten people on each request, a thousand in the long tests: each request has one winner and
    nine who are refused (audit rows and 200s; at most one notice per person and request), audit chain intact."""
    asked = many * CALLS
    done: list[str] = []
    agent = calling(*[PlannedCall("note", {"text": "done"})] * CALLS, tools=[noting(done)])
    async with open_house(tmp_path, policy=MANAGERS, agents={"noter": agent}) as house:
        for number in range(PEOPLE):
            add_person(house.ws.world, f"manager{number}", f"Manager {number}")
            house.ws.channel("#approvals").invite(f"manager{number}")
        asks = await ask(house, many)
        people = [house.person(f"manager{number}") for number in range(PEOPLE)]
        clicks = [person.click(card, "Approve", of=request_id) for card, request_id in asks for person in people]
        answers = await asyncio.gather(*clicks)
        assert Counter(answer.status for answer in answers) == {200: asked * PEOPLE}

        made, refused = await house.audit("decision.made"), await house.audit("decision.refused")
        assert (len(made), len(refused)) == (asked, asked * (PEOPLE - 1))
        assert len({entry.request_id for entry in made}) == asked
        assert set(Counter(entry.request_id for entry in refused).values()) == {PEOPLE - 1}
        assert len({(entry.request_id, entry.actor) for entry in (*made, *refused)}) == asked * PEOPLE

        while await house.bot.runtime.worker.run_once():
            pass
        assert done == ["done"] * asked
        everything = await house.bot.runtime.db.read(runs.recent, 1000)
        assert {run.status for run in everything} == {RunStatus.SUCCEEDED}
        for entry in made:
            assert (await house.request(entry.request_id)).status is RequestStatus.APPROVED

        notices = [
            notice
            for entry in made
            for notice in await house.bot.runtime.db.read(outbox.unsettled, Topic.NOTICE, entry.request_id)
        ]
        assert len({notice.key for notice in notices}) == len(notices) == len(refused)
        while await house.bot.deliveries.worker.run_once() and len(house.ws.calls_to("chat.postEphemeral")) < PEOPLE:
            pass
        told = Counter((call.args["user"], call.args["text"]) for call in house.ws.calls_to("chat.postEphemeral"))
        assert all(text.startswith("Too late") for _, text in told)
