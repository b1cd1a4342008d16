"""Any order of starts, clicks, answers, time, commands and crashes, over a real file, against a small model.

After every step: a request closes at most once (I1), a call takes effect once and once more for each time a person
said so (I2), nothing takes effect that its approvers did not approve as it was (I3), nothing that was decided lies
around (I4), and the audit chain verifies and explains each end (I5).
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections import Counter, defaultdict
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from agent_runtime.approvals import Accepted, Refused
from agent_runtime.policy import Policy
from agent_runtime.refusals import RefusalReason
from storage.database import migrate
from storage.models import Request, Run
from storage.types import Actor, DecisionKind, OnTimeout, RequestKind, RequestStatus, RunStatus
from tests.core.agent import Calls, Killed, Questions, call, one
from tests.core.world import ANA, BOB, CLEO, EVE, MINUTES, NO, OPS, SAM, YES, World, policy_set, stage

T = TypeVar("T")

POLICIES = policy_set(
    Policy(tools=("pay",), stages=(stage(ANA, BOB, CLEO, quorum=2), stage(CLEO, OPS, name="two")),
           timeout=60 * MINUTES, valid_for=90 * MINUTES),
    Policy(tools=("mail",), stages=(stage(ANA, BOB),), timeout=30 * MINUTES, on_timeout=OnTimeout.FAIL),
    Policy(tools=("note",), stages=(stage(ANA, BOB),), timeout=45 * MINUTES, on_timeout=OnTimeout.KEEP),
)  # fmt: skip
STEPS = (
    Calls((call("pay", {"amount": 10}, call_id="c1"), call("mail", {"to": "x"}, call_id="c2"))),
    Questions({"q": "Which?"}),
    one("note", {"text": "y"}, step="m2"),
)
NEEDED = {"pay": (2, 1), "mail": (1,), "note": (1,)}
"""Votes that each stage of a tool's policy needs."""
APPROVERS = {"pay": ({ANA, BOB, CLEO}, {CLEO, OPS}), "mail": ({ANA, BOB},), "note": ({ANA, BOB},)}
PEOPLE = st.sampled_from([ANA, BOB, CLEO, EVE, OPS, SAM])
POINTS = st.sampled_from(["acted", "acted", "acted", "started", "before start", "finished"])
FINAL = {status for status in RequestStatus if status is not RequestStatus.PENDING}


def empty_store() -> Path:
    path = Path(tempfile.mkdtemp()) / "signoff.db"
    migrate(f"sqlite:///{path}")
    return path


class House(RuleBasedStateMachine):
    """One store, one agent, people, and what a bystander would remember of them."""

    template: Path

    def __init__(self) -> None:
        super().__init__()
        self.home = Path(tempfile.mkdtemp())
        shutil.copy(self.template, self.home / "signoff.db")
        self.loop = asyncio.new_event_loop()
        self.world = World(self.home, *STEPS, policies=POLICIES)
        self.do(self.world.__aenter__())
        self.runs: list[Run] = [self.do(self.world.waiting())]
        self.yes: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
        self.no: set[str] = set()
        self.again: Counter[tuple[str, str]] = Counter()
        self.ends: dict[str, RequestStatus] = {}

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def teardown(self) -> None:
        self.do(self.world.settle())
        self.nothing_lies_around()
        self.the_chain_is_whole()
        self.do(self.world.db.close())
        self.loop.close()
        shutil.rmtree(self.home)

    # What happens

    @precondition(lambda self: len(self.runs) < 3)
    @rule()
    def start(self) -> None:
        self.runs.append(self.do(self.world.start()))

    @rule()
    def settle(self) -> None:
        self.do(self.world.settle())

    @rule(point=POINTS)
    def agree_and_crash(self, point: str) -> None:
        """The process dies while it does what was just approved."""
        self.everybody_says_yes()
        self.crash(point)
        self.do(self.world.settle())

    @rule(point=POINTS)
    def crash(self, point: str) -> None:
        """The process dies the next time a call reaches this point, or just so; a new one comes up."""

        def die(reached: str, _call: object) -> None:
            if reached == point:
                raise Killed(point)

        self.world.agent.at = die
        try:
            self.do(self.world.settle())
        except Killed:
            pass
        finally:
            self.world.agent.at = None
        self.do(self.world.reboot())

    @rule(data=st.data(), actor=PEOPLE, kind=st.sampled_from([YES, YES, YES, NO]), stale=st.integers(0, 5))
    def click(self, data: st.DataObject, actor: Actor, kind: DecisionKind, stale: int) -> None:
        """Anybody presses a button of any card of a call that was ever shown, sometimes of an outdated one."""
        cards = [one for one in self.all_requests() if one.kind is RequestKind.TOOL]
        if not cards:
            return
        card = data.draw(st.sampled_from(cards))
        shown = {"stage": card.stage + 1} if stale == 0 else {"revision": card.revision + 1} if stale == 1 else {}
        verdict = self.do(self.world.decide(actor, kind, card, **shown))
        if isinstance(verdict, Refused):
            assert shown or self.deserves(card, actor, verdict.reason), (verdict.reason, card.status)
            return
        assert not shown
        self.remember(card, actor, kind)

    @rule()
    def agree(self) -> None:
        """Everybody who is asked says yes to everything, and it is done."""
        self.everybody_says_yes()
        self.do(self.world.settle())

    def everybody_says_yes(self) -> None:
        for actor in (ANA, BOB, OPS, CLEO):
            for card in self.all_requests():
                asked = card.kind is RequestKind.TOOL and card.status is RequestStatus.PENDING
                if asked and isinstance(self.do(self.world.decide(actor, YES, card)), Accepted):
                    self.remember(card, actor, YES)

    @rule(
        data=st.data(), action=st.sampled_from(["run_again", "happened", "failed"]), actor=st.sampled_from([OPS, ANA])
    )
    def tell(self, data: st.DataObject, action: str, actor: Actor) -> None:
        """Somebody says what happened to a call."""
        asked = [one for one in self.all_requests() if one.kind is RequestKind.OUTCOME]
        if not asked:
            return
        card = data.draw(st.sampled_from(asked))
        verdict = self.do(self.world.answer(actor, {"action": action, "result": "r", "reason": "r"}, card))
        assert isinstance(verdict, Accepted) == (card.status is RequestStatus.PENDING and actor is OPS)
        if isinstance(verdict, Accepted) and action == "run_again":
            self.again[card.run_id, f"{card.step}/{card.call_id}"] += 1

    @rule(data=st.data(), actor=st.sampled_from([SAM, ANA]))
    def answer(self, data: st.DataObject, actor: Actor) -> None:
        """Somebody answers the agent's question."""
        asked = [one for one in self.all_requests() if one.kind is RequestKind.QUESTION]
        if asked:
            self.do(self.world.answer(actor, "blue", data.draw(st.sampled_from(asked))))

    @rule(minutes=st.sampled_from([5, 31, 46, 61, 100, 300]), sweeps=st.booleans())
    def wait(self, minutes: int, sweeps: bool) -> None:
        self.world.clock.advance(minutes * MINUTES)
        if sweeps:
            self.do(self.world.runtime.sweep())

    @precondition(lambda self: self.runs)
    @rule(data=st.data(), actor=st.sampled_from([SAM, OPS, EVE]))
    def cancel(self, data: st.DataObject, actor: Actor) -> None:
        self.do(self.world.cancel(data.draw(st.sampled_from(self.runs)), actor))

    @precondition(lambda self: self.runs)
    @rule(data=st.data())
    def retry(self, data: st.DataObject) -> None:
        self.do(self.world.retry(data.draw(st.sampled_from(self.runs))))

    @rule(minutes=st.sampled_from([5, 100]))
    def stop_and_go(self, minutes: int) -> None:
        """An operator stops everything for a while; workers and sweeps do nothing meanwhile."""
        self.do(self.world.stop())
        effects = len(self.world.effects)
        self.do(self.world.pass_time(minutes * MINUTES))
        assert len(self.world.effects) == effects
        self.do(self.world.go())

    # What must hold

    @invariant()
    def requests_close_once(self) -> None:
        """I1."""
        rows = "select request_id, count(*) from audit where event = 'request.closed' group by request_id"
        assert all(count == 1 for _, count in self.do(self.world.look(rows)))
        for request in self.all_requests():
            before = self.ends.get(request.id)
            if before is not None and before is not request.status:
                assert request.status is RequestStatus.LAPSED
                assert before in {RequestStatus.APPROVED, RequestStatus.EXPIRED, RequestStatus.CANCELLED}
            if request.status in FINAL:
                self.ends[request.id] = request.status

    @invariant()
    def calls_take_effect_once(self) -> None:
        """I2."""
        done = Counter((effect["run"], effect["key"]) for effect in self.world.effects)
        for key, times in done.items():
            assert times <= 1 + self.again[key], key

    @invariant()
    def only_what_was_approved_took_effect(self) -> None:
        """I3."""
        requests = self.all_requests()
        for effect in self.world.effects:
            about = [one for one in requests if one.run_id == effect["run"] and one.subject == f"call:{effect['key']}"]
            assert any(self.is_approved(one, effect) for one in about), effect

    @invariant()
    def nothing_lies_around(self) -> None:
        """I4: a waiting run waits for somebody, and a queued or running one is at a worker's hand."""
        pending = {one.run_id for one in self.all_requests() if one.status is RequestStatus.PENDING}
        for run in self.runs:
            now = self.do(self.world.run(run))
            assert (now.status is RunStatus.WAITING) == (run.id in pending), now.status

    def the_chain_is_whole(self) -> None:
        """I5."""
        assert self.do(self.world.verify()).problem == ""
        rows = "select run_id, event from audit where event in ('run.succeeded', 'run.cancelled')"
        ended = {(run_id, event.removeprefix("run.")) for run_id, event in self.do(self.world.look(rows))}
        for run in self.runs:
            status = self.do(self.world.status(run))
            if status in {RunStatus.SUCCEEDED, RunStatus.CANCELLED}:
                assert (run.id, status.value) in ended
        assert "integrity.broken" not in self.do(self.world.events())

    # The model

    def remember(self, card: Request, actor: Actor, kind: DecisionKind) -> None:
        assert card.status is RequestStatus.PENDING
        assert actor in APPROVERS[card.tool][card.stage]
        if kind is YES:
            self.yes[card.id][card.stage].add(actor.key)
        else:
            self.no.add(card.id)

    def all_requests(self) -> list[Request]:
        return [request for run in self.runs for request in self.do(self.world.requests(run))]

    def is_approved(self, request: Request, effect: dict[str, Any]) -> bool:
        votes = self.yes[request.id]
        enough = all(len(votes[number]) >= needed for number, needed in enumerate(NEEDED[effect["tool"]]))
        return enough and request.id not in self.no and request.args == effect["args"]

    def deserves(self, card: Request, actor: Actor, reason: RefusalReason) -> bool:
        """Whether the model, too, would refuse a click on what the card shows."""
        if reason is RefusalReason.TOO_LATE:
            return card.status is not RequestStatus.PENDING or card.due_at is not None
        if reason is RefusalReason.ALREADY_VOTED:
            return any(actor.key in voters for voters in self.yes[card.id].values())
        if reason is RefusalReason.OWN_REQUEST:
            return actor is SAM
        return reason is RefusalReason.NOT_AN_APPROVER and actor not in APPROVERS[card.tool][card.stage]


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


def test_a_few_stories_keep_every_promise() -> None:
    """The same few dozen stories in every run of the tests."""
    play(examples=7, steps=50)


@pytest.mark.slow
def test_many_stories_keep_every_promise() -> None:
    """Hundreds of long stories, other ones each time."""
    play(examples=300, steps=60)
