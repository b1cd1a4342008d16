"""Thread notes: one line each for what happened to a run, so that its thread reads as its story."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from agent_runtime.views import RequestView, RunView
from bot.cards.arguments import prose
from bot.cards.blocks import Message, Part, bold, context, message, ours, quote, rich, sentence, who
from bot.cards.run import result_of
from bot.cards.subject import Subject, subject_of
from bot.cards.text import clip, escape, line, listed
from bot.cards.wording import deadline, outcome_words
from storage.types import RequestStatus, RunStatus


def stage_passed(view: RequestView) -> Message:
    """A stage reached its quorum and the next one opened; `view.stage` is the new one."""
    subject = subject_of(view)
    words = f"Stage {view.stage} of {len(view.stages)} is done; stage {view.stage + 1} is open."
    return _line(view.id, subject.title, words)


def decided(view: RequestView) -> Message:
    """A request closed: by a person, by the clock, or with its run."""
    subject = subject_of(view)
    by: tuple[str | Part, ...] = (" by ", who(view.closed_by)) if view.closed_by and _by_people(view) else ()
    reason = next((vote.reason for vote in reversed(view.votes) if vote.reason and not vote.withdrawn), "")
    return _line(view.id, subject.title, _what(view, subject), *by, quoted=_words(reason) if _by_people(view) else "")


def reminder(view: RequestView, mentions: Sequence[str], now: datetime) -> Message:
    """Still undecided; `mentions` name whom to ask, as `mention` writes them."""
    return _call(view, mentions, f"still waits for you: {deadline(view, now)}")


def escalated(view: RequestView, mentions: Sequence[str], now: datetime) -> Message:
    """Others may decide from now on; `mentions` name them."""
    return _call(view, mentions, f"can be decided by you from now on: {deadline(view, now)}")


def finished(view: RunView) -> Message:
    """The run ended: its result, what failed, or that it was cancelled."""
    if view.status is RunStatus.SUCCEEDED:
        excerpt = result_of(view)
        return _line(view.id, line(view.agent), "is done.", quoted=excerpt.shown)
    if view.status is RunStatus.FAILED:
        return _line(view.id, line(view.agent), "failed.", quoted=_words(view.error))
    return _line(view.id, line(view.agent), "was cancelled.")


def _what(view: RequestView, subject: Subject) -> str:
    words = outcome_words(view, subject)
    if view.status is RequestStatus.CANCELLED:
        return "was closed, because its run ended"
    return words[0].lower() + words[1:]


def _by_people(view: RequestView) -> bool:
    return view.status not in (RequestStatus.EXPIRED, RequestStatus.CANCELLED, RequestStatus.LAPSED)


def _words(text: str) -> str:
    return prose(text, characters=600, lines=10).shown


def _line(subject_id: str, title: str, *parts: str | Part, quoted: str = "") -> Message:
    """`title` and `quoted` are visible already."""
    name = clip(title, 100) or "-"
    words = " ".join(part.strip() for part in parts if isinstance(part, str))
    elements = [sentence(bold(name), " ", *parts)]
    if quoted:
        elements.append(quote(quoted))
    return message(subject_id, escape(f"{name} {words}"), [rich(*elements)])


def _call(view: RequestView, mentions: Sequence[str], words: str) -> Message:
    subject = subject_of(view)
    called = f"{listed(mentions) or 'Nobody can be named'}: this {words}"
    about = rich(sentence(bold(subject.title or "-")))
    return message(view.id, f"{escape(subject.title)} waits for a decision.", [context(ours(called)), about])
