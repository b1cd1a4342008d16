"""What the benchmarks share of Signoff: a runtime over a store in a file, requests that wait, and Ana, who approves."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from agent_runtime.agents import Agent, Interrupt, ToolCall
from agent_runtime.approvals import Act
from agent_runtime.clock import Clock, SystemClock
from agent_runtime.context import Context
from agent_runtime.digest import Seal
from agent_runtime.opening import open_pause
from agent_runtime.people import Member
from agent_runtime.policy import Default, PolicySet, Stage
from agent_runtime.runtime import Runtime
from storage import requests, runs
from storage.database import Database
from storage.models import Request, Run
from storage.tx import Tx
from storage.types import Actor, ActorKind, DecisionKind, RequestKind, RunStatus
from tests.stores import put_store

TEAM = "T1"
SAM = Actor(kind=ActorKind.SLACK, id="USAM", team=TEAM, name="Sam")
ANA = Actor(kind=ActorKind.SLACK, id="UANA", team=TEAM, name="Ana")
APPROVER = f"user:{ANA.id}"
POLICIES = PolicySet(default=Default(stage=Stage(name="default", approvers=(APPROVER,))))


@asynccontextmanager
async def open_runtime(
    folder: Path, agents: Mapping[str, Agent] | None = None, clock: Clock | None = None
) -> AsyncIterator[Runtime]:
    """A booted runtime over a new `signoff.db` in this folder."""
    async with Database(f"sqlite:///{put_store(folder)}") as db:
        runtime = Runtime(db, agents or {}, POLICIES, Seal(b"k" * 32), clock or SystemClock())
        await runtime.boot()
        yield runtime


def person(runtime: Runtime, actor: Actor) -> Member:
    """Somebody of the home team, as a directory would see them now."""
    return Member(actor, TEAM, runtime.clock.now(), holds=frozenset({f"user:{actor.id}"}))


def approval(request: Request) -> Act:
    """A click on the Approve of a request's card."""
    return Act(request.id, request.revision, request.stage, DecisionKind.APPROVED)


def open_requests(tx: Tx, context: Context, count: int, starter: Actor = SAM) -> list[Request]:
    """Runs that each wait for one call, opened the way a worker opens them; the requests."""
    return [_open_one(tx, context, starter) for _ in range(count)]


def _open_one(tx: Tx, context: Context, starter: Actor) -> Request:
    now = context.now
    run = Run(
        id=context.ids("R"), agent="purchasing", status=RunStatus.WAITING, starter=starter.model_dump(mode="json"),
        starter_key=starter.key, input="a laptop", pause=1, due_at=now, created_at=now, updated_at=now,
    )  # fmt: skip
    assert runs.insert(tx, run)
    call = ToolCall("m1", "c1", "buy", {"item": "laptop", "amount": 1200}, "Because it was asked for.")
    assert open_pause(tx, context, run, (Interrupt(f"call:{call.key}", RequestKind.TOOL, call),), {}) == 1
    (request,) = requests.pending(tx, run.id)
    return request
