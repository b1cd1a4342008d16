"""The tables, but for those that stand with their statements (absences, alerts, grants, inquiries, pauses, redacted).
Rows are plain records: no relationships, nothing lazy, nothing that outlives its transaction.

Times are aware UTC. JSON columns hold canonical values. A status column is a checked string, so that a row can never
hold a word the code does not know.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Enum, Index, LargeBinary, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from storage.types import (
    CallStatus,
    DecisionKind,
    DeliveryStatus,
    Described,
    OnTimeout,
    RequestKind,
    RequestStatus,
    RunStatus,
)

Json = JSON(none_as_null=True)


def words(known: type[Described], name: str) -> Any:
    """A column type that stores an enum's values and refuses others in the database itself."""
    return Enum(
        known,
        native_enum=False,
        create_constraint=True,
        name=name,
        length=16,
        values_callable=lambda members: [member.value for member in members],
    )


class Run(SQLModel, table=True):
    """One execution of an agent. `owner`, `attempt`, `lease_until` are the lease; `origin` is where people started it,
    opaque to the runtime; `dedupe` makes a repeated start harmless. `pause` counts its pauses, `stuck` those in a row
    that asked nothing new; `failures` and `crashes` count advances that failed, and workers that died with it, since
    the last one."""

    __tablename__ = "run"
    __table_args__ = (
        Index("run_due", "due_at", sqlite_where=text("status = 'queued'"), postgresql_where=text("status = 'queued'")),
        Index("run_leased", "lease_until", sqlite_where=text("status = 'running'"),
              postgresql_where=text("status = 'running'")),
        Index("run_recent", "created_at"),
    )  # fmt: skip

    id: str = Field(primary_key=True)
    agent: str
    status: RunStatus = Field(sa_type=words(RunStatus, "run_status"))
    starter: dict[str, Any] = Field(sa_type=Json)
    starter_key: str = Field(index=True)
    input: Any = Field(default=None, sa_type=Json, nullable=True)
    output: Any = Field(default=None, sa_type=Json, nullable=True)
    error: str = ""
    checkpoint: Any = Field(default=None, sa_type=Json, nullable=True)
    fingerprint: str = ""
    origin: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    dedupe: str | None = Field(default=None, unique=True)
    pause: int = 0
    stuck: int = 0
    cancel_requested: bool = False
    due_at: datetime
    owner: str | None = None
    attempt: int = 0
    failures: int = 0
    crashes: int = 0
    lease_until: datetime | None = None
    created_at: datetime
    updated_at: datetime


class Request(SQLModel, table=True):
    """One interrupt that needs people. `subject` is the interrupt's natural key inside its run and `generation` counts
    requests for the same subject. `rules` is the policy snapshot of this revision, sealed by `rules_mac`; `policy_set`
    names the whole set that was in force when it opened. `asked_args` and `asked_digest` are the agent's own call;
    `args` and `digest` are what is up for decision. `held_until` (in unpaused time, like every timer here) says that
    enough people approved it and that they may still take that back. `asking` counts how often its approvers were asked
    anew, `card` names the request on whose card it stood first (empty: its own). `due_at` is the deadline, `next_at`
    the next thing to happen in time; `rung` counts the steps of its stage's ladder that are behind it, `ladder_from` is
    when that began to climb; until `quiet_until` it is held, by whom and why says `quiet`."""

    __tablename__ = "request"
    __table_args__ = (
        UniqueConstraint("run_id", "subject", "generation"),
        Index("request_due", "due_at", "id", sqlite_where=text("status = 'pending'"),
              postgresql_where=text("status = 'pending'")),
        Index("request_next", "next_at", "id", sqlite_where=text("status = 'pending'"),
              postgresql_where=text("status = 'pending'")),
        Index("request_closed", "closed_at", "id"),
        Index("request_open", "run_id", sqlite_where=text("status = 'pending'"),
              postgresql_where=text("status = 'pending'")),
    )  # fmt: skip

    id: str = Field(primary_key=True)
    run_id: str = Field(foreign_key="run.id", index=True)
    agent: str
    starter_key: str = ""
    pause: int
    ordinal: int
    subject: str
    generation: int = 0
    kind: RequestKind = Field(sa_type=words(RequestKind, "request_kind"))
    status: RequestStatus = Field(sa_type=words(RequestStatus, "request_status"))
    revision: int = 1
    stage: int = 0
    step: str = ""
    call_id: str = ""
    tool: str = ""
    args: Any = Field(default=None, sa_type=Json, nullable=True)
    payload: Any = Field(default=None, sa_type=Json, nullable=True)
    reason: str = ""
    digest: str
    asked_args: Any = Field(default=None, sa_type=Json, nullable=True)
    asked_digest: str = Field(default="", sa_column_kwargs={"server_default": text("''")})
    rules: dict[str, Any] = Field(sa_type=Json)
    rules_mac: str
    policy_set: str | None = None
    on_timeout: OnTimeout = Field(sa_type=words(OnTimeout, "on_timeout"))
    opened_at: datetime
    stage_opened_at: datetime
    due_at: datetime | None = None
    held_until: datetime | None = None
    asking: int = Field(default=1, sa_column_kwargs={"server_default": "1"})
    card: str = Field(default="", sa_column_kwargs={"server_default": text("''")})
    rung: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    ladder_from: datetime | None = None
    next_at: datetime | None = None
    quiet_until: datetime | None = None
    quiet: dict[str, Any] | None = Field(default=None, sa_type=Json)
    closed_at: datetime | None = None
    closed_by: dict[str, Any] | None = Field(default=None, sa_type=Json)
    close_reason: str = ""
    answer: Any = Field(default=None, sa_type=Json, nullable=True)
    consumed_at: datetime | None = None


class KeptPolicies(SQLModel, table=True):
    """A whole policy set that was in force when a request opened: an edit is judged by it. `digest` is the SHA-256 of
    `body`, in hex, and is sealed into the request."""

    __tablename__ = "policy_set"

    digest: str = Field(primary_key=True)
    body: str


class Decision(SQLModel, table=True):
    """One actor's act on one revision and stage of a request, bound to the digest it was shown and sealed by `mac`.
    `number` counts the acts on a request from 1, so that none of them can be left out or told twice (0: written before
    acts were counted). An edit carries the new arguments as its `value`. A person has at most one standing vote in a
    stage of a revision. `on_behalf_of` is the approver who had handed over to the actor, where that is not them."""

    __tablename__ = "decision"
    __table_args__ = (
        Index("decision_once", "request_id", "revision", "stage", "actor_key", unique=True,
              sqlite_where=text("withdrawn_at IS NULL"), postgresql_where=text("withdrawn_at IS NULL")),
    )  # fmt: skip

    id: int | None = Field(default=None, primary_key=True)
    request_id: str = Field(foreign_key="request.id", index=True)
    number: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    revision: int
    stage: int
    kind: DecisionKind = Field(sa_type=words(DecisionKind, "decision_kind"))
    actor: dict[str, Any] = Field(sa_type=Json)
    actor_key: str
    reason: str = ""
    value: Any = Field(default=None, sa_type=Json, nullable=True)
    digest: str
    mac: str
    at: datetime
    withdrawn_at: datetime | None = None
    on_behalf_of: dict[str, Any] | None = Field(default=None, sa_type=Json)


class JournalEntry(SQLModel, table=True):
    """One execution of one tool call, sealed by `mac`. `started` is written before the effect, its end after it.
    `digest` is that of the call as the agent made it, `args` are those it runs with; where they differ, `changed` is
    what the agent is told about that."""

    __tablename__ = "journal"

    run_id: str = Field(foreign_key="run.id", primary_key=True)
    call_key: str = Field(primary_key=True)
    step: str
    call_id: str
    tool: str
    args: Any = Field(default=None, sa_type=Json, nullable=True)
    changed: str = Field(default="", sa_column_kwargs={"server_default": text("''")})
    digest: str
    request_id: str | None = None
    grant_id: str | None = None
    idempotent: bool = False
    status: CallStatus = Field(sa_type=words(CallStatus, "call_status"))
    owner: str
    attempt: int
    starts: int = 1
    started_at: datetime
    ended_at: datetime | None = None
    format: str = ""
    outcome: bytes | None = Field(default=None, sa_type=LargeBinary)
    summary: str = ""
    mac: str = ""


class AuditEntry(SQLModel, table=True):
    """One link of the audit chain. It covers the digest of its text; the text itself can be erased."""

    __tablename__ = "audit"
    __table_args__ = (
        Index("audit_subject", "digest", sqlite_where=text("run_id = '' AND digest <> ''"),
              postgresql_where=text("run_id = '' AND digest <> ''")),
    )  # fmt: skip

    seq: int | None = Field(default=None, primary_key=True)
    at: datetime
    event: str
    actor: str
    surface: str
    run_id: str = Field(default="", index=True)
    request_id: str = Field(default="", index=True)
    tool: str = ""
    digest: str = ""
    text_digest: str
    previous: str
    hash: str
    mac: str


class AuditText(SQLModel, table=True):
    """The erasable part of an audit entry: names, reasons, evidence."""

    __tablename__ = "audit_text"

    seq: int = Field(primary_key=True, foreign_key="audit.seq")
    salt: str
    body: dict[str, Any] = Field(sa_type=Json)


class Delivery(SQLModel, table=True):
    """One thing outside that must match the rows. `key` is natural; asking again raises `wanted`, and a delivery
    settles the version it saw, so a change during a delivery is never lost."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index("outbox_due", "priority", "due_at", sqlite_where=text("status = 'due'"),
              postgresql_where=text("status = 'due'")),
        Index("outbox_subject", "subject"),
        Index("outbox_leased", "lease_until", sqlite_where=text("status = 'leased'"),
              postgresql_where=text("status = 'leased'")),
        Index("outbox_dead", "updated_at", sqlite_where=text("status = 'dead'"),
              postgresql_where=text("status = 'dead'")),
    )  # fmt: skip

    key: str = Field(primary_key=True)
    kind: str
    subject: str
    body: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    status: DeliveryStatus = Field(sa_type=words(DeliveryStatus, "delivery_status"))
    priority: int
    wanted: int = 1
    shown: int = 0
    due_at: datetime
    expires_at: datetime | None = None
    owner: str | None = None
    attempt: int = 0
    failures: int = 0
    lease_until: datetime | None = None
    error: str = ""
    updated_at: datetime


class Message(SQLModel, table=True):
    """Where a delivery's message stands in Slack. A `ts` of None with a `posting_since` is a post whose answer was
    never seen: it may or may not exist."""

    __tablename__ = "message"
    __table_args__ = (UniqueConstraint("channel", "ts"),)

    key: str = Field(primary_key=True)
    channel: str
    ts: str | None = None
    thread_ts: str = ""
    rendering: str = ""
    posting_since: datetime | None = None
    posts: int = 0
    updated_at: datetime


class Boot(SQLModel, table=True):
    """One life of a process. Its id owns leases; its heartbeat says that it lives."""

    __tablename__ = "boot"

    id: str = Field(primary_key=True)
    started_at: datetime
    heartbeat_at: datetime
    host: str
    pid: int


class Checkpoint(SQLModel, table=True):
    """One LangGraph checkpoint of a run (`thread_id` is the run id)."""

    __tablename__ = "checkpoint"

    thread_id: str = Field(primary_key=True)
    namespace: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    parent_id: str | None = None
    format: str
    body: bytes = Field(sa_type=LargeBinary)
    about: dict[str, Any] = Field(sa_type=Json)


class CheckpointWrite(SQLModel, table=True):
    """One pending write of a task against a checkpoint."""

    __tablename__ = "checkpoint_write"

    thread_id: str = Field(primary_key=True)
    namespace: str = Field(primary_key=True)
    checkpoint_id: str = Field(primary_key=True)
    task_id: str = Field(primary_key=True)
    idx: int = Field(primary_key=True)
    task_path: str = ""
    channel: str
    format: str
    body: bytes = Field(sa_type=LargeBinary)
