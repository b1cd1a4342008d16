"""Opening requests: a pause of an agent becomes one approval request for each interrupt, upserted by natural keys.

Whoever advances a run does this, in one transaction with the run's move to `waiting`; doing it again after a crash
changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from agent_runtime import ladder, outbound
from agent_runtime.agents import Interrupt, ToolCall
from agent_runtime.audit import INTERNAL, Event, record
from agent_runtime.caps import why_not_ask
from agent_runtime.clean_text import clean
from agent_runtime.closing import cancel_one
from agent_runtime.context import Context
from agent_runtime.digest import digest_call, digest_payload
from agent_runtime.facts import facts_of
from agent_runtime.hidden import as_hidden_as, redaction_kept, redaction_of
from agent_runtime.judging import Judgement, Require, evaluate, rules_for_outcome
from agent_runtime.revisions import keep_policies, revise
from agent_runtime.rules import Rules
from agent_runtime.sealed import FIRST_REVISION, digest_shown, is_genuine_call, read_rules, seal_rules
from agent_runtime.sharing import show_opened
from storage import journal, pauses, requests
from storage.models import Request, Run
from storage.tx import Tx
from storage.types import SYSTEM, Actor, ActorKind, Json, JsonValue, RequestKind, RequestStatus


@dataclass(frozen=True, slots=True)
class CapReached:
    """The run asked people more than it may."""

    sentence: str


@dataclass(frozen=True, slots=True)
class Draft:
    """A request that is not in the store yet; `fixed` are its arguments after the policies fixed some, else None."""

    request: Request
    rules: Rules
    fixed: Json | None


def open_pause(
    tx: Tx, context: Context, run: Run, interrupts: tuple[Interrupt, ...], given: Mapping[str, str]
) -> int | CapReached:
    """Make sure that every interrupt has its request; how many are new. `given` maps the keys of the answers that the
    agent was handed in this advance to their payload digests: the same question again is a new question."""
    opened: list[Request] = []
    capped = None
    for ordinal, interrupt in enumerate(interrupts):
        draft = _draft(tx, context, run, interrupt, ordinal, given)
        if draft is None:
            continue
        if capped := _over_cap(tx, context, run, draft.rules):
            break
        opened.append(_open(tx, context, draft))
    show_opened(tx, context, opened)
    return capped or len(opened)


def _draft(
    tx: Tx, context: Context, run: Run, interrupt: Interrupt, ordinal: int, given: Mapping[str, str]
) -> Draft | None:
    """The request this interrupt still needs, or None."""
    asked = _digest(run, interrupt)
    call = interrupt.call
    newest = requests.newest(tx, run.id, interrupt.key)
    if newest is not None and not _needs_another(tx, context, newest, interrupt, asked, given):
        return None
    judgement = _judgement(tx, context, run, interrupt)
    if not isinstance(judgement, Require):
        return None
    rules = judgement.rules
    request = Request(
        id="",
        run_id=run.id,
        agent=run.agent,
        starter_key=run.starter_key,
        pause=run.pause,
        ordinal=ordinal,
        subject=interrupt.key,
        generation=newest.generation + 1 if newest else 0,
        kind=interrupt.kind,
        status=RequestStatus.PENDING,
        revision=FIRST_REVISION,
        step=call.step if call else "",
        call_id=call.id if call else "",
        tool=call.tool if call else "",
        args=_shown_args(tx, context, run, interrupt),
        payload=interrupt.payload,
        reason=clean(call.reason) if call else "",
        digest="",
        asked_args=dict(call.args) if call else None,
        asked_digest=asked,
        policy_set=keep_policies(tx, context.policies),
        rules=rules.model_dump(mode="json"),
        rules_mac="",
        on_timeout=rules.on_timeout,
        opened_at=context.now,
        **ladder.opening(rules, 0, context.now, pauses.elapsed(tx, context.now, run.agent), pauses.stopped_for(tx)),
    )
    request.digest = digest_shown(request)
    return Draft(request, rules, judgement.args)


def _needs_another(
    tx: Tx, context: Context, newest: Request, interrupt: Interrupt, digest: str, given: Mapping[str, str]
) -> bool:
    """Whether the latest request about this subject does not speak for this interrupt, of this digest."""
    if newest.status is RequestStatus.PENDING:
        if newest.asked_digest == digest:
            return False
        cancel_one(tx, context, newest, SYSTEM, "the agent asks something else now")
        return True
    if interrupt.kind is RequestKind.TOOL:
        return newest.status is RequestStatus.LAPSED
    if interrupt.kind is RequestKind.OUTCOME:
        return newest.status is not RequestStatus.ANSWERED or newest.consumed_at is not None
    if newest.status is not RequestStatus.ANSWERED:
        return True
    return newest.asked_digest != digest or given.get(interrupt.key) == newest.asked_digest


def _judgement(tx: Tx, context: Context, run: Run, interrupt: Interrupt) -> Judgement:
    """Who must decide; nobody where a policy has come to allow or deny the call since the agent paused."""
    call = interrupt.call
    if interrupt.kind is RequestKind.OUTCOME:
        assert call is not None
        original = requests.newest(tx, run.id, f"call:{call.key}")
        kept = read_rules(context.seal, original) if original else None
        rules = as_hidden_as(rules_for_outcome(context.policies, kept), redaction_kept(tx, run.id, call.key))
        # Rules that were changed by hand say nothing: not that nobody was needed either. Nor does a grant.
        broken = (original is not None and kept is None) or _was_granted(tx, run, call)
        return Require(rules.model_copy(update={"allow_self_approval": False}) if broken else rules)
    return evaluate(context.policies, facts_of(run, interrupt.kind, call))


def _was_granted(tx: Tx, run: Run, call: ToolCall) -> bool:
    """Whether a grant let this call run: people had to approve it, and its starter may not say to run it again."""
    entry = journal.get(tx, run.id, call.key)
    return entry is not None and entry.grant_id is not None


def _shown_args(tx: Tx, context: Context, run: Run, interrupt: Interrupt) -> dict[str, JsonValue] | None:
    """The arguments people are asked about: of a call that was started, those it was started with."""
    call = interrupt.call
    if call is None:
        return None
    entry = journal.get(tx, run.id, call.key) if interrupt.kind is RequestKind.OUTCOME else None
    if entry is not None and entry.changed and is_genuine_call(context.seal, entry):
        return dict(entry.args)
    return dict(call.args)


def _digest(run: Run, interrupt: Interrupt) -> str:
    if interrupt.call is not None:
        return digest_call(run.agent, run.id, interrupt.call, FIRST_REVISION)
    return digest_payload(interrupt.payload)


def _over_cap(tx: Tx, context: Context, run: Run, rules: Rules) -> CapReached | None:
    caps = context.policies.caps
    before = requests.of_run(tx, run.id)
    if len(before) >= caps.max_requests:
        return CapReached(
            f"the run asked people {len(before)} times, which is its cap; start a new run, or raise max_requests"
        )
    rejected = sum(request.status is RequestStatus.REJECTED for request in before)
    if rejected > caps.max_reasks:
        return CapReached(f"the run asked again after {rejected} rejections, which is its cap; start a new run")
    crowded = why_not_ask(tx, context, run, rules)
    return CapReached(f"{crowded}; try again once some are decided") if crowded else None


def _open(tx: Tx, context: Context, draft: Draft) -> Request:
    """The request as it is asked first."""
    request, rules = draft.request, draft.rules
    _insert(tx, context, request)
    if draft.fixed is not None:
        policy = Actor(kind=ActorKind.POLICY, id=rules.policy, name=rules.policy)
        revised = revise(tx, context, request, draft.fixed, rules, policy, INTERNAL, rules.set_note)
        assert revised is not None, "nobody voted on a request that was not there yet"
        request = revised
    return request


def _insert(tx: Tx, context: Context, request: Request) -> None:
    while True:
        request.id = context.ids("A")
        request.rules_mac = seal_rules(context.seal, request)
        if requests.insert(tx, request):
            break
        taken = requests.get(tx, request.id)
        assert taken is not None, "only a taken id may refuse a new request"
    rules = Rules.model_validate(request.rules)
    shown = redaction_of(rules).args(request.args)
    seq = record(
        tx, context, Event.REQUEST_OPENED, SYSTEM,
        run_id=request.run_id, request_id=request.id, tool=request.tool, digest=request.digest,
        text={"kind": request.kind.value, "policy": request.rules["policy"], "args": shown},
    )  # fmt: skip
    about = request.tool or f"a {request.kind.value}"
    line = f"{request.agent} waits for people about {about}, by {rules.policy} (request {request.id})."
    outbound.tell_watchers(tx, context, request, rules, seq, f"{line} {rules.note}".strip())
