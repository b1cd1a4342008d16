"""The words of the store: statuses, kinds, actors, JSON. Each member says when a row is in it and who moves it on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

JsonValue: TypeAlias = "str | int | float | bool | Sequence[JsonValue] | Mapping[str, JsonValue] | None"
Json: TypeAlias = Mapping[str, JsonValue]


class Described(StrEnum):
    """A string enum whose members carry a sentence, readable as `member.sentence`."""

    sentence: str

    def __new__(cls, value: str, sentence: str = "") -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.sentence = sentence
        return member


class RunStatus(Described):
    """Where one execution of an agent stands."""

    QUEUED = "queued", "Ready for a worker: new, resumed after its pause closed, or retried."
    RUNNING = (
        "running",
        "A worker holds its lease and advances it; an expired lease hands it to the next worker.",
    )
    WAITING = "waiting", "Paused on approval requests; the decision that closes the last one queues it again."
    SUCCEEDED = "succeeded", "The agent finished and its output is recorded; final."
    FAILED = "failed", "The agent or its environment failed; a person may retry it from its last checkpoint."
    CANCELLED = "cancelled", "A person stopped it; nothing more is executed; final."


class RequestKind(Described):
    """What an approval request asks for."""

    TOOL = "tool", "May this exact tool call run?"
    QUESTION = "question", "The agent needs an answer to go on."
    REVIEW = "review", "The agent shows a draft and takes feedback."
    OUTCOME = (
        "outcome",
        "A call was started and nobody knows whether it took effect; a person says what happened.",
    )


class RequestStatus(Described):
    """Where one approval request stands. Everything but `pending` and `approved` is final; only what time or a
    cancellation closed is set aside where its run is retried."""

    PENDING = (
        "pending",
        "Waits for people, or holds their approval for a while; their decisions, time or a cancellation close it.",
    )
    APPROVED = "approved", "Its last stage reached its quorum; the call runs when its pause has closed."
    REJECTED = "rejected", "A person said no, or a time-out said it for them; the agent is told."
    SKIPPED = "skipped", "A person chose to leave this step out; the agent is told to go on without it."
    ANSWERED = "answered", "A validated answer waits for the agent or was taken by it."
    EXPIRED = "expired", "Nobody decided in time; the policy's on_timeout says what follows."
    CANCELLED = "cancelled", "Its run ended or was cancelled before anybody decided."
    LAPSED = "lapsed", "Set aside unused: not executed within valid_for, or its run was retried; people are asked anew."


class DecisionKind(Described):
    """What one actor said about one revision and stage of a request."""

    APPROVED = "approved", "Run exactly this call."
    REJECTED = "rejected", "Do not run it; the reason goes to the agent."
    SKIPPED = "skipped", "Leave this step out and go on."
    ANSWERED = "answered", "Here is the value that was asked for."
    EDITED = "edited", "Other arguments instead; whoever must approve the call as it is now is asked anew."


class OnTimeout(Described):
    """What happens to a request that nobody decided in time. Silence never approves."""

    REJECT = "reject", "The agent is told that nobody decided in time, as a rejection."
    SKIP = "skip", "The agent is told to go on without this step."
    FAIL = "fail", "The run fails and can be retried."
    KEEP = "keep", "The request stays open and an alert is raised."


class GrantScope(Described):
    """For whom an approval may also count when the same is asked again."""

    RUN = "run", "The rest of this run."
    REQUESTER = "requester", "Every run of this agent that the same person starts."
    AGENT = "agent", "Every run of this agent."


class CallStatus(Described):
    """Where one execution of a tool call stands in the journal."""

    STARTED = "started", "The effect may be happening now; written before the tool is entered."
    FINISHED = "finished", "The tool returned; its result is recorded and never computed again."
    FAILED = "failed", "The tool raised; the error is recorded and told to the agent."
    SUSPENDED = "suspended", "The tool itself asked a question; it goes on from its own top when answered."
    UNKNOWN = "unknown", "Started, and its end was never recorded; a person is asked what happened."


class DeliveryStatus(Described):
    """Where one delivery to the outside stands."""

    DUE = "due", "Something changed that the outside does not show yet; the delivery worker takes it."
    LEASED = "leased", "A worker is delivering it; an expired lease makes it due again."
    DONE = "done", "The outside shows the rows as they were at this version."
    DEAD = "dead", "Given up after its attempts or for a final reason; visible, and alerts."
    EXPIRED = "expired", "A short-lived notice that was not sent in time; nothing is lost by dropping it."


class ActorKind(Described):
    """Where an actor's authority comes from."""

    SLACK = "slack", "A person in Slack, known by team and user id."
    CLI = "cli", "A person at the command line of the host."
    TOKEN = "token", "An API token, with the person it speaks for."
    POLICY = "policy", "A rule of the policy file."
    GRANT = "grant", "An approval that people gave for further calls like one they saw."
    SCHEDULER = "scheduler", "The sweep over due dates."
    SYSTEM = "system", "Signoff itself, repairing or refusing."


class Actor(BaseModel):
    """Who did something. `key` is the stable identity; `name` is only for people to read. `person` is the same for all
    accounts of a person: a keyed hash of their address, empty (and not stored) where addresses are not read."""

    model_config = ConfigDict(frozen=True)

    kind: ActorKind
    id: str
    team: str = ""
    name: str = ""
    person: str = Field(default="", repr=False, exclude_if=lambda person: not person)

    @property
    def key(self) -> str:
        """Identity for comparisons and uniqueness, such as `slack:T1:U1`."""
        return f"{self.kind.value}:{self.team}:{self.id}"

    @property
    def hands(self) -> frozenset[str]:
        """By what two acts are told to be one person's: the account, and the person where that is known."""
        return frozenset((self.key, f"person:{self.person}") if self.person else (self.key,))

    @property
    def label(self) -> str:
        """Name for people; the id where no name is known."""
        return self.name or self.id


SCHEDULER = Actor(kind=ActorKind.SCHEDULER, id="sweep", name="the scheduler")
SYSTEM = Actor(kind=ActorKind.SYSTEM, id="signoff", name="Signoff")
