"""`/approvals pause` and `/approvals resume`: what operators type to stop everything, or one agent."""

from __future__ import annotations

import re
from dataclasses import dataclass

from agent_runtime.audit import Origin
from agent_runtime.refusals import RefusalReason
from bot.cards import pauses as replies
from bot.cards.blocks import Message
from bot.desk import Desk
from bot.listeners.reading import typed_text
from storage.types import Actor

_BECAUSE = re.compile(r"(?:^|\s)because\b[\s:,]*", re.IGNORECASE)
_EVERYTHING = frozenset({"all", "everything"})


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was typed: which agent (empty: everything), and why."""

    agent: str
    why: str = ""


class PauseWords:
    """Understands what follows `pause` and `resume`."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def pause(self, text: str, actor: Actor, origin: Origin) -> Message:
        """Stop everything, or one agent."""
        wanted = read_wanted(text, list(self._desk.runtime.agents), "pause")
        if not isinstance(wanted, Wanted):
            return wanted
        stopped = await self._desk.switch.stop(wanted.agent, wanted.why, actor, origin)
        if isinstance(stopped, RefusalReason):
            return await self._refused(stopped, wanted.agent)
        return replies.paused(stopped)

    async def resume(self, text: str, actor: Actor, origin: Origin) -> Message:
        """Let everything, or one agent, go on."""
        lasting = await self._desk.switch.lasting()
        # One that was taken out of the configuration while it was paused can still be let go on.
        known = [*self._desk.runtime.agents, *(view.agent for view in lasting if view.agent)]
        wanted = read_wanted(text, known, "resume")
        if not isinstance(wanted, Wanted):
            return wanted
        ended = await self._desk.switch.go(wanted.agent, actor, origin)
        if isinstance(ended, RefusalReason):
            return await self._refused(ended, wanted.agent)
        return replies.resumed(ended, await self._desk.switch.lasting())

    async def _refused(self, reason: RefusalReason, agent: str) -> Message:
        lasting, operators = await self._desk.switch.lasting(), await self._desk.operators()
        return replies.refused(reason, agent, lasting, operators)


def read_wanted(text: str, agents: list[str], verb: str) -> Wanted | Message:
    """The agent that is named, by the beginning of its name where that is unambiguous, and what follows `because`; or
    what to answer to words that name none. Nothing is stopped on a guess."""
    named, *why = _BECAUSE.split(typed_text(text), maxsplit=1)
    word, reason = named.strip(), " ".join(why).strip()
    names = sorted(set(agents))
    if word in names or not word:
        return Wanted(word, reason)
    if word.lower() in _EVERYTHING:
        return Wanted("", reason)
    first, _, rest = word.partition(" ")
    if first in names:
        return Wanted(first, " because ".join(filter(None, (rest.strip(), reason))))
    matching = [name for name in names if name.startswith(word)]
    return Wanted(matching[0], reason) if len(matching) == 1 else replies.no_agent(word, names, verb)
