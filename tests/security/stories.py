"""Runs played up to their calls, for others to lay a hand on: what people decided about each, and rows from before as
somebody may have kept them."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from langchain_core.runnables import RunnableConfig
from langchain_core.tools import tool
from langgraph.prebuilt import ToolNode

from agent_runtime import grants
from agent_runtime.absences import end_absence, hand_over
from agent_runtime.adapters.langgraph import LangGraphAgent
from agent_runtime.agents import Completed, Go, Paused, ToolCall, Turn
from agent_runtime.approvals import Accepted
from agent_runtime.errors import AgentError
from agent_runtime.policy import GrantRule, Policy
from agent_runtime.views import AbsenceView
from agent_runtime.wishes import Wish
from storage import grants as grant_rows
from storage.models import Request, Run
from storage.types import Actor, GrantScope, Json
from tests.core.agent import ScriptedAgent, act, one
from tests.core.world import (
    ANA,
    BOB,
    CLEO,
    EDIT,
    EVE,
    HOURS,
    MINUTES,
    NO,
    OPS,
    SURFACE,
    YES,
    World,
    person,
    policy_set,
    stage,
)
from tests.langgraph.bench import calls, script
from tests.langgraph.graphs import Effects, node_graph

DAN, FAY, GIL = person(1), person(2), person(3)
BOARD, MONEY = stage(ANA, BOB, CLEO, quorum=2), stage(DAN, FAY, name="money")
CHAIN, OFFERS = (BOARD, MONEY), (YES, NO, EDIT)
GRANTED = GrantRule(scopes=tuple(GrantScope), max_count=3, max_age=2 * HOURS)
POLICIES = policy_set(
    Policy(tools=("buy",), stages=CHAIN, decisions=OFFERS),
    Policy(tools=("pay", "send"), stages=(BOARD,), decisions=OFFERS),
    Policy(tools=("euro",), stages=CHAIN, decisions=OFFERS, sets={"currency": "EUR"}),
    Policy(tools=("wire",), stages=(BOARD,), decisions=OFFERS, hold=10 * MINUTES),
    Policy(tools=("slow",), stages=(BOARD,), decisions=OFFERS, hold=MINUTES),
    Policy(tools=("rush",), stages=(BOARD,), decisions=OFFERS, valid_for=MINUTES),
    Policy(tools=("gift",), stages=(BOARD,), grant=GRANTED),
)
ASKED: Json = {"amount": 900, "to": {"name": "Oslo", "tags": ["a", "b"]}}
EDITED: Json = {"amount": 9, "to": {"name": "Oslo", "tags": ["a"]}}
FIXED: Json = {**ASKED, "currency": "EUR"}
PAID: Json = {"to": "Oslo", "amount": 900}
LATER = 2 * MINUTES
"""So long after the stories somebody lays a hand on them: what was valid for less has lapsed."""

Kept = Mapping[str, tuple[Any, ...]]
"""Rows as they were before somebody took them back, one of each table."""


class FromRows(ScriptedAgent):
    """Asks for what its run's rows say, each time: its checkpoint, or its input before there is one. The end of `send`
    is recorded by nobody: its agent fails as soon as it has happened."""

    async def advance(self, turn: Turn) -> Completed | Paused:
        args = turn.checkpoint if turn.checkpoint is not None else turn.input["args"]  # type: ignore[call-overload,index]
        self.steps = (one(turn.input["tool"], args),)  # type: ignore[call-overload,index,arg-type]
        result = await super().advance(turn)
        return Paused(result.interrupts, checkpoint=args) if isinstance(result, Paused) else result

    async def _act(self, turn: Turn, one: ToolCall, go: Go) -> str:
        if one.tool != "send":
            return await super()._act(turn, one, go)
        act(self.effects, turn.run_id, one, go.args)
        raise AgentError("the line went dead")


def graph_agent(effects: Path) -> LangGraphAgent:
    """LangGraph's own loop around one tool, `pay`, which is asked for once, for Oslo."""

    @tool
    async def pay(to: str, amount: int, config: RunnableConfig) -> str:
        """Pay somebody."""
        line = {"run": config["configurable"]["thread_id"], "tool": "pay", "args": {"to": to, "amount": amount}}
        with effects.open("a") as file:
            file.write(json.dumps(line) + "\n")
        return "paid"

    model = script(calls(("c1", "pay", {"to": "Oslo", "amount": 900})))
    return LangGraphAgent(node_graph(model, Effects(), node=ToolNode([pay])))


def employ(world: World) -> None:
    """Give the world its two agents: one that asks for what its rows say, and LangGraph's."""
    world.agent = FromRows(world.agent.effects)
    world.runtime.agents = {"agent": world.agent, "graph": graph_agent(world.agent.effects)}


@dataclass(frozen=True)
class Ended:
    """What people decided about a call: the arguments that may run, once; None for no call at all."""

    decided: Json | None
    kept: Kept = field(default_factory=dict)


@dataclass(frozen=True)
class Played:
    """How a run stands before its call. `ran`: it ran already, and must not again."""

    run: Run
    request_id: str | None
    decided: Json | None
    ran: bool = False
    kept: Kept = field(default_factory=dict)


async def vote(world: World, request: Request, *actors: Actor, **act: Any) -> None:
    """Each says yes in the stage that is open then."""
    for actor in actors:
        verdict = await world.decide(actor, YES, await world.request(request), **act)
        assert isinstance(verdict, Accepted), verdict


async def edit(world: World, request: Request, actor: Actor) -> None:
    """Make it the smaller call; the editor's yes counts."""
    verdict = await world.edit(actor, EDITED, await world.request(request))
    assert isinstance(verdict, Accepted), verdict


async def away(world: World, who: Actor, delegate: Actor) -> None:
    """Hand over for an hour."""
    people, until = (world.member(who), world.member(delegate)), world.clock.now() + HOURS
    found = await world.db.transact(hand_over, world.context, *people, until, SURFACE)
    assert isinstance(found, AbsenceView), found


async def take_back(world: World, request: Request) -> Kept:
    """Ana says yes and takes it back; her vote's row as it was between."""
    await vote(world, request, ANA)
    (row,) = await world.look("select * from decision where request_id = ? and actor_key = ?", request.id, ANA.key)
    await world.withdraw(ANA, await world.request(request))
    return {"decision": row}


async def approved(world: World, request: Request) -> Ended:
    """Two of three said yes, and one of the next stage."""
    await vote(world, request, ANA, BOB, DAN)
    return Ended(ASKED)


async def edited(world: World, request: Request) -> Ended:
    """One voted, another edited, a third agreed to that, and so did the next stage."""
    await vote(world, request, CLEO)
    await edit(world, request, ANA)
    await vote(world, request, BOB, DAN)
    return Ended(EDITED)


async def thought_again(world: World, request: Request) -> Ended:
    """One took their yes back, and others said it."""
    kept = await take_back(world, request)
    await vote(world, request, BOB, CLEO, FAY)
    return Ended(ASKED, kept)


async def fixed(world: World, request: Request) -> Ended:
    """A policy changed the arguments before anybody was asked, and they were approved."""
    await vote(world, request, BOB, CLEO, FAY)
    return Ended(FIXED)


async def instead(world: World, request: Request) -> Ended:
    """Gil said yes in the stead of Cleo, who handed over to them."""
    await away(world, CLEO, GIL)
    await vote(world, request, ANA)
    shown = await world.request(request)
    verdict = await world.decide_as(world.member(GIL, stands_for=(world.member(CLEO),)), YES, shown)
    assert isinstance(verdict, Accepted), verdict
    return Ended(ASKED)


async def in_graph(world: World, request: Request) -> Ended:
    """A call of LangGraph's agent, approved."""
    await vote(world, request, ANA, BOB)
    return Ended(PAID)


async def half(world: World, request: Request) -> Ended:
    """Two yeses, of which one was taken back."""
    kept = await take_back(world, request)
    await vote(world, request, BOB)
    return Ended(None, kept)


async def first_stage(world: World, request: Request) -> Ended:
    """The first stage passed, and nobody of the next said anything."""
    await vote(world, request, ANA, CLEO)
    return Ended(None)


async def rejected(world: World, request: Request) -> Ended:
    """A yes, an edit with another, and a no to that."""
    await vote(world, request, ANA)
    await edit(world, request, BOB)
    await world.decide(CLEO, NO, await world.request(request))
    return Ended(None)


async def enough(world: World, request: Request) -> Ended:
    """Enough said yes: what the policy holds for a while may still be taken back, and what it wants to be used soon
    has lapsed by the time somebody lays a hand on it."""
    await vote(world, request, ANA, BOB)
    return Ended(None)


async def edited_in_time(world: World, request: Request) -> Ended:
    """Enough said yes, and before that counted somebody edited it; the request's row from before that."""
    await vote(world, request, ANA, BOB)
    (row,) = await world.look("select * from request where id = ?", request.id)
    await edit(world, request, CLEO)
    return Ended(None, {"request": row})


async def one_yes(world: World, request: Request) -> Ended:
    """One yes of two: somebody may still edit it."""
    await vote(world, request, CLEO)
    return Ended(None)


async def handed_over(world: World, request: Request) -> Ended:
    """One yes of two, and a hand-over from Ana to Eve that has ended; its row from before that."""
    await vote(world, request, BOB)
    await away(world, ANA, EVE)
    (row,) = await world.look("select * from absence where person_key = ?", ANA.key)
    await world.db.transact(end_absence, world.context, world.member(ANA), SURFACE)
    return Ended(None, {"absence": row})


async def ran(world: World, request: Request) -> Ended:
    """The call ran; of `send` nobody knows how it ended."""
    await vote(world, request, ANA, BOB)
    await world.settle()
    return Ended(ASKED)


@dataclass(frozen=True)
class Story:
    """One run: what it asks for, and what people do about that."""

    tool: str
    play: Callable[[World, Request], Awaitable[Ended]]
    agent: str = "agent"


APPROVED = (
    Story("buy", approved), Story("buy", edited), Story("buy", edited), Story("buy", thought_again),
    Story("euro", fixed), Story("pay", instead),
)  # fmt: skip
OPEN = (
    Story("pay", half), Story("slow", edited_in_time), Story("buy", first_stage), Story("pay", rejected),
    Story("wire", enough), Story("rush", enough),
)  # fmt: skip
GRAPH, KEPT, AWAY = Story("pay", in_graph, "graph"), Story("pay", one_yes), Story("pay", handed_over)
RAN = (Story("send", ran), Story("pay", ran))


async def open_all(world: World, stories: Sequence[Story]) -> list[tuple[Run, Request]]:
    """A run for each story, each waiting for people; nothing that was approved runs meanwhile."""
    runs = [
        await world.start(agent=one.agent, input="go" if one.agent == "graph" else {"tool": one.tool, "args": ASKED})
        for one in stories
    ]
    await world.settle()
    return [(run, (await world.requests(run))[0]) for run in runs]


async def play_all(world: World, stories: Sequence[Story], *, have_run: bool = False) -> list[Played]:
    """Open and play them."""
    found = []
    for story, (run, request) in zip(stories, await open_all(world, stories), strict=True):
        end = await story.play(world, request)
        found.append(Played(run, request.id, end.decided, have_run, end.kept))
    return found


WHY_NOT = ("used up", "revoked", "expired", "narrow", "unlike")
"""Why a grant does not let a call through."""


@dataclass(frozen=True)
class Gift:
    """A grant, and a call that it lets through or, for one reason, does not. `kept` is its row from before that."""

    why_not: str
    kept: Kept

    @property
    def args(self) -> Json:
        """What the run asks for."""
        return {**ASKED, "why": self.why_not, **({"amount": 90_000} if self.why_not == "unlike" else {})}


async def give(world: World, why_not: str = "") -> Gift:
    """A call that was approved with a wish, and ran; the grant that came of it."""
    wish = Wish(
        GrantScope.RUN if why_not == "narrow" else GrantScope.AGENT, 1, MINUTES if why_not == "expired" else HOURS
    )
    order = {"input": {"tool": "gift", "args": {**ASKED, "why": why_not}}}
    run = await world.waiting(**order)
    (request,) = await world.requests(run)
    await vote(world, request, ANA, BOB, wish=wish)
    await world.settle()
    grant = await world.db.read(grant_rows.of_request, request.id)
    assert grant is not None
    (kept,) = await world.look("select * from approval_grant where id = ?", grant.id)
    if why_not == "used up":
        await world.waiting(**order)
    elif why_not == "revoked":
        await world.db.transact(grants.revoke, world.context, grant.id, world.member(OPS), SURFACE)
    return Gift(why_not, {"approval_grant": kept})


async def ask_by(world: World, gift: Gift) -> Played:
    """A run that has the grant's call to make, and no worker yet."""
    run = await world.start(input={"tool": "gift", "args": gift.args})
    return Played(run, None, None if gift.why_not else gift.args, kept=gift.kept)
