"""Looks at the givers of standing grants in the directory: a grant of somebody who may no longer decide is ended, and
one about whom the directory is silent for long lets nothing through meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog

from agent_runtime.givers import Word, why_not_given, words_of_grants
from agent_runtime.grants import lapse
from agent_runtime.refusals import RefusalReason
from agent_runtime.runtime import Runtime
from bot.offers import Members

log = structlog.get_logger("signoff")

FIRST_LOOK_SECONDS = 5.0


class GrantCheck:
    """Confirms grants to the runtime, which believes none without from now on. `look` is called every minute."""

    def __init__(self, runtime: Runtime, people: Members) -> None:
        self._runtime = runtime
        self._people = people
        runtime.confirmed = {}

    async def first_look(self) -> None:
        """Look before the first run is taken, so that nobody is asked for nothing after a restart; not for long."""
        try:
            async with asyncio.timeout(FIRST_LOOK_SECONDS):
                await self.look()
        except TimeoutError:
            log.warning("the givers of grants are still being looked at: some calls may be asked about meanwhile")

    async def look(self) -> None:
        """Confirm each standing grant, or end it; where the directory is silent, neither."""
        words = await self._runtime.db.read(words_of_grants, self._runtime.context())
        known = self._runtime.confirmed or {}
        confirmed = {grant_id: known[grant_id] for grant_id in words if grant_id in known}
        try:
            for grant_id, given in words.items():
                began = self._runtime.clock.now()
                if given and await self._all_stand(grant_id, given):
                    confirmed[grant_id] = began
        finally:
            self._runtime.confirmed = confirmed

    async def _all_stand(self, grant_id: str, given: Sequence[Word]) -> bool:
        for word in given:
            refusal = await self._why_not(word)
            if refusal is RefusalReason.DIRECTORY_DOWN:
                log.warning("nobody knows whether a grant's giver may still decide", grant=grant_id)
                return False
            if refusal is not None:
                context = self._runtime.context()
                await self._runtime.db.transact(lapse, context, grant_id, word.approver, refusal)
                log.info("grant ended", grant=grant_id, giver=word.approver.key, reason=refusal.value)
                return False
        return True

    async def _why_not(self, word: Word) -> RefusalReason | None:
        public = word.rules.stages[word.stage].allow_public
        approver = await self._people.member(word.approver, word.selectors, starter=word.starter, allow_public=public)
        actor = approver if word.behind is None else await self._people.member(word.actor, ())
        return why_not_given(word, approver, actor, self._runtime.clock.now())
