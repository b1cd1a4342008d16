"""What `signoff policy explain` says of a call is what its card says and what then happens, over HTTP: a few of the
files and calls that the core is tried with."""

from __future__ import annotations

import asyncio
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from langchain_core.tools import BaseTool, StructuredTool

from agent_runtime.demo.conversation import PlannedCall
from agent_runtime.explain import Explanation, explain
from agent_runtime.judging import CallFacts
from agent_runtime.policy_file import read_policy_text
from agent_runtime.redaction import MARK
from storage.types import Json, RequestKind, RequestStatus
from tests.core.policy_texts import CALLBACK, CALLS, FILES, TOOLS, text
from tests.core.test_explain_agrees import Promise, may_say_yes, needs_words
from tests.scenarios.agents import calling
from tests.scenarios.house import START, House, open_house

PEOPLE = {"USAM": "sam", "UANA": "ana", "UBOB": "maria", "UCLEO": "fred", "UEVE": "dora", "UOPS": "ines"}
"""Who plays whom: the ids of the made-up files are people of the workspace here."""
CHANNELS = {"#deals": "#purchasing", "#late": "#alerts"}


def in_the_workspace(file: str) -> str:
    """The file with ids and channels that are there."""
    for made_up, name in PEOPLE.items():
        file = file.replace(f"user:{made_up}", f"user:U0{name.upper()}".ljust(14, "0") + "01")
    for made_up, there in CHANNELS.items():
        file = file.replace(made_up, there)
    return file


def names(selectors: Any) -> set[str]:
    return {f"@{name}" for name in PEOPLE.values() for who in selectors if name.upper() in who}


def doing(name: str, done: list[Json]) -> BaseTool:
    """A tool that takes whatever the calls have."""

    def act(n: Any = None, m: Any = None, p: Any = None) -> str:
        done.append({key: value for key, value in (("n", n), ("m", m), ("p", p)) if value is not None})
        return "Done."

    return StructuredTool.from_function(act, name=name, description="Does it.")


async def compare(house: House, told: Explanation, tool: str) -> None:
    """The card of a call that people must approve, and their yes."""
    shown = house.card(f"Approve {tool}?", "Approve").plain()
    promise = Promise.read(told, START)
    assert f"{promise.deadline:%Y-%m-%d %H:%M} UTC" in shown
    assert ("the request stays open" in shown) == (promise.then == "keep")
    steps = [at for after, _ in promise.rungs if (at := promise.at(after)) < promise.deadline]
    assert all(f" {at:%Y-%m-%d %H:%M} UTC" in shown for at in steps[:2]), shown
    for said in filter(None, (told.note, told.fixed, told.trouble)):
        assert said in shown
    assert (MARK in shown) == (MARK in str(told.args) + told.note)
    voted: list[str] = []
    for number, stage in enumerate(told.stages, 1):
        card = house.card(f"Approve {tool}?", "Approve")
        assert names(stage.approvers) <= set(card.mentions)
        assert f"{stage.quorum} approval" in card.plain()
        assert (f"{number} of {len(told.stages)}" in card.plain()) == (len(told.stages) > 1)
        able = may_say_yes(told, stage.approvers, voted)
        for who in able[: stage.quorum]:
            voted.append(who)
            await approve(house, told, names([who]).pop().removeprefix("@"), tool)
        if len(able) < stage.quorum:
            return
    await house.advance(timedelta(seconds=30))


async def approve(house: House, told: Explanation, name: str, tool: str) -> None:
    person = house.person(name)
    answer = await person.click(house.card(f"Approve {tool}?", "Approve"), "Approve")
    if needs_words(told, "approve"):
        assert answer.view is not None
        await person.fill_and_submit(answer.view, {"Reason": "So it is."})
    await house.bot.settle()


async def tried(folder: Path, policy: str, tool: str, args: Json) -> None:
    done: list[Json] = []
    agent = calling(PlannedCall(tool, args), tools=[doing(name, done) for name in TOOLS])
    async with open_house(folder, policy=policy, agents={"agent": agent}) as house:
        house.bot.runtime.callbacks = {CALLBACK: lambda _: True}
        run = await house.start("sam", "agent", "go")
        facts = CallFacts("agent", tool, RequestKind.TOOL, args, run.starter, run.input)
        told = explain(read_policy_text(policy, "signoff.toml").policies, facts)
        if told.asks == "people":
            assert done == []
            await compare(house, told, tool)
        approved = [one.status is RequestStatus.APPROVED for one in await house.requests(run.id)]
        assert len(approved) == (told.asks == "people")
        assert bool(done) == (told.verdict == "allow" or told.asks == "callback" or approved == [True])
        if done and MARK not in str(told.args):
            assert done == [{key: value for key, value in told.args.items() if value is not None}]


@settings(max_examples=settings.default.max_examples // 6)
@given(FILES, CALLS)
def test_the_card_says_what_was_explained(file: Json, call: tuple[str, Json]) -> None:
    """Deadline, steps, note, people, quorum and stages on the card; the effect has the arguments that were told."""
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(tried(Path(folder), in_the_workspace(text(file)), *call))
