"""Somebody who may write to the database but has no key, and puts back rows that were genuine once."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from agent_runtime import chain
from agent_runtime.absences import end_absence, hand_over
from agent_runtime.agents import Lease, Refuse
from agent_runtime.approvals import Accepted, Act, Refused
from agent_runtime.audit import Event, record
from agent_runtime.chain import Chain
from agent_runtime.people import Membership, Unreachable
from agent_runtime.policy import Action, GrantRule, Policy, Rules
from agent_runtime.start import start_call
from agent_runtime.wishes import Wish
from bot.desk import Desk
from storage import runs
from storage.types import SYSTEM, Actor, CallStatus, DecisionKind, GrantScope, RequestKind, RequestStatus
from tests.core.agent import one
from tests.core.world import ANA, BOB, CLEO, EVE, HOURS, MINUTES, NO, OPS, SURFACE, YES, World, policy_set, stage

BUY = one("buy", {"amount": 10})


LEARN = Chain.learn


class Trusting(Chain):
    """Finds every log whole: for what would have to hold by itself."""

    def is_whole_since(self, *_: Any, **__: Any) -> bool:
        return True


SHORT = Policy(tools=("buy",), valid_for=5 * MINUTES, stages=(stage(ANA),), timeout=HOURS)


async def kept(world: World, table: str, where: str) -> tuple[Any, ...]:
    """A row as it is now."""
    (row,) = await world.look(f"select * from {table} where {where}")
    return row


async def put_back(world: World, table: str, where: str, row: tuple[Any, ...]) -> None:
    """The row as it was."""
    await world.sql(f"delete from {table} where {where}")
    await world.sql(f"insert into {table} values ({', '.join('?' * len(row))})", *row)


async def test_a_journal_put_back_to_before_its_last_start_starts_nothing(worlds: Any) -> None:
    """A call that was run again on a person's word is not run once more by restoring the rows from before."""
    world = await worlds(BUY)
    run = await world.waiting()
    await world.decide(ANA)
    await world.killed_at("acted")
    await world.settle()
    asked = await world.pending()
    lost = await kept(world, "journal", "call_key = 'm1/c1'")
    await world.answer(OPS, {"action": "run_again"})
    await world.settle()
    assert (len(world.effects), (await world.call(run)).status) == (2, CallStatus.FINISHED)

    await put_back(world, "journal", "call_key = 'm1/c1'", lost)
    await world.sql("update request set consumed_at = null where id = ?", asked.id)
    await world.sql("update run set status = 'queued', output = null")
    await world.settle()
    assert len(world.effects) == 2
    assert await world.count(Event.INTEGRITY_BROKEN) == 1


RENAMED = "update audit set event = 'request.opened' where event = ?"
HIDDEN = "update audit set run_id = '', request_id = '' where event = ?"
DELETED = "delete from audit where event = ?"
FORGETS = [RENAMED, HIDDEN, DELETED]
"""How the log may be made to forget."""


async def forgotten(world: World, how: str, event: str) -> None:
    """The log's entry of this event is not to be found any more, nor is its text. It is not the newest one: a log that
    was cut off, with all rows from before that, is an older copy of the store."""
    await world.db.transact(lambda tx: record(tx, world.context, Event.NOISE, SYSTEM))
    await world.sql("delete from audit_text where seq in (select seq from audit where event = ?)", event)
    assert await world.sql(how, event) == 1


@pytest.mark.parametrize("forget", FORGETS)
async def test_a_log_that_forgot_a_start_lets_no_call_start_again(worlds: Any, forget: str) -> None:
    """Not even where the journal and the taken verdict forgot it, too."""
    world = await worlds(BUY)
    await world.waiting()
    await world.decide(ANA)
    await world.killed_at("acted")
    await world.sql("delete from journal")
    await world.sql("update request set consumed_at = null")
    await forgotten(world, forget, "call.started")
    await world.settle()
    assert len(world.effects) == 1
    assert await world.count(Event.INTEGRITY_BROKEN) == 1


@pytest.mark.parametrize("forget", FORGETS)
async def test_a_log_that_forgot_a_withdrawal_lets_the_vote_stand_for_nothing(worlds: Any, forget: str) -> None:
    """A vote that was taken back is put back as it was, and the log says nothing of that any more."""
    world = await worlds(BUY, policies=policy_set(Policy(tools=("buy",), stages=(stage(ANA, BOB, CLEO, quorum=2),))))
    await world.waiting()
    await world.decide(ANA)
    standing = await kept(world, "decision", "1")
    await world.withdraw(ANA)
    await world.decide(BOB)
    await put_back(world, "decision", f"id = {standing[0]}", standing)
    await forgotten(world, forget, "decision.withdrawn")
    await world.sql("update request set status = 'approved'")
    await world.sql("update run set status = 'queued'")
    await world.settle()
    assert world.effects == []
    assert await world.count(Event.INTEGRITY_BROKEN) == 1


@pytest.mark.parametrize("forget", FORGETS)
async def test_a_log_that_forgot_a_grants_use_lets_it_serve_no_more(worlds: Any, forget: str) -> None:
    """The grant's row from before its only use is put back: people are asked."""
    rule = GrantRule(scopes=(GrantScope.AGENT,), max_count=1)
    world = await worlds(BUY, policies=policy_set(Policy(tools=("buy",), stages=(stage(ANA),), grant=rule)))
    await world.waiting()
    await world.decide(ANA, wish=Wish(GrantScope.AGENT, 1, HOURS))
    await world.settle()
    unused = await kept(world, "approval_grant", "1")
    await world.waiting()
    assert len(world.effects) == 2
    await put_back(world, "approval_grant", "1", unused)
    await forgotten(world, forget, "grant.used")
    await world.waiting()
    assert len(world.effects) == 2


UNBOUND = "update audit set digest = '' where event = ?"
"""Hides what belongs to no run."""


async def handed_over_once(world: World, person: Actor, delegate: Actor) -> None:
    """Somebody hands over and comes back. Then the row is as it was before they came back."""
    until = world.clock.now() + 9 * HOURS
    await world.db.transact(
        hand_over, world.context, world.member(person), world.member(delegate), until, SURFACE
    )  # fmt: skip
    held = await kept(world, "absence", "1")
    await world.db.transact(end_absence, world.context, world.member(person), SURFACE)
    world.clock.advance(MINUTES)
    await put_back(world, "absence", "1", held)


@pytest.mark.parametrize("forget", [RENAMED, UNBOUND, DELETED])
async def test_a_log_that_forgot_the_end_of_a_hand_over_lets_nothing_run_on_the_delegates_word(
    worlds: Any, forget: str
) -> None:
    """Neither the call that they approve nor, by the grant that they give with it, the next one like it."""
    rule = GrantRule(scopes=(GrantScope.AGENT,), max_count=3)
    world = await worlds(BUY, policies=policy_set(Policy(tools=("buy",), stages=(stage(ANA),), grant=rule)))
    await handed_over_once(world, ANA, EVE)
    await forgotten(world, forget, "absence.ended")
    await world.waiting()
    delegate = world.member(EVE, stands_for=(world.member(ANA),))
    said = await world.decide_as(delegate, YES, wish=Wish(GrantScope.AGENT, 3, HOURS))
    assert isinstance(said, Accepted), "nobody waits for the whole log to be read when they click"
    await world.settle()
    assert world.effects == []
    assert await world.count(Event.INTEGRITY_BROKEN) == 1
    assert (await world.waiting()).status.value == "waiting"
    assert world.effects == []


async def test_a_log_that_forgot_the_end_of_a_hand_over_lets_no_delegate_say_run_it_again(worlds: Any) -> None:
    """A second effect needs the word of somebody who may give it, as the first did."""
    world = await worlds(BUY, policies=policy_set(operators=()))
    await handed_over_once(world, BOB, EVE)
    await forgotten(world, RENAMED, "absence.ended")
    run = await world.waiting()
    await world.decide(ANA)
    await world.killed_at("acted")
    await world.settle()
    asked = await world.pending()
    delegate = world.member(EVE, stands_for=(world.member(BOB),))
    said = await world.decide_as(delegate, DecisionKind.ANSWERED, asked, value={"action": "run_again"})
    assert isinstance(said, Accepted)
    await world.settle()
    assert (len(world.effects), (await world.run(run)).status.value) == (1, "failed")


async def test_a_log_that_is_changed_while_the_process_lives_is_read_again(worlds: Any) -> None:
    """What was found whole is believed only as long as nobody else writes to the file."""
    world = await worlds(BUY)
    await world.waiting()
    first = await world.pending()
    await world.waiting()
    (second,) = [one for one in await world.all_pending() if one.id != first.id]
    await world.decide(ANA, YES, second)
    await world.settle()
    assert len(world.effects) == 1
    with closing(sqlite3.connect(world.db.path)) as file, file:
        assert file.execute(RENAMED.replace("= ?", "= 'run.paused'")).rowcount == 2
    await world.decide(ANA, YES, first)
    await world.settle()
    assert len(world.effects) == 1
    assert await world.count(Event.INTEGRITY_BROKEN) == 1


@pytest.mark.parametrize("changed", [False, True])
async def test_a_log_that_grew_long_is_read_beside_the_writer(
    worlds: Any, monkeypatch: pytest.MonkeyPatch, changed: bool
) -> None:
    """A call that waited while much else happened starts all the same, and not where an entry was changed meanwhile."""
    monkeypatch.setattr(chain, "MOST_AT_ONCE", 20)
    read: list[int] = []
    monkeypatch.setattr(chain.Chain, "learn", lambda *given: (read.append(given[2].last), LEARN(*given))[1])
    world = await worlds(BUY)
    await world.waiting()
    await world.decide(ANA)
    for _ in range(30):
        await world.db.transact(record, world.context, Event.NOISE, SYSTEM)
    if changed:
        await world.sql("update audit set at = datetime(at, '+1 second') where seq = (select max(seq) - 7 from audit)")
    await world.settle()
    assert read == [1]
    assert len(world.effects) == (0 if changed else 1)
    assert await world.count(Event.INTEGRITY_BROKEN) == (1 if changed else 0)


async def test_what_was_rolled_back_is_no_break_in_the_log(worlds: Any) -> None:
    """A start that is undone with its transaction leaves nothing behind, and the next one starts."""
    world = await worlds(BUY)
    run = await world.waiting()
    await world.decide(ANA)

    def undone(tx: Any) -> None:
        record(tx, world.context, Event.NOISE, SYSTEM)
        assert world.context.chain.is_whole_since(tx, world.seal, Event.RUN_STARTED.value, run_id=run.id)
        raise RuntimeError("undone")

    with pytest.raises(RuntimeError, match="undone"):
        await world.db.transact(undone)
    await world.settle()
    assert len(world.effects) == 1
    assert await world.count(Event.INTEGRITY_BROKEN) == 0


async def test_a_verdict_that_was_taken_is_taken_by_no_second_start(worlds: Any) -> None:
    """Not even where its journal is gone, and the log knows the start as that of another call."""
    world = await worlds(BUY)
    run = await world.waiting()
    await world.decide(ANA)
    await world.killed_at("acted")
    asked = (await world.requests(run))[0]
    entry = await world.call(run)
    lease = Lease("B9", 9)
    await world.sql("delete from journal")
    await world.sql("update audit set digest = '' where event = 'call.started'")
    await world.sql("update run set status = 'running', owner = 'B9', attempt = 9")

    def start(tx: Any) -> Any:
        context = replace(world.context, chain=Trusting())
        return start_call(tx, context, runs.get(tx, run.id), lease, BUY.calls[0])  # type: ignore[arg-type]

    assert (asked.consumed_at, entry.request_id) == (entry.started_at, asked.id)
    assert isinstance(await world.db.transact(start), Refuse)
    assert await world.count(Event.INTEGRITY_BROKEN) == 1


@pytest.mark.parametrize("point", ["acted", "finished"])
async def test_a_call_under_the_key_of_one_that_was_started_is_not_that_one(worlds: Any, point: str) -> None:
    """It neither runs in the place of the first nor is told what came of it, though a policy lets both of them run."""
    world = await worlds(BUY, policies=policy_set(Policy(tools=("buy",), action=Action.ALLOW, idempotent=True)))
    run = await world.start()
    await world.killed_at(point)
    world.agent.steps = (one("buy", {"amount": 90_000}),)
    await world.settle()
    assert [effect["args"] for effect in world.effects] == [{"amount": 10}]
    assert await world.count(Event.INTEGRITY_BROKEN) == 1
    assert "buy done" not in str((await world.run(run)).output)


async def test_a_lapsed_approval_put_before_a_later_rejection_runs_nothing(worlds: Any) -> None:
    """Which request about a call is the newest is sealed: an older yes does not pass for a newer one than the no."""
    world = await worlds(BUY, policies=policy_set(SHORT))
    run = await world.waiting()
    first = await world.pending()
    await world.decide(ANA)
    world.clock.advance(10 * MINUTES)
    await world.settle()
    assert (await world.request(first)).status is RequestStatus.LAPSED
    await world.decide(ANA, NO)

    now = (await world.look("select opened_at from request where generation = 1"))[0][0]
    await world.sql("update request set generation = 2, status = 'approved', closed_at = ? where id = ?", now, first.id)
    await world.settle()
    assert world.effects == []
    assert await world.count(Event.INTEGRITY_BROKEN) == 1
    assert (await world.run(run)).status.value == "succeeded"


async def test_changed_rules_are_not_even_looked_up(worlds: Any) -> None:
    """The directory is asked by sealed rules only: rules put back before the transaction have changed nothing."""
    world = await worlds(BUY)
    await world.waiting()
    asked = await world.pending()
    await world.sql("update request set rules = json_set(rules, '$.stages[0].approvers', json('[\"channel:#all\"]'))")

    class Directory:
        async def member(self, actor: Actor, selectors: Sequence[str], **_: Any) -> Membership:
            assert tuple(selectors) == ()
            return Unreachable(actor)

        async def mentions(self, *_: Any) -> tuple[str, ...]:
            return ()

    act = Act(asked.id, asked.revision, asked.stage, YES)
    answered = await Desk(world.runtime, Directory()).decide(act, EVE, SURFACE)
    assert isinstance(answered.verdict, Refused)


async def test_a_word_to_run_a_call_again_starts_it_once(worlds: Any) -> None:
    """Where nobody knows what became of that start either, the same word is not to be had once more."""
    world = await worlds(BUY)
    await world.waiting()
    await world.decide(ANA)
    await world.killed_at("acted")
    await world.settle()
    first = await world.pending()
    await world.answer(OPS, {"action": "run_again"})
    await world.killed_at("acted")
    await world.settle()
    second = await world.pending()
    assert len(world.effects) == 2
    await world.sql("update request set consumed_at = null where id = ?", first.id)
    await world.sql("update request set subject = 'forgotten', status = 'cancelled' where id = ?", second.id)
    await world.sql("update run set status = 'queued'")
    await world.settle()
    assert len(world.effects) == 2


BY_START = (
    Policy(tools=("buy",), when='run.requested_by == "user:UANA"', action=Action.ALLOW),
    Policy(tools=("buy",), when='run.input.text == "test"', action=Action.ALLOW),
    Policy(tools=("buy",), agent="nice", action=Action.ALLOW),
)


@pytest.mark.parametrize(
    "change",
    [
        "starter = json_set(starter, '$.id', 'UANA')",
        "starter = json_set(starter, '$.id', 'UANA'), starter_key = 'slack:T1:UANA'",
        'input = \'{"text": "test"}\'',
        "agent = 'nice'",
    ],
)
async def test_a_run_that_was_started_as_another_is_judged_by_no_policy(worlds: Any, change: str) -> None:
    """Who started it, with what, and which agent it is: what conditions see is what the log knows."""
    world = await worlds(BUY, policies=policy_set(*BY_START))
    world.runtime.agents = {"agent": world.agent, "nice": world.agent}
    run = await world.start()
    await world.sql(f"update run set {change}")
    await world.settle()
    assert (world.effects, await world.count(Event.INTEGRITY_BROKEN)) == ([], 1)
    assert (await world.run(run)).status.value == "succeeded"


async def test_broken_rules_do_not_let_the_starter_say_what_happened(worlds: Any) -> None:
    """A call that needed somebody else's yes still needs somebody else's word after its rules were changed by hand."""
    world = await worlds(BUY)
    await world.waiting()
    await world.decide(ANA)
    await world.killed_at("acted")
    await world.sql("update request set rules_mac = 'ff'")
    await world.settle()
    (asked,) = [one for one in await world.all_pending() if one.kind is RequestKind.OUTCOME]
    assert Rules.model_validate(asked.rules).allow_self_approval is False
