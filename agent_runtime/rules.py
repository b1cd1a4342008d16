"""The rules of one request, as they were when it opened: the sealed snapshot that is kept with it. Frozen values."""

from __future__ import annotations

from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field, field_validator

from agent_runtime.hours import Hours
from agent_runtime.selectors import STARTER, Selector, parse_selector
from storage.types import DecisionKind, GrantScope, OnTimeout

__all__ = ["Frozen", "GrantRule", "GrantScope", "Hours", "Rules", "Rung", "Stage"]


class Frozen(BaseModel):
    """Immutable, and closed: a field it does not know is refused, never dropped."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Rung(Frozen):
    """What happens when a stage has waited for `after`: those who may decide are reminded, or `escalate_to` may decide
    too from then on. It is said where the card stands, and in `channel` where there is one; `repeat` more times at the
    same interval."""

    after: timedelta = Field(gt=timedelta(0))
    remind: bool = False
    escalate_to: tuple[Selector, ...] = ()
    channel: str = ""
    repeat: int = Field(default=0, ge=0)


def says_nothing(value: object) -> bool:
    """Whether a member is left out of what is written."""
    return not value


class Stage(Frozen):
    """One step of an approval chain: `quorum` of the `approvers` must say yes, or `reject_quorum` of them no. Its card
    goes to `channel`; where that is empty, to the run's thread if `starter:` is among the approvers, else to the
    settings' approvals channel. `rungs` are its ladder, which climbs in its working `hours` where it has some. A stage
    without them is written as it was before there were any: grants are bound to what is written."""

    name: str
    approvers: tuple[Selector, ...] = Field(min_length=1)
    quorum: int = Field(default=1, ge=1)
    reject_quorum: int = Field(default=1, ge=1)
    channel: str = ""
    allow_public: bool = False
    rungs: tuple[Rung, ...] = Field(default=(), exclude_if=says_nothing)
    hours: Hours | None = Field(default=None, exclude_if=says_nothing)

    @field_validator("approvers")
    @classmethod
    def _canonical(cls, approvers: tuple[str, ...]) -> tuple[Selector, ...]:
        return tuple(dict.fromkeys(parse_selector(text) for text in approvers))

    @property
    def everybody(self) -> tuple[Selector, ...]:
        """The approvers, and all to whom it may be escalated."""
        return tuple(dict.fromkeys((*self.approvers, *(who for rung in self.rungs for who in rung.escalate_to))))

    @property
    def in_thread(self) -> bool:
        """Its card belongs in the run's own thread."""
        return not self.channel and STARTER in self.approvers


class GrantRule(Frozen):
    """Whether approvers may say yes to the next ones like this, too. The arguments must be equal as a whole, or, where
    `keys` names some and a call has them all, in those; a grant serves `max_count` calls and lives `max_age`."""

    scopes: tuple[GrantScope, ...] = Field(min_length=1)
    keys: tuple[str, ...] = ()
    max_count: int = Field(default=10, ge=1)
    max_age: timedelta = Field(default=timedelta(hours=8), gt=timedelta(0))


class Rules(Frozen):
    """`policy` is the label of the policy they come from, `note` is already filled in, `timeout` counts per stage from
    its opening."""

    policy: str
    stages: tuple[Stage, ...] = Field(min_length=1)
    note: str = ""
    decisions: tuple[DecisionKind, ...] = Field(default=(DecisionKind.APPROVED, DecisionKind.REJECTED), min_length=1)
    timeout: timedelta = Field(gt=timedelta(0))
    on_timeout: OnTimeout = OnTimeout.REJECT
    valid_for: timedelta | None = Field(default=None, gt=timedelta(0))
    allow_self_approval: bool = False
    allow_guests: bool = False
    idempotent: bool = False
    hold: timedelta | None = Field(default=None, gt=timedelta(0))
    """How long, in unpaused time, execution waits after the last needed vote; until then votes may be taken back."""
    allow_same_person: bool = False
    """One person may vote once in each stage, instead of once in the request."""
    require_reason: tuple[DecisionKind, ...] = ()
    """The decisions that need a reason in words."""
    confirm: bool = False
    """Ask once more before an approval counts."""
    redact: tuple[str, ...] = ()
    """JSON pointers into the arguments whose values are never shown nor logged."""
    redact_keys: tuple[str, ...] = ()
    """Patterns of names, at any depth, whose values are never shown nor logged."""
    notify: tuple[Selector, ...] = ()
    """Channels and people who are told when it opens and how it ends, and never asked."""
    grant: GrantRule | None = None
    callback: str = ""
    """The import path of a function that decides in the place of people; empty: people decide."""
    set_note: str = ""
    """One sentence on what policies changed in the arguments before anybody was asked; empty where nothing."""
    trouble: str = ""
    """Why conditions could not be evaluated, in sentences for approvers; empty where all could."""
