"""What one operator does with webhooks: see who they are, and hand the act to the runtime."""

from __future__ import annotations

from collections.abc import Sequence

from agent_runtime import lost_events
from agent_runtime.audit import Origin
from agent_runtime.refusals import RefusalReason
from agent_runtime.runtime import Runtime
from bot.offers import Members
from storage.types import Actor
from storage.webhooks import Tally


class WebhookDesk:
    """How deliveries stand, and sending them again."""

    def __init__(self, runtime: Runtime, people: Members) -> None:
        self._runtime = runtime
        self._people = people

    @property
    def names(self) -> tuple[str, ...]:
        """The webhooks there are."""
        return tuple(webhook.name for webhook in self._runtime.webhooks)

    async def tallies(self, actor: Actor) -> Sequence[Tally] | RefusalReason:
        """How many events of which webhook stand how."""
        member = await self._people.member(actor, self._runtime.policies.operators)
        return await self._runtime.db.read(lost_events.read_tallies, self._runtime.context(), member)

    async def replay(self, name: str, since: int | None, actor: Actor, origin: Origin) -> int | RefusalReason:
        """Send again what was given up, or everything from an entry of the log on; how many events."""
        member = await self._people.member(actor, self._runtime.policies.operators)
        context = self._runtime.context()
        return await self._runtime.db.transact(lost_events.replay, context, name, since, member, origin)
