"""The desk's edits and withdrawals: who is looked up for which stage, what the tool takes, what a person is told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agent_runtime.agents import NodeReport, ToolShape
from agent_runtime.approvals import Accepted, Edit, Refused, Withdrawal
from agent_runtime.people import Member, Membership
from agent_runtime.policy import Policy, Stage
from agent_runtime.refusals import RefusalReason
from agent_runtime.selectors import Selector
from bot.desk import Desk
from storage.types import Actor
from tests.core.agent import one
from tests.core.world import ANA, BOB, CLEO, EDIT, NO, SURFACE, TEAM, YES, World, policy_set, stage

BUY = one("buy", {"amount": 900})
OFFERS = (YES, NO, EDIT)
SCHEMA = {"type": "object", "properties": {"amount": {"type": "integer"}}, "additionalProperties": False}


class Directory:
    """Knows who is in which channel; public ones count only where that is allowed."""

    def __init__(self, world: World, **members: Sequence[Actor]) -> None:
        self.world = world
        self.members = members
        self.asked: list[tuple[tuple[str, ...], bool]] = []

    async def member(
        self, actor: Actor, selectors: Sequence[Selector], *, starter: Actor | None = None, allow_public: bool = False
    ) -> Membership:
        self.asked.append((tuple(selectors), allow_public))
        holds = {who for who in selectors if actor in self.members.get(who.removeprefix("channel:#"), ())}
        taken_at = self.world.clock.now()
        return Member(actor=actor, home_team=TEAM, taken_at=taken_at, holds=frozenset(holds if allow_public else ()))

    async def mentions(self, *_: Any) -> tuple[str, ...]:
        return ()


def room(name: str, *, public: bool) -> Stage:
    return Stage(name=name, approvers=(f"channel:#{name}",), allow_public=public)


async def test_an_editor_is_looked_up_for_the_stage_they_edit_and_for_the_one_that_decides(worlds: Any) -> None:
    """Each stage has its own people and its own word on public channels: what one allows does not leak to the other."""
    small = Policy(when="args.amount < 1000", stages=(room("buyers", public=True),), decisions=OFFERS)
    big = Policy(stages=(room("buyers", public=False),), decisions=OFFERS)
    world = await worlds(BUY, policies=policy_set(small, big))
    await world.waiting()
    asked = await world.pending()
    directory = Directory(world, buyers=[ANA])
    answered = await Desk(world.runtime, directory).edit(Edit(asked.id, 1, 0, {"amount": 5000}), ANA, SURFACE)
    assert directory.asked == [(("channel:#buyers",), True), (("channel:#buyers",), False)]
    assert isinstance(answered.verdict, Accepted)
    assert (answered.verdict.counted, answered.verdict.closed) == (False, False)
    assert "new call" in answered.sentence
    assert "buyers" in answered.sentence


async def test_an_edit_must_fit_what_the_tool_takes(worlds: Any) -> None:
    """The schema comes from the agent's own report."""
    world = await worlds(BUY, policies=policy_set(Policy(stages=(room("buyers", public=True),), decisions=OFFERS)))
    world.agent.report = lambda: (NodeReport("tools", gated=True, tools=(ToolShape("buy", schema=SCHEMA),)),)
    await world.waiting()
    asked = await world.pending()
    desk = Desk(world.runtime, Directory(world, buyers=[ANA]))
    refused = await desk.edit(Edit(asked.id, 1, 0, {"amount": "five"}), ANA, SURFACE)
    assert isinstance(refused.verdict, Refused)
    assert refused.verdict.message == "amount: 'five' is not of type 'integer'"
    assert "'five' is not of type 'integer'" in refused.sentence
    answered = await desk.edit(Edit(asked.id, 1, 0, {"amount": 5}), ANA, SURFACE)
    assert "recorded and approved" in answered.sentence


async def test_a_vote_is_taken_back_at_the_desk(worlds: Any) -> None:
    """Whoever voted is told that it is taken back; whoever did not, that there is nothing to take back."""
    rules = Policy(stages=(stage(ANA, BOB, CLEO, quorum=2),))
    world = await worlds(BUY, policies=policy_set(rules))
    await world.waiting()
    asked = await world.pending()
    await world.decide(ANA)
    desk = Desk(world.runtime, Directory(world))
    answered = await desk.withdraw(Withdrawal(asked.id, 1), ANA, SURFACE)
    assert "taken back" in answered.sentence
    assert answered.view is not None
    assert [vote.withdrawn for vote in answered.view.votes] == [True]
    refused = await desk.withdraw(Withdrawal(asked.id, 1), BOB, SURFACE)
    assert isinstance(refused.verdict, Refused)
    assert refused.verdict.reason is RefusalReason.NO_VOTE
