"""People who follow a script that is read off the rows, so that after a restart they go on where they were."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from agent_runtime import approvals
from agent_runtime.approvals import Act, Refused
from agent_runtime.audit import Origin
from agent_runtime.people import Member
from agent_runtime.refusals import RefusalReason
from agent_runtime.runtime import Runtime
from storage import requests
from storage.models import Request
from storage.types import Actor, ActorKind, DecisionKind, JsonValue, RequestKind
from tests.crash.effects import Effect, about, append, effects
from tests.crash.patterns import HERE, NEW_WORDS

ACCEPTED = Path("accepted.jsonl")
"""What people were told was accepted, one line each."""
SURFACE = Origin("slack", {"ts": "1.1"})
TEAM = "T1"
GROUPS = {"sam": frozenset({"members"}), "maria": frozenset({"usergroup:managers"})}


@dataclass(frozen=True, slots=True)
class Choice:
    """What somebody says."""

    kind: DecisionKind
    reason: str = ""
    value: JsonValue = None


YES = Choice(DecisionKind.APPROVED)
HAPPENED = Choice(DecisionKind.ANSWERED, value={"action": "happened", "result": "it is done"})
RUN_AGAIN = Choice(DecisionKind.ANSWERED, value={"action": "run_again"})
FAILED = Choice(DecisionKind.ANSWERED, value={"action": "failed", "reason": "it never happened"})
SEAT = Choice(DecisionKind.ANSWERED, value="window")


def member(runtime: Runtime, name: str) -> Member:
    """Somebody as the directory sees them now."""
    actor = Actor(kind=ActorKind.SLACK, id=name.upper(), team=TEAM, name=name)
    return Member(actor=actor, home_team=TEAM, taken_at=runtime.clock.now(), holds=GROUPS[name])


class People:
    """Maria approves and rejects, Sam answers. About an unknown outcome they look at what happened: they never let a
    call run again that took effect."""

    not_there = RUN_AGAIN
    """What they say of a call that left no effect."""

    async def decide(self, runtime: Runtime) -> bool:
        """Decide what is open now; whether anything was."""
        pending = await runtime.db.read(requests.all_pending, 100)
        for request in pending:
            await self._decide(runtime, request)
        return bool(pending)

    async def _decide(self, runtime: Runtime, request: Request) -> None:
        choice = self.choose(request)
        act = Act(request.id, request.revision, request.stage, choice.kind, choice.reason, choice.value)
        who = member(runtime, "sam" if request.kind is RequestKind.QUESTION else "maria")
        verdict = await runtime.db.transact(approvals.decide, runtime.context(), act, who, SURFACE)
        if isinstance(verdict, Refused):
            assert verdict.reason is RefusalReason.TOO_LATE, verdict  # somebody else was first
            return
        append(ACCEPTED, {"request": request.id, "kind": choice.kind.value, "by": who.actor.key})

    def choose(self, request: Request) -> Choice:
        """What the script says to this request."""
        if request.kind is RequestKind.QUESTION:
            return SEAT
        if request.kind is RequestKind.OUTCOME:
            happened = Effect(request.run_id, request.tool, about(request.args)) in effects(HERE)
            return HAPPENED if happened else self.not_there
        if request.tool == "send_email" and "Revised" not in request.args["body"]:
            return Choice(DecisionKind.REJECTED, NEW_WORDS)
        return Choice(DecisionKind.REJECTED, "we need it") if request.tool == "drop" else YES


class Sceptics(People):
    """They take a call without an effect for one that will never have one."""

    not_there = FAILED


class Nobody(People):
    """Everybody is at lunch."""

    async def decide(self, runtime: Runtime) -> bool:
        return False
