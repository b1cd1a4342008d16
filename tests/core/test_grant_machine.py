"""Any order of starts, clicks, wishes, edits, second thoughts, ends, absences, time, cancels, reloads and crashes, over
a real file, against a small model.

What must hold: a call takes effect once, with the arguments that people saw, by enough voices that stand and have not
lapsed, or by a grant that the model, too, knows to be good (I1); a grant serves as many calls as it was given for (I2);
people are asked only where no grant is good, and again only where their approval lapsed (I3); an act counts exactly
where the model says so, in whose stead it may be, and a request is open as long (I4); the audit chain verifies (I5).
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from agent_runtime import approvals, grants
from agent_runtime.absences import end_absence, hand_over
from agent_runtime.approvals import Accepted, Edit
from agent_runtime.people import Member
from agent_runtime.views import AbsenceView
from agent_runtime.wishes import Wish
from storage import grants as rows
from storage.grants import Grant
from storage.models import Run
from storage.tx import Tx
from storage.types import Actor, DecisionKind, GrantScope, RunStatus
from tests.core.agent import Killed
from tests.core.purchases import (
    ANA,
    EVERYBODY,
    POLICIES,
    TIMEOUT,
    TOO,
    VALID,
    Asked,
    Buyer,
    Given,
    Voice,
    desk,
    person,
)
from tests.core.story import empty_store
from tests.core.world import BOB, CLEO, EVE, HOURS, MINUTES, NO, OPS, SAM, SURFACE, YES, World

T = TypeVar("T")
P = ParamSpec("P")
PEOPLE = st.sampled_from(list(EVERYBODY.values()))
AWAY, DELEGATES = st.sampled_from([ANA, BOB, CLEO, EVE]), st.sampled_from([EVE, OPS, EVE, OPS, BOB, SAM, TOO])
STARTERS = st.sampled_from([SAM, SAM, SAM, ANA, TOO, EVE])
PLANS = st.sampled_from([(1, 1), (1, 500), (500, 1)])
AMOUNTS = st.sampled_from([500, 2, 1])
WISHES = st.one_of(
    st.none(),
    st.builds(Wish, st.sampled_from(list(GrantScope)), st.integers(1, 3), st.sampled_from([HOURS, 4 * HOURS])),
)
MOST_RUNS = 10
POINTS = st.sampled_from(["before start", "started", "acted", "finished"])
LATE = st.sampled_from([0, 0, 0, 0, 61, 130, None])
"""After how many minutes a worker is at hand; None: something else happens before."""


def books(tx: Tx) -> tuple[list[Any], ...]:
    """Every request about a call, and every call with the grant that let it run."""
    asked = "select id, run_id, subject, status, revision from request where kind = 'tool'"
    started = "select run_id, call_key, grant_id from journal"
    return tuple(list(tx._connection.exec_driver_sql(one)) for one in (asked, started))


class House(RuleBasedStateMachine):
    """One store, people who come and go, and what a bystander would remember of them."""

    template: Path
    taken = 0
    """How many steps were taken and looked at, in all stories."""

    def __init__(self) -> None:
        super().__init__()
        self.home = Path(tempfile.mkdtemp())
        shutil.copy(self.template, self.home / "signoff.db")
        self.loop = asyncio.new_event_loop()
        self.world = World(self.home, policies=POLICIES[0])
        self.world.agent = Buyer(self.home / "effects.jsonl")
        self.do(self.world.__aenter__())
        self.version = 0
        self.runs: dict[str, Run] = {}
        self.asked: dict[str, Asked] = {}
        self.approved: dict[tuple[str, str], tuple[int, datetime]] = {}
        self.refused: dict[str, set[int]] = defaultdict(set)
        self.grants: dict[str, Given] = {}
        self.away: dict[str, tuple[str, datetime]] = {}
        self.done: list[tuple[str, str]] = []

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def look(self, read: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Rows on the writer's own connection: to read them over threads would take most of the time of a story."""
        return self.world.db.submit(read, *args, **kwargs).result()

    def teardown(self) -> None:
        assert self.do(self.world.verify()).problem == ""
        assert "integrity.broken" not in self.do(self.world.events())
        self.do(self.world.db.close())
        self.loop.close()
        shutil.rmtree(self.home)

    @property
    def now(self) -> datetime:
        return self.world.clock.now()

    # What happens

    @precondition(lambda self: len(self.runs) < MOST_RUNS)
    @rule(starter=STARTERS, amounts=PLANS, late=LATE)
    def start(self, starter: Actor, amounts: tuple[int, int], late: int | None) -> None:
        run = self.do(self.world.start(starter, input={"amounts": list(amounts)}))
        self.runs[run.id] = run
        self.settle(late)

    @rule(point=POINTS)
    def crash(self, point: str) -> None:
        """The process dies the next time a call reaches this point, if one does; a new one comes up."""

        def die(reached: str, _call: object) -> None:
            if reached == point:
                raise Killed(point)

        self.world.agent.at = die
        try:
            self.settle()
        except Killed:
            self.world.agent.at = None
            self.explain()
            self.do(self.world.reboot())
        self.world.agent.at = None
        self.settle()

    @rule(data=st.data(), actor=PEOPLE, kind=st.sampled_from([YES, YES, NO]), wish=WISHES, late=LATE)
    def click(self, data: st.DataObject, actor: Actor, kind: DecisionKind, wish: Wish | None, late: int | None) -> None:
        request = self.one_open(data)
        if request is not None:
            self.press(request, actor, kind, wish)
            self.settle(late)

    @rule(
        data=st.data(), first=PEOPLE, amount=st.one_of(st.none(), AMOUNTS), wish=WISHES, late=LATE,
        another=st.one_of(st.none(), STARTERS),
    )  # fmt: skip
    def agree(
        self, data: st.DataObject, first: Actor, amount: int | None, wish: Wish | None, late: int | None,
        another: Actor | None,
    ) -> None:  # fmt: skip
        """Everybody who can says yes to one request, with the same wish; somebody may have edited it before, and
        somebody may want the same again."""
        request = self.one_open(data)
        if request is None:
            return
        if amount is not None:
            self.change(request, first, amount)
        self.press_all(request, (first, *EVERYBODY.values()), wish)
        self.settle(late)
        if another is not None and len(self.runs) < MOST_RUNS:
            self.start(another, (request.amount, 1), 0)

    @rule(data=st.data(), away=AWAY, delegate=DELEGATES, amount=st.one_of(st.none(), AMOUNTS), wish=WISHES)
    def hand_over_and_act(
        self, data: st.DataObject, away: Actor, delegate: Actor, amount: int | None, wish: Wish | None
    ) -> None:
        """Somebody leaves, their delegate edits or votes, they come back and vote, too."""
        request = self.one_open(data)
        if request is None:
            return
        self.leave(away, delegate, 1)
        if amount is not None:
            self.change(request, delegate, amount)
        self.press_all(request, (delegate, away), wish)
        self.settle()

    def press_all(self, request: Asked, people: tuple[Actor, ...], wish: Wish | None) -> None:
        for actor in people:
            if self.voice(actor, request) is not None:
                self.press(request, actor, YES, wish)

    @precondition(lambda self: self.asked)
    @rule(data=st.data(), actor=PEOPLE, amount=AMOUNTS)
    def edit(self, data: st.DataObject, actor: Actor, amount: int) -> None:
        """Anybody wants another amount for anything that was ever asked."""
        self.change(self.any_asked(data), actor, amount)
        self.settle()

    @precondition(lambda self: self.asked)
    @rule(data=st.data(), actor=PEOPLE)
    def withdraw(self, data: st.DataObject, actor: Actor) -> None:
        """Anybody takes back what they, or somebody in their stead, may have said about anything."""
        request = self.any_asked(data)
        own = [vote for vote in request.votes if actor.key in vote.keys]
        is_open = self.find(request)
        verdict = self.do(self.world.withdraw(actor, request, stands_for=self.behind(actor)))
        assert isinstance(verdict, Accepted) == (is_open and bool(own)), verdict
        if isinstance(verdict, Accepted):
            request.votes.remove(own[0])

    @precondition(lambda self: self.runs)
    @rule(data=st.data(), actor=st.sampled_from([OPS, SAM, *EVERYBODY.values()]))
    def cancel(self, data: st.DataObject, actor: Actor) -> None:
        """Anybody wants a run to stop; nothing of it takes effect afterwards."""
        run = self.runs[data.draw(st.sampled_from(sorted(self.runs)))]
        is_over = self.do(self.world.status(run)) in {RunStatus.SUCCEEDED, RunStatus.CANCELLED}
        ended = self.do(self.world.cancel(run, actor))
        may = not is_over and (actor is OPS or actor.key == run.starter_key)
        assert isinstance(ended, Run) == may, ended
        if may:
            self.approved = {key: one for key, one in self.approved.items() if key[0] != run.id}
            for request in self.asked.values():
                request.over = request.over or request.run == run.id

    @precondition(lambda self: self.grants)
    @rule(data=st.data(), actor=PEOPLE)
    def revoke(self, data: st.DataObject, actor: Actor) -> None:
        given = self.grants[data.draw(st.sampled_from(sorted(self.grants)))]
        member = self.world.member(actor)
        ended = self.do(self.world.db.transact(grants.revoke, self.world.context, given.id, member, SURFACE))
        may = actor is OPS or actor.key in given.approvers
        assert isinstance(ended, Grant) == may
        given.revoked = given.revoked or may

    @rule(away=AWAY, delegate=DELEGATES, hours=st.sampled_from([1, 5, 50]))
    def depart(self, away: Actor, delegate: Actor, hours: int) -> None:
        self.leave(away, delegate, hours)

    @rule(actor=PEOPLE)
    def come_back(self, actor: Actor) -> None:
        made = self.do(self.world.db.transact(end_absence, self.world.context, self.world.member(actor), SURFACE))
        assert isinstance(made, AbsenceView) == (not self.is_here(actor.key))
        self.away.pop(actor.key, None)

    @rule(minutes=st.sampled_from([10, 61, 250]), sweeps=st.booleans())
    def wait(self, minutes: int, sweeps: bool) -> None:
        """Grants and absences end, approvals that no worker has come to lapse, requests expire once somebody looks."""
        self.world.clock.advance(minutes * MINUTES)
        if sweeps:
            self.do(self.world.runtime.sweep())
            for request in self.asked.values():
                self.find(request)
            self.settle()

    @rule()
    def reload(self) -> None:
        """The policy file is changed, or changed back."""
        self.version = 1 - self.version
        self.world.use(POLICIES[self.version])

    # What people do, and what the model says of it

    def one_open(self, data: st.DataObject) -> Asked | None:
        """An open request; where there is none another run is started, which may go by a grant without asking."""
        if all(one.over for one in self.asked.values()) and len(self.runs) < MOST_RUNS:
            self.start(data.draw(STARTERS), data.draw(PLANS), late=0)
        found = [key for key, one in self.asked.items() if not one.over]
        return self.asked[data.draw(st.sampled_from(found))] if found else None

    def any_asked(self, data: st.DataObject) -> Asked:
        found = [key for key, one in self.asked.items() if not one.over] or list(self.asked)
        return self.asked[data.draw(st.sampled_from(found))]

    def behind(self, actor: Actor) -> tuple[Member, ...]:
        """A surface says that everybody stands behind whoever acts."""
        return tuple(self.world.member(one) for one in EVERYBODY.values() if one is not actor)

    def press(self, request: Asked, actor: Actor, kind: DecisionKind, wish: Wish | None) -> None:
        """Press a button; what comes of it is what the model says."""
        self.find(request)
        wish = wish if kind is YES else None
        voice = self.voice(actor, request, wish) if wish is None or request.desk.grants else None
        member = self.world.member(actor, stands_for=self.behind(actor))
        verdict = self.do(self.world.decide_as(member, kind, request, wish=wish))
        assert isinstance(verdict, Accepted) == (voice is not None), (verdict, voice)
        if voice is not None and kind is NO:
            request.over = True
            self.refused[request.run] |= {request.agents, request.amount}
        elif voice is not None:
            self.count(request, voice)

    def change(self, request: Asked, actor: Actor, amount: int) -> None:
        """Edit a request; the editor's own yes is what the model says, and no vote from before counts any more."""
        may = self.find(request) and self.voice(actor, request) is not None and amount != request.amount
        edit = Edit(request.id, request.revision, request.stage, {"amount": amount})
        member = self.world.member(actor, stands_for=self.behind(actor))
        verdict = self.do(self.world.db.transact(approvals.edit, self.world.context, edit, member, SURFACE))
        assert isinstance(verdict, Accepted) == may, verdict
        if not isinstance(verdict, Accepted):
            return
        request.revision, request.amount, request.due, request.votes = (
            request.revision + 1, amount, self.now + TIMEOUT, []
        )  # fmt: skip
        voice = self.voice(actor, request)
        assert verdict.counted == (voice is not None)
        if voice is not None:
            self.count(request, voice)

    def leave(self, away: Actor, delegate: Actor, hours: int) -> None:
        until = self.now + hours * HOURS
        members = self.world.member(away), self.world.member(delegate)
        made = self.do(self.world.db.transact(hand_over, self.world.context, *members, until, SURFACE))
        may = person(away.key) != person(delegate.key) and self.is_here(delegate.key)
        assert isinstance(made, AbsenceView) == may
        if may:
            self.away.pop(away.key, None)
            self.away[away.key] = (delegate.key, until)

    # What must hold

    def settle(self, late: int | None = 0) -> None:
        if late is not None:
            self.world.clock.advance(late * MINUTES)
            self.do(self.world.settle())
            self.explain()

    def explain(self) -> None:
        """I1 and I3: everything that took effect, and everybody who was asked, since the last look, at this moment."""
        asked, started = self.look(books)
        by = {(run_id, key): grant_id for run_id, key, grant_id in started}
        for effect in self.world.effects[len(self.done) :]:
            call, amount = (effect["run"], effect["key"]), effect["args"]["amount"]
            assert call not in self.done, effect
            self.done.append(call)
            if by[call] is None:
                seen, at = self.approved[call]
                assert amount == seen, effect
                assert self.now <= at + VALID, effect
            else:
                assert self.is_good(self.grants[by[call]], self.runs[call[0]], amount, counted=True), effect
        for given in self.grants.values():
            given.used = list(by.values()).count(given.id)
        for request_id, run_id, subject, *_ in asked:
            if request_id not in self.asked:
                self.meet(request_id, self.runs[run_id], subject.removeprefix("call:"))

    def meet(self, request_id: str, run: Run, key: str) -> None:
        """A request that nobody saw yet."""
        amount = run.input["amounts"][int(key[1]) - 1]
        assert not any(self.is_good(given, run, amount) for given in self.grants.values()), key
        if any((one.run, one.subject) == (run.id, key) for one in self.asked.values()):
            _, at = self.approved.pop((run.id, key))
            assert self.now > at + VALID
        due = self.now + TIMEOUT
        self.asked[request_id] = Asked(request_id, run.id, key, run.starter_key, self.version, amount, amount, due)

    @invariant()
    def grants_and_requests_are_what_the_model_says(self) -> None:
        """I2 and I4."""
        House.taken += 1
        for given in self.grants.values():
            row = self.look(rows.get, given.id)
            assert row is not None
            assert row.uses == given.used <= given.uses == row.max_uses
            assert (row.revoked_at is not None) == given.revoked
        for request_id, _, _, status, revision in self.look(books)[0]:
            request = self.asked[request_id]
            assert (status == "pending", revision) == (not request.over, request.revision), (status, request)

    # The model

    def is_here(self, key: str) -> bool:
        return key not in self.away or self.away[key][1] <= self.now

    def is_open(self, request: Asked) -> bool:
        return not request.over and self.now < request.due

    def find(self, request: Asked) -> bool:
        """Whether a request is open for whoever comes to it now: one whose time is up, that closes."""
        request.over = not self.is_open(request)
        return not request.over

    def is_good(self, given: Given, run: Run, amount: int, *, counted: bool = False) -> bool:
        """Whether the model lets a grant serve a call now; `counted`: it has just done so."""
        mine = {
            GrantScope.RUN: given.run == run.id,
            GrantScope.REQUESTER: given.starter == run.starter_key,
            GrantScope.AGENT: True,
        }[given.scope]
        alive = not given.revoked and self.now < given.ends and (given.used < given.uses or counted)
        like = given.amount == amount and given.desk == desk(amount, self.version)
        own = person(run.starter_key) in {person(key) for key in given.approvers}
        return mine and alive and like and not own and amount not in self.refused[run.id]

    def voice(self, actor: Actor, request: Asked, wish: Wish | None = None) -> Voice | None:
        """Whose word an act would be; None where it counts for nothing."""
        settled = request.spoken | {person(request.starter)}
        if not self.is_open(request) or person(actor.key) in settled:
            return None
        if actor in request.desk.people:
            return Voice(actor.key, wish=wish)
        for one in request.desk.people:
            delegate, until = self.away.get(one.key, ("", self.now))
            if delegate == actor.key and until > self.now and person(one.key) not in settled:
                return Voice(actor.key, one.key, wish)
        return None

    def count(self, request: Asked, voice: Voice) -> None:
        """One more yes; with enough of them the call is approved, and a grant made where all wish one."""
        request.votes.append(voice)
        if len(request.votes) < request.desk.quorum:
            return
        request.over = True
        self.approved[request.run, request.subject] = (request.amount, self.now)
        kept = [vote.wish for vote in request.votes if vote.wish is not None]
        row = self.look(rows.of_request, request.id)
        made = len(kept) == len(request.votes) and len({wish.scope for wish in kept}) == 1
        assert (row is not None) == made
        if row is not None:
            hands = {key for vote in request.votes for key in vote.keys}
            ends = self.now + min((wish.lasts for wish in kept), default=timedelta(0))
            uses = min(wish.uses for wish in kept)
            self.grants[row.id] = Given(
                row.id, kept[0].scope, request.run, request.starter, request.amount, request.desk, hands, uses, ends
            )


def play(examples: int, steps: int) -> None:
    House.template = empty_store()
    case = settings(
        max_examples=examples, stateful_step_count=steps, deadline=None, derandomize=examples < 100,
        suppress_health_check=list(HealthCheck), database=None, print_blob=True,
        phases=(Phase.generate, Phase.shrink) if examples >= 100 else (Phase.generate,),
    )  # fmt: skip
    try:
        run_state_machine_as_test(House, settings=case)
    finally:
        shutil.rmtree(House.template.parent)


def test_a_few_stories_of_grants_and_absences_keep_every_promise() -> None:
    """The same few dozen stories in every run of the tests."""
    play(examples=8, steps=50)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(10))
def test_many_stories_of_grants_and_absences_keep_every_promise(part: int) -> None:
    """A hundred thousand steps in long stories, other ones each time; the parts run side by side."""
    before = House.taken
    while House.taken < before + 10_000:
        play(examples=100, steps=60)
