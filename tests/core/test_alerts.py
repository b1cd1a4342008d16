"""Alerts as rows: each cause raised by what really happens, told once, and resolved again."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from agent_runtime.agents import Completed, Go, Outcome, Turn
from agent_runtime.alert_rules import AgentAlerts, AlertRules
from agent_runtime.alerts_watch import AlertsWatch
from agent_runtime.causes import SEVERITY, Cause, Severity
from agent_runtime.errors import AgentError
from agent_runtime.policy import Policy
from agent_runtime.runs import BACKOFF
from agent_runtime.worker import LEASE
from storage import alerts, outbox
from storage.alerts import Alert
from storage.types import OnTimeout, RunStatus
from tests.core.agent import Questions, call, one
from tests.core.world import ANA, HOURS, MINUTES, OPS, YES, World, policy_set
from tests.patience import PATIENCE


async def open_alerts(world: World) -> Mapping[str, Alert]:
    """The open alerts by their causes; no two of one cause."""
    found = await world.db.read(alerts.all_open)
    by_cause = {alert.cause: alert for alert in found}
    assert len(by_cause) == len(found), [(alert.cause, alert.thing) for alert in found]
    return by_cause


async def look(world: World, after: timedelta = timedelta(0)) -> Mapping[str, Alert]:
    """Let time pass, have the process say that it lives, and look."""
    world.clock.advance(after)
    world.runtime.beat(())
    await AlertsWatch(world.runtime).look()
    return await open_alerts(world)


async def only(world: World, cause: Cause, after: timedelta = timedelta(0)) -> Alert:
    """Let time pass, and look: the one alert there is then."""
    found = await look(world, after)
    assert list(found) == [cause]
    return found[cause]


async def test_a_run_that_waits_too_long_is_told_and_over_with_the_decision(worlds: Any) -> None:
    """Not before its time, once, and resolved when the run does not wait any more."""
    world: World = await worlds(one("buy"))
    run = await world.waiting()
    assert await look(world, 2 * HOURS - MINUTES) == {}
    alert = await only(world, Cause.WAITING, MINUTES)
    assert (alert.thing, alert.severity) == (run.id, "warning")
    assert (await only(world, Cause.WAITING, MINUTES)).id == alert.id
    delivery = await world.db.read(outbox.get, f"alert:{alert.id}")
    assert delivery is not None
    assert delivery.wanted == 1
    await world.decide(ANA, YES)
    await world.settle()
    assert await look(world) == {}
    told = [event for event in await world.events(run) if event.startswith("alert")]
    assert told == ["alert.raised", "alert.resolved"]


async def test_two_questions_of_one_run_are_one_alert(worlds: Any) -> None:
    """One message for one stuck run, about the one that waits longest."""
    world: World = await worlds(Questions({"a": {"question": "A?"}, "b": {"question": "B?"}}))
    run = await world.waiting()
    alert = await only(world, Cause.WAITING, 2 * HOURS)
    assert (alert.thing, alert.facts["more"]) == (run.id, 1)


async def test_a_request_that_stays_open_after_its_time_has_one_alert(worlds: Any) -> None:
    """`keep` is told as overdue and not as waiting as well; over with the decision."""
    world: World = await worlds(one("buy"), policies=policy_set(Policy(tools=("buy",), on_timeout=OnTimeout.KEEP)))
    await world.waiting()
    await world.pass_time(4 * HOURS)
    assert (await only(world, Cause.OVERDUE)).request_id == (await world.pending()).id
    await world.decide(ANA, YES)
    await world.settle()
    assert await look(world) == {}


async def test_a_call_whose_outcome_nobody_knows_is_told_at_once(worlds: Any) -> None:
    """The process died in the middle of it; over when a person says what happened."""
    world: World = await worlds(one("buy"))
    await world.waiting()
    await world.decide(ANA, YES)
    await world.killed_at("acted")
    await world.settle()
    alert = await only(world, Cause.OUTCOME)
    assert (alert.severity, alert.facts["tool"]) == ("critical", "buy")
    await world.answer(OPS, {"action": "happened", "result": "done"})
    await world.settle()
    assert await look(world) == {}


async def test_a_run_that_no_worker_takes_is_told(worlds: Any) -> None:
    """Ready for five minutes, and nobody came; over when one does."""
    world: World = await worlds(one("buy"))
    run = await world.start()
    assert await look(world, 4 * MINUTES) == {}
    assert (await only(world, Cause.QUEUED, MINUTES)).thing == run.id
    await world.settle()
    assert await look(world) == {}


async def test_a_run_whose_worker_is_gone_is_told(worlds: Any) -> None:
    """Its lease ended long ago, and nobody has taken it over; over when a worker does."""
    world: World = await worlds(one("buy"))
    run = await world.start()
    await world.runtime.claim(())
    alert = await only(world, Cause.QUEUED, 6 * MINUTES)
    assert (alert.thing, alert.facts["lost"]) == (run.id, True)
    await world.settle()
    assert await look(world) == {}


async def test_a_run_that_hangs_in_a_call_is_told(worlds: Any) -> None:
    """Half an hour in the same work, while its worker says that it lives; over when the call comes back."""
    world: World = await worlds(one("buy"))
    run = await world.waiting()
    await world.decide(ANA, YES)
    entered, back = asyncio.Event(), asyncio.Event()

    async def hang(turn: Turn) -> Completed:
        assert isinstance(await turn.ledger.start(call("buy")), Go)
        entered.set()
        await back.wait()
        await turn.ledger.finish(call("buy"), Outcome("text", b"done", "done"))
        return Completed("done")

    world.agent.advance = hang
    working = asyncio.create_task(world.runtime.worker.run_once())
    await asyncio.wait_for(entered.wait(), PATIENCE)
    assert await look(world, 29 * MINUTES) == {}
    alert = await only(world, Cause.RUNNING, MINUTES)
    assert (alert.thing, alert.since, alert.facts) == (run.id, (await world.run(run)).updated_at, {"tool": "buy"})
    back.set()
    await working
    assert await look(world) == {}
    assert await world.status(run) is RunStatus.SUCCEEDED


async def test_a_run_that_keeps_failing_is_told_until_it_is_retried_well(worlds: Any) -> None:
    """From the third failure in a row on, still when it was given up, and over once a retry works."""
    world: World = await worlds()
    world.agent.raises = AgentError("the model is busy", retryable=True)
    run = await world.waiting()
    for failures in (1, 2, 3):
        if failures < 3:
            assert await look(world) == {}
        await world.pass_time(BACKOFF * 2**failures)
    alert = await only(world, Cause.FAILING)
    assert "the model is busy" in alert.facts["error"]
    await world.pass_time(BACKOFF * 2**4)
    assert await world.status(run) is RunStatus.FAILED
    assert (await only(world, Cause.FAILING)).facts["ended"]
    world.agent.raises = None
    await world.retry(run)
    await world.settle()
    assert await look(world) == {}


async def test_an_agent_whose_runs_all_fail_is_one_alert(worlds: Any) -> None:
    """The third failed run in a row; over with the first that succeeds."""
    world: World = await worlds()
    world.agent.raises = AgentError("no such file")
    for _ in range(2):
        await world.waiting()
        assert await look(world, MINUTES) == {}
    await world.waiting()
    assert (await only(world, Cause.FAILING, MINUTES)).thing == "agent:agent"
    world.agent.raises = None
    world.agent.give = lambda _turn: Completed("done")
    await world.waiting()
    assert await look(world) == {}


@pytest.mark.parametrize(("runs", "failing"), [(1, 1), (3, 3)])
async def test_a_run_that_is_given_up_is_told_once(worlds: Any, runs: int, failing: int) -> None:
    """By its own alert, or by that of its agent where all of its runs fail; never by both."""
    world: World = await worlds()
    world.runtime.alerts = AlertRules(failing=failing)
    world.agent.raises = AgentError("the model is busy", retryable=True)
    for _ in range(runs):
        run = await world.waiting()
        while await world.status(run) is not RunStatus.FAILED:
            await world.pass_time(10 * MINUTES)
            world.runtime.beat(())
            await AlertsWatch(world.runtime).look()
    assert (await only(world, Cause.FAILING)).thing == (run.id if runs == 1 else "agent:agent")


async def test_a_pause_is_told_and_hides_what_it_brings_about(worlds: Any) -> None:
    """Who waits because everything is stopped is no news; what was told before stays as it is."""
    world: World = await worlds(one("buy"))
    await world.waiting()
    waiting = await only(world, Cause.WAITING, 2 * HOURS)
    await world.stop()
    await world.start()
    found = await look(world, 3 * HOURS)
    assert set(found) == {Cause.WAITING, Cause.PAUSED}
    assert found["waiting"].id == waiting.id
    await world.go()
    await world.settle()
    assert Cause.PAUSED not in await look(world)


async def test_one_agents_pause_is_told_and_hides_what_it_brings_about(worlds: Any) -> None:
    """Its runs are no news while it lasts, however long they wait; what was told before goes on after it."""
    world: World = await worlds(one("buy"))
    await world.waiting()
    before = await only(world, Cause.WAITING, 2 * HOURS)
    await world.waiting()
    await world.stop("agent")
    await world.start()
    found = await look(world, 3 * HOURS)
    assert set(found) == {Cause.WAITING, Cause.PAUSED}
    assert (found["waiting"].id, found["paused"].thing) == (before.id, "agent:agent")
    await world.go("agent")
    await world.settle()
    world.runtime.beat(())
    await AlertsWatch(world.runtime).look()
    left = await world.db.read(alerts.all_open)
    assert [alert.cause for alert in left] == [Cause.WAITING] * 2
    assert before.id in {alert.id for alert in left}


@pytest.mark.parametrize("agent", ["", "agent"])
async def test_after_a_pause_workers_have_time_to_take_what_is_ready(worlds: Any, agent: str) -> None:
    """What could not be taken is no news at the pause's end, but where no worker takes it then."""
    world: World = await worlds(one("buy"))
    await world.stop(agent)
    await world.start()
    assert set(await look(world, 3 * HOURS)) == {Cause.PAUSED}
    await world.go(agent)
    assert await look(world, 4 * MINUTES) == {}
    assert set(await look(world, MINUTES)) == {Cause.QUEUED}


async def test_another_process_that_says_nothing_is_told_while_it_holds_work(worlds: Any) -> None:
    """A while after its lease has ended its work is somebody else's, and nobody has to look after it."""
    world: World = await worlds(one("buy"))
    other = world.another_runtime()
    await other.boot()
    await world.start()
    world.clock.advance(2 * MINUTES - LEASE / 2)
    await other.claim(())
    alert = await only(world, Cause.SILENT, LEASE / 2)
    assert alert.thing == other.boot_id
    assert await look(world, 3 * MINUTES) == {}


async def test_a_process_that_says_nothing_is_told_unless_the_watch_slept_itself(worlds: Any) -> None:
    """Its heartbeat is two minutes old. After a night's sleep of the machine everybody's is."""
    world: World = await worlds()
    watch = AlertsWatch(world.runtime)
    await watch.look()
    world.clock.advance(HOURS)
    await watch.look()
    assert await open_alerts(world) == {}
    world.clock.advance(MINUTES)
    await watch.look()
    (alert,) = (await open_alerts(world)).values()
    assert (alert.cause, alert.thing) == (Cause.SILENT, world.runtime.boot_id)
    assert await look(world) == {}


async def test_an_idle_watch_does_not_take_itself_for_asleep(worlds: Any) -> None:
    """Where nothing happens it looks once a minute, and hears a silence of a minute all the same."""
    world: World = await worlds()
    world.runtime.alerts = AlertRules(heartbeat=MINUTES)
    watch = AlertsWatch(world.runtime)
    for _ in range(5):
        world.clock.advance(MINUTES / 4)
        await watch.poll()
    assert list(await open_alerts(world)) == [Cause.SILENT]


async def test_thresholds_and_severity_differ_by_agent(worlds: Any) -> None:
    """The first glob that names the agent and says something counts."""
    world: World = await worlds(one("buy"))
    named = AgentAlerts(name="ag*", waiting=timedelta(minutes=10), severity=Severity.INFO)
    world.runtime.alerts = AlertRules(agents=(AgentAlerts(name="other", waiting=MINUTES), named))
    await world.waiting()
    assert await look(world, 9 * MINUTES) == {}
    assert (await only(world, Cause.WAITING, MINUTES)).severity == "info"


async def test_a_change_of_the_rules_holds_for_what_is_open(worlds: Any) -> None:
    """A longer threshold ends an alert that it would not have raised."""
    world: World = await worlds(one("buy"))
    await world.waiting()
    await only(world, Cause.WAITING, 2 * HOURS)
    world.runtime.alerts = AlertRules(waiting=timedelta(hours=3))
    assert await look(world) == {}


def test_every_cause_has_a_severity_and_a_sentence() -> None:
    """Nothing is told without saying how urgent it is and what it means."""
    assert set(SEVERITY) == set(Cause)
    assert all(one.sentence.endswith(".") for one in (*Cause, *Severity))


async def test_while_nothing_happens_it_is_looked_once_a_minute(worlds: Any) -> None:
    """What is written is looked at at the next poll; where nothing is, time is, once a minute, or as it goes back."""
    world: World = await worlds(one("buy"))
    looks = 0

    async def count() -> None:
        nonlocal looks
        looks += 1

    watch = AlertsWatch(world.runtime, count)
    await world.waiting()
    await watch.poll()
    await watch.poll()
    assert looks == 1
    await world.decide(ANA, YES)
    await watch.poll()
    assert looks == 2
    world.clock.advance(MINUTES)
    await watch.poll()
    assert looks == 3
    world.clock.advance(-HOURS)
    await watch.poll()
    assert looks == 4
