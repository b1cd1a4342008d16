"""The running core: claims runs, advances agents, settles what they give, and sweeps what is overdue."""

from __future__ import annotations

import os
import socket
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

import structlog

from agent_runtime import runs as run_state
from agent_runtime.agents import Agent, Answer, Completed, Lease, Paused, Turn
from agent_runtime.alert_rules import AlertRules
from agent_runtime.callback import Callbacks
from agent_runtime.chain import Chain
from agent_runtime.climbing import happen
from agent_runtime.clock import Clock, Ids, random_id, random_salt
from agent_runtime.context import Asking, Context
from agent_runtime.covering import at_hand
from agent_runtime.digest import Seal
from agent_runtime.errors import AgentError, ExecutionPaused, LeaseLost, RunCancelled
from agent_runtime.hidden import secrets_of_run
from agent_runtime.ledger import Snapshot, StoreLedger, take_snapshot
from agent_runtime.next_due import NextDue
from agent_runtime.policy import PolicySet
from agent_runtime.redaction import mask
from agent_runtime.results import require_usable
from agent_runtime.sealed import genuine_answer
from agent_runtime.webhook import Webhook
from agent_runtime.worker import LEASE, Worker
from storage import boots, outbox, pauses, requests, runs
from storage.database import Database
from storage.models import Boot, Request, Run
from storage.tx import Tx
from storage.types import RequestKind

log = structlog.get_logger("signoff")

SWEEP_BATCH = 20
SWEPT_AGAIN = timedelta(minutes=1)
"""So much of what is due happens in one write: where thousands time out together, a click waits for a tenth of a second
and not for all of them."""

MOST_CRASHES = 20
"""How many workers may die in a row while advancing one run before it is left for a person to retry."""
OWN_KINDS = frozenset({RequestKind.QUESTION, RequestKind.REVIEW})


@dataclass(frozen=True, slots=True)
class Position:
    """Where a run stands at the beginning of an advance: one snapshot of verdicts, journal and answers."""

    snapshot: Snapshot
    answers: Mapping[str, Answer]


class Runtime:
    """Everything the surfaces and workers share: the store, the agents, the policies in force, and this boot's id."""

    def __init__(
        self,
        db: Database,
        agents: Mapping[str, Agent],
        policies: PolicySet,
        seal: Seal,
        clock: Clock,
        *,
        ids: Ids = random_id,
        salt: Callable[[], bytes] = random_salt,
        asking: Asking = Asking.PEOPLE,
        alerts: AlertRules | None = None,
        callbacks: Callbacks | None = None,
        webhooks: tuple[Webhook, ...] = (),
    ) -> None:
        self.db = db
        self.agents = agents
        self.policies = policies
        self.clock = clock
        self.seal = seal
        self.boot_id = ids("B")
        self.asking = asking
        self.alerts = alerts or AlertRules()
        self.callbacks: Callbacks = callbacks or {}
        self.webhooks = webhooks
        self.confirmed: Mapping[str, datetime] | None = None
        """When each grant's givers were last looked at, where somebody does."""
        self._chain = Chain()
        self._ids = ids
        self._salt = salt
        self.worker: Worker[Run] = Worker(
            "runs", self.claim, self.advance, lambda run: run.id, NextDue(db, clock, runs.next_due).has_come
        )
        self._next_due = NextDue(db, clock, requests.next_due)
        self._failed: dict[str, datetime] = {}
        """The requests that could not be swept, by id, and when that was."""

    def context(self) -> Context:
        """The values of this moment for one unit of work."""
        return Context(
            now=self.clock.now(), ids=self._ids, salt=self._salt, seal=self.seal, policies=self.policies,
            asking=self.asking, webhooks=self.webhooks, confirmed=self.confirmed, chain=self._chain,
        )  # fmt: skip

    async def boot(self) -> None:
        """Register this process and take over what dead ones held."""
        await self.db.transact(_boot, self.context(), self.boot_id)

    def beat(self, deliveries: Sequence[str]) -> None:
        """Say that this process lives, and keep its leases. Called from the heartbeat's thread."""
        self.db.submit(_beat, self.context(), self.boot_id, self.worker.held, deliveries).result()

    async def claim(self, skip: Sequence[str]) -> Run | None:
        context = self.context()
        return await self.db.transact(run_state.claim, context, self.boot_id, context.now + LEASE, skip)

    async def advance(self, run: Run) -> None:
        """Take a claimed run as far as it goes without people, and settle it. A lost lease ends this silently: the new
        holder does the rest."""
        lease = Lease(run.owner or "", run.attempt)
        try:
            await self._advance(run, lease)
        except LeaseLost:
            log.warning("lease lost", run=run.id, attempt=run.attempt)

    async def poll(self) -> None:
        """Sweep, if something may be due. Called every second."""
        if await self._next_due.has_come():
            await self.sweep()

    async def sweep(self) -> int:
        """Do what is due in time, what was due first of all first: steps of ladders, ends of holds, deadlines; how
        many. A request for which that fails keeps no other from its time: it is tried again in a minute."""
        now, swept = self.clock.now(), 0
        self._failed = {name: at for name, at in self._failed.items() if abs(now - at) < SWEPT_AGAIN}
        while batch := await self.db.transact(_sweep, self.context(), tuple(self._failed)):
            self._failed |= {name: now for name, done in batch.items() if not done}
            swept += sum(batch.values())
        return swept

    async def _advance(self, run: Run, lease: Lease) -> None:
        agent = self.agents.get(run.agent)
        if run.cancel_requested:
            await self.db.transact(run_state.finish_cancelling, self.context(), run, lease)
        elif run.crashes > MOST_CRASHES:
            reason = f"{run.crashes} workers died in a row while they advanced it; retry it once the cause is mended"
            await self._fail(run, lease, reason, retryable=False)
        elif agent is None:
            reason = f"no agent is called {run.agent} any more; known are: {', '.join(sorted(self.agents))}"
            await self._fail(run, lease, reason, retryable=False)
        else:
            await self._run(agent, run, lease)

    async def _run(self, agent: Agent, run: Run, lease: Lease) -> None:
        position = await self.db.read(_position, self.context(), run)
        ledger = StoreLedger(self.db, self.context, run, lease, position.snapshot, self.callbacks)
        turn = Turn(
            run_id=run.id, agent=run.agent, input=run.input, lease=lease, ledger=ledger, db=self.db,
            checkpoint=run.checkpoint, answers=position.answers,
        )  # fmt: skip
        try:
            result = await agent.advance(turn)
            require_usable(result)
        except LeaseLost:
            raise
        except ExecutionPaused:
            await self.db.transact(run_state.hand_back, self.context(), run, lease)
        except RunCancelled:
            await self.db.transact(run_state.finish_cancelling, self.context(), run, lease)
        except AgentError as error:
            await self._fail(run, lease, error.reason, retryable=error.retryable)
        except Exception as error:  # noqa: BLE001 - an agent may raise anything
            await self._log_raised(run)
            await self._fail(run, lease, f"{type(error).__name__}: {error}", retryable=False)
        else:
            await self._settle(agent, run, lease, result, position.answers, ledger)

    async def _log_raised(self, run: Run) -> None:
        """What the agent raised, which may quote what is redacted of its calls."""
        raised, secrets = traceback.format_exc(), await self.db.read(secrets_of_run, run.id)
        log.error("agent raised", run=run.id, agent=run.agent, exception=mask(raised, secrets))

    async def _settle(
        self, agent: Agent, run: Run, lease: Lease, result: Completed | Paused, answers: Mapping[str, Answer],
        ledger: StoreLedger,
    ) -> None:  # fmt: skip
        given, unasked = {key: answer.payload_digest for key, answer in answers.items()}, tuple(ledger.unasked.values())
        try:
            await self.db.transact(
                run_state.settle, self.context(), run, lease, result, agent.fingerprint, given, unasked
            )
        except LeaseLost:
            raise
        except Exception as error:
            # The agent went on and its progress could not be recorded: advance it again, a few times.
            log.exception("settling failed", run=run.id, agent=run.agent)
            await self._fail(run, lease, f"{type(error).__name__}: {error}", retryable=True)

    async def _fail(self, run: Run, lease: Lease, reason: str, *, retryable: bool) -> None:
        await self.db.transact(run_state.fail, self.context(), run, lease, reason, retryable=retryable)


def _boot(tx: Tx, context: Context, boot_id: str) -> None:
    boots.register(
        tx,
        Boot(id=boot_id, started_at=context.now, heartbeat_at=context.now, host=socket.gethostname(), pid=os.getpid()),
    )
    runs.expire_other_leases(tx, boot_id, context.now)
    outbox.expire_other_leases(tx, boot_id, context.now)


def _beat(tx: Tx, context: Context, boot_id: str, held: Sequence[str], deliveries: Sequence[str]) -> None:
    boots.beat(tx, boot_id, context.now)
    runs.extend_leases(tx, boot_id, held, context.now + LEASE)
    outbox.extend_leases(tx, boot_id, deliveries, context.now + LEASE)


def _position(tx: Tx, context: Context, run: Run) -> Position:
    snapshot = replace(take_snapshot(tx, run.id), at_hand=at_hand(tx, context, run))
    own = [request for request in snapshot.requests.values() if request.kind in OWN_KINDS]
    votes = requests.votes(tx, [request.id for request in own])
    answers = {
        request.subject: Answer(request.digest, answer.value)
        for request in own
        if (answer := genuine_answer(context.seal, request, votes)) is not None and request.consumed_at is None
    }
    return Position(snapshot, answers)


def _sweep(tx: Tx, context: Context, skip: Sequence[str]) -> dict[str, bool]:
    """What was due, by request, and whether it was done."""
    first = requests.next_due(tx)
    if first is None or first > context.now:
        return {}
    due = pauses.unpaused(tx, context.now)
    if due is None:
        return {}
    stopped = [one.agent for one in pauses.of_agents(tx)]
    overdue = requests.overdue(tx, due, SWEEP_BATCH, skip, stopped)
    return {request.id: _has_happened(tx, context, request, due) for request in overdue}


def _has_happened(tx: Tx, context: Context, request: Request, due: datetime) -> bool:
    try:
        tx.apart(partial(happen, tx, context, request, due))
    except Exception:  # noqa: BLE001 - whatever is wrong with one request is no other's affair
        raised = mask(traceback.format_exc())
        log.error("what was due could not be done", request=request.id, run=request.run_id, exception=raised)
        return False
    return True
