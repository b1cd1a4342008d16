"""A request as plain text for a terminal: all of it, with every line that is not ours behind a bar."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from html import unescape

from agent_runtime.views import RequestView
from bot.cards.arguments import Excerpt
from bot.cards.request import fallback
from bot.cards.subject import Subject, subject_of
from bot.cards.text import facts, quantity, utc, visible
from bot.cards.wording import in_common, outcome_words
from storage.types import RequestKind

_BAR = "  │ "


def card_text(view: RequestView, at: Callable[[datetime], str] = utc) -> str:
    """An open request, whole: a terminal scrolls, so nothing is left out. `at` writes a moment."""
    subject = subject_of(view)
    return "\n".join(
        (_headline(view, subject, at), *_stage(view), *_note(view), *_before(view, at), *_passages(subject), "")
    )


def closed_text(view: RequestView) -> str:
    """One line that says what became of a request."""
    subject = subject_of(view)
    by = f" by {visible(view.closed_by.label).text}" if view.closed_by else ""
    return f"{outcome_words(view, subject)}: {subject.title}{by}."


def _headline(view: RequestView, subject: Subject, at: Callable[[datetime], str]) -> str:
    # The fallback is written for Slack: its three entities are the only thing that is not plain.
    return f"{unescape(fallback(view, subject, noted=False, at=at))} Request {view.id}."


def _stage(view: RequestView) -> Iterator[str]:
    if view.kind is RequestKind.TOOL and view.stage < len(view.stages):
        stage = view.stages[view.stage]
        place = f"Stage {view.stage + 1} of {len(view.stages)}, {visible(stage.name).text}: "
        needed = f"{quantity(stage.quorum, 'approval')} needed, {view.votes_in_stage} so far."
        yield (place if len(view.stages) > 1 else "") + needed


def _note(view: RequestView) -> Iterator[str]:
    if view.note:
        yield "The policy's note:"
        yield _barred(visible(view.note, lines=True, fold=True).text)
    for remark in view.remarks:
        yield visible(remark, fold=True).text


def _before(view: RequestView, at: Callable[[datetime], str]) -> Iterator[str]:
    for one in view.approved_before:
        people = ", ".join(visible(actor.label).text for actor in one.actors)
        earlier = f"{visible(one.tool).text} approved by {people}"
        yield f"Earlier in this run: {facts(earlier, at(one.at), in_common(one))}"


def _passages(subject: Subject) -> Iterator[str]:
    for passage in (*subject.others, *subject.must_see):
        yield facts(passage.label, *_remarks(passage.excerpt)) + ":"
        yield _barred(passage.excerpt.whole)


def _remarks(excerpt: Excerpt) -> Iterator[str]:
    if excerpt.escaped:
        yield f"{quantity(excerpt.escaped, 'hidden or deceptive character')} made visible"
    if excerpt.mixed:
        yield f"{quantity(excerpt.mixed, 'word')} mixing alphabets, look twice"


def _barred(text: str) -> str:
    """Each line behind a bar, so that no text from outside can pass for a prompt of ours."""
    return "\n".join(f"{_BAR}{line}" for line in text.split("\n"))
