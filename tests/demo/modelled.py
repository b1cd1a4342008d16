"""A house whose agents think with a model on this machine, and what people do in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from agent_runtime.views import RunView
from storage.types import RunStatus
from tests.demo.model_server import Answer, ModelServer, serve_model
from tests.patience import PATIENCE
from tests.scenarios.house import House, open_house


@asynccontextmanager
async def house_with(
    folder: Path, *script: Answer, patience: float = PATIENCE
) -> AsyncIterator[tuple[House, ModelServer]]:
    """A house whose agents ask a server that answers like this, and wait for it so many seconds."""
    async with (
        serve_model(*script) as server,
        open_house(folder, agents=server.agents(folder, timeout=patience)) as house,
    ):
        yield house, server


async def press(house: House, who: str, words: str, button: str) -> None:
    await house.person(who).click(house.card(words, button), button, of=words)
    await house.settle()


async def skip(house: House, who: str, words: str) -> None:
    """Leave a step out, behind More..."""
    person = house.person(who)
    opened = await person.click(house.card(words, "More..."), "More...", of=words)
    assert opened.view is not None
    await person.click(opened.view, "Skip")
    await house.settle()


async def fill(house: House, who: str, words: str, button: str, field: str, value: str) -> None:
    """Press a button, fill the form that opens, and send it."""
    person = house.person(who)
    pressed = await person.click(house.card(words, button), button, of=words)
    assert pressed.view is not None
    sent = await person.fill_and_submit(pressed.view, {field: value})
    assert sent.closed, sent.errors
    await house.settle()


async def ended(house: House, run: RunView) -> str:
    """What a run that succeeded said."""
    now = await house.run(run.id)
    assert now.status is RunStatus.SUCCEEDED, now.error
    return str(now.output)
