"""What the rows want shown outside: one natural key for each thing, and how urgent it is."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta
from enum import IntEnum

from agent_runtime.context import Context
from agent_runtime.hidden import secrets_of_run
from agent_runtime.ladder import Step
from agent_runtime.redaction import mask
from agent_runtime.rules import Rules
from agent_runtime.views import RequestView
from storage import inquiries, outbox, requests
from storage.inquiries import Inquiry
from storage.models import Delivery, Request
from storage.tx import Tx
from storage.types import Described, Json, RequestStatus

NOTICE_LIFE = timedelta(seconds=60)
REPLY_LIFE = timedelta(minutes=10)
"""An answer to what somebody wrote is worth nothing later: they have written again."""

NOW = timedelta(0)
SOON = timedelta(seconds=2)
"""How long a change that nobody waits for may wait for the next one, so that both are one update."""


class Priority(IntEnum):
    """Lower goes first when the surface's budget is short."""

    CLOSED_CARD = 10
    NOTICE = 15
    NEW_CARD = 20
    ALERT = 22
    RUN = 25
    VOTE = 30
    NOTE = 40


class Topic(Described):
    """What a delivery reconciles."""

    CARD = "card", "A request's card; the key names the request, which asking of it this is, and of which stage."
    RUN = "run", "A run's own message, the root of its thread."
    NOTE = "note", "One line in a run's thread about one audit entry."
    INQUIRY = "inquiry", "An approver's question to whoever started the run, in its thread; the key names it."
    FYI = "fyi", "A line to a channel or person whom the policy has told and not asked, about one audit entry."
    REMINDER = "reminder", "A step of a request's ladder, below its card or in a channel; the key names the step."
    DIRECT = "direct", "A step of a request's ladder, to a person or a group to whom it escalates; the key names both."
    ALERT = "alert", "An alert's message; the key names the alert."
    CALL = "call", "A line below an alert's message that calls people again, about one audit entry."
    DIGEST = "digest", "What is waiting, once a day; the key names the moment."
    NOTICE = "notice", "Something private to one person, worth nothing after a while."
    REPLY = "reply", "What a message to us is answered, once; the key names that message."


ABOUT_ALERTS = frozenset({Topic.ALERT.value, Topic.CALL.value, Topic.DIGEST.value})
"""Where these are not delivered, nobody can be told by an alert."""


def card_key(request: Request | RequestView) -> str:
    """The key of the card on which a request is asked now: each time its approvers are asked it gets a new one, because
    an updated message notifies nobody. Only the first may be shared."""
    if request.card and request.asking == 1:
        return first_card(request.card)
    return f"card:{request.id}:{request.asking}:{request.stage}"


def first_card(request_id: str) -> str:
    """The key of the card on which a request was asked first, together with those that share it."""
    return f"card:{request_id}:1:0"


def cards_of(tx: Tx, request: Request) -> dict[str, str]:
    """The keys of the cards on which a request was asked so far, each with whose card it is."""
    shared = {first_card(request.card): request.card} if request.card not in ("", request.id) else {}
    return shared | dict.fromkeys(outbox.keys_about(tx, Topic.CARD, request.id), request.id)


def stage_of_card(key: str) -> int:
    """Which stage a card was opened for, by its key."""
    return int(key.rpartition(":")[2])


def want_card(tx: Tx, context: Context, request: Request, *, patience: timedelta = NOW) -> None:
    """Every card of this request must show its current state; what is asked now has one of its own."""
    closed = request.status is not RequestStatus.PENDING
    cards, newest = cards_of(tx, request), card_key(request)
    fresh = newest not in cards and not (closed and cards)
    for key, whose in (cards | ({newest: request.id} if fresh else {})).items():
        priority = Priority.CLOSED_CARD if closed else Priority.NEW_CARD if fresh and key == newest else Priority.VOTE
        outbox.want(tx, key, Topic.CARD, whose, priority, context.now, patience=patience)
    if closed:
        for inquiry in inquiries.of_request(tx, request.id):
            want_inquiry(tx, context, inquiry)


def remind(tx: Tx, context: Context, request: Request, taken: Sequence[Step]) -> bool:
    """Tell those who may decide of the newest of these steps, below the card and in its channel, an escalation without
    one in that for alerts; and each person alone to whom any of them escalates. Requests that share a card, and climb
    together, are told of together; whether this one was the first of them."""
    whose = request.id
    first = requests.get(tx, request.card) if request.card and request.asking == 1 else None
    if first is not None and first.ladder_from == request.ladder_from:
        whose = first.id
    newest = f"{whose}:{request.asking}:{taken[-1].number}"
    body: Json = {"asking": request.asking, "rung": taken[-1].number}
    first_of_them = _tell_step(tx, context, whose, f"remind:{newest}", Topic.REMINDER, body)
    if channel := taken[-1].channel:
        _tell_step(tx, context, whose, f"remind:{newest}:{channel}", Topic.REMINDER, {**body, "channel": channel})
    escalated = tuple(dict.fromkeys(who for step in taken for who in step.escalate_to))
    if escalated and not channel:
        _tell_step(tx, context, whose, f"remind:{newest}:alerts", Topic.REMINDER, {**body, "alerts": True})
    for who in escalated:
        kind, _, user = who.partition(":")
        if kind == "user":
            _tell_step(tx, context, whose, _direct(newest, user), Topic.DIRECT, {**body, "user": user})
        else:  # whoever is in it is found when it is told
            _tell_step(tx, context, whose, f"group:{newest}:{who}", Topic.DIRECT, {**body, "group": who})
    return first_of_them


def tell_each(tx: Tx, context: Context, delivery: Delivery, users: Collection[str]) -> None:
    """Tell each of these people, by their ids, alone of the step that a delivery to their group is about."""
    body: Json = {name: delivery.body[name] for name in ("asking", "rung")}
    newest = f"{delivery.subject}:{body['asking']}:{body['rung']}"
    for user in sorted(users):
        _tell_step(tx, context, delivery.subject, _direct(newest, user), Topic.DIRECT, {**body, "user": user})


def _direct(step: str, user: str) -> str:
    return f"dm:{step}:{user}"


def _tell_step(tx: Tx, context: Context, whose: str, key: str, topic: Topic, body: Json) -> bool:
    return outbox.tell_once(tx, key, topic, whose, body, Priority.NEW_CARD, context.now, None)


def want_inquiry(tx: Tx, context: Context, inquiry: Inquiry) -> None:
    """An approver's question must show whether it is answered, and whether it still can be."""
    key = f"inquiry:{inquiry.id}"
    outbox.want(tx, key, Topic.INQUIRY, inquiry.request_id, Priority.NEW_CARD, context.now)


def want_run(tx: Tx, context: Context, run_id: str) -> None:
    """The run's own message must show its current state, soon: it changes often, and updates are scarce."""
    outbox.want(tx, f"run:{run_id}", Topic.RUN, run_id, Priority.RUN, context.now, patience=SOON)


def note(tx: Tx, context: Context, run_id: str, seq: int, text: str) -> None:
    """Say one line in the run's thread."""
    body: Json = {"text": mask(text, secrets_of_run(tx, run_id))}
    outbox.tell(tx, f"note:{seq}", Topic.NOTE, run_id, body, Priority.NOTE, context.now, None)


def tell_watchers(tx: Tx, context: Context, request: Request, rules: Rules, seq: int, text: str) -> None:
    """Say one line about a request to everybody whom its rules have told and not asked."""
    secrets = secrets_of_run(tx, request.run_id) if rules.notify else ()
    for who in rules.notify:
        body: Json = {"to": who, "text": mask(text, secrets)}
        outbox.tell(tx, f"fyi:{seq}:{who}", Topic.FYI, request.run_id, body, Priority.NOTE, context.now, None)


def notice(tx: Tx, context: Context, subject: str, person: str, body: Json) -> None:
    """Tell one person privately; at most one unsent or fresh notice for each person and subject."""
    key = f"notice:{subject}:{person}"
    expires = context.now + NOTICE_LIFE
    outbox.tell(tx, key, Topic.NOTICE, subject, body, Priority.NOTICE, context.now, expires)


def reply(tx: Tx, context: Context, message: str, topic: Topic, body: Json) -> bool:
    """Answer a message, named by its place, once: however often it is delivered to us. `topic` is `NOTICE` for what
    only its author may see, else `REPLY`. Whether this was the first time."""
    expires = context.now + REPLY_LIFE
    return outbox.tell_once(tx, reply_key(message), topic, message, body, Priority.NOTICE, context.now, expires)


def reply_key(message: str) -> str:
    """The key of the answer to a message."""
    return f"reply:{message}"
