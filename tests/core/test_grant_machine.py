"""Any order of starts, clicks, wishes, ends, absences, time and crashes, over a real file, against a small model.

What must hold: a call takes effect only by enough voices or by a grant that the model, too, knows to be good (I1); a
grant serves as many calls as it was given for (I2); where a grant is good nobody is asked (I3); a click counts exactly
where the model says so, in whose stead it may be (I4); the audit chain verifies (I5).
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from agent_runtime import grants
from agent_runtime.absences import end_absence, hand_over
from agent_runtime.approvals import Accepted
from agent_runtime.policy import GrantRule, Policy
from agent_runtime.views import AbsenceView
from agent_runtime.wishes import Wish
from storage import grants as rows
from storage import requests as request_rows
from storage.grants import Grant
from storage.models import Request, Run
from storage.tx import Tx
from storage.types import Actor, DecisionKind, GrantScope, RequestKind, RequestStatus
from tests.core.agent import Killed, one
from tests.core.story import empty_store
from tests.core.world import ANA, BOB, CLEO, EVE, HOURS, MINUTES, NO, OPS, SAM, SURFACE, YES, World, policy_set, stage

T = TypeVar("T")
P = ParamSpec("P")
RULE = GrantRule(scopes=tuple(GrantScope), max_count=3, max_age=4 * HOURS)
POLICIES = policy_set(
    Policy(tools=("buy",), stages=(stage(ANA, BOB, CLEO, quorum=2),), timeout=1000 * HOURS, grant=RULE)
)
STEPS = (one("buy", {"amount": 1}, step="m1"), one("buy", {"amount": 1}, step="m2"))
APPROVERS = {ANA.key, BOB.key, CLEO.key}
EVERYBODY = {actor.key: actor for actor in (ANA, BOB, CLEO, EVE, OPS, SAM)}
PEOPLE = st.sampled_from(list(EVERYBODY.values()))
AWAY, DELEGATES = st.sampled_from([ANA, BOB, CLEO, EVE]), st.sampled_from([EVE, OPS, EVE, OPS, BOB, SAM])
STARTERS = st.sampled_from([SAM, SAM, ANA, EVE])
WISHES = st.one_of(
    st.none(),
    st.builds(Wish, st.sampled_from(list(GrantScope)), st.integers(1, 3), st.sampled_from([HOURS, 4 * HOURS])),
)
POINTS = st.sampled_from(["before start", "started", "acted", "finished"])


@dataclass
class Given:
    """What the model knows of one grant."""

    id: str
    scope: GrantScope
    run: str
    starter: str
    approvers: set[str]
    uses: int
    ends: datetime
    used: int = 0
    revoked: bool = False


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
        self.world = World(self.home, *STEPS, policies=POLICIES)
        self.do(self.world.__aenter__())
        self.runs: dict[str, Run] = {}
        self.votes: dict[str, list[tuple[set[str], Wish | None]]] = defaultdict(list)
        self.approved: set[tuple[str, str]] = set()
        self.refused: set[str] = set()
        self.grants: dict[str, Given] = {}
        self.away: dict[str, tuple[str, datetime]] = {}
        self.seen = 0

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

    @precondition(lambda self: len(self.runs) < 8)
    @rule(starter=STARTERS)
    def start(self, starter: Actor) -> None:
        """I3, for the first call of a run."""
        run = self.do(self.world.start(starter))
        self.runs[run.id] = run
        expected = any(self.is_good(given, run) for given in self.grants.values())
        self.settle()
        assert expected == (self.about(run, "call:m1/c1") is None)

    @precondition(lambda self: len(self.runs) < 8)
    @rule(starter=STARTERS, point=POINTS)
    def start_and_crash(self, starter: Actor, point: str) -> None:
        """The process dies in the first call that a grant lets through, if one does."""
        run = self.do(self.world.start(starter))
        self.runs[run.id] = run

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

    @rule(data=st.data(), actor=PEOPLE, kind=st.sampled_from([YES, YES, NO]), wish=WISHES)
    def click(self, data: st.DataObject, actor: Actor, kind: DecisionKind, wish: Wish | None) -> None:
        """I4: a surface says that everybody stands behind whoever clicks."""
        request = self.one_open(data)
        if request is not None:
            self.press(request, actor, kind, wish)
            self.settle()

    @rule(data=st.data(), first=PEOPLE, wish=WISHES)
    def agree(self, data: st.DataObject, first: Actor, wish: Wish | None) -> None:
        """Everybody who can says yes to one request, with the same wish."""
        request = self.one_open(data)
        if request is None:
            return
        for actor in (first, *EVERYBODY.values()):
            if self.now_of(request).status is RequestStatus.PENDING:
                self.press(request, actor, YES, wish)
        self.settle()

    @rule(data=st.data(), person=AWAY, delegate=DELEGATES)
    def hand_over_and_click(self, data: st.DataObject, person: Actor, delegate: Actor) -> None:
        """Somebody leaves, their delegate votes, they come back and vote, too."""
        request = self.one_open(data)
        if request is None:
            return
        self.leave(person, delegate, 1)
        for actor in (delegate, person):
            if self.now_of(request).status is RequestStatus.PENDING:
                self.press(request, actor, YES, None)
        self.settle()

    def one_open(self, data: st.DataObject) -> Request | None:
        found = [one for one in self.asked() if one.status is RequestStatus.PENDING]
        return data.draw(st.sampled_from(found)) if found else None

    def press(self, request: Request, actor: Actor, kind: DecisionKind, wish: Wish | None) -> None:
        """Press a button; what comes of it is what the model says."""
        behind = tuple(self.world.member(one) for one in EVERYBODY.values() if one is not actor)
        member = self.world.member(actor, stands_for=behind)
        given = wish if kind is YES else None
        voice = self.voice(actor, request)
        verdict = self.do(self.world.decide_as(member, kind, request, wish=given))
        assert isinstance(verdict, Accepted) == (voice is not None), (verdict, voice)
        if voice is not None:
            self.remember(request, kind, voice, given)

    @rule(data=st.data(), actor=PEOPLE)
    def revoke(self, data: st.DataObject, actor: Actor) -> None:
        if not self.grants:
            return
        given = self.grants[data.draw(st.sampled_from(sorted(self.grants)))]
        member = self.world.member(actor)
        ended = self.do(self.world.db.transact(grants.revoke, self.world.context, given.id, member, SURFACE))
        may = actor is OPS or actor.key in given.approvers
        assert isinstance(ended, Grant) == may
        given.revoked = given.revoked or may

    @rule(person=AWAY, delegate=DELEGATES, hours=st.sampled_from([1, 5, 50]))
    def depart(self, person: Actor, delegate: Actor, hours: int) -> None:
        self.leave(person, delegate, hours)

    def leave(self, person: Actor, delegate: Actor, hours: int) -> None:
        until = self.now + hours * HOURS
        members = self.world.member(person), self.world.member(delegate)
        made = self.do(self.world.db.transact(hand_over, self.world.context, *members, until, SURFACE))
        may = person is not delegate and self.is_here(delegate.key)
        assert isinstance(made, AbsenceView) == may
        if may:
            self.away.pop(person.key, None)
            self.away[person.key] = (delegate.key, until)

    @rule(person=PEOPLE)
    def come_back(self, person: Actor) -> None:
        made = self.do(self.world.db.transact(end_absence, self.world.context, self.world.member(person), SURFACE))
        assert isinstance(made, AbsenceView) == (not self.is_here(person.key))
        self.away.pop(person.key, None)

    @rule(minutes=st.sampled_from([10, 61, 250]))
    def wait(self, minutes: int) -> None:
        self.world.clock.advance(minutes * MINUTES)

    # What must hold

    def settle(self) -> None:
        self.do(self.world.settle())
        self.explain()

    def explain(self) -> None:
        """I1: everything that took effect since the last look was allowed to, at this moment."""
        effects = self.world.effects
        for effect in effects[self.seen :]:
            run, key = self.runs[effect["run"]], effect["key"]
            by = self.do(self.world.call(run, key)).grant_id
            if by is None:
                assert (run.id, f"call:{key}") in self.approved, effect
                continue
            assert self.is_good(self.grants[by], run, counted=True), (effect, self.grants[by])
        self.seen = len(effects)
        served = "select grant_id, count(*) from journal where grant_id is not null group by grant_id"
        for grant_id, count in self.do(self.world.look(served)):
            self.grants[grant_id].used = count

    @invariant()
    def grants_serve_no_more_than_they_were_given_for(self) -> None:
        """I2."""
        House.taken += 1
        for given in self.grants.values():
            row = self.look(rows.get, given.id)
            assert row is not None
            assert row.uses == given.used <= given.uses == row.max_uses
            assert (row.revoked_at is not None) == given.revoked

    # The model

    def asked(self) -> list[Request]:
        found = [one for run in self.runs.values() for one in self.look(request_rows.of_run, run.id)]
        return [one for one in found if one.kind is RequestKind.TOOL]

    def now_of(self, request: Request) -> Request:
        found = self.look(request_rows.get, request.id)
        assert found is not None
        return found

    def about(self, run: Run, subject: str) -> Request | None:
        return next((one for one in self.look(request_rows.of_run, run.id) if one.subject == subject), None)

    def is_here(self, key: str) -> bool:
        return key not in self.away or self.away[key][1] <= self.now

    def is_good(self, given: Given, run: Run, *, counted: bool = False) -> bool:
        """Whether the model lets a grant serve a run now; `counted`: it has just done so."""
        mine = {
            GrantScope.RUN: given.run == run.id,
            GrantScope.REQUESTER: given.starter == run.starter_key,
            GrantScope.AGENT: True,
        }[given.scope]
        left = given.used < given.uses or counted
        alive = not given.revoked and self.now < given.ends and left
        return mine and alive and run.starter_key not in given.approvers and run.id not in self.refused

    def voice(self, actor: Actor, request: Request) -> set[str] | None:
        """Whose word a click would be; None where it counts for nothing."""
        starter = self.runs[request.run_id].starter_key
        used = {key for hands, _ in self.votes[request.id] for key in hands}
        if actor.key == starter or actor.key in used:
            return None
        if actor.key in APPROVERS:
            return {actor.key}
        behind = [one for one, (delegate, until) in self.away.items() if delegate == actor.key and until > self.now]
        able = [key for key in behind if key in APPROVERS and key != starter and key not in used]
        return {actor.key, able[0]} if able else None

    def remember(self, request: Request, kind: DecisionKind, voice: set[str], wish: Wish | None) -> None:
        if kind is NO:
            self.refused.add(request.run_id)
            return
        real = self.look(request_rows.votes, [request.id])[-1]
        if real.on_behalf_of is not None:  # which of several people stood behind does not matter to the model
            voice = {real.actor_key, Actor.model_validate(real.on_behalf_of).key}
            assert self.away[next(iter(voice - {real.actor_key}))][0] == real.actor_key
        self.votes[request.id].append((voice, wish))
        if len(self.votes[request.id]) < 2:
            return
        self.approved.add((request.run_id, request.subject))
        wishes = [one for _, one in self.votes[request.id]]
        kept = [one for one in wishes if one is not None]
        row = self.look(rows.of_request, request.id)
        made = len(kept) == len(wishes) and len({one.scope for one in kept}) == 1
        assert (row is not None) == made
        if row is not None:
            hands = {key for one, _ in self.votes[request.id] for key in one}
            starter = self.runs[request.run_id].starter_key
            ends = self.now + min((one.lasts for one in kept), default=timedelta(0))
            uses = min(one.uses for one in kept)
            self.grants[row.id] = Given(row.id, kept[0].scope, request.run_id, starter, hands, uses, ends)


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
