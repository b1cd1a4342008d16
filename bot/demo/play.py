"""The people of the play: they type commands, find cards, press buttons and fill forms, and wait for what they see."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from bot.cards.text import duration
from bot.demo.stage import Stage
from bot.workspace import Message, Person
from bot.workspace.handles import buttons_below, rows_of

Found = TypeVar("Found")

REMINDS = "still waits for a decision"
"""What every reminder of a call says."""

PATIENCE = 30.0
"""Seconds that a person of the play waits for something to appear."""


class PlayFailed(Exception):
    """Something that should have appeared did not, or appeared differently."""


@dataclass(frozen=True, slots=True)
class Started:
    """A run that somebody started: its own message, the root of its thread."""

    root: Message


@dataclass(frozen=True, slots=True)
class Card:
    """A message that asks something, and above which of its buttons that stands; `asked` tells its questions apart."""

    message: Message
    words: str
    asked: str

    @property
    def title(self) -> str:
        """Its first line, and which of its calls it is about."""
        first = self.message.plain().strip().splitlines()[0]
        return first if len(rows_of(self.message)) == 1 else f"{first} {self.words}"


class Play:
    """Acts on a stage. `tell` is handed one line for each step."""

    def __init__(self, stage: Stage, tell: Callable[[str], None]) -> None:
        self._stage = stage
        self._tell = tell
        self._answered: set[str] = set()

    def scene(self, title: str) -> None:
        self._tell(f"\n{title}")

    def say(self, line: str) -> None:
        self._tell(f"  {line}")

    def person(self, name: str) -> Person:
        return self._stage.workspace.person(name)

    async def start(self, who: str, agent: str, text: str, channel: str = "#general") -> Started:
        """Type `/agent AGENT TEXT` and wait for the run's message."""
        before = {(message.channel_id, message.ts) for message in self._messages()}
        await self.person(who).command("/agent", f"{agent} {text}", channel=channel)
        self.say(f"{who} types /agent {agent} {text}")

        def root() -> Message | None:
            new = (message for message in self._messages() if (message.channel_id, message.ts) not in before)
            return next(
                (message for message in new if message.thread_ts is None and "Started" in message.plain()), None
            )

        return Started(await self._wait(root, f"the message of {agent}'s run"))

    async def card(self, words: str, button: str) -> Card:
        """The oldest card nobody in the play has used yet that says these words above this button."""

        def find() -> Card | None:
            for message in self._messages():
                for found in buttons_below(message, words):
                    if found.label == button and found.value not in self._answered:
                        return Card(message, words, found.value or "")
            return None

        return await self._wait(find, f"a card that says {words!r} with {button}")

    async def press(self, who: str, card: Card, button: str) -> None:
        """Press a button that decides by itself."""
        self._answered.add(card.asked)
        self.say(f"{who} presses {button} on “{card.title}”")
        await self.person(who).click(card.message, button, of=card.words)

    async def fill(self, who: str, card: Card, button: str, words: str) -> None:
        """Press a button that opens a form, and send the form with these words in its first field."""
        self._answered.add(card.asked)
        person = self.person(who)
        await person.click(card.message, button, of=card.words)
        view = await self._wait(lambda: person.view, f"the form behind {button}")
        field = view.fields[0]
        does = "writes" if field.element["type"] == "plain_text_input" else "chooses"
        self.say(f"{who} presses {button} on “{card.title}” and {does}: {words}")
        answer = await person.fill_and_submit(view, {field.block_id: words})
        if answer.errors:
            raise PlayFailed(f"the form behind {button} says {answer.errors}")

    async def is_told(self, who: str, words: str) -> None:
        """Somebody is told something privately."""
        person = self.person(who)
        told = lambda: next((one for one in person.ephemerals if words in one.plain()), None)  # noqa: E731
        message = await self._wait(told, f"{who} being told {words!r}")
        self.say(f"{who} is told: {message.plain().strip()}")

    async def ends(self, run: Started, words: str) -> None:
        """The run's own message says how it ended."""

        def ended() -> Message | None:
            now = run.root.now()
            return now if now is not None and words in now.plain() else None

        now = await self._wait(ended, f"the run's message saying {words!r}")
        self.say(f"the run's message now says: {_lines_with(words, now)[-1]}")

    async def shows(self, card: Card, words: str) -> None:
        """A card is redrawn."""

        def redrawn() -> Message | None:
            now = card.message.now()
            return now if now is not None and words in now.plain() else None

        now = await self._wait(redrawn, f"the card saying {words!r}")
        self.say(f"the card now says: {_lines_with(words, now)[0]}")

    async def reminds(self, card: Card) -> None:
        """A new message in the card's thread calls those who are asked: a card that is redrawn notifies nobody."""

        def reminder() -> Message | None:
            return next((one for one in self._messages() if _is_below(one, card) and REMINDS in one.plain()), None)

        message = await self._wait(reminder, "a reminder below the card")
        self.say(f"below the card: {_lines_with(REMINDS, message)[0]}")

    async def wait_hours(self, hours: float) -> None:
        """Move the clock that the workspace and the bot live by."""
        self.say(f"the workspace's clock is moved on by {duration(timedelta(hours=hours))}")
        self._stage.clock.advance(timedelta(hours=hours))

    def _messages(self) -> list[Message]:
        workspace = self._stage.workspace
        names = [f"#{channel.name}" for channel in workspace.world.channels.values() if channel.name]
        return [message for name in names for message in workspace.channel(name).everything]

    async def _wait(self, find: Callable[[], Found | None], what: str) -> Found:
        try:
            found = await self._stage.workspace.wait_for(find, PATIENCE)
        except TimeoutError:
            raise PlayFailed(f"waited {PATIENCE:g} s for {what}") from None
        assert found is not None
        return found


def _is_below(message: Message, card: Card) -> bool:
    return message.channel_id == card.message.channel_id and message.thread_ts == card.message.ts


def _lines_with(words: str, message: Message) -> list[str]:
    """The whole lines of a message that say these words."""
    return [line.strip() for line in message.plain().splitlines() if words in line]
