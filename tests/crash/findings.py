"""What must hold on the files once everything has ended, whatever was killed and when. Each breach is a sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from agent_runtime.audit import Event
from agent_runtime.digest import Seal
from agent_runtime.lifecycle import ENDED
from agent_runtime.sealed import is_genuine, is_genuine_call, read_rules
from agent_runtime.verification import Verification, verify
from storage import audit, journal, requests, runs
from storage.database import Database
from storage.models import AuditEntry, Decision, JournalEntry, Request, Run
from storage.tx import Tx
from storage.types import CallStatus, RequestKind, RequestStatus
from tests.crash.effects import Effect, about, effects, lines

OPEN_CALLS = {CallStatus.STARTED, CallStatus.SUSPENDED, CallStatus.UNKNOWN}
MANY = 100_000


@dataclass(frozen=True)
class Files:
    """Everything there is to judge by: the rows, what happened outside, and what people were told was accepted."""

    runs: Sequence[Run]
    requests: Sequence[Request]
    decisions: Sequence[Decision]
    calls: Sequence[JournalEntry]
    entries: Sequence[AuditEntry]
    chain: Verification
    effects: Sequence[Effect]
    accepted: Sequence[dict[str, str]]
    seal: Seal

    @property
    def outcomes(self) -> list[str]:
        """The calls that people were asked about."""
        return sorted(one.subject for one in self.requests if one.kind is RequestKind.OUTCOME)


async def read_files(folder: Path, key: bytes) -> Files:
    """Open the store as a new process would, and look."""
    seal = Seal(key)
    async with Database(f"sqlite:///{folder / 'signoff.db'}") as db:
        return await db.read(_read, folder, seal)


def _read(tx: Tx, folder: Path, seal: Seal) -> Files:
    all_runs = runs.recent(tx, MANY)
    asked = [one for run in all_runs for one in requests.of_run(tx, run.id)]
    return Files(
        runs=all_runs,
        requests=asked,
        decisions=[vote for one in asked for vote in requests.votes(tx, [one.id])],
        calls=[entry for run in all_runs for entry in journal.of_run(tx, run.id)],
        entries=audit.entries(tx, 0, MANY),
        chain=verify(tx, seal),
        effects=effects(folder),
        accepted=lines(folder / "accepted.jsonl"),
        seal=seal,
    )


def breaches(files: Files) -> list[str]:
    """Everything that no kill may ever bring about."""
    checks = (_lost, _open, _decided_once, _called_once, _unapproved, _audited)
    return [breach for check in checks for breach in check(files)]


def _lost(files: Files) -> Iterator[str]:
    """No run or decision that was accepted is missing or changed."""
    known = {run.id for run in files.runs}
    yield from (f"run {one['run']} was accepted and is lost" for one in files.accepted if one.get("run", None) not in
                {None, *known})  # fmt: skip
    made = {(vote.request_id, vote.kind.value, vote.actor_key) for vote in files.decisions}
    for one in files.accepted:
        if "request" in one and (one["request"], one["kind"], one["by"]) not in made:
            yield f"the decision {one} was accepted and is lost"
    yield from (f"decision {vote.id} breaks its seal" for vote in files.decisions if not is_genuine(files.seal, vote))


def _open(files: Files) -> Iterator[str]:
    """Nothing waits for ever."""
    yield from (f"run {run.id} is {run.status}" for run in files.runs if run.status not in ENDED)
    yield from (f"{one.id} ({one.subject}) is pending" for one in files.requests if _pending(one))
    yield from (f"call {one.call_key} is {one.status}" for one in files.calls if one.status in OPEN_CALLS)


def _decided_once(files: Files) -> Iterator[str]:
    """Each request was opened, decided and closed once."""
    votes = Counter(vote.request_id for vote in files.decisions if vote.withdrawn_at is None)
    yield from (f"{request} has {count} decisions" for request, count in votes.items() if count != 1)
    for event in (Event.REQUEST_OPENED, Event.REQUEST_CLOSED):
        times = Counter(entry.request_id for entry in files.entries if entry.event == event.value)
        yield from (f"{one.id}: {times[one.id]} times {event}" for one in files.requests if times[one.id] != 1)
    twice = Counter((one.run_id, one.subject) for one in files.requests if one.kind is RequestKind.TOOL)
    yield from (f"{subject} was asked {count} times" for subject, count in twice.items() if count != 1)
    yield from (f"{one.id} breaks its seal" for one in files.requests if read_rules(files.seal, one) is None)


def _called_once(files: Files) -> Iterator[str]:
    """A call starts once, and once more for each time a person said so or its own question was answered."""
    starts = Counter((e.run_id, e.digest) for e in files.entries if e.event == Event.CALL_STARTED.value)
    asked_again = Counter(
        (e.run_id, e.digest) for e in files.entries if e.event == Event.CALL_SUSPENDED.value
    ) + Counter((one.run_id, one.digest) for one in files.requests if _said(one, "run_again"))
    for call in files.calls:
        known = (call.run_id, call.digest)
        allowed = 1 + asked_again[known]
        if not call.starts == starts[known] == allowed:
            yield f"call {call.call_key} ({call.tool}) started {starts[known]} times, {allowed} were allowed"
        if not is_genuine_call(files.seal, call):
            yield f"call {call.call_key} breaks its seal"
    doubled = (effect for effect, count in Counter(files.effects).items() if count > 1)
    yield from (f"happened more than once: {effect}" for effect in doubled)


def _unapproved(files: Files) -> Iterator[str]:
    """What happened was called and let through; what was approved and recorded as done by its tool happened."""
    let_through = {Effect(call.run_id, call.tool, about(call.args)) for call in files.calls}
    yield from (f"happened without a start: {effect}" for effect in set(files.effects) - let_through)
    refused = {
        Effect(one.run_id, one.tool, about(one.args))
        for one in files.requests
        if one.kind is RequestKind.TOOL and one.status is not RequestStatus.APPROVED
    }
    yield from (f"happened though it was refused: {effect}" for effect in set(files.effects) & refused)
    by_hand = {(one.run_id, one.subject) for one in files.requests if one.kind is RequestKind.OUTCOME}
    for call in files.calls:
        sure = call.status is CallStatus.FINISHED and (call.run_id, f"outcome:{call.call_key}") not in by_hand
        if sure and Effect(call.run_id, call.tool, about(call.args)) not in files.effects:
            yield f"recorded as done, and never happened: {call.tool} {call.args}"


def _audited(files: Files) -> Iterator[str]:
    if files.chain.broken_at is not None:
        yield f"audit entry {files.chain.broken_at} {files.chain.problem}"
    broken = [entry.seq for entry in files.entries if entry.event == Event.INTEGRITY_BROKEN.value]
    yield from (f"audit entry {seq} says that a row was changed" for seq in broken)
    ends = {Event.RUN_SUCCEEDED.value, Event.RUN_CANCELLED.value, Event.RUN_FAILED.value}
    ended = Counter(entry.run_id for entry in files.entries if entry.event in ends)
    yield from (f"run {run.id} ended {ended[run.id]} times" for run in files.runs if ended[run.id] != 1)


def missing_effects(files: Files, wanted: Iterable[tuple[str, str]]) -> list[str]:
    """How what happened differs from exactly what had to happen, each once, in the only run there is. A call that
    people gave up may be missing."""
    (run,) = (one.id for one in files.runs)
    expected = Counter(Effect(run, tool, what) for tool, what in wanted)
    found = Counter(files.effects)
    given_up = Counter(Effect(one.run_id, one.tool, about(one.args)) for one in files.requests if _said(one, "failed"))
    missing = [f"did not happen: {effect}" for effect in (expected - found - given_up).elements()]
    return missing + [f"should not have happened: {effect}" for effect in (found - expected).elements()]


def _pending(request: Request) -> bool:
    return request.status is RequestStatus.PENDING


def _said(request: Request, action: str) -> bool:
    answer = request.answer
    return request.kind is RequestKind.OUTCOME and isinstance(answer, dict) and answer.get("action") == action
