"""Whose word a grant is, and whether they may still give it.

A grant serves without anybody being asked, so nobody is looked up when it does. Whoever has a directory looks at the
givers every minute or so instead, and says when each grant was last confirmed; one that was not for `CONFIRMED_FOR`
lets nothing through until it is again. One whose giver may no longer decide is ended.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from agent_runtime.context import Context
from agent_runtime.ladder import steps, widened
from agent_runtime.people import Membership, authorise_decision, authorise_member
from agent_runtime.refusals import RefusalReason
from agent_runtime.rules import Rules
from agent_runtime.sealed import YES, read_rules, standing_votes
from agent_runtime.selectors import Selector
from storage import grants as rows
from storage import requests, runs
from storage.tx import Tx
from storage.types import Actor

CONFIRMED_FOR = timedelta(minutes=15)
"""How long the last look at a grant's givers is believed: a directory that is silent for longer stops the grant."""

MOST_LOOKED_AT = 1_000


@dataclass(frozen=True, slots=True)
class Word:
    """One yes that a grant stands for: who gave it, in whose stead (None: in their own name), and by which rules."""

    actor: Actor
    behind: Actor | None
    rules: Rules
    stage: int
    starter: Actor

    @property
    def approver(self) -> Actor:
        """Whose authority it was."""
        return self.behind or self.actor

    @property
    def selectors(self) -> tuple[Selector, ...]:
        """Those whom its stage asked."""
        return self.rules.stages[self.stage].approvers


def words_of_grants(tx: Tx, context: Context) -> dict[str, tuple[Word, ...]]:
    """The words behind each grant that still lets calls through, by its id; none where the rows were changed by
    hand."""
    found: dict[str, tuple[Word, ...]] = {}
    for grant in rows.listed(tx, context.now, MOST_LOOKED_AT):
        request = requests.get(tx, grant.request_id)
        rules = read_rules(context.seal, request) if request is not None else None
        run = runs.get(tx, request.run_id) if request is not None else None
        if request is None or rules is None or run is None:
            found[grant.id] = ()
            continue
        votes = standing_votes(context.seal, request, requests.votes(tx, [request.id]))
        starter = Actor.model_validate(run.starter)
        found[grant.id] = tuple(
            Word(
                Actor.model_validate(vote.actor),
                Actor.model_validate(vote.on_behalf_of) if vote.on_behalf_of else None,
                _with_all_asked(rules, vote.stage),
                vote.stage,
                starter,
            )
            for vote in votes
            if vote.kind in YES
        )
    return found


def why_not_given(word: Word, approver: Membership, actor: Membership, now: datetime) -> RefusalReason | None:
    """Why this yes could not be given any more, or None: its approver may still decide in that stage, and whoever gave
    it in their stead is still a member. `DIRECTORY_DOWN` says that nobody knows."""
    refusal = authorise_decision(approver, word.rules, word.stage, word.starter, now)
    return refusal if refusal is not None or word.behind is None else authorise_member(actor, now)


def is_confirmed(context: Context, grant_id: str, created_at: datetime) -> bool:
    """Whether somebody looked at a grant's givers lately; they were looked at as it was made."""
    if context.confirmed is None:
        return True
    last = max(created_at, context.confirmed.get(grant_id, created_at))
    return abs(context.now - last) <= CONFIRMED_FOR


def _with_all_asked(rules: Rules, stage: int) -> Rules:
    """With everybody to whom the stage may be escalated: which of them were asked then is no matter now."""
    more = [who for step in steps(rules.stages[stage]) for who in step.escalate_to]
    return widened(rules, stage, more)
