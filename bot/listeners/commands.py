"""`/agent`: start one, list them, and look after runs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from slack_bolt.app.async_app import AsyncApp

from agent_runtime.refusals import RefusalReason
from agent_runtime.runs import Order
from agent_runtime.views import RunView
from bot.cards import notices, replies
from bot.cards.blocks import Message
from bot.cards.replies import AgentEntry
from bot.desk import Desk
from bot.listeners.reading import Payload, actor_of, origin_of

Ack = Callable[..., Awaitable[Any]]
Reply = Message | str
LONGEST_INPUT = 10_000


def register(app: AsyncApp, desk: Desk) -> None:
    """Attach `/agent`."""
    listener = AgentCommand(desk)

    @app.command("/agent")
    async def agent(ack: Ack, body: Payload) -> None:
        reply = await listener.answer(body)
        if isinstance(reply, str):
            await ack(text=reply)
        else:
            await ack(text=reply.text, blocks=list(reply.blocks))


class AgentCommand:
    """Understands what follows `/agent`."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def answer(self, body: Payload) -> Reply:
        """The private reply to one `/agent ...`."""
        word, _, rest = str(body.get("text") or "").strip().partition(" ")
        rest = rest.strip()
        words: dict[str, Callable[[], Awaitable[Reply]]] = {
            "": self._help,
            "help": self._help,
            "list": self._list,
            "runs": lambda: self._runs(body),
            "status": lambda: self._status(body, rest),
            "cancel": lambda: self._change(body, rest, self._desk.cancel),
            "retry": lambda: self._change(body, rest, self._desk.retry),
        }
        if word.lower() in words:
            return await words[word.lower()]()
        return await self._start(body, word, rest)

    async def _help(self) -> Reply:
        return replies.help_text(self._entries())

    async def _list(self) -> Reply:
        return replies.agent_list(self._entries())

    async def _runs(self, body: Payload) -> Reply:
        return replies.run_list(await self._desk.runs_of(actor_of(body)))

    async def _status(self, body: Payload, prefix: str) -> Reply:
        found = await self._one_run(prefix, "status")
        if not isinstance(found, RunView):
            return found
        if not await self._desk.may_read(found, actor_of(body)):
            return notices.refusal(RefusalReason.UNKNOWN_RUN)
        return replies.run_status(found)

    async def _change(
        self, body: Payload, prefix: str, act: Callable[..., Awaitable[RunView | RefusalReason]]
    ) -> Reply:
        found = await self._one_run(prefix, act.__name__)
        if not isinstance(found, RunView):
            return found
        view = await act(found.id, actor_of(body), origin_of(body))
        return notices.refusal(view) if isinstance(view, RefusalReason) else replies.run_status(view)

    async def _one_run(self, prefix: str, word: str) -> RunView | Reply:
        if not prefix:
            return f"Which run? For example: `/agent {word} R7K2MXQ`. `/agent runs` lists yours."
        found = await self._desk.find_run(prefix)
        exact = [view for view in found if view.id == prefix.upper()]
        if len(exact or found) > 1:
            return replies.ambiguous(prefix, [view.id for view in found])
        return (exact or found)[0] if found else notices.refusal(RefusalReason.UNKNOWN_RUN)

    async def _start(self, body: Payload, word: str, text: str) -> Reply:
        names = sorted(self._desk.runtime.agents)
        matching = [name for name in names if name == word] or [name for name in names if name.startswith(word)]
        if len(matching) > 1:
            return replies.ambiguous(word, matching)
        if not matching:
            return replies.unknown_word(word, self._entries())
        entry = next(entry for entry in self._entries() if entry.name == matching[0])
        if not text:
            example = f" For example: `/agent {entry.name} {entry.example}`" if entry.example else ""
            return f"What should {entry.name} do?{example}"
        if len(text) > LONGEST_INPUT:
            return f"{len(text):,} characters are too many; {LONGEST_INPUT:,} fit. Nothing was started."
        return await self._start_agent(body, matching[0], text)

    async def _start_agent(self, body: Payload, name: str, text: str) -> Reply:
        origin: dict[str, str] = {"channel": str(body.get("channel_id") or ""), "user": str(body.get("user_id") or "")}
        order = Order(agent=name, input=text, origin=origin, dedupe=str(body.get("trigger_id") or "") or None)
        view = await self._desk.start(order, actor_of(body), origin_of(body))
        return notices.refusal(view) if isinstance(view, RefusalReason) else replies.started(view)

    def _entries(self) -> list[AgentEntry]:
        agents = self._desk.runtime.agents
        return [AgentEntry(name, agents[name].description, agents[name].example) for name in sorted(agents)]
