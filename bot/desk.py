"""One person's act, from any surface: see who they are, hand the act to the runtime, and say what came of it.

Every surface that lets people act (Slack, the console) comes through here, so that each rule is applied in one place
and in one order: a bounded directory read, then one transaction.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

import structlog

from agent_runtime import inquiries
from agent_runtime import runs as run_state
from agent_runtime.absences import absence_of, end_absence, hand_over, stood_in_for
from agent_runtime.agents import tool_schema
from agent_runtime.approvals import Accepted, Act, Edit, Preview, Withdrawal
from agent_runtime.audit import Origin
from agent_runtime.grant_reading import read_grant, read_grants
from agent_runtime.grants import revoke
from agent_runtime.holding import Hold, hold_ladder
from agent_runtime.people import Member, Membership, Unreachable, authorise_operator
from agent_runtime.policy import Stage, may_start
from agent_runtime.reading import find_runs, read_pending, read_recent_runs, read_request, read_run
from agent_runtime.refusals import RefusalReason
from agent_runtime.runs import Order
from agent_runtime.runtime import Runtime
from agent_runtime.selectors import Selector
from agent_runtime.views import AbsenceView, GrantView, InquiryView, RequestView, RunView
from bot import desk_work
from bot.cards import notices
from bot.desk_work import NOWHERE, Answered, Place
from bot.history import History, may_read
from bot.labels import labelled
from bot.offers import Members, Offers
from bot.pausing import PauseSwitch
from bot.standing_in import StandIns
from bot.webhooks.desk import WebhookDesk
from storage.models import Run
from storage.types import Actor

log = structlog.get_logger("signoff")

MOST_RUNS = 20


class People(Members, Protocol):
    """Who somebody is, and how to mention them: the Slack directory, or the console's."""

    async def mentions(self, selectors: Sequence[Selector], starter: Actor | None = None) -> tuple[str, ...]: ...


@dataclass(frozen=True, slots=True)
class Previewed:
    """What an edit would bring; `mentions` name whom its first stage asks."""

    preview: Preview
    mentions: tuple[str, ...]


class Desk:
    """Takes acts."""

    def __init__(self, runtime: Runtime, people: People) -> None:
        self.runtime = runtime
        self.stand_ins = StandIns(runtime, people)
        self.offers = Offers(runtime, people, self.stand_ins)
        self.switch = PauseSwitch(runtime, people)
        self.webhooks = WebhookDesk(runtime, people)
        self.history = History(runtime, self.stand_ins)
        self._people = people

    async def decide(self, act: Act, actor: Actor, origin: Origin, place: Place = NOWHERE) -> Answered:
        """Record a decision or refuse it; a refusal from a message is told to the person privately."""
        membership, mentions = await self._see(act, actor)
        context = self.runtime.context()
        answered = await self.runtime.db.transact(desk_work.decide, context, act, membership, origin, place, mentions)
        if isinstance(answered.verdict, Accepted):
            _log_decision(act, answered.verdict, actor)
        return answered

    async def edit(self, edit: Edit, actor: Actor, origin: Origin, place: Place = NOWHERE) -> Answered:
        """Put a call up for decision with other arguments, or refuse that. The tool's schema is looked up here."""
        edit, membership, first, mentions = await self._seen_editor(edit, actor)
        context = self.runtime.context()
        answered = await self.runtime.db.transact(
            desk_work.edit, context, edit, membership, first, origin, place, mentions
        )
        if isinstance(answered.verdict, Accepted):
            _log_decision(edit.act, answered.verdict, actor)
        return answered

    async def preview(self, edit: Edit, actor: Actor, origin: Origin) -> Previewed | Answered:
        """What an edit would bring and whom it would ask, or what it would be refused for."""
        edit, membership, first, mentions = await self._seen_editor(edit, actor)
        context = self.runtime.context()
        found = await self.runtime.db.transact(desk_work.preview, context, edit, membership, first, origin, mentions)
        if isinstance(found, Answered):
            return found
        _, starter = await self.runtime.db.read(desk_work.asked, self.runtime.seal, edit.request_id)
        return Previewed(found, await self._people.mentions(found.rules.stages[0].approvers, starter))

    async def withdraw(self, taken: Withdrawal, actor: Actor, origin: Origin, place: Place = NOWHERE) -> Answered:
        """Take back the person's newest vote on an open request, or refuse that."""
        rules, starter = await self.runtime.db.read(desk_work.asked, self.runtime.seal, taken.request_id)
        stage = await self.runtime.db.read(desk_work.stage_of_vote, taken, actor)
        asked = rules.stages[stage] if rules and stage is not None and stage < len(rules.stages) else None
        membership = await self._look_up(actor, asked, starter)
        return await self.runtime.db.transact(
            desk_work.withdraw, self.runtime.context(), taken, membership, origin, place
        )

    async def ask(self, request_id: str, text: str, actor: Actor, origin: Origin) -> InquiryView | RefusalReason:
        """Ask whoever started the run about an open request."""
        membership = await self._see_now(request_id, actor)
        return await self.runtime.db.transact(
            inquiries.ask, self.runtime.context(), request_id, text, membership, origin
        )

    async def hold(self, hold: Hold, actor: Actor, origin: Origin) -> RequestView | RefusalReason:
        """Hold the reminders and escalations of an open request for a while."""
        membership = await self._see_now(hold.request_id, actor)
        held = await self.runtime.db.transact(hold_ladder, self.runtime.context(), hold, membership, origin)
        if isinstance(held, RefusalReason):
            return held
        view = await self.request(hold.request_id)
        assert view is not None
        return view

    async def answer_inquiry(
        self, inquiry_id: str, text: str, actor: Actor, origin: Origin
    ) -> InquiryView | RefusalReason:
        """Answer what an approver asked."""
        context = self.runtime.context()
        return await self.runtime.db.transact(inquiries.answer, context, inquiry_id, text, actor, origin)

    async def inquiry(self, inquiry_id: str) -> InquiryView | None:
        """An approver's question."""
        return await self.runtime.db.read(inquiries.read_inquiry, inquiry_id)

    async def may_decide(self, act: Act, actor: Actor, origin: Origin, place: Place = NOWHERE) -> Answered | None:
        """What a decision would be refused for, before its form is opened; None where it may be made."""
        membership, mentions = await self._see(act, actor)
        return await self.runtime.db.transact(
            desk_work.may_decide, self.runtime.context(), act, membership, origin, place, mentions
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

    async def grants_of(self, actor: Actor, limit: int) -> list[GrantView]:
        """The grants that still let calls through, to which this person's yes counted; the newest first."""
        return await self.runtime.db.read(read_grants, self.runtime.clock.now(), actor.key, limit)

    async def all_grants(self, actor: Actor, limit: int) -> list[GrantView] | RefusalReason:
        """Everybody's grants, for operators."""
        membership = await self._people.member(actor, self.runtime.policies.operators)
        now = self.runtime.clock.now()
        refusal = authorise_operator(membership, self.runtime.policies.operators, now)
        return await self.runtime.db.read(read_grants, now, None, limit) if refusal is None else refusal

    async def revoke_grant(self, grant_id: str, actor: Actor, origin: Origin) -> GrantView | RefusalReason:
        """End a grant, by one of those who gave it or an operator."""
        membership = await self._people.member(actor, self.runtime.policies.operators)
        context = self.runtime.context()
        ended = await self.runtime.db.transact(revoke, context, grant_id, membership, origin)
        if isinstance(ended, RefusalReason):
            return ended
        view = await self.runtime.db.read(read_grant, grant_id)
        assert view is not None
        return view

    async def hand_over(
        self, actor: Actor, delegate: Actor, until: datetime, origin: Origin
    ) -> AbsenceView | RefusalReason:
        """Let somebody decide in this person's stead until then; they are told by direct message."""
        person, other = await asyncio.gather(self._people.member(actor, ()), self._people.member(delegate, ()))
        context = self.runtime.context()
        before = await self.absence_of(actor)
        absence = await self.runtime.db.transact(hand_over, context, person, other, until, origin)
        if isinstance(absence, AbsenceView):
            if before is not None and before.delegate.key != delegate.key:
                await self._tell_of(before, "ended", notices.stands_in_no_more(before))
            await self._tell_of(absence, "began", notices.handed_over(absence))
        return absence

    async def end_absence(self, actor: Actor, origin: Origin) -> AbsenceView | RefusalReason:
        """The person is back; whoever stood in for them is told by direct message."""
        person = await self._people.member(actor, ())
        absence = await self.runtime.db.transact(end_absence, self.runtime.context(), person, origin)
        if isinstance(absence, AbsenceView):
            await self._tell_of(absence, "ended", notices.is_back(absence))
        return absence

    async def _tell_of(self, absence: AbsenceView, what: str, words: str) -> None:
        """Tell the delegate that a hand-over began or ended, however soon one follows the other."""
        subject = f"absence:{absence.person.key}:{absence.began_at.isoformat()}:{what}"
        await self.tell(subject, absence.delegate, NOWHERE, words)

    async def absence_of(self, actor: Actor) -> AbsenceView | None:
        """This person's hand-over, while it holds."""
        return await self.runtime.db.read(absence_of, self.runtime.context(), actor.key)

    async def stands_in_for(self, actor: Actor) -> list[Actor]:
        """Those who handed over to this person."""
        return await self.runtime.db.read(stood_in_for, self.runtime.context(), actor.key)

    async def request(self, request_id: str) -> RequestView | None:
        """One request as it is now."""
        return await self.runtime.db.read(read_request, request_id)

    async def run(self, run_id: str) -> RunView | None:
        """One run as it is now."""
        return await self.runtime.db.read(read_run, run_id)

    async def runs_of(self, actor: Actor) -> list[RunView]:
        """A person's latest runs."""
        found = await self.runtime.db.read(read_recent_runs, MOST_RUNS, actor.key)
        return [labelled(view, self.runtime.agents) for view in found]

    async def find_run(self, prefix: str) -> list[RunView]:
        """Runs whose id begins like this."""
        found = await self.runtime.db.read(find_runs, prefix.upper())
        return [labelled(view, self.runtime.agents) for view in found]

    async def operators(self) -> tuple[str, ...]:
        """Who the operators are, as `mention` writes them."""
        return await self._people.mentions(self.runtime.policies.operators)

    async def may_read(self, view: RunView, actor: Actor) -> bool:
        """Whether a run's arguments may be shown to this person: its starter, an operator, or an approver asked now."""
        if actor.key == view.starter.key:
            return True
        asked = {selector for request in view.waiting_on for selector in request.stages[request.stage].approvers}
        selectors = (*self.runtime.policies.operators, *asked)
        membership = await self._people.member(actor, selectors, starter=view.starter)
        return isinstance(membership, Member) and bool(membership.holds & set(selectors))

    async def may_read_request(self, view: RequestView, actor: Actor) -> bool:
        """Whether a request's arguments may be shown to this person: its run's starter, an operator, who may approve
        it, or who stands in for one who may."""
        if actor.key == view.starter.key:
            return True
        operators = self.runtime.policies.operators
        asked = tuple(dict.fromkeys(selector for stage in view.stages for selector in stage.approvers))
        seen = await self.stand_ins.look_up(actor, (*operators, *asked), starter=view.starter)
        return may_read(seen, asked, operators)

    async def readable(self, actor: Actor, limit: int) -> tuple[RequestView, ...] | None:
        """What is open and may be shown to this person, the next deadline first; None where the directory is silent."""
        asked = await self.offers.open_requests()
        mine, membership = await asyncio.gather(
            self.offers.decidable(actor, asked, limit), self._people.member(actor, self.runtime.policies.operators)
        )
        if mine is None or isinstance(membership, Unreachable):
            return None
        if membership.holds & set(self.runtime.policies.operators):
            return tuple(await self.runtime.db.read(read_pending, limit))
        started = {one.request.id for one in asked if one.starter.key == actor.key}
        ids = [one.request.id for one in asked if one.request.id in started | {view.id for view in mine}][:limit]
        views = [await self.request(request_id) for request_id in ids]
        return tuple(view for view in views if view is not None)

    async def tell(self, subject: str, actor: Actor, place: Place, sentence: str) -> None:
        """Say something to the person who acted, privately, where they acted."""
        await self.runtime.db.transact(desk_work.tell, self.runtime.context(), subject, actor, place, sentence)

    async def _seen_editor(self, edit: Edit, actor: Actor) -> tuple[Edit, Membership, Membership, tuple[str, ...]]:
        """The edit with what the tool takes; the editor for the stage they edit in, and for the one that then decides;
        and who may decide instead of them."""
        asked = await self.runtime.db.read(desk_work.tool_asked, edit.request_id)
        edit = replace(edit, schema=tool_schema(self.runtime.agents, *asked) if asked else None)
        membership, mentions = await self._see(edit.act, actor)
        starter, stage = await self.runtime.db.read(desk_work.stage_of_edit, self.runtime.seal, edit)
        return edit, membership, await self._look_up(actor, stage, starter) if stage else membership, mentions

    async def _see(self, act: Act, actor: Actor) -> tuple[Membership, tuple[str, ...]]:
        rules, starter = await self.runtime.db.read(desk_work.asked, self.runtime.seal, act.request_id)
        stage = rules.stages[act.stage] if rules and act.stage < len(rules.stages) else None
        selectors = stage.approvers if stage else ()
        membership, mentions = await asyncio.gather(
            self._look_up(actor, stage, starter), self._people.mentions(selectors, starter)
        )
        return membership, mentions

    async def _see_now(self, request_id: str, actor: Actor) -> Membership:
        rules, starter, at = await self.runtime.db.read(desk_work.asked_now, self.runtime.seal, request_id)
        stage = rules.stages[at] if rules and at < len(rules.stages) else None
        return await self._look_up(actor, stage, starter)

    async def _look_up(self, actor: Actor, stage: Stage | None, starter: Actor | None) -> Membership:
        selectors = stage.everybody if stage else ()
        allow_public = stage.allow_public if stage else False
        return await self.stand_ins.look_up(actor, selectors, starter=starter, allow_public=allow_public)

    async def _shown(self, run: Run | RefusalReason) -> RunView | RefusalReason:
        if isinstance(run, RefusalReason):
            return run
        view = await self.runtime.db.read(read_run, run.id)
        assert view is not None
        return labelled(view, self.runtime.agents)


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
