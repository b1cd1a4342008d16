"""Any order of starts, clicks, edits, second thoughts, answers, time, commands and crashes, over a real file, against a
small model.

After every step: a request closes at most once (I1), a call takes effect once and once more for each time a person
said so (I2), nothing takes effect but with the arguments of a request's newest revision, by enough standing votes in
each stage of that revision's own chain and after its hold (I3), nothing that was decided lies around (I4), and the
audit chain verifies and explains each end (I5). At the end: each step of a ladder came once, at its time (I6).
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections import Counter, defaultdict
from collections.abc import Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from agent_runtime.approvals import Accepted, Refused
from agent_runtime.refusals import RefusalReason
from storage import requests as request_rows
from storage import runs as run_rows
from storage.models import Request, Run
from storage.tx import Tx
from storage.types import Actor, DecisionKind, RequestKind, RequestStatus, RunStatus
from tests.core.agent import Killed
from tests.core.story import (
    ESCALATED,
    HOLD,
    POLICIES,
    RELOADED,
    REMINDED,
    STEPS,
    Ballot,
    Seat,
    are_enough,
    chain,
    climbed,
    empty_store,
)
from tests.core.world import ANA, BOB, CLEO, EDIT, EVE, MINUTES, NO, OPS, SAM, YES, World

T = TypeVar("T")

PEOPLE = st.sampled_from([ANA, BOB, CLEO, EVE, OPS, SAM])
POINTS = st.sampled_from(["acted", "acted", "acted", "started", "before start", "finished"])
AMOUNTS = st.sampled_from([20, 500, 600, 10, -1])
FINAL = {status for status in RequestStatus if status is not RequestStatus.PENDING}


def all_requests(tx: Tx, run_ids: list[str]) -> list[Request]:
    """Every request of these runs."""
    return [request for run_id in run_ids for request in request_rows.of_run(tx, run_id)]


def all_rows(tx: Tx, run_ids: list[str]) -> tuple[list[Request], list[Run], list[int]]:
    """Every request of these runs, the runs, and how often each request was closed, from one snapshot on the writer's
    own connection: a read for each, over threads, would take most of the time of a story."""
    closes = "select count(*) from audit where event = 'request.closed' group by request_id"
    counts = [count for (count,) in tx._connection.exec_driver_sql(closes)]
    return all_requests(tx, run_ids), [found for one in run_ids if (found := run_rows.get(tx, one))], counts


class House(RuleBasedStateMachine):
    """One store, one agent, people, and what a bystander would remember of them."""

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
        self.runs: list[Run] = [self.do(self.world.waiting())]
        self.votes: dict[tuple[str, int], list[Ballot]] = defaultdict(list)
        self.made: dict[tuple[str, int], dict[str, Any]] = {}
        self.version = 0
        self.opened_by: dict[str, int] = {}
        self.seen = 0
        self.again: Counter[tuple[str, str]] = Counter()
        self.ends: dict[str, RequestStatus] = {}

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def teardown(self) -> None:
        self.do(self.world.settle())
        self.promises_are_kept()
        self.the_chain_is_whole()
        self.ladders_are_climbed_once()
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
            assert shown or self.deserves(card, actor, kind, verdict.reason), (verdict.reason, card.status)
            return
        assert not shown
        self.remember(card, actor, kind)

    @rule(data=st.data(), actor=PEOPLE, amount=AMOUNTS)
    def edit(self, data: st.DataObject, actor: Actor, amount: int) -> None:
        """Anybody wants other arguments for any call that was ever shown."""
        cards = [one for one in self.all_requests() if one.kind is RequestKind.TOOL]
        if cards:
            self.change(data.draw(st.sampled_from(cards)), actor, amount)

    @rule(
        before=st.sampled_from([None, ANA, BOB]), actor=st.sampled_from([ANA, BOB, CLEO]),
        amount=st.sampled_from([20, 500, 600]), second_thoughts=st.booleans(),
    )  # fmt: skip
    def edit_what_is_asked(self, before: Actor | None, actor: Actor, amount: int, second_thoughts: bool) -> None:
        """An approver edits a payment on which another may have voted, and may take their own approval back; then
        everybody agrees."""
        if not self.payments() and len(self.runs) < 5:
            self.runs.append(self.do(self.world.waiting()))
        for card in self.payments():
            if before is not None and isinstance(self.do(self.world.decide(before, YES, card)), Accepted):
                self.remember(card, before, YES)
            self.change(self.do(self.world.request(card)), actor, amount)
            if second_thoughts:
                self.give_back(self.do(self.world.request(card)), actor)
        self.agree()

    def payments(self) -> list[Request]:
        """The payments that people are asked about."""
        asked = [one for one in self.all_requests() if one.status is RequestStatus.PENDING]
        return [one for one in asked if (one.tool, one.kind) == ("pay", RequestKind.TOOL)]

    def change(self, card: Request, actor: Actor, amount: int) -> None:
        verdict = self.do(self.world.edit(actor, {"amount": amount}, card))
        args = {"amount": amount, **({"checked": True} if amount >= 100 else {})}
        if isinstance(verdict, Refused):
            why = verdict.reason
            asked_in_vain = why is RefusalReason.BAD_EDIT and args == card.args
            denied = why is RefusalReason.DENIED and amount < 0
            not_offered = why is RefusalReason.NOT_OFFERED and card.tool != "pay"
            assert asked_in_vain or denied or not_offered or self.deserves(card, actor, EDIT, why), (why, card.status)
            return
        assert card.tool == "pay"
        assert args["amount"] >= 0
        self.made[card.id, card.revision + 1] = args
        assert verdict.counted == (actor in self.seats(card, args)[0].people)
        assert not verdict.closed
        if verdict.counted:
            self.votes[card.id, card.revision + 1].append(Ballot(actor, 0, YES, self.world.clock.now()))

    @rule(data=st.data(), actor=PEOPLE)
    def take_back(self, data: st.DataObject, actor: Actor) -> None:
        """Anybody takes back what they may have said."""
        cards = [one for one in self.all_requests() if one.kind is RequestKind.TOOL]
        if not cards:
            return
        self.give_back(data.draw(st.sampled_from(cards)), actor)

    def give_back(self, card: Request, actor: Actor) -> None:
        own = [vote for vote in self.votes[card.id, card.revision] if vote.actor == actor]
        verdict = self.do(self.world.withdraw(actor, card))
        if isinstance(verdict, Accepted):
            assert card.status is RequestStatus.PENDING
            self.votes[card.id, card.revision].remove(own[-1])
            assert verdict.request.held_until is None
        elif verdict.reason is RefusalReason.NO_VOTE:
            assert not own
        else:
            assert verdict.reason is RefusalReason.TOO_LATE, verdict.reason

    @rule()
    def agree(self) -> None:
        """Everybody who is asked says yes to everything, nobody takes it back, and it is done."""
        self.everybody_says_yes()
        self.do(self.world.pass_time(HOLD))

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

    @rule(minutes=st.sampled_from([5, 11, 21, 31, 46, 61, 100, 300]), sweeps=st.booleans())
    def wait(self, minutes: int, sweeps: bool) -> None:
        self.world.clock.advance(minutes * MINUTES)
        if sweeps:
            self.do(self.world.runtime.sweep())

    @rule(data=st.data(), actor=st.sampled_from([SAM, OPS, EVE]))
    def cancel(self, data: st.DataObject, actor: Actor) -> None:
        self.do(self.world.cancel(data.draw(st.sampled_from(self.runs)), actor))

    @rule(data=st.data())
    def retry(self, data: st.DataObject) -> None:
        self.do(self.world.retry(data.draw(st.sampled_from(self.runs))))

    @rule(minutes=st.sampled_from([5, 100]), agent=st.sampled_from(["", "agent"]))
    def stop_and_go(self, minutes: int, agent: str) -> None:
        """An operator stops everything, or the agent, for a while; workers and sweeps do nothing meanwhile."""
        self.do(self.world.stop(agent))
        effects = len(self.world.effects)
        self.do(self.world.pass_time(minutes * MINUTES))
        assert len(self.world.effects) == effects
        self.do(self.world.go(agent))

    @rule()
    def reload(self) -> None:
        """The policy file is changed, or changed back."""
        self.version = 1 - self.version
        self.world.use((POLICIES, RELOADED)[self.version])

    # What must hold

    @invariant()
    def promises_are_kept(self) -> None:
        """I1 to I4, after every step."""
        requests, runs, closes = self.world.db.submit(all_rows, [run.id for run in self.runs]).result()
        self.know(requests)
        House.taken += 1
        self.requests_close_once(requests, closes)
        self.effects_are_approved(requests)
        self.nothing_lies_around(requests, runs)

    def requests_close_once(self, requests: list[Request], closes: list[int]) -> None:
        """I1."""
        assert set(closes) <= {1}
        for request in requests:
            before = self.ends.get(request.id)
            if before is not None and before is not request.status:
                assert request.status is RequestStatus.LAPSED
                assert before in {RequestStatus.APPROVED, RequestStatus.EXPIRED, RequestStatus.CANCELLED}
            if request.status in FINAL:
                self.ends[request.id] = request.status

    def effects_are_approved(self, requests: list[Request]) -> None:
        """I2 and I3."""
        effects = self.world.effects
        done = Counter((effect["run"], effect["key"]) for effect in effects)
        for key, times in done.items():
            assert times <= 1 + self.again[key], key
        for effect in effects[self.seen :]:
            about = [one for one in requests if one.run_id == effect["run"] and one.subject == f"call:{effect['key']}"]
            assert any(self.is_approved(one, effect) for one in about), effect
        self.seen = len(effects)

    def nothing_lies_around(self, requests: list[Request], runs: list[Run]) -> None:
        """I4: a waiting run waits for somebody, and a queued or running one is at a worker's hand."""
        pending = {one.run_id for one in requests if one.status is RequestStatus.PENDING}
        assert len(runs) == len(self.runs)
        for run in runs:
            assert (run.status is RunStatus.WAITING) == (run.id in pending), run.status

    def ladders_are_climbed_once(self) -> None:
        """I6: in each asking each step of a ladder comes once, after the one before it and not before its time."""
        steps: dict[str, list[tuple[str, datetime]]] = defaultdict(list)
        for request_id, event, at in self.do(self.world.look(_STEPS)):
            steps[request_id].append((event, datetime.fromisoformat(at).replace(tzinfo=UTC)))
        for request in self.all_requests():
            came = steps[request.id]
            for number, (event, at) in enumerate(came):
                is_second = event == "request.escalated"
                assert not is_second or came[number - 1 : number] == [("request.reminded", came[number - 1][1])]
                assert at >= request.opened_at + (ESCALATED if is_second else REMINDED)
            assert sum(event == "request.reminded" for event, _ in came) <= request.asking
            assert request.rung in {0, min(len(came), 1 + (came[-1:] != [] and came[-1][0] == "request.escalated"))}

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
        assert actor in self.seats(card)[card.stage].people
        self.votes[card.id, card.revision].append(Ballot(actor, card.stage, kind, self.world.clock.now()))

    def seats(self, card: Request, args: Any = None) -> tuple[Seat, ...]:
        """Who must decide about a card's call, had it these arguments, by the policies of when it opened."""
        seats = chain(card.tool, card.args if args is None else args, self.opened_by[card.id])
        return climbed(seats, card.rung) if card.tool in {"mail", "note"} else seats

    def all_requests(self) -> list[Request]:
        return self.know(self.world.db.submit(all_requests, [run.id for run in self.runs]).result())

    def know(self, requests: list[Request]) -> list[Request]:
        """What was not there at the last look was opened by the policies of now."""
        for request in requests:
            self.opened_by.setdefault(request.id, self.version)
        return requests

    def is_approved(self, request: Request, effect: dict[str, Any]) -> bool:
        newest = max([1, *(revision for known, revision in self.made if known == request.id)])
        args = self.made.get((request.id, newest), request.asked_args)
        votes = self.votes[request.id, newest]
        version = self.opened_by[request.id]
        return args == effect["args"] and are_enough(
            votes, request.tool, effect["args"], version, self.world.clock.now()
        )

    def deserves(self, card: Request, actor: Actor, kind: DecisionKind, reason: RefusalReason) -> bool:
        """Whether the model, too, would refuse a click on what the card shows."""
        if reason is RefusalReason.TOO_LATE:
            return card.status is not RequestStatus.PENDING or card.due_at is not None
        if reason is RefusalReason.ALREADY_VOTED:
            return any(vote.actor == actor for vote in self.votes[card.id, card.revision])
        if reason is RefusalReason.OWN_REQUEST:
            return actor is SAM
        if reason is RefusalReason.HELD:
            return kind is YES and card.held_until is not None
        seats = self.seats(card)
        return reason is RefusalReason.NOT_AN_APPROVER and actor not in seats[card.stage].people


_STEPS = "select request_id, event, at from audit where event in ('request.reminded', 'request.escalated') order by seq"


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
@pytest.mark.parametrize("part", range(10))
def test_many_stories_keep_every_promise(part: int) -> None:
    """A hundred thousand steps in long stories, other ones each time; the parts run side by side."""
    before = House.taken
    while House.taken < before + 10_000:
        play(examples=100, steps=60)
