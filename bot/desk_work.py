"""What a person's act reads and writes: each function is one look, or one unit of work with what the person is told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from agent_runtime import approvals, outbound
from agent_runtime.approvals import Accepted, Act, Edit, Preview, Refused, Withdrawal
from agent_runtime.audit import Origin
from agent_runtime.context import Context
from agent_runtime.digest import Seal
from agent_runtime.escalation import in_force
from agent_runtime.people import Membership
from agent_runtime.policy import Rules, Stage
from agent_runtime.reading import read_request
from agent_runtime.sealed import read_rules
from agent_runtime.views import RequestView
from bot.cards import notices
from storage import messages, requests, runs
from storage.tx import Tx
from storage.types import Actor, Json


@dataclass(frozen=True, slots=True)
class Place:
    """Where a person acted, so that they can be answered privately and a card of unknown origin can be adopted."""

    channel: str = ""
    thread_ts: str = ""
    message_ts: str = ""


NOWHERE = Place()


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of a decision, with the request as it is now. `sentence` is for the person who acted."""

    verdict: Accepted | Refused
    view: RequestView | None
    sentence: str


def asked(tx: Tx, seal: Seal, request_id: str) -> tuple[Rules | None, Actor | None]:
    """By which rules to look the person up, with those to whom it was escalated, and whose run it is; no rules where
    they were changed by hand, even if they are put back before the decision is checked."""
    request = requests.get(tx, request_id)
    run = runs.get(tx, request.run_id) if request else None
    if request is None or run is None:
        return None, None
    starter = Actor.model_validate(run.starter)
    rules = read_rules(seal, request) if starter.key == request.starter_key else None
    return (in_force(tx, seal, request, rules) if rules is not None else None), starter


def asked_now(tx: Tx, seal: Seal, request_id: str) -> tuple[Rules | None, Actor | None, int]:
    """As `asked`, and the stage that is asked now."""
    request = requests.get(tx, request_id)
    return *asked(tx, seal, request_id), request.stage if request else 0


def tool_asked(tx: Tx, request_id: str) -> tuple[str, str] | None:
    """The agent and the tool that a request is about."""
    request = requests.get(tx, request_id)
    return (request.agent, request.tool) if request else None


def stage_of_edit(tx: Tx, seal: Seal, edit: Edit) -> tuple[Actor | None, Stage | None]:
    """Who would be asked first about the edited call, and whose run it is."""
    request = requests.get(tx, edit.request_id)
    rules, starter = asked(tx, seal, edit.request_id)
    if request is None or rules is None or request.revision != edit.revision:
        return starter, None
    revision = approvals.judged_edit(tx, edit, request, rules)
    return starter, None if isinstance(revision, Refused) else revision.rules.stages[0]


def stage_of_vote(tx: Tx, taken: Withdrawal, actor: Actor) -> int | None:
    """In which stage the vote stands that would be taken back; None where there is none."""
    votes = requests.standing_votes(tx, taken.request_id, taken.revision, actor.key)
    return votes[-1].stage if votes else None


def edit(
    tx: Tx,
    context: Context,
    edit: Edit,
    membership: Membership,
    first: Membership,
    origin: Origin,
    place: Place,
    mentions: Sequence[str],
) -> Answered:
    """Put a call up for decision with other arguments; `first` is the editor as seen for its first stage."""
    verdict = approvals.edit(tx, context, edit, membership, origin, first)
    return answer(tx, context, edit.act, verdict, membership.actor, place, mentions, notices.edited)


def preview(
    tx: Tx,
    context: Context,
    edit: Edit,
    membership: Membership,
    first: Membership,
    origin: Origin,
    mentions: Sequence[str],
) -> Preview | Answered:
    """What an edit would bring, or what it would be refused for."""
    found = approvals.preview(tx, context, edit, membership, origin, first)
    if isinstance(found, Preview):
        return found
    return answer(tx, context, edit.act, found, membership.actor, NOWHERE, mentions, notices.edited)


def withdraw(
    tx: Tx, context: Context, taken: Withdrawal, membership: Membership, origin: Origin, place: Place
) -> Answered:
    """Take a vote back."""
    verdict = approvals.withdraw(tx, context, taken, membership, origin)
    return answer(tx, context, taken, verdict, membership.actor, place, (), notices.withdrawn)


def decide(
    tx: Tx, context: Context, act: Act, membership: Membership, origin: Origin, place: Place, mentions: Sequence[str]
) -> Answered:
    """Record a decision, and whose copy of the card it was made on."""
    if place.message_ts:
        _adopt(tx, context, act, place)
    verdict = approvals.decide(tx, context, act, membership, origin)
    return answer(tx, context, act, verdict, membership.actor, place, mentions, notices.recorded)


def _adopt(tx: Tx, context: Context, act: Act, place: Place) -> None:
    """Take the message that was clicked for the card whose post was never answered, if there is one."""
    request = requests.get(tx, act.request_id)
    if request is None:
        return
    newest = outbound.card_key(request)
    for key in outbound.cards_of(tx, request):
        # What is asked now was not asked before the last change.
        if outbound.stage_of_card(key) == act.stage and (key != newest or act.revision == request.revision):
            messages.adopt(tx, key, place.channel, place.message_ts, context.now)


def may_decide(
    tx: Tx, context: Context, act: Act, membership: Membership, origin: Origin, place: Place, mentions: Sequence[str]
) -> Answered | None:
    """Why a decision would be refused; None where it would not."""
    refused = approvals.may_decide(tx, context, act, membership, origin)
    if refused is None:
        return None
    return answer(tx, context, act, refused, membership.actor, place, mentions, notices.recorded)


def answer(
    tx: Tx,
    context: Context,
    act: Act | Withdrawal,
    verdict: Accepted | Refused,
    actor: Actor,
    place: Place,
    mentions: Sequence[str],
    said: Callable[[RequestView], str],
) -> Answered:
    """What came of an act; a refusal on a message is told privately."""
    view = read_request(tx, act.request_id)
    if isinstance(verdict, Accepted):
        assert view is not None
        return Answered(verdict, view, said(view))
    sentence = notices.refusal(verdict.reason, view, mentions=mentions, detail=verdict.message, reader=actor)
    if place.message_ts and not verdict.repeated:
        tell(tx, context, act.request_id, actor, place, sentence)
    return Answered(verdict, view, sentence)


def tell(tx: Tx, context: Context, subject: str, actor: Actor, place: Place, sentence: str) -> None:
    """Say something to the person who acted, privately, where they acted."""
    body: Json = {"channel": place.channel, "thread_ts": place.thread_ts, "user": actor.id, "text": sentence}
    outbound.notice(tx, context, subject, actor.key, body)
