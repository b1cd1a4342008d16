"""What people type to Signoff: `/agent` and what follows it, and the same words in a mention or a direct message."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum, auto

from agent_runtime.audit import Origin
from agent_runtime.refusals import RefusalReason
from agent_runtime.runs import Order
from agent_runtime.views import RunView
from bot.cards import notices, replies
from bot.cards.blocks import Message
from bot.desk import Desk
from bot.listeners.starting import entries_of
from storage.types import Actor, Json

LONGEST_INPUT = 10_000


@dataclass(frozen=True, slots=True)
class Said:
    """One line typed by a person. `origin` is where a run that it starts is to live; the same `dedupe` again is the
    same run."""

    text: str
    actor: Actor
    evidence: Origin
    origin: Json
    dedupe: str | None = None


class Audience(Enum):
    """Who may read a reply."""

    ALL = auto()
    """It holds nothing that the channel may not know."""
    PERSON = auto()
    """It tells of runs, or of what this person may not do."""
    NOBODY = auto()
    """A run was started, and its own message says so."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What is answered, and to whom it may be shown."""

    message: Message
    audience: Audience


def for_all(message: Message) -> Reply:
    """A reply that everybody may read."""
    return Reply(message, Audience.ALL)


def for_person(message: Message) -> Reply:
    """A reply to one person."""
    return Reply(message, Audience.PERSON)


class Words:
    """Understands what people type."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def answer(self, said: Said) -> Reply:
        """The reply to one line; nothing said is a call for help."""
        word, _, rest = said.text.strip().partition(" ")
        rest = rest.strip()
        words = self._commands(said, rest)
        if word.lower() in words:
            return await words[word.lower()]()
        return await self._start(said, word, rest)

    def knows(self, text: str) -> bool:
        """Whether a line begins with one of our words or an agent's whole name; an empty one asks for help."""
        word = text.strip().partition(" ")[0]
        return word.lower() in {"", *replies.AGENT_COMMANDS} or word in self._desk.runtime.agents

    def _commands(self, said: Said, rest: str) -> dict[str, Callable[[], Awaitable[Reply]]]:
        return {
            "": self._help,
            "help": self._help,
            "list": self._list,
            "runs": lambda: self._runs(said),
            "status": lambda: self._status(said, rest),
            "cancel": lambda: self._change(said, rest, self._desk.cancel),
            "retry": lambda: self._change(said, rest, self._desk.retry),
        }

    async def _help(self) -> Reply:
        return for_all(replies.help_text(entries_of(self._desk)))

    async def _list(self) -> Reply:
        return for_all(replies.agent_list(entries_of(self._desk)))

    async def _runs(self, said: Said) -> Reply:
        return for_person(replies.run_list(await self._desk.runs_of(said.actor)))

    async def _status(self, said: Said, prefix: str) -> Reply:
        found = await self._one_run(prefix, "status")
        if not isinstance(found, RunView):
            return for_person(found)
        if not await self._desk.may_read(found, said.actor):
            return _refused(RefusalReason.UNKNOWN_RUN)
        return for_person(replies.run_status(found))

    async def _change(self, said: Said, prefix: str, act: Callable[..., Awaitable[RunView | RefusalReason]]) -> Reply:
        found = await self._one_run(prefix, act.__name__)
        if not isinstance(found, RunView):
            return for_person(found)
        view = await act(found.id, said.actor, said.evidence)
        return _refused(view) if isinstance(view, RefusalReason) else for_person(replies.run_status(view))

    async def _one_run(self, prefix: str, word: str) -> RunView | Message:
        if not prefix:
            return replies.said(f"Which run? For example: `/agent {word} R7K2MXQ`. `/agent runs` lists yours.")
        found = await self._desk.find_run(prefix)
        exact = [view for view in found if view.id == prefix.upper()]
        if len(exact or found) > 1:
            return replies.ambiguous(prefix, [view.id for view in found])
        return (exact or found)[0] if found else replies.said(notices.refusal(RefusalReason.UNKNOWN_RUN))

    def _matching(self, word: str) -> list[str]:
        """The agent of this name, or those whose names begin like this."""
        names = sorted(self._desk.runtime.agents)
        return [name for name in names if name == word] or [name for name in names if name.startswith(word)]

    async def _start(self, said: Said, word: str, text: str) -> Reply:
        matching = self._matching(word)
        if len(matching) > 1:
            return for_all(replies.ambiguous(word, matching))
        if not matching:
            return for_all(replies.unknown_word(word, entries_of(self._desk)))
        (name,) = matching
        if not text:
            return for_all(replies.no_task(next(one for one in entries_of(self._desk) if one.name == name)))
        if len(text) > LONGEST_INPUT:
            too_many = f"{len(text):,} characters are too many; {LONGEST_INPUT:,} fit. Nothing was started."
            return for_person(replies.said(too_many))
        order = Order(agent=name, input=text, origin=said.origin, dedupe=said.dedupe)
        view = await self._desk.start(order, said.actor, said.evidence)
        if isinstance(view, RefusalReason):
            return _refused(view)
        return Reply(replies.started(view), Audience.NOBODY)


def _refused(reason: RefusalReason) -> Reply:
    return for_person(replies.said(notices.refusal(reason)))
