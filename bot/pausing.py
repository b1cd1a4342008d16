"""Operators' hands on the pause switch, from any surface."""

from __future__ import annotations

from agent_runtime import pausing
from agent_runtime.audit import Origin
from agent_runtime.refusals import RefusalReason
from agent_runtime.runtime import Runtime
from agent_runtime.views import PauseView
from bot.offers import Members
from storage.types import Actor


class PauseSwitch:
    """Stops executions and timers, and lets them go on."""

    def __init__(self, runtime: Runtime, people: Members) -> None:
        self._runtime = runtime
        self._people = people

    async def stop(self, agent: str, why: str, actor: Actor, origin: Origin) -> PauseView | RefusalReason:
        """Stop everything, or the agent that is named."""
        member = await self._people.member(actor, self._runtime.policies.operators)
        return await self._runtime.db.transact(pausing.pause, self._runtime.context(), agent, why, member, origin)

    async def go(self, agent: str, actor: Actor, origin: Origin) -> PauseView | RefusalReason:
        """Let everything, or the agent that is named, go on; the pause that ended."""
        member = await self._people.member(actor, self._runtime.policies.operators)
        return await self._runtime.db.transact(pausing.resume, self._runtime.context(), agent, member, origin)

    async def lasting(self) -> tuple[PauseView, ...]:
        """What is paused now."""
        return await self._runtime.db.read(pausing.read_pauses)
