"""Private sentences to the person who clicked or typed: what happened, and who can act. mrkdwn of our own making."""

from __future__ import annotations

from collections.abc import Sequence

from agent_runtime.refusals import RefusalReason
from agent_runtime.views import AbsenceView, RequestView
from bot.cards.pauses import stopped
from bot.cards.subject import subject_of
from bot.cards.text import clip, code, date, escape, inert, line, listed, person
from bot.cards.wording import outcome_words
from storage.types import Actor, RequestKind, RequestStatus

_REDRAWN = frozenset({RefusalReason.TOO_LATE, RefusalReason.OUTDATED})
_OTHERS_MAY = frozenset(
    {
        RefusalReason.NOT_AN_APPROVER,
        RefusalReason.OWN_REQUEST,
        RefusalReason.ALREADY_VOTED,
        RefusalReason.GUEST,
        RefusalReason.BOT,
        RefusalReason.DEACTIVATED,
        RefusalReason.OTHER_TEAM,
        RefusalReason.UNKNOWN_PERSON,
    }
)


def refusal(
    reason: RefusalReason, view: RequestView | None = None, *, mentions: Sequence[str] = (), detail: str = "",
    reader: Actor | None = None,
) -> str:  # fmt: skip
    """Why nothing was changed. `mentions` name who can decide, as `mention` writes them; `detail` replaces the reason's
    own sentence where the fault has a better one (a bad answer); `reader` is who is told."""
    if view is not None and view.status is not RequestStatus.PENDING and reason in _REDRAWN:
        return closed(view, reader)
    sentence = inert(detail, 500) if detail else reason.sentence
    about = f" {code(clip(subject_of(view).title, 80))}:" if view else ""
    return f"Nothing was changed.{about} {sentence[0].upper() + sentence[1:]}{_next(reason, view, mentions)}"


def closed(view: RequestView, reader: Actor | None = None) -> str:
    """What became of a request that somebody, the `reader`, wanted to decide."""
    subject = subject_of(view)
    words = outcome_words(view, subject).lower()
    closer = view.closed_by
    by = "" if closer is None else " by you" if reader and reader.key == closer.key else f" by {person(closer)}"
    at = f" {date(view.closed_at)}" if view.closed_at else ""
    return f"Too late: {code(clip(subject.title, 80))} was closed{by}{at} ({words}). Nothing was changed by your click."


def not_a_reader(view: RequestView) -> str:
    """Who wanted to read all of a request that is closed, and may not."""
    title = code(clip(subject_of(view).title, 80))
    return f"Only whoever started the run, its approvers and operators may read all of {title}."


def recorded(view: RequestView) -> str:
    """A decision counted."""
    title = code(clip(subject_of(view).title, 80))
    what = "answer to" if view.kind is RequestKind.QUESTION else "decision on"
    if view.status is RequestStatus.PENDING:
        return f"Your {what} {title} is recorded; {_votes_missing(view)}."
    which = f" ({outcome_words(view, subject_of(view)).lower()})" if view.kind is RequestKind.TOOL else ""
    waits = f" It is not run yet: {stopped(view.paused)}." if view.paused else ""
    return f"Your {what} {title} is recorded{which}.{waits}"


def edited(view: RequestView) -> str:
    """A call was changed."""
    title = code(clip(subject_of(view).title, 80))
    if view.status is not RequestStatus.PENDING or view.held_until is not None:
        return f"Your changes to {title} are recorded and approved."
    stage = escape(line(clip(view.stages[view.stage].name, 80)))
    return f"Your changes to {title} are recorded. It is a new call now, which people must approve: {stage} is asked."


def withdrawn(view: RequestView) -> str:
    """A vote was taken back."""
    return f"Your vote on {code(clip(subject_of(view).title, 80))} is taken back."


def held(view: RequestView) -> str:
    """Reminders and escalations wait."""
    title, hold = code(clip(subject_of(view).title, 80)), view.ladder.hold
    # While it is paused, neither moment is known.
    until = f" until {date(hold.until)}" if hold and view.paused is None else ""
    due = f" The time limit is {date(view.due_at)}." if view.due_at and view.paused is None else ""
    return f"Nobody is reminded of {title}{until}; anybody who is asked may still decide.{due}"


def handed_over(absence: AbsenceView) -> str:
    """To whom somebody handed over."""
    asks = f"{person(absence.person)} is away until {date(absence.until)} and asks you to decide in their stead"
    return f"{asks}: what waits for them waits for you, too."


def stands_in_no_more(absence: AbsenceView) -> str:
    """To whom somebody had handed over who now asks another."""
    return f"{person(absence.person)} has asked somebody else: you do not stand in for them any more."


def is_back(absence: AbsenceView) -> str:
    """To whom somebody had handed over."""
    return f"{person(absence.person)} is back: you do not stand in for them any more."


def trouble(what: str) -> str:
    """Something failed on our side; the person may simply try again."""
    return f"That did not work: {escape(line(clip(what, 500)))}. Nothing was changed; please try again."


def _votes_missing(view: RequestView) -> str:
    if view.held_until is not None and view.paused is not None:
        return f"it is not run yet: {stopped(view.paused)}"
    if view.held_until is not None:
        return f"it runs {date(view.held_until)}, unless an approval is taken back"
    missing = view.stages[view.stage].quorum - view.votes_in_stage if view.stage < len(view.stages) else 0
    return f"{missing} more needed in this stage" if missing > 0 else "the next stage is open"


def _next(reason: RefusalReason, view: RequestView | None, mentions: Sequence[str]) -> str:
    if reason in _OTHERS_MAY and mentions:
        return f" {listed(mentions)} can decide."
    if reason is RefusalReason.OUTDATED and view is not None:
        return " The card is being redrawn: please look again and decide there."
    return ""
