"""One person's act, from any surface: see who they are, hand the act to the runtime, and say what came of it.

Every surface that lets people act (Slack, the console, later the API) comes through here, so that each rule is applied
in one place and in one order: a bounded directory read, then one transaction.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import structlog

from agent_runtime import approvals, outbound
from agent_runtime import runs as run_state
from agent_runtime.agents import tool_schema
from agent_runtime.approvals import Accepted, Act, Edit, Refused, Withdrawal
from agent_runtime.audit import Origin
from agent_runtime.context import Context
from agent_runtime.digest import Seal
from agent_runtime.people import Member, Membership
from agent_runtime.policy import Rules, Stage, may_start
from agent_runtime.reading import find_runs, read_recent_runs, read_request, read_run
from agent_runtime.refusals import RefusalReason
from agent_runtime.runs import Order
from agent_runtime.runtime import Runtime
from agent_runtime.sealed import read_rules
from agent_runtime.selectors import Selector
from agent_runtime.views import RequestView, RunView
from bot.cards import notices
from bot.offers import Offers
from storage import messages, requests, runs
from storage.models import Run
from storage.tx import Tx
from storage.types import Actor, Json

log = structlog.get_logger("signoff")


class People(Protocol):
    """Who somebody is, right now: the Slack directory, or the console's."""

    async def member(
        self,
        actor: Actor,
        selectors: Sequence[Selector],
        *,
        starter: Actor | None = None,
        allow_public: bool = False,
    ) -> Membership: ...

    async def mentions(self, selectors: Sequence[Selector], starter: Actor | None = None) -> tuple[str, ...]: ...


@dataclass(frozen=True, slots=True)
class Place:
    """Where a person acted, so that they can be answered privately and a card of unknown origin can be adopted."""

    channel: str = ""
    thread_ts: str = ""
    message_ts: str = ""


NOWHERE = Place()


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of a decision, with the request as it is now. `sentence` is for the person who acted."""

    verdict: Accepted | Refused
    view: RequestView | None
    sentence: str


class Desk:
    """Takes acts."""

    def __init__(self, runtime: Runtime, people: People) -> None:
        self.runtime = runtime
        self.offers = Offers(runtime, people)
        self._people = people

    async def decide(self, act: Act, actor: Actor, origin: Origin, place: Place = NOWHERE) -> Answered:
        """Record a decision or refuse it; a refusal from a message is told to the person privately."""
        membership, mentions = await self._see(act, actor)
        context = self.runtime.context()
        answered = await self.runtime.db.transact(_decide, context, act, membership, origin, place, mentions)
        if isinstance(answered.verdict, Accepted):
            _log_decision(act, answered.verdict, actor)
        return answered

    async def edit(self, edit: Edit, actor: Actor, origin: Origin, place: Place = NOWHERE) -> Answered:
        """Put a call up for decision with other arguments, or refuse that. The tool's schema is looked up here."""
        asked = await self.runtime.db.read(_tool_asked, edit.request_id)
        edit = replace(edit, schema=tool_schema(self.runtime.agents, *asked) if asked else None)
        membership, mentions = await self._see(edit.act, actor)
        starter, stage = await self.runtime.db.read(_stage_of_edit, self.runtime.seal, edit)
        first = await self._look_up(actor, stage, starter) if stage else membership
        context = self.runtime.context()
        answered = await self.runtime.db.transact(_edit, context, edit, membership, first, origin, place, mentions)
        if isinstance(answered.verdict, Accepted):
            _log_decision(edit.act, answered.verdict, actor)
        return answered

    async def withdraw(self, taken: Withdrawal, actor: Actor, origin: Origin, place: Place = NOWHERE) -> Answered:
        """Take back the person's newest vote on an open request, or refuse that."""
        rules, starter = await self.runtime.db.read(_asked, self.runtime.seal, taken.request_id)
        stage = await self.runtime.db.read(_stage_of_vote, taken, actor)
        asked = rules.stages[stage] if rules and stage is not None and stage < len(rules.stages) else None
        membership = await self._look_up(actor, asked, starter)
        return await self.runtime.db.transact(_withdraw, self.runtime.context(), taken, membership, origin, place)

    async def may_decide(self, act: Act, actor: Actor, origin: Origin, place: Place = NOWHERE) -> Answered | None:
        """What a decision would be refused for, before its form is opened; None where it may be made."""
        membership, mentions = await self._see(act, actor)
        return await self.runtime.db.transact(
            _may_decide, self.runtime.context(), act, membership, origin, place, mentions
        )

    async def start(self, order: Order, actor: Actor, origin: Origin) -> RunView | RefusalReason:
        """Start an agent."""
        selectors = may_start(self.runtime.policies, order.agent)
        membership = await self._people.member(actor, selectors)
        run = await self.runtime.db.transact(run_state.start, self.runtime.context(), order, membership, origin)
        return await self._shown(run)

    async def cancel(self, run_id: str, actor: Actor, origin: Origin) -> RunView | RefusalReason:
        """Stop a run."""
        membership = await self._people.member(actor, self.runtime.policies.operators)
        run = await self.runtime.db.transact(run_state.cancel, self.runtime.context(), run_id, membership, origin)
        return await self._shown(run)

    async def retry(self, run_id: str, actor: Actor, origin: Origin) -> RunView | RefusalReason:
        """Go on with a failed run."""
        membership = await self._people.member(actor, self.runtime.policies.operators)
        run = await self.runtime.db.transact(run_state.retry, self.runtime.context(), run_id, membership, origin)
        return await self._shown(run)

    async def request(self, request_id: str) -> RequestView | None:
        """One request as it is now."""
        return await self.runtime.db.read(read_request, request_id)

    async def run(self, run_id: str) -> RunView | None:
        """One run as it is now."""
        return await self.runtime.db.read(read_run, run_id)

    async def runs_of(self, actor: Actor, limit: int = 20) -> list[RunView]:
        """A person's latest runs."""
        return await self.runtime.db.read(read_recent_runs, limit, actor.key)

    async def find_run(self, prefix: str) -> list[RunView]:
        """Runs whose id begins like this."""
        return await self.runtime.db.read(find_runs, prefix.upper())

    async def may_read(self, view: RunView, actor: Actor) -> bool:
        """Whether a run's arguments may be shown to this person: its starter, an operator, or an approver asked now."""
        if actor.key == view.starter.key:
            return True
        asked = {selector for request in view.waiting_on for selector in request.stages[request.stage].approvers}
        selectors = (*self.runtime.policies.operators, *asked)
        membership = await self._people.member(actor, selectors, starter=view.starter)
        return isinstance(membership, Member) and bool(membership.holds & set(selectors))

    async def tell(self, subject: str, actor: Actor, place: Place, sentence: str) -> None:
        """Say something to the person who acted, privately, where they acted."""
        await self.runtime.db.transact(_tell, self.runtime.context(), subject, actor, place, sentence)

    async def _see(self, act: Act, actor: Actor) -> tuple[Membership, tuple[str, ...]]:
        rules, starter = await self.runtime.db.read(_asked, self.runtime.seal, act.request_id)
        stage = rules.stages[act.stage] if rules and act.stage < len(rules.stages) else None
        selectors = stage.approvers if stage else ()
        membership, mentions = await asyncio.gather(
            self._look_up(actor, stage, starter), self._people.mentions(selectors, starter)
        )
        return membership, mentions

    async def _look_up(self, actor: Actor, stage: Stage | None, starter: Actor | None) -> Membership:
        selectors = stage.approvers if stage else ()
        allow_public = stage.allow_public if stage else False
        return await self._people.member(actor, selectors, starter=starter, allow_public=allow_public)

    async def _shown(self, run: Run | RefusalReason) -> RunView | RefusalReason:
        if isinstance(run, RefusalReason):
            return run
        view = await self.runtime.db.read(read_run, run.id)
        assert view is not None
        return view


def _log_decision(act: Act, verdict: Accepted, actor: Actor) -> None:
    request = verdict.request
    log.info(
        "HITL decision",
        tool=request.tool or request.kind.value,
        decision=act.kind.value,
        approver=actor.key,
        run=request.run_id,
        request=request.id,
    )


def _asked(tx: Tx, seal: Seal, request_id: str) -> tuple[Rules | None, Actor | None]:
    """By which rules to look the person up, and whose run it is; no rules where they were changed by hand, even if they
    are put back before the decision is checked."""
    request = requests.get(tx, request_id)
    run = runs.get(tx, request.run_id) if request else None
    if request is None or run is None:
        return None, None
    starter = Actor.model_validate(run.starter)
    return (read_rules(seal, request) if starter.key == request.starter_key else None), starter


def _tool_asked(tx: Tx, request_id: str) -> tuple[str, str] | None:
    """The agent and the tool that a request is about."""
    request = requests.get(tx, request_id)
    return (request.agent, request.tool) if request else None


def _stage_of_edit(tx: Tx, seal: Seal, edit: Edit) -> tuple[Actor | None, Stage | None]:
    """Who would be asked first about the edited call, and whose run it is."""
    request = requests.get(tx, edit.request_id)
    rules, starter = _asked(tx, seal, edit.request_id)
    if request is None or rules is None or request.revision != edit.revision:
        return starter, None
    revision = approvals.judged_edit(tx, edit, request, rules)
    return starter, None if isinstance(revision, Refused) else revision.rules.stages[0]


def _stage_of_vote(tx: Tx, taken: Withdrawal, actor: Actor) -> int | None:
    votes = requests.standing_votes(tx, taken.request_id, taken.revision, actor.key)
    return votes[-1].stage if votes else None


def _edit(
    tx: Tx,
    context: Context,
    edit: Edit,
    membership: Membership,
    first: Membership,
    origin: Origin,
    place: Place,
    mentions: Sequence[str],
) -> Answered:
    verdict = approvals.edit(tx, context, edit, membership, origin, first)
    return _answer(tx, context, edit.act, verdict, membership.actor, place, mentions, notices.edited)


def _withdraw(
    tx: Tx, context: Context, taken: Withdrawal, membership: Membership, origin: Origin, place: Place
) -> Answered:
    verdict = approvals.withdraw(tx, context, taken, membership, origin)
    return _answer(tx, context, taken, verdict, membership.actor, place, (), notices.withdrawn)


def _decide(
    tx: Tx, context: Context, act: Act, membership: Membership, origin: Origin, place: Place, mentions: Sequence[str]
) -> Answered:
    if place.message_ts:
        messages.adopt(tx, f"card:{act.request_id}:{act.stage}", place.channel, place.message_ts, context.now)
    verdict = approvals.decide(tx, context, act, membership, origin)
    return _answer(tx, context, act, verdict, membership.actor, place, mentions, notices.recorded)


def _may_decide(
    tx: Tx, context: Context, act: Act, membership: Membership, origin: Origin, place: Place, mentions: Sequence[str]
) -> Answered | None:
    refused = approvals.may_decide(tx, context, act, membership, origin)
    if refused is None:
        return None
    return _answer(tx, context, act, refused, membership.actor, place, mentions, notices.recorded)


def _answer(
    tx: Tx,
    context: Context,
    act: Act | Withdrawal,
    verdict: Accepted | Refused,
    actor: Actor,
    place: Place,
    mentions: Sequence[str],
    said: Callable[[RequestView], str],
) -> Answered:
    view = read_request(tx, act.request_id)
    if isinstance(verdict, Accepted):
        assert view is not None
        return Answered(verdict, view, said(view))
    sentence = notices.refusal(verdict.reason, view, mentions=mentions, detail=verdict.message)
    if place.message_ts and not verdict.repeated:
        _tell(tx, context, act.request_id, actor, place, sentence)
    return Answered(verdict, view, sentence)


def _tell(tx: Tx, context: Context, subject: str, actor: Actor, place: Place, sentence: str) -> None:
    body: Json = {"channel": place.channel, "thread_ts": place.thread_ts, "user": actor.id, "text": sentence}
    outbound.notice(tx, context, subject, actor.key, body)
