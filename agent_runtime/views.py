"""Read models: what a surface needs to show a request or a run, as plain frozen values. No surface words in here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from agent_runtime.rules import GrantRule
from agent_runtime.wishes import Wish
from storage.types import (
    Actor,
    CallStatus,
    DecisionKind,
    GrantScope,
    Json,
    JsonValue,
    OnTimeout,
    RequestKind,
    RequestStatus,
    RunStatus,
)


@dataclass(frozen=True, slots=True)
class Vote:
    """One vote by one actor on the request's current revision. `stage` is 0-based; a withdrawn vote is shown but does
    not count."""

    actor: Actor
    kind: DecisionKind
    stage: int
    at: datetime
    reason: str = ""
    value: JsonValue = None
    withdrawn: bool = False
    wish: Wish | None = None
    """That this yes shall also count for further calls."""
    fast: bool = False
    """It came sooner than anybody reads; said once the request is closed."""
    on_behalf_of: Actor | None = None
    """Who had handed over to the actor, where the vote was theirs to give."""


@dataclass(frozen=True, slots=True)
class ArgumentChange:
    """One argument that was changed. `before` is None where it was `added`, `after` where it was `removed`."""

    name: str
    before: JsonValue
    after: JsonValue
    added: bool = False
    removed: bool = False


@dataclass(frozen=True, slots=True)
class EditView:
    """How a revision came about: who changed which arguments of the one before it. A policy is an actor, too."""

    revision: int
    actor: Actor
    at: datetime
    changes: tuple[ArgumentChange, ...]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class StageView:
    """One step of the approval chain. `approvers` are selectors such as `user:U1` or `usergroup:S1`; so many of them
    must say yes, or no, until it is decided."""

    name: str
    approvers: tuple[str, ...]
    quorum: int
    reject_quorum: int = 1


@dataclass(frozen=True, slots=True)
class CallView:
    """What the journal says of the call behind a closed request. `took` is None while it runs."""

    status: CallStatus
    took: timedelta | None = None
    summary: str = ""


@dataclass(frozen=True, slots=True)
class AbsenceView:
    """Until then the delegate may decide where the person may."""

    person: Actor
    delegate: Actor
    began_at: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class PauseView:
    """Since then no call starts and no timer fires: of this agent, or of all where `agent` is empty. `by` is None where
    nobody is known to have stopped it."""

    agent: str
    since: datetime
    by: Actor | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class GrantView:
    """An approval that counts for further calls. `like` are the arguments they must share, as they may be shown: all,
    or those named in `keys`. `starter` is whose runs it is for; None where it is for every run of the agent."""

    id: str
    agent: str
    tool: str
    scope: GrantScope
    request_id: str
    run_id: str
    starter: Actor | None
    granted_by: Actor
    like: Json
    keys: tuple[str, ...]
    uses: int
    max_uses: int
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None
    revoked_by: Actor | None = None

    @property
    def left(self) -> int:
        """How many further calls it would let through, if its time did not end."""
        return 0 if self.revoked_at is not None else max(self.max_uses - self.uses, 0)


@dataclass(frozen=True, slots=True)
class InquiryView:
    """What an approver asked whoever started the run about a request; `answer` is empty until `answered_at`."""

    id: str
    request_id: str
    asked_by: Actor
    question: str
    asked_at: datetime
    answer: str = ""
    answered_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AskedAgain:
    """The call that people rejected before the agent asked for this one: who was last to reject it, with which words,
    and what changed since; `changes` is None where those who are asked now were not asked then."""

    request_id: str
    actor: Actor
    at: datetime
    reason: str
    changes: tuple[ArgumentChange, ...] | None


@dataclass(frozen=True, slots=True)
class ApprovedBefore:
    """An earlier call of the same run that people approved. Of the arguments that both calls have, `same` names those
    with one value, `other` those with two."""

    request_id: str
    tool: str
    actors: tuple[Actor, ...]
    at: datetime
    same: tuple[str, ...] = ()
    other: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StepView:
    """A step of a ladder: when it is due, and to whom it escalates; nobody where it only reminds."""

    at: datetime
    escalate_to: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HoldView:
    """Who holds a ladder, until when, and why: `on_it`, `snoozed` or `asked`."""

    by: Actor
    why: str
    until: datetime


@dataclass(frozen=True, slots=True)
class LadderView:
    """How the present asking of a request stands in time: the next steps `ahead`, the escalations that were, and who
    holds it. `rung` counts the steps behind it."""

    rung: int = 0
    ahead: tuple[StepView, ...] = ()
    escalated: tuple[StepView, ...] = ()
    hold: HoldView | None = None


@dataclass(frozen=True, slots=True)
class RequestView:
    """Everything a card shows. `payload` is the agent's own (question or review); `args` and `tool` belong to calls.
    `note` is the policy's, `reason` the agent's own words. `open_siblings` counts requests of the same pause that
    are still pending. `stage` is 0-based. `args` are those up for decision, `asked_args` the agent's own; `edits` lead
    from one to the other. While `held_until` is set enough people have approved, and they may still take it back."""

    id: str
    run_id: str
    agent: str
    kind: RequestKind
    status: RequestStatus
    revision: int
    stage: int
    stages: tuple[StageView, ...]
    starter: Actor
    opened_at: datetime
    tool: str = ""
    args: Json | None = None
    payload: JsonValue = None
    note: str = ""
    reason: str = ""
    decisions: tuple[DecisionKind, ...] = (DecisionKind.APPROVED, DecisionKind.REJECTED)
    due_at: datetime | None = None
    on_timeout: OnTimeout = OnTimeout.REJECT
    votes: tuple[Vote, ...] = ()
    closed_at: datetime | None = None
    closed_by: Actor | None = None
    call: CallView | None = None
    open_siblings: int = 0
    confirm: bool = False
    """Ask once more before an approval counts."""
    remarks: tuple[str, ...] = ()
    """Sentences of Signoff's own: conditions that could not be evaluated, arguments that a policy fixed."""
    auto_approve: bool = False
    asked_args: Json | None = None
    edits: tuple[EditView, ...] = ()
    held_until: datetime | None = None
    hold: timedelta | None = None
    require_reason: tuple[DecisionKind, ...] = ()
    allow_same_person: bool = False
    grant_rule: GrantRule | None = None
    """What approvers may let their yes count for, beside this call."""
    grant: GrantView | None = None
    """What they let it count for."""
    inquiries: tuple[InquiryView, ...] = ()
    ladder: LadderView = LadderView()
    can_ask_again: bool = False
    """Nobody decided in time, that failed the run, and a retry of it would ask again."""
    can_start_again: bool = False
    """Nobody decided in time, and the run ended without any call: started again with the same input it would ask
    again."""
    asked_again: AskedAgain | None = None
    approved_before: tuple[ApprovedBefore, ...] = ()
    """The last ones, the latest first."""
    asking: int = 1
    """How often its approvers were asked: anew in each stage, and whenever what they were asked has changed."""
    card: str = ""
    """On whose card it is asked, be it its own, where several requests share one; empty where it has one to itself."""

    paused: PauseView | None = None
    """What stops its timers and the start of its call, while it is open and until the call was started."""

    @property
    def asked_stage(self) -> StageView:
        """The stage that is asked; the last one where an edit left fewer."""
        return self.stages[min(self.stage, len(self.stages) - 1)]

    @property
    def votes_in_stage(self) -> int:
        """Approvals that count towards the current stage's quorum."""
        return self._standing(frozenset({DecisionKind.APPROVED}))

    @property
    def rejections_in_stage(self) -> int:
        """Votes that count towards the current stage's reject quorum."""
        return self._standing(frozenset({DecisionKind.REJECTED, DecisionKind.SKIPPED}))

    def _standing(self, kinds: frozenset[DecisionKind]) -> int:
        return sum(vote.stage == self.stage and vote.kind in kinds and not vote.withdrawn for vote in self.votes)


@dataclass(frozen=True, slots=True)
class RunView:
    """Everything the run's own message shows. `waiting_on` are the pending requests, oldest first."""

    id: str
    agent: str
    status: RunStatus
    starter: Actor
    input: JsonValue
    created_at: datetime
    updated_at: datetime
    output: JsonValue = None
    error: str = ""
    waiting_on: tuple[RequestView, ...] = ()
    cancel_requested: bool = False
    paused: PauseView | None = None
    """What keeps it from going on, while it is open."""
    undone: bool = False
    """It ended well, people or their silence refused calls of it, and not one call was ever started."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """What people call the fields of an `input` that was filled in, in their order; empty where that is not known."""
