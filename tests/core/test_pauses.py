"""The pause switch: nothing starts and no timer fires, of everything or of one agent; what people decide stays."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from agent_runtime import pausing
from agent_runtime.alerts_watch import AlertsWatch
from agent_runtime.approvals import Accepted
from agent_runtime.audit import Event
from agent_runtime.errors import ExecutionPaused
from agent_runtime.holding import Why
from agent_runtime.pausing import read_pauses
from agent_runtime.policy import Policy
from agent_runtime.reading import read_request, read_run
from agent_runtime.refusals import RefusalReason
from agent_runtime.views import PauseView
from storage import alerts, audit, pauses
from storage.types import Actor, CallStatus, OnTimeout, RequestKind, RequestStatus, RunStatus
from tests.core.agent import Calls, call, one
from tests.core.test_ladder import climbed, climbing
from tests.core.test_ladder_holds import hold
from tests.core.world import ANA, EDIT, HOURS, MINUTES, OPS, SAM, SURFACE, YES, World, policy_set, stage

BUY = one("buy", {"amount": 10})
SECONDS = timedelta(seconds=1)
TIMED = Policy(timeout=10 * MINUTES, on_timeout=OnTimeout.REJECT)
EITHER = pytest.mark.parametrize("agent", ["", "agent"], ids=["everything", "one agent"])


async def pause(world: World, agent: str = "", by: Actor = OPS, why: str = "") -> PauseView | RefusalReason:
    return await world.db.transact(pausing.pause, world.context, agent, why, world.member(by), SURFACE)


async def resume(world: World, agent: str = "", by: Actor = OPS) -> PauseView | RefusalReason:
    return await world.db.transact(pausing.resume, world.context, agent, world.member(by), SURFACE)


@EITHER
async def test_a_vote_while_paused_is_kept_and_its_call_runs_afterwards(worlds: Any, agent: str) -> None:
    """The request closes at once; nothing runs, in this process or the next one, until an operator lets it go on."""
    world = await worlds(BUY, policies=policy_set(TIMED))
    run = await world.waiting()
    assert isinstance(await pause(world, agent, why="the bank is closed"), PauseView)
    decided = await world.decide(ANA)
    assert isinstance(decided, Accepted)
    await world.settle()
    view = await world.db.read(read_request, decided.request.id)
    assert (view.status, view.paused.why) == (RequestStatus.APPROVED, "the bank is closed")
    await world.reboot()
    await world.pass_time(24 * HOURS)
    assert (world.effects, await world.status(run)) == ([], RunStatus.QUEUED)
    await resume(world, agent)
    await world.settle()
    assert len(world.effects) == 1
    assert (await world.db.read(read_run, run.id)).paused is None


@EITHER
async def test_timers_stand_still_while_paused(worlds: Any, agent: str) -> None:
    """An open request has the time left afterwards that it had before, over a restart, and a late click is no excuse to
    close it."""
    world = await worlds(BUY, policies=policy_set(TIMED))
    await world.waiting()
    shown = await world.pending()
    await world.pass_time(4 * MINUTES)
    await pause(world, agent)
    await world.reboot()
    await world.pass_time(24 * HOURS)
    await resume(world, agent)
    due = (await world.db.read(read_request, shown.id)).due_at
    assert due == world.clock.now() + 6 * MINUTES
    await world.pass_time(6 * MINUTES - SECONDS)
    assert (await world.request(shown)).status is RequestStatus.PENDING
    await world.pass_time(SECONDS)
    assert (await world.request(shown)).status is RequestStatus.EXPIRED


async def test_a_click_on_a_paused_agents_overdue_request_counts(worlds: Any) -> None:
    """A click looks at the deadline, too: it stands still for it as for the sweep."""
    world = await worlds(BUY, policies=policy_set(TIMED))
    await world.waiting()
    await pause(world, "agent")
    world.clock.advance(HOURS)
    assert isinstance(await world.decide(ANA), Accepted)


@EITHER
async def test_a_hold_stands_still_while_paused(worlds: Any, agent: str) -> None:
    """What was left of it is still there afterwards, to take the approval back."""
    held = Policy(stages=(stage(ANA),), hold=30 * SECONDS, timeout=HOURS)
    world = await worlds(BUY, policies=policy_set(held))
    await world.waiting()
    await world.decide(ANA)
    await world.pass_time(10 * SECONDS)
    await pause(world, agent)
    await world.pass_time(HOURS)
    await resume(world, agent)
    await world.pass_time(19 * SECONDS)
    assert (await world.pending()).held_until is not None
    assert world.effects == []
    await world.pass_time(SECONDS)
    assert len(world.effects) == 1


@EITHER
async def test_a_ladder_stands_still_while_paused(worlds: Any, agent: str) -> None:
    """No step comes; then each comes as much later, one after the other, and a hold has the time left that it had."""
    world = await worlds(BUY, policies=climbing(timeout=4 * HOURS))
    await world.waiting()
    await world.pass_time(20 * MINUTES)
    await pause(world, agent)
    await world.pass_time(48 * HOURS)
    assert await climbed(world) == []
    await resume(world, agent)
    await world.pass_time(10 * MINUTES - SECONDS)
    assert await climbed(world) == []
    await world.pass_time(SECONDS)
    assert await climbed(world) == ["reminded"]
    await hold(world, ANA, Why.SNOOZED)
    await world.pass_time(20 * MINUTES)
    await pause(world, agent)
    await world.pass_time(HOURS)
    await resume(world, agent)
    shown = await world.db.read(read_request, (await world.pending()).id)
    assert shown.ladder.hold.until == world.clock.now() + 40 * MINUTES
    await world.pass_time(40 * MINUTES - SECONDS)
    assert (await world.pending()).quiet_until is not None
    await world.pass_time(SECONDS)
    assert ((await world.pending()).quiet_until, await climbed(world)) == (None, ["reminded"])
    await world.pass_time(30 * MINUTES - SECONDS)
    assert await climbed(world) == ["reminded"]
    await world.pass_time(SECONDS)
    assert await climbed(world) == ["reminded", "escalated"]


@EITHER
async def test_a_clock_that_went_back_during_a_pause_is_nobodys_hand(worlds: Any, agent: str) -> None:
    """The ladder waits for its time to come again, as it does without a pause, and no change of a row is told."""
    world = await worlds(BUY, policies=climbing(timeout=4 * HOURS))
    await world.waiting()
    await world.pass_time(20 * MINUTES)
    await pause(world, agent)
    await world.pass_time(-HOURS)
    await resume(world, agent)
    for _ in range(14):
        assert await climbed(world) == []
        await world.pass_time(5 * MINUTES)
    assert await climbed(world) == ["reminded"]
    assert Event.INTEGRITY_BROKEN.value not in await world.events()


async def test_the_agent_and_the_reason_of_a_pause_are_on_record(worlds: Any) -> None:
    """As they were typed, cleaned; whoever reads the log learns what was stopped, and why."""
    world = await worlds(BUY)
    await pause(world, "agent", why=" the bank is closed ")
    await resume(world, "agent")
    told = {}
    for entry in await world.db.read(audit.entries, 0, 1_000):
        texts = await world.db.read(audit.texts, [entry.seq or 0])
        told[entry.event] = texts[entry.seq or 0].body
    began, ended = told[Event.PAUSE_BEGAN.value], told[Event.PAUSE_ENDED.value]
    assert (began["agent"], began["why"]) == ("agent", "the bank is closed")
    assert (ended["agent"], ended["seconds"]) == ("agent", 0.0)


async def test_what_is_set_while_one_agent_is_paused_has_all_its_time_afterwards(worlds: Any) -> None:
    """A stage that a vote opens, and a hold that a vote begins, count from the end of the pause."""
    stages = (stage(ANA), stage(OPS, name="two"))
    world = await worlds(BUY, policies=policy_set(Policy(stages=stages, timeout=10 * MINUTES, hold=MINUTES)))
    await world.waiting()
    await world.pass_time(MINUTES)
    await pause(world, "agent")
    world.clock.advance(HOURS)
    await world.decide(ANA)
    world.clock.advance(HOURS)
    await resume(world, "agent")
    shown = await world.db.read(read_request, (await world.pending()).id)
    assert shown.due_at == world.clock.now() + 10 * MINUTES
    await pause(world, "agent")
    world.clock.advance(HOURS)
    await world.decide(OPS)
    world.clock.advance(HOURS)
    await resume(world, "agent")
    await world.pass_time(MINUTES - SECONDS)
    assert world.effects == []
    await world.pass_time(SECONDS)
    assert len(world.effects) == 1


@pytest.mark.parametrize("order", [("", "agent"), ("agent", "")], ids=["all first", "agent first"])
async def test_two_pauses_that_overlap_are_counted_once(worlds: Any, order: tuple[str, str]) -> None:
    """Nothing runs until both have ended, and timers move by the time in which either lasted."""
    world = await worlds(BUY, policies=policy_set(TIMED))
    await world.waiting()
    shown = await world.pending()
    for agent in order:
        await pause(world, agent)
        world.clock.advance(HOURS)
    assert {one.agent for one in await world.db.read(read_pauses)} == {"", "agent"}
    await resume(world, order[0])
    world.clock.advance(HOURS)
    await world.runtime.sweep()
    await resume(world, order[1])
    due = (await world.db.read(read_request, shown.id)).due_at
    assert due == world.clock.now() + 10 * MINUTES
    await world.pass_time(10 * MINUTES)
    assert (await world.request(shown)).status is RequestStatus.EXPIRED


async def test_the_others_go_on_while_one_agent_is_paused(worlds: Any) -> None:
    """Runs, votes, timers and the queue of another agent are as ever; a new run of the paused one waits its turn."""
    world = await worlds(BUY, policies=policy_set(TIMED))
    world.runtime.agents = {"agent": world.agent, "other": world.agent}
    stopped, other = await world.waiting(), await world.waiting(agent="other")
    await pause(world, "agent")
    queued = await world.waiting()
    waiting = {request.agent: request for request in await world.all_pending()}
    await world.decide(ANA, request=waiting["other"])
    await world.settle()
    assert await world.status(other) is RunStatus.SUCCEEDED
    assert await world.status(queued) is RunStatus.QUEUED
    late = await world.waiting(agent="other")
    await world.pass_time(HOURS)
    assert await world.status(late) is RunStatus.SUCCEEDED
    assert await world.status(stopped) is RunStatus.WAITING
    await resume(world, "agent")
    await world.settle()
    assert await world.status(queued) is RunStatus.WAITING


@EITHER
async def test_a_pause_in_the_middle_of_an_advance_lets_the_call_end_and_starts_no_other(
    worlds: Any, agent: str
) -> None:
    """The call that runs is recorded; the next one is refused its start, and the run is queued again."""
    both = Calls((call("first"), call("second", call_id="c2")))
    world = await worlds(both, policies=policy_set(Policy(tools=("*",), action="allow")))
    by, now = OPS.model_dump(mode="json"), world.clock.now()

    def stop(reached: str, now_at: Any) -> None:
        if (reached, now_at.tool) == ("acted", "first"):
            world.db.submit(_stop, agent, now, by).result()

    world.agent.at = stop
    run = await world.waiting()
    assert [effect["tool"] for effect in world.effects] == ["first"]
    assert await world.status(run) is RunStatus.QUEUED
    world.agent.at = None
    await resume(world, agent)
    await world.settle()
    assert [effect["tool"] for effect in world.effects] == ["first", "second"]


def _stop(tx: Any, agent: str, now: Any, by: Any) -> None:
    assert pauses.stop_agent(tx, agent, now, by) if agent else pauses.stop(tx, now, by)


async def test_a_paused_agents_call_is_refused_in_the_transaction_that_would_start_it(worlds: Any) -> None:
    """Whatever an advance believed: the `started` write looks at the pause of the run's agent."""
    world = await worlds(BUY, policies=policy_set(Policy(tools=("*",), action="allow")))

    def stop(reached: str, _call: Any) -> None:
        if reached == "before start":
            world.db.submit(_stop, "agent", world.clock.now(), {}).result()

    world.agent.at = stop
    run = await world.waiting()
    assert (world.effects, await world.status(run)) == ([], RunStatus.QUEUED)
    assert await world.count(Event.CALL_STARTED) == 0
    assert "paused" in str(ExecutionPaused())


@EITHER
async def test_a_call_whose_worker_died_is_asked_about_while_paused(worlds: Any, agent: str) -> None:
    """Asking executes nothing: whoever knows may say so at once, and what they say is used afterwards."""
    world = await worlds(BUY, policies=policy_set(TIMED))
    run = await world.waiting()
    await world.decide(ANA)
    await world.killed_at("acted")
    await pause(world, agent)
    await world.settle()
    advances = world.agent.advances
    assert await world.status(run) is RunStatus.WAITING
    assert (await world.call(run)).status is CallStatus.UNKNOWN
    assert isinstance(await world.answer(OPS, {"action": "happened", "result": "order 7"}), Accepted)
    await world.settle()
    assert (await world.status(run), world.agent.advances) == (RunStatus.QUEUED, advances)
    await resume(world, agent)
    await world.settle()
    assert (await world.run(run)).output == {"m1/c1": "order 7"}
    assert len(world.effects) == 1
    assert (await world.verify()).problem == ""


async def test_a_question_about_a_call_is_the_same_after_the_pause(worlds: Any) -> None:
    """The agent that makes an edited call again waits for the answer to what was asked meanwhile."""
    world = await worlds(BUY, policies=policy_set(TIMED.model_copy(update={"decisions": (YES, EDIT)})))
    run = await world.waiting()
    await world.edit(ANA, {"amount": 7})
    await world.killed_at("acted")
    await pause(world)
    await world.settle()
    asked = await world.pending()
    assert (asked.kind, asked.args) == (RequestKind.OUTCOME, {"amount": 7})
    await resume(world)
    await world.answer(OPS, {"action": "run_again"})
    await world.settle()
    assert [effect["args"] for effect in world.effects] == [{"amount": 7}] * 2
    assert len(await world.requests(run)) == 2


async def test_an_answer_that_was_given_is_not_asked_for_again(worlds: Any) -> None:
    """The worker died after somebody said to run the call again: that is done afterwards, as often as it dies."""
    world = await worlds(BUY, policies=policy_set(TIMED))
    run = await world.waiting()
    await world.decide(ANA)
    await world.killed_at("acted")
    await world.settle()
    await world.answer(OPS, {"action": "run_again"})
    for _ in range(4):
        await world.killed_at("before start")
        await pause(world)
        await world.settle()
        assert (await world.all_pending(), await world.status(run)) == ([], RunStatus.QUEUED)
        await resume(world)
    await world.settle()
    assert (len(world.effects), await world.status(run)) == (2, RunStatus.SUCCEEDED)


async def test_a_run_whose_worker_died_between_calls_waits_in_the_queue(worlds: Any) -> None:
    """What is not running is not shown as running while paused, and its crash is counted."""
    world = await worlds(BUY, policies=policy_set(TIMED))
    run = await world.waiting()
    await world.decide(ANA)
    await world.killed_at("before start")
    await pause(world)
    await world.settle()
    assert ((await world.run(run)).status, (await world.run(run)).crashes) == (RunStatus.QUEUED, 1)
    await resume(world)
    await world.settle()
    assert len(world.effects) == 1


async def test_a_run_that_is_cancelled_while_it_is_paused_is_over_at_once(worlds: Any) -> None:
    """Also where the wish to stop came while its last call still ran."""
    both = Calls((call("first"), call("second", call_id="c2")))
    world = await worlds(both, policies=policy_set(Policy(tools=("*",), action="allow")))
    waiting = await world.start()
    await pause(world, "agent")
    await world.cancel(waiting)
    assert await world.status(waiting) is RunStatus.CANCELLED


async def test_what_is_open_is_drawn_anew_when_a_pause_begins_and_ends(worlds: Any) -> None:
    """A card that waits for people, one whose call was approved and waits for its sibling, and the run's own message;
    nothing of another agent's."""
    both = Calls((call("first"), call("second", call_id="c2")))
    world = await worlds(both, policies=policy_set(TIMED))
    world.runtime.agents = {"agent": world.agent, "other": world.agent}
    await world.waiting(agent="other")
    run = await world.waiting()
    first, second = await world.requests(run)
    await world.decide(ANA, request=first)
    for change in (pause, resume):
        before = await _wanted(world)
        await change(world, "agent")
        after = await _wanted(world)
        drawn = {key for key in after if after[key] != before[key]}
        assert {key.split(":")[1] for key in drawn} == {run.id, *(one.card or one.id for one in (first, second))}


async def _wanted(world: World) -> dict[str, int]:
    """How often each message was wanted."""
    return dict(await world.look("select key, wanted from outbox where kind in ('card', 'run')"))


async def test_only_operators_pause_and_every_attempt_is_on_record(worlds: Any) -> None:
    """Who may not, who pauses twice, and who lets go on what was not paused is told so; nothing changes. The alert of
    a pause ends with it, and says who ended it."""
    world = await worlds(BUY)
    assert await pause(world, by=SAM) is RefusalReason.NOT_AN_OPERATOR
    assert await resume(world) is RefusalReason.NOT_PAUSED
    assert isinstance(await pause(world, "agent", why="first"), PauseView)
    assert await pause(world, "agent", why="second") is RefusalReason.ALREADY_PAUSED
    assert await resume(world, by=SAM, agent="agent") is RefusalReason.NOT_AN_OPERATOR
    assert await resume(world) is RefusalReason.NOT_PAUSED
    (lasting,) = await world.db.read(read_pauses)
    assert (lasting.agent, lasting.by, lasting.why) == ("agent", OPS, "first")
    await AlertsWatch(world.runtime).look()
    (alert,) = await world.db.read(alerts.all_open)
    assert isinstance(await resume(world, "agent"), PauseView)
    assert await world.db.read(read_pauses) == ()
    over = await world.db.read(alerts.get, alert.id)
    assert (over.resolved_at, over.resolved_why) == (world.clock.now(), f"{OPS.label} let it go on.")
    counts = [await world.count(event) for event in (Event.PAUSE_BEGAN, Event.PAUSE_ENDED, Event.PAUSE_REFUSED)]
    assert counts == [1, 1, 5]
    assert (await world.verify()).problem == ""


@pytest.mark.parametrize("rules", ['{"zone": 1}', '{"zone": 1, "stages": [{}]}', '"zone"'])
async def test_rules_that_were_changed_by_hand_keep_nothing_paused(worlds: Any, rules: str) -> None:
    """Its timers cannot be reckoned anew; everything goes on, and what is to happen then says so."""
    world = await worlds(BUY, policies=policy_set(TIMED))
    await world.waiting()
    await pause(world)
    await world.sql("UPDATE request SET rules = ?", rules)
    assert isinstance(await resume(world), PauseView)
