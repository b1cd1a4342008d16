"""A thousand people's clicks at once: each request has one winner, and everybody else is refused in good order."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

from agent_runtime.demo.conversation import PlannedCall
from agent_runtime.outbound import Topic
from bot.workspace import Message
from bot.workspace.demo_world import add_person
from storage import outbox, runs
from storage.types import RequestStatus, RunStatus
from tests.scenarios.agents import MANAGERS, calling, noting
from tests.scenarios.house import House, open_house

RUNS, CALLS, PEOPLE = 10, 10, 10
REQUESTS = RUNS * CALLS


async def ask(house: House) -> list[Message]:
    """Runs that wait for the managers, and the hundred cards."""
    house.ws.admin.set_group("managers", [f"manager{number}" for number in range(PEOPLE)])
    commands = (house.person("ana").command("/agent", f"noter {number}") for number in range(RUNS))
    answers = await asyncio.gather(*commands)
    assert {answer.status for answer in answers} == {200}
    await house.settle()
    cards = [message for message in house.ws.channel("#approvals").messages if "Approve" in message.labels]
    assert len(cards) == REQUESTS
    return cards


async def test_a_thousand_simultaneous_clicks_have_a_hundred_winners(tmp_path: Path) -> None:
    """1,000 simultaneous clicks on 100 requests from several people: 100 winners, 900 refused (audit rows and 200s; at
    most one notice per person and request), audit chain intact."""
    done: list[str] = []
    agent = calling(*[PlannedCall("note", {"text": "done"})] * CALLS, tools=[noting(done)])
    async with open_house(tmp_path, policy=MANAGERS, agents={"noter": agent}) as house:
        for number in range(PEOPLE):
            add_person(house.ws.world, f"manager{number}", f"Manager {number}")
            house.ws.channel("#approvals").invite(f"manager{number}")
        cards = await ask(house)
        house.ws.sender.ack_seconds = 60
        people = [house.person(f"manager{number}") for number in range(PEOPLE)]
        clicks = [person.click(card, "Approve") for card in cards for person in people]
        answers = await asyncio.gather(*clicks)
        assert Counter(answer.status for answer in answers) == {200: REQUESTS * PEOPLE}

        made, refused = await house.audit("decision.made"), await house.audit("decision.refused")
        assert (len(made), len(refused)) == (REQUESTS, REQUESTS * (PEOPLE - 1))
        assert len({entry.request_id for entry in made}) == REQUESTS
        assert set(Counter(entry.request_id for entry in refused).values()) == {PEOPLE - 1}
        assert len({(entry.request_id, entry.actor) for entry in (*made, *refused)}) == REQUESTS * PEOPLE

        while await house.bot.runtime.worker.run_once():
            pass
        assert done == ["done"] * REQUESTS
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
