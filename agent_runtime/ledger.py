"""The ledger of one advance, over the store: advice from one snapshot, authority from `start`, and the ends of calls.

`interrupt_for` answers from a snapshot taken when the advance began, so that all calls of a step see the same verdicts:
else a decision landing between two look-ups would run one sibling while the other pauses.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

from agent_runtime.agents import Interrupt, Lease, Outcome, Start, ToolCall
from agent_runtime.audit import Event, record
from agent_runtime.callback import CallbackRequest, Callbacks, Said, ask, time_for
from agent_runtime.calls import change_call, outcome_interrupt, report_broken, show_call
from agent_runtime.chain import LogUnread, read_ahead
from agent_runtime.clean_text import clean
from agent_runtime.closing import cancel_one
from agent_runtime.context import Asking, Context
from agent_runtime.covering import NOTHING, AtHand, covering
from agent_runtime.digest import NotJson, digest_payload
from agent_runtime.errors import LeaseLost
from agent_runtime.facts import facts_of
from agent_runtime.judging import Require, evaluate, spelled
from agent_runtime.permits import tool_interrupt
from agent_runtime.sealed import is_genuine_call
from agent_runtime.start import check_arguments, start_call
from storage import journal, requests, runs
from storage.database import Database
from storage.models import JournalEntry, Request, Run
from storage.tx import Tx
from storage.types import SYSTEM, CallStatus, Json, RequestKind, RequestStatus

ENDS = {
    CallStatus.FINISHED: Event.CALL_FINISHED,
    CallStatus.FAILED: Event.CALL_FAILED,
    CallStatus.SUSPENDED: Event.CALL_SUSPENDED,
    CallStatus.UNKNOWN: Event.CALL_UNKNOWN,
}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A run's verdicts and journal at one instant: requests by subject (the newest), calls by key."""

    requests: dict[str, Request]
    calls: dict[str, JournalEntry]
    at_hand: AtHand = NOTHING


def take_snapshot(tx: Tx, run_id: str) -> Snapshot:
    """Read what is decided and done in a run."""
    newest = sorted(requests.of_run(tx, run_id), key=lambda request: request.generation)
    return Snapshot(
        requests={request.subject: request for request in newest},
        calls={entry.call_key: entry for entry in journal.of_run(tx, run_id)},
    )


class StoreLedger:
    """Implements `agents.Ledger`."""

    def __init__(
        self,
        db: Database,
        context: Callable[[], Context],
        run: Run,
        lease: Lease,
        snapshot: Snapshot,
        callbacks: Callbacks | None = None,
    ) -> None:
        self._db = db
        self._context = context
        self._run = run
        self._lease = lease
        self._snapshot = snapshot
        self._callbacks = callbacks or {}
        self._promised: dict[str, str] = {}
        """The grants that calls of this advance were told to run by, by call key."""
        self.unasked: dict[str, ToolCall] = {}
        """The calls of this advance that nobody need be asked about and that wait for others of their step, by call
        key: `start` has not judged them yet."""

    def interrupt_for(self, call: ToolCall) -> Interrupt | None:
        try:
            digest = check_arguments(self._run, call)
        except NotJson:
            return None  # `start` refuses it with the reason; nobody need be asked
        entry = self._snapshot.calls.get(call.key)
        if entry is not None:
            return self._interrupt_for_started(call, entry) if entry.digest == digest else None
        request = self._snapshot.requests.get(f"call:{call.key}")
        if request is not None and request.status is not RequestStatus.LAPSED:
            return tool_interrupt(call) if request.status is RequestStatus.PENDING else None
        if self._needs_people(call):
            return tool_interrupt(call)
        self.unasked[call.key] = call
        return None

    async def start(self, call: ToolCall) -> Start:
        self.unasked.pop(call.key, None)
        said = await self._ask_callback(call)
        while True:
            context = replace(self._context(), said=said)
            try:
                answer = await self._db.transact(start_call, context, self._run, self._lease, call)
            except LogUnread as unread:
                found = await self._db.read(read_ahead, context.seal, unread.known)
                await self._db.transact(context.chain.learn, unread.known, found)
                continue
            if isinstance(answer, Exception):
                raise answer
            return answer

    async def finish(self, call: ToolCall, outcome: Outcome) -> None:
        await self._end(call, CallStatus.FINISHED, outcome)

    async def fail(self, call: ToolCall, outcome: Outcome) -> None:
        await self._end(call, CallStatus.FAILED, outcome)

    async def suspend(self, call: ToolCall) -> None:
        await self._end(call, CallStatus.SUSPENDED, None)

    async def lose(self, call: ToolCall) -> None:
        await self._end(call, CallStatus.UNKNOWN, None)

    async def _end(self, call: ToolCall, status: CallStatus, outcome: Outcome | None) -> None:
        await self._db.transact(end_call, self._context(), self._run.id, self._lease, call, status, outcome)

    def _interrupt_for_started(self, call: ToolCall, entry: JournalEntry) -> Interrupt | None:
        if entry.status not in {CallStatus.STARTED, CallStatus.UNKNOWN} or entry.idempotent:
            return None
        question = self._snapshot.requests.get(f"outcome:{call.key}")
        told = question is not None and question.status is RequestStatus.ANSWERED and question.consumed_at is None
        return None if told else outcome_interrupt(call, entry)

    def _needs_people(self, call: ToolCall) -> bool:
        facts = facts_of(self._run, RequestKind.TOOL, call)
        context = self._context()
        judgement = evaluate(context.policies, facts)
        if context.asking is not Asking.PEOPLE or not isinstance(judgement, Require):
            return False
        return judgement.rules.callback not in self._callbacks and not self._is_granted(call, judgement)

    async def _ask_callback(self, call: ToolCall) -> Said | None:
        """What the policy's callback says of a call that neither people nor the journal have decided about."""
        entry = self._snapshot.calls.get(call.key)
        request = self._snapshot.requests.get(f"call:{call.key}")
        over = entry is not None and entry.status in {CallStatus.FINISHED, CallStatus.FAILED}
        if not self._callbacks or over or (request is not None and request.status is not RequestStatus.LAPSED):
            return None
        context, facts = self._context(), facts_of(self._run, RequestKind.TOOL, call)
        try:
            check_arguments(self._run, call)
        except NotJson:
            return None
        judgement = evaluate(context.policies, facts)
        if context.asking is not Asking.PEOPLE or not isinstance(judgement, Require):
            return None
        rules, args = judgement.rules, call.args if judgement.args is None else judgement.args
        callback = self._callbacks.get(rules.callback)
        if callback is None:
            return None
        asked = CallbackRequest(
            agent=self._run.agent, tool=call.tool, args=args, requested_by=spelled(facts.starter),
            run_id=self._run.id, policy=rules.policy, note=rules.note, timeout_seconds=time_for(rules).total_seconds(),
        )  # fmt: skip
        return Said(rules.callback, digest_payload(args), *await ask(callback, asked))

    def _is_granted(self, call: ToolCall, judgement: Require) -> bool:
        """Whether a grant has a use left for this call, beside those that other calls of this advance count on."""
        others = Counter(grant for key, grant in self._promised.items() if key != call.key)
        args = call.args if judgement.args is None else judgement.args
        grant = covering(self._snapshot.at_hand, self._run, call.tool, args, judgement.rules, others)
        if grant is None:
            return False
        self._promised[call.key] = grant.id
        return True


def end_call(
    tx: Tx, context: Context, run_id: str, lease: Lease, call: ToolCall, status: CallStatus, outcome: Outcome | None
) -> None:
    """Write the end of a call, as whoever started it. A lease lost since then makes it late, not worthless: it is
    evidence until a person has said what happened."""
    entry = journal.get(tx, run_id, call.key)
    if entry is None:
        return
    summary = clean(outcome.summary) if outcome else ""
    text = {"status": status.value, "summary": summary}
    if not is_genuine_call(context.seal, entry):
        report_broken(tx, context, entry, "the journal of this call was changed before its end was written")
        return
    values = {"format": outcome.format, "outcome": outcome.body, "summary": summary} if outcome else {}
    mine = (entry.owner, entry.attempt) == (lease.owner, lease.attempt)
    changed = change_call(tx, context, entry, status, ended_at=context.now, **values) if mine else None
    late = _is_late(tx, run_id, lease)
    if changed is None:
        if late and outcome is not None:  # somebody said what happened, or let it run again: kept as evidence only
            _record(tx, context, Event.CALL_LATE, entry, {**text, "used": False})
        return
    _record(tx, context, Event.CALL_LATE if late else ENDS[status], entry, text)
    show_call(tx, context, changed)
    question = requests.open_outcome(tx, run_id, f"outcome:{call.key}")
    if question is not None and status in {CallStatus.FINISHED, CallStatus.FAILED}:
        cancel_one(tx, context, question, SYSTEM, "the outcome arrived after all")


def _record(tx: Tx, context: Context, event: Event, entry: JournalEntry, text: Json) -> None:
    record(
        tx, context, event, SYSTEM,
        run_id=entry.run_id, request_id=entry.request_id or "", tool=entry.tool, digest=entry.digest, text=text,
    )  # fmt: skip


def _is_late(tx: Tx, run_id: str, lease: Lease) -> bool:
    try:
        runs.require_lease(tx, run_id, lease.owner, lease.attempt)
    except LeaseLost:
        return True
    return False
