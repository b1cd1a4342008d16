"""How a request's state reads: its heading, its rules while it is open, what became of it, and who said what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from agent_runtime.prompts import Review
from agent_runtime.views import ApprovedBefore, CallView, RequestView, Vote
from bot.cards.blocks import Part, data, ours
from bot.cards.ladder import coming, standing
from bot.cards.pauses import stopped
from bot.cards.subject import Subject, last_value
from bot.cards.text import SEPARATOR, capital, clip, code, date, duration, facts, line, listed, person, quantity
from storage.types import ActorKind, CallStatus, DecisionKind, OnTimeout, RequestKind, RequestStatus

WHAT_FOLLOWS = {
    OnTimeout.REJECT: "it is rejected",
    OnTimeout.SKIP: "the step is skipped",
    OnTimeout.FAIL: "the run fails",
    OnTimeout.KEEP: "it stays open",
}
"""What silence brings, as what follows "then"."""

_FOLLOWS_EACH = {
    OnTimeout.REJECT: "what is still open is rejected",
    OnTimeout.SKIP: "the steps still open are skipped",
    OnTimeout.FAIL: "the run fails",
    OnTimeout.KEEP: "what is still open stays open",
}
"""The same of several calls on one card."""

AFTER_TIMEOUT = {
    OnTimeout.REJECT: "rejected",
    OnTimeout.SKIP: "skipped",
    OnTimeout.FAIL: "run failed",
    OnTimeout.KEEP: "still open",
}
_MOST_REASONS = 8


def heading(view: RequestView, subject: Subject) -> str:
    """The card's header: what is asked, or what became of it."""
    if view.status is RequestStatus.PENDING:
        return _question(view, subject)
    return f"{outcome_words(view, subject)}: {subject.title}"


def _question(view: RequestView, subject: Subject) -> str:
    match view.kind:
        case RequestKind.TOOL if view.held_until is not None:
            return f"Approved, about to run: {subject.title}"
        case RequestKind.TOOL:
            return f"Approve {subject.title}?"
        case RequestKind.QUESTION:
            return f"Answer needed: {subject.title}"
        case RequestKind.REVIEW:
            return f"Review {subject.title} ({_round(subject)})"
        case RequestKind.OUTCOME:
            return f"Did {subject.title} take effect? Nobody knows"


def _round(subject: Subject) -> str:
    prompt = subject.prompt
    assert isinstance(prompt, Review)
    if prompt.last_round:
        return f"round {prompt.round}, the last one"
    return f"round {prompt.round}, at most {prompt.max_rounds}" if prompt.max_rounds else f"round {prompt.round}"


def outcome_words(view: RequestView, subject: Subject) -> str:
    """`Approved`, `Timed out, rejected`, `Changes requested` ...: what became of a closed request."""
    if view.status is RequestStatus.LAPSED:
        return _lapsed(view)
    if _timed_out(view):
        return f"Timed out, {AFTER_TIMEOUT[view.on_timeout]}"
    if view.status is RequestStatus.ANSWERED:
        return _answered(view, subject)
    return view.status.value.capitalize()


def _lapsed(view: RequestView) -> str:
    """A retry sets aside what closed with nobody's decision, to ask it anew; only people's approvals can lapse."""
    if _by_the_clock(view):
        return "Timed out, then retried"
    return "Cancelled, then retried" if _by_itself(view) else "Approved, but not run in time"


def _timed_out(view: RequestView) -> bool:
    """Whether silence closed it."""
    without_people = (RequestStatus.REJECTED, RequestStatus.SKIPPED, RequestStatus.LAPSED)
    closed_so = view.status in without_people and _by_the_clock(view)
    return view.status is RequestStatus.EXPIRED or closed_so


def _by_the_clock(view: RequestView) -> bool:
    return view.closed_by is not None and view.closed_by.kind is ActorKind.SCHEDULER


def _by_itself(view: RequestView) -> bool:
    return view.closed_by is not None and view.closed_by.kind in (ActorKind.SCHEDULER, ActorKind.SYSTEM)


_ANSWERS = {
    "accept": "Accepted",
    "changes": "Changes requested",
    "reject": "Rejected",
    "run_again": "To be run again",
    "happened": "It happened",
    "failed": "It did not happen",
}


def _answered(view: RequestView, subject: Subject) -> str:
    value = last_value(view)
    action = value.get("action") if isinstance(value, Mapping) and view.kind is not RequestKind.QUESTION else None
    words = _ANSWERS.get(str(action), "Answered")
    return f"{words} ({_round(subject)})" if isinstance(subject.prompt, Review) else words


def rules(view: RequestView, mentions: Sequence[str], now: datetime, *, each: bool = False) -> str:
    """One line of mrkdwn for an open request: stage, quorum, deadline, and for whom it is. `each`: it is said of every
    open call on a card of several."""
    parts = [*_stage(view), *_quorum(view, each), *standing(view, now), _ahead(view, now, each)]
    if mentions:
        parts.append(f"for {listed(mentions)}")
    return capital(facts(*parts))


def _stage(view: RequestView) -> Iterator[str]:
    if len(view.stages) > 1 and view.stage < len(view.stages):
        yield f"stage {view.stage + 1} of {len(view.stages)}: {code(line(clip(view.stages[view.stage].name, 60)))}"


def _quorum(view: RequestView, each: bool) -> Iterator[str]:
    if view.kind is RequestKind.TOOL and view.stage < len(view.stages) and view.held_until is None:
        needed = view.stages[view.stage].quorum
        yield f"{quantity(needed, 'approval')} needed{' for each call' if each else ''}"
        if not each and (needed > 1 or view.votes_in_stage):
            yield f"{view.votes_in_stage} so far"


def _ahead(view: RequestView, now: datetime, each: bool) -> str:
    """All that happens to an open request in time, its steps before its deadline."""
    steps = [*coming(view, now)] if view.paused is None else []
    end = deadline(view, now, each=each)
    return f"next: {facts(*steps, end)}" if steps else end


def deadline(view: RequestView, now: datetime, *, each: bool = False) -> str:
    """When silence ends an open request, or its hold, and what follows, in mrkdwn; while it is paused nothing does.
    `each`: it is said of every open call on a card of several."""
    if view.paused is not None:
        return f"{stopped(view.paused)}: votes are recorded, nothing is started, and no time limit passes"
    if view.held_until is not None:
        hold = f" ({duration(view.hold)} after the last approval)" if view.hold else ""
        return f"*runs {date(view.held_until)}*{hold} unless one of its approvers takes their approval back"
    if view.due_at is None:
        return "no time limit"
    if view.due_at <= now and view.on_timeout is not OnTimeout.KEEP:
        return f"was due {date(view.due_at)} and is about to be closed"
    return time_limit(view, each=each)


def time_limit(view: RequestView, *, each: bool = False) -> str:
    """Until when an open request with a deadline may be decided, and what follows, in mrkdwn."""
    assert view.due_at is not None
    if view.on_timeout is OnTimeout.KEEP:
        return f"an alert is raised {date(view.due_at)}, the request stays open"
    return f"times out {date(view.due_at)}, then {(_FOLLOWS_EACH if each else WHAT_FOLLOWS)[view.on_timeout]}"


def verdict(view: RequestView, *, beside_votes: bool = False) -> str:
    """One line of mrkdwn for a closed request: who closed it, when, and how long it took. `beside_votes`: it stands on
    one card with the votes; where one of them closed it, it is said there by whom and when."""
    if _timed_out(view):
        # When it was closed, not when the time ran out: a server that was down closes it later than people were told.
        return f"Closed {date(view.closed_at)}" if view.closed_at else "Closed"
    parts = [f"Closed by {person(view.closed_by)}" if view.closed_by else "Closed"]
    took = view.closed_at - view.opened_at if view.closed_at is not None else None
    if beside_votes and took is not None and _closed_by_vote(view):
        parts = [f"Open for {duration(took)}"]
    elif view.closed_at is not None and took is not None:
        parts[0] += f" {date(view.closed_at)}"
        parts.append(f"after {duration(took)}")
    if view.grant is not None:
        more = quantity(view.grant.max_uses, "further call")
        parts.append(f"counts for {more} until {date(view.grant.expires_at)} (grant {code(line(view.grant.id))})")
    return facts(*parts)


def _closed_by_vote(view: RequestView) -> bool:
    """Whether one of the votes that stand closed it."""
    closer = view.closed_by.key if view.closed_by else None
    return any(vote.actor.key == closer and not vote.withdrawn for vote in view.votes)


def progress(view: RequestView) -> list[Part]:
    """What happened to the call since: ran, failed, unknown, or what it still waits for."""
    parts: list[Part] = []
    if view.call is not None:
        said = view.call.summary
        parts.append(ours(f"{_call(view.call)}{':' if said else ''}"))
        if said:
            parts.append(data(said, 500))
    if view.open_siblings and view.status is not RequestStatus.PENDING:
        parts.append(ours(f"The run waits for {quantity(view.open_siblings, 'more decision')}"))
    elif view.call is None and view.status is RequestStatus.APPROVED:
        parts.append(ours(f"Not run yet: {stopped(view.paused)}" if view.paused else "Not run yet"))
    return parts


def _call(call: CallView) -> str:
    took = f" {duration(call.took)}" if call.took is not None else ""
    match call.status:
        case CallStatus.STARTED:
            return "Running"
        case CallStatus.FINISHED:
            return f"Ran in{took}" if took else "Ran"
        case CallStatus.FAILED:
            return f"Failed after{took}" if took else "Failed"
        case CallStatus.SUSPENDED:
            return "Paused: the tool itself asks something"
        case CallStatus.UNKNOWN:
            return "Outcome unknown: asked below"


_VOTED = {
    DecisionKind.APPROVED: "approved",
    DecisionKind.REJECTED: "rejected",
    DecisionKind.SKIPPED: "skipped",
    DecisionKind.ANSWERED: "answered",
    DecisionKind.EDITED: "changed the call",
}


def votes(view: RequestView) -> list[Part]:
    """Who said what in which stage, then their notes in their own words; the latest first."""
    if not view.votes:
        did = "answered" if view.kind is RequestKind.QUESTION else "decided"
        return [ours(f"Nobody has {did} yet" if view.status is RequestStatus.PENDING else f"Nobody {did}")]
    latest = view.votes[::-1]
    lines = [_vote(vote, _in_stage(view, vote.stage)) for vote in latest]
    reasons = [vote for vote in latest if vote.reason][:_MOST_REASONS]
    if len(latest) == 1 and reasons:  # of several it must be told whose words they are
        return [ours(f"{lines[0]}, because:"), data(reasons[0].reason, 600)]
    said = (data(f"{vote.actor.label}: {vote.reason}", 600) for vote in reasons)
    return [ours(listed(lines, 2_900, SEPARATOR)), *said]


_CHOSE = {
    "accept": "accepted it",
    "changes": "asked for changes",
    "reject": "rejected it",
    "run_again": "had it run again",
    "happened": "said that it happened",
    "failed": "said that it did not happen",
}


def _voted(vote: Vote) -> str:
    """What somebody did; of a draft or a call in doubt, which of the answers they chose."""
    action = vote.value.get("action") if isinstance(vote.value, Mapping) else None
    return _CHOSE.get(str(action), _VOTED[vote.kind]) if vote.kind is DecisionKind.ANSWERED else _VOTED[vote.kind]


def _in_stage(view: RequestView, stage: int) -> str:
    """In which of several stages, and what that one is called."""
    if len(view.stages) < 2:
        return ""
    name = f" ({code(clip(line(view.stages[stage].name), 60))})" if stage < len(view.stages) else ""
    return f" in stage {stage + 1}{name}"


def _vote(vote: Vote, stage: str) -> str:
    fast = " (sooner than anybody reads)" if vote.fast else ""
    instead = f" in the stead of {person(vote.on_behalf_of)}" if vote.on_behalf_of else ""
    words = f"{person(vote.actor)} {_voted(vote)}{instead}{stage} {date(vote.at)}{fast}"
    return f"{words} (withdrawn)" if vote.withdrawn else words


def in_common(before: ApprovedBefore) -> str:
    """Which arguments of an earlier call had the value they have now, and which another one, as literal text; empty
    where the two calls have none in common."""
    shared = [
        f"{how} {clip(', '.join(clip(line(name), 40) for name in names), 300)}"
        for how, names in (("with the same", before.same), ("with another", before.other))
        if names
    ]
    return facts(*shared)
