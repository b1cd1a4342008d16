"""Texts of agents and people are shown, never obeyed: they mention nobody, link nowhere, and hide nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent_runtime.demo.conversation import PlannedCall
from bot.workspace import Message
from storage.types import RunStatus
from tests.scenarios.agents import MANAGERS, asking, calling, failing, noting
from tests.scenarios.house import House, open_house
from tests.scenarios.logs import Logs

HOSTILE = (
    "<!channel> <!here> <!everyone> <@U0DORA00001> <!subteam^S0DIRECTORS> @dora <#C0GENERAL01> "
    "<https://evil.example|your bank> https://evil.example *bold* `code` &lt;!channel&gt; "
    "\u202egnol si siht\u202c \u200bzero\u2066 ⟦U+0041⟧ <!date^1^{date}|x> :tada:"
)
OURS = {"@ana", "@maria", "@managers", "@sam"}


def elements(part: Any) -> Iterator[dict[str, Any]]:
    """Every object inside blocks."""
    if isinstance(part, dict):
        yield part
        part = list(part.values())
    if isinstance(part, list):
        for one in part:
            yield from elements(one)


def require_harmless(house: House) -> None:
    """Nobody but ours is mentioned anywhere, there is no foreign link, and no deceptive character is left as it is."""
    shown = [*house.messages(), *(one for name in ("ana", "maria") for one in house.person(name).ephemerals)]
    assert shown
    for message in shown:
        require_harmless_message(message)


def require_harmless_message(message: Message) -> None:
    assert message.mentions <= OURS, message.plain()
    kinds = {str(one.get("type")) for one in elements(message.blocks)}
    assert not kinds & {"broadcast", "channel"}, kinds
    for one in elements(message.blocks):
        assert "evil.example" not in str(one.get("url") or "")
        if one.get("type") == "mrkdwn":
            assert "evil.example" not in one["text"] or "`" in one["text"]
            assert "<https://evil" not in one["text"]
            assert "<!channel>" not in one["text"]
    for hidden in ("\u202e", "\u202c", "\u200b", "\u2066"):
        assert hidden not in message.plain()
        assert hidden not in message.text


async def test_arguments_and_reasons(tmp_path: Path) -> None:
    """A call's arguments, names and reason, its result and the reason of a person: on cards, threads and fallbacks."""
    done: list[str] = []
    call = PlannedCall("note", {"text": HOSTILE})
    agents = {"noter": calling(call, tools=[noting(done)], reason=HOSTILE)}
    async with open_house(tmp_path, policy=MANAGERS, agents=agents) as house:
        run = await house.start("ana", "noter", HOSTILE)
        card = house.card("Approve note?", "Approve")
        assert "⟦U+202E⟧" in card.plain()
        assert "hidden or deceptive characters made visible" in card.plain()
        require_harmless(house)
        await house.person("maria").click(card, "Approve")
        await house.settle()
        assert (await house.run(run.id)).status is RunStatus.SUCCEEDED
        assert done == [HOSTILE], "what is shown differently still runs as it was written"
        require_harmless(house)


async def test_a_rejection_with_hostile_words(tmp_path: Path) -> None:
    """A person's reason is quoted on the card and in the thread."""
    agents = {"noter": calling(PlannedCall("note", {"text": "x"}), tools=[noting([])])}
    async with open_house(tmp_path, policy=MANAGERS, agents=agents) as house:
        await house.start("ana", "noter", "go")
        maria = house.person("maria")
        pressed = await maria.click(house.card("Approve note?"), "Reject")
        assert pressed.view is not None
        await maria.fill_and_submit(pressed.view, {"Reason": HOSTILE})
        await house.settle()
        require_harmless(house)


@pytest.mark.parametrize(
    "payload",
    [
        HOSTILE,
        {"question": HOSTILE, "choices": [HOSTILE, "plain"]},
        {"draft": HOSTILE, "title": HOSTILE, "previous": HOSTILE[::-1], "round": 2, "max_rounds": 3},
        {HOSTILE: [HOSTILE, {HOSTILE: None}]},
    ],
    ids=["text", "choices", "draft", "any shape"],
)
async def test_questions_and_drafts(tmp_path: Path, payload: Any) -> None:
    """Whatever an agent asks, in whatever shape."""
    async with open_house(tmp_path, policy=MANAGERS, agents={"asker": asking(it=payload)}) as house:
        run = await house.start("ana", "asker", HOSTILE)
        assert (await house.run(run.id)).status is RunStatus.WAITING
        require_harmless(house)
        assert "⟦U+202E⟧" in house.messages()[-1].plain() + house.card("Agent “asker”,").plain()


async def test_results_and_failures(tmp_path: Path, logs: Logs) -> None:
    """What an agent gives back, and what it raises."""
    logs.expect("agent raised")
    errors: list[Exception | None] = [RuntimeError(HOSTILE), None]
    async with open_house(tmp_path, policy=MANAGERS, agents={"shaky": failing(lambda: errors.pop(0))}) as house:
        await house.start("ana", "shaky", "go")
        require_harmless(house)
        answer = await house.person("ana").command("/agent", "runs")
        assert answer.message is not None
        require_harmless_message(answer.message)


async def test_answers_to_commands(house: House) -> None:
    """Words that nobody knows come back harmless, to the one who typed them."""
    for text in (HOSTILE, f"status {HOSTILE}", f"cancel {HOSTILE}", f"help {HOSTILE}"):
        answer = await house.person("ana").command("/agent", text)
        assert answer.message is not None
        require_harmless_message(answer.message)
