"""People at their Slack clients: they start runs, read cards and press buttons, and try again when the bot was gone."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from bot.cards.ids import ActionId, Target
from bot.workspace import Message, Person, Workspace
from bot.workspace.blockkit.reading import Button
from bot.workspace.errors import WorkspaceError
from bot.workspace.handles import Row, rows_of
from bot.workspace.outcomes import Outcome
from tests.crash.effects import effects
from tests.crash.patterns import NEW_WORDS

DECIDING = frozenset(
    {
        ActionId.APPROVE, ActionId.REJECT, ActionId.SKIP, ActionId.ANSWER, ActionId.ACCEPT, ActionId.CHANGES,
        ActionId.OUTCOME_AGAIN, ActionId.OUTCOME_HAPPENED, ActionId.OUTCOME_FAILED,
    }
)  # fmt: skip
PAUSE = 0.1
"""Seconds between two looks at Slack."""
FORM_PATIENCE = 2.0
ITEM = re.compile(r"\w+ order-\d+\b")
MAIL = re.compile(r"about: order-\d+\b")
FORMS = frozenset({"Reject", "It happened"})
"""Buttons that ask for words."""
AT_ONCE = 8
"""Runs that are open at the same time."""


@dataclass
class Townspeople:
    """Ana starts runs, Fred and Ines decide, both at once. `acknowledged` is what Slack was told arrived: the words of
    runs that were started, and (request, decision) of decisions."""

    ws: Workspace
    folder: Path
    most: int
    started: list[str] = field(default_factory=list)
    acknowledged_runs: list[str] = field(default_factory=list)
    acknowledged: set[tuple[str, str]] = field(default_factory=set)

    async def live(self) -> None:
        """Until cancelled. Buttons are pressed on all cards at once; a form is filled in one after the other."""
        await asyncio.gather(self._again(self._start), self._again(self._press_all), self._again(self._fill_all))

    async def _again(self, act: Callable[[], Awaitable[None]]) -> None:
        while True:
            await act()
            await asyncio.sleep(PAUSE)

    @property
    def were_heard(self) -> bool:
        """Whether Slack was told that a run was started, and that something was decided."""
        return bool(self.acknowledged_runs and self.acknowledged)

    def cards(self) -> Iterator[Message]:
        """Every message that could still decide something, wherever it stands."""
        for channel in list(self.ws.world.channels.values()):
            for message in self.ws.channel(channel.id).everything:
                if any(button.action_id in DECIDING for button in message.buttons):
                    yield message

    def messages(self) -> list[Message]:
        """Everything the bot said in channels."""
        channels = list(self.ws.world.channels.values())
        found = [message for channel in channels for message in self.ws.channel(channel.id).everything]
        return [message for message in found if message.metadata]

    def _open_runs(self) -> list[Message]:
        return [one for one in self.messages() if any(b.action_id == ActionId.CANCEL_RUN for b in one.buttons)]

    async def _press_all(self) -> None:
        chosen = [(card, row, self._choice(row)) for card in self.cards() for row in rows_of(card)]
        await asyncio.gather(*(self._decide(card, row, label) for card, row, label in chosen if label not in FORMS))

    async def _fill_all(self) -> None:
        for card in list(self.cards()):
            now = card.now()
            for row in rows_of(now) if now is not None else ():
                if (label := self._choice(row)) in FORMS:
                    await self._decide(card, row, label)

    async def _start(self) -> None:
        if len(self.acknowledged_runs) >= self.most or len(self._open_runs()) >= AT_ONCE:
            return
        order = f"order-{len(self.started)}"
        words = f"approval Send email to team about {order}" if len(self.started) % 2 else f"parallel {order}"
        self.started.append(order)
        answer = await self.ws.person("ana").command("/agent", words, channel="#general")
        if answer.ok:
            self.acknowledged_runs.append(order)

    async def _decide(self, card: Message, row: Row, label: str) -> None:
        button = next((one for one in row.buttons if one.label == label), None)
        if button is None:
            return  # decided meanwhile
        act = self._form if label in FORMS else self._press
        await asyncio.gather(*(act(self.ws.person(name), card, button) for name in ("fred", "ines")))

    async def _press(self, person: Person, card: Message, button: Button) -> None:
        answer = await _tried(lambda: person.click(card, button.label, of=_request(button)))
        if answer is not None and answer.ok:
            self._note(button)

    async def _form(self, person: Person, card: Message, button: Button) -> None:
        if await _tried(lambda: person.click(card, button.label, of=_request(button))) is None:
            return
        with suppress(TimeoutError):
            await self.ws.wait_for(lambda: person.view and person.view.fields, FORM_PATIENCE)
        view = person.view
        if view is None:
            return
        if view.fields:
            words = {view.fields[0].block_id: NEW_WORDS}
            answer = await _tried(lambda: person.fill_and_submit(view, words))
            if answer is not None and answer.ok:
                self._note(button)
        if person.view is not None:
            await person.close(person.view, everything=True)

    def _note(self, button: Button) -> None:
        self.acknowledged.add((_request(button), button.action_id))

    def _choice(self, row: Row) -> str:
        text = row.text
        if any(button.label == "It happened" for button in row.buttons):
            return "It happened" if self._happened(text) else "Run again"
        if "send_email" in text:
            return "Approve" if "Revised" in text else "Reject"
        return "Reject" if "drop" in text else "Approve"

    def _happened(self, text: str) -> bool:
        words = ITEM.search(text) or MAIL.search(text)
        assert words is not None, text
        return any(words[0] in effect.about for effect in effects(self.folder))


def _request(button: Button) -> str:
    """The id of the request that a button is about; it stands above it."""
    target = Target.parse(button.value)
    assert target is not None
    return target.request_id


async def _tried(act: Callable[[], object]) -> Outcome | None:
    """An act, or None where the card had changed under the person's finger."""
    try:
        answer = await act()  # type: ignore[misc]
    except WorkspaceError:
        return None
    assert isinstance(answer, Outcome)
    return answer
