"""Builds the read models from rows: one look, no rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from pydantic import ValidationError

from agent_runtime.arguments import changes
from agent_runtime.audit import Event
from agent_runtime.earlier import what_came_before
from agent_runtime.grant_reading import grant_view
from agent_runtime.hidden import redaction_of, remarks, secrets_of_run, shown_change
from agent_runtime.inquiries import inquiry_view
from agent_runtime.ladder import asked
from agent_runtime.ladder_reading import read_ladder
from agent_runtime.lifecycle import ENDED
from agent_runtime.pausing import is_to_come, pause_of
from agent_runtime.policy import Rules, Stage
from agent_runtime.redaction import Redaction, mask, mask_deep
from agent_runtime.views import CallView, EditView, GrantView, PauseView, RequestView, RunView, StageView, Vote
from agent_runtime.wishes import Wish
from storage import audit, grants, inquiries, journal, pauses, requests, runs
from storage.models import Decision, JournalEntry, Request, Run
from storage.tx import Tx
from storage.types import Actor, CallStatus, DecisionKind, OnTimeout, RequestKind, RequestStatus, RunStatus


def read_request(tx: Tx, request_id: str) -> RequestView | None:
    """One request as people see it; None where there is none, or nobody can read its rules."""
    request = requests.get(tx, request_id)
    return None if request is None else _view(tx, request)


def read_run(tx: Tx, run_id: str) -> RunView | None:
    """One run as people see it."""
    run = runs.get(tx, run_id)
    return None if run is None else _run_view(tx, run)


def read_recent_runs(tx: Tx, limit: int, starter_key: str | None = None) -> list[RunView]:
    """The newest runs, of everybody or of one starter."""
    return [_run_view(tx, run) for run in runs.recent(tx, limit, starter_key=starter_key)]


def find_runs(tx: Tx, prefix: str) -> list[RunView]:
    """Runs whose id begins like this; a few."""
    return [_run_view(tx, run) for run in runs.with_prefix(tx, prefix)]


def read_pending(tx: Tx, limit: int) -> list[RequestView]:
    """Everything that waits for people, the next deadline first."""
    views = (_view(tx, request) for request in requests.all_pending(tx, limit))
    return [view for view in views if view is not None]


def _view(tx: Tx, request: Request) -> RequestView | None:
    run = runs.get(tx, request.run_id)
    assert run is not None, "a request keeps its run"
    return _request_view(tx, run, request, requests.pending(tx, run.id), secrets_of_run(tx, run.id))


def _run_view(tx: Tx, run: Run) -> RunView:
    pending, secrets = requests.pending(tx, run.id), secrets_of_run(tx, run.id)
    waiting_on = (_request_view(tx, run, request, pending, secrets) for request in pending)
    return RunView(
        id=run.id,
        agent=run.agent,
        status=run.status,
        starter=Actor.model_validate(run.starter),
        input=mask_deep(run.input, secrets),
        created_at=run.created_at,
        updated_at=run.updated_at,
        output=mask_deep(run.output, secrets),
        error=mask(run.error, secrets),
        waiting_on=tuple(view for view in waiting_on if view is not None),
        cancel_requested=run.cancel_requested,
        paused=pause_of(tx, run.agent) if run.status not in ENDED else None,
        undone=run.status is RunStatus.SUCCEEDED and _is_undone(tx, run.id),
    )


_REFUSED = frozenset({RequestStatus.REJECTED, RequestStatus.SKIPPED, RequestStatus.EXPIRED})


def _is_undone(tx: Tx, run_id: str) -> bool:
    asked = [one.status for one in requests.of_run(tx, run_id) if one.kind is RequestKind.TOOL]
    return any(status in _REFUSED for status in asked) and not journal.of_run(tx, run_id)


def _request_view(
    tx: Tx, run: Run, request: Request, pending: Sequence[Request], secrets: tuple[str, ...]
) -> RequestView | None:
    """One request of a run; `pending` are those that the run waits for, `secrets` what none of its texts may show. One
    whose rules were changed by hand so that nobody can read them is not shown, and keeps no other from being seen."""
    try:
        rules = Rules.model_validate(request.rules)
    except ValidationError:
        return None
    if not 0 <= request.stage < len(rules.stages):
        return None
    redaction = redaction_of(rules)
    decisions = requests.votes(tx, [request.id])
    stopped = pauses.stopped_for(tx)
    fast = _fast(tx, request)
    asked_again, approved_before = what_came_before(tx, request, rules, secrets)
    siblings = [other for other in pending if other.id != request.id and other.pause == request.pause]
    return RequestView(
        id=request.id,
        run_id=run.id,
        agent=request.agent,
        kind=request.kind,
        status=request.status,
        revision=request.revision,
        stage=request.stage,
        stages=tuple(
            StageView(stage.name, _asked(request, number, stage), stage.quorum, stage.reject_quorum)
            for number, stage in enumerate(rules.stages)
        ),
        starter=Actor.model_validate(run.starter),
        opened_at=request.opened_at,
        tool=request.tool,
        args=redaction.args(request.args),
        payload=redaction.apply(request.payload, secrets),
        note=mask(rules.note, secrets),
        reason=mask(request.reason, secrets),
        decisions=rules.decisions,
        due_at=request.due_at + stopped if request.due_at else None,
        on_timeout=request.on_timeout,
        votes=tuple(_vote(one, secrets, fast) for one in decisions if one.revision == request.revision),
        closed_at=request.closed_at,
        closed_by=Actor.model_validate(request.closed_by) if request.closed_by else None,
        call=_call_view(tx, request, secrets),
        open_siblings=len(siblings),
        confirm=rules.confirm,
        asked_args=redaction.args(request.asked_args),
        edits=_edits(request, decisions, redaction, secrets),
        held_until=request.held_until + stopped if request.held_until else None,
        hold=rules.hold,
        require_reason=rules.require_reason,
        allow_same_person=rules.allow_same_person,
        grant_rule=rules.grant if request.kind is RequestKind.TOOL else None,
        grant=_grant_view(tx, request),
        inquiries=tuple(inquiry_view(one) for one in inquiries.of_request(tx, request.id)),
        asked_again=asked_again,
        approved_before=approved_before,
        asking=request.asking,
        ladder=read_ladder(tx, request, rules),
        can_ask_again=_can_ask_again(run, request),
        can_start_again=_can_start_again(tx, run, request),
        card=request.card if request.asking == 1 else "",
        paused=_pause(tx, request),
        remarks=remarks(rules, request.args, secrets, request.payload),
    )


def _can_ask_again(run: Run, request: Request) -> bool:
    timed_out = request.status is RequestStatus.EXPIRED and request.on_timeout is OnTimeout.FAIL
    return timed_out and run.status is RunStatus.FAILED and request.consumed_at is None


def _can_start_again(tx: Tx, run: Run, request: Request) -> bool:
    went_on = request.status is RequestStatus.EXPIRED and request.on_timeout in {OnTimeout.REJECT, OnTimeout.SKIP}
    return went_on and run.status is RunStatus.SUCCEEDED and not journal.of_run(tx, run.id)


def _asked(request: Request, number: int, stage: Stage) -> tuple[str, ...]:
    """Who may decide in a stage: in the present one also those to whom it was escalated."""
    return asked(stage, request.rung) if number == request.stage else stage.approvers


def _pause(tx: Tx, request: Request) -> PauseView | None:
    stoppable = request.status is RequestStatus.PENDING or is_to_come(request)
    return pause_of(tx, request.agent) if stoppable else None


def _grant_view(tx: Tx, request: Request) -> GrantView | None:
    if request.kind is not RequestKind.TOOL or request.status not in {RequestStatus.APPROVED, RequestStatus.LAPSED}:
        return None
    grant = grants.of_request(tx, request.id)
    return None if grant is None else grant_view(tx, grant)


def _edits(
    request: Request, decisions: list[Decision], redaction: Redaction, secrets: tuple[str, ...]
) -> tuple[EditView, ...]:
    """How the call came to be what it is, from one revision to the next."""
    found: list[EditView] = []
    before = request.asked_args or {}
    for edit in decisions:
        if edit.kind is DecisionKind.EDITED and edit.revision < request.revision and isinstance(edit.value, Mapping):
            shown = tuple(shown_change(one, redaction, secrets) for one in changes(before, edit.value))
            actor = Actor.model_validate(edit.actor)
            found.append(EditView(edit.revision + 1, actor, edit.at, shown, mask(edit.reason, secrets)))
            before = edit.value
    return tuple(found)


def _fast(tx: Tx, request: Request) -> frozenset[str]:
    """Whose approvals of a closed request came sooner than anybody reads."""
    if request.kind is not RequestKind.TOOL or request.status is RequestStatus.PENDING:
        return frozenset()
    return frozenset(entry.actor for entry in audit.of_request(tx, request.id, (Event.APPROVED_FAST.value,)))


def _vote(decision: Decision, secrets: tuple[str, ...], fast: frozenset[str]) -> Vote:
    return Vote(
        actor=Actor.model_validate(decision.actor),
        kind=decision.kind,
        stage=decision.stage,
        at=decision.at,
        reason=mask(decision.reason, secrets),
        value=mask_deep(decision.value, secrets) if decision.kind is not DecisionKind.APPROVED else None,
        withdrawn=decision.withdrawn_at is not None,
        fast=decision.kind is DecisionKind.APPROVED and decision.actor_key in fast,
        wish=Wish.read(decision.value) if decision.kind is DecisionKind.APPROVED else None,
        on_behalf_of=Actor.model_validate(decision.on_behalf_of) if decision.on_behalf_of else None,
    )


def _call_view(tx: Tx, request: Request, secrets: tuple[str, ...]) -> CallView | None:
    if request.kind is not RequestKind.TOOL or request.status is not RequestStatus.APPROVED:
        return None
    entry = journal.get(tx, request.run_id, f"{request.step}/{request.call_id}")
    return None if entry is None else CallView(entry.status, _took(entry), mask(entry.summary, secrets))


def _took(entry: JournalEntry) -> timedelta | None:
    ended = entry.status in {CallStatus.FINISHED, CallStatus.FAILED} and entry.ended_at is not None
    return entry.ended_at - entry.started_at if ended and entry.ended_at else None
