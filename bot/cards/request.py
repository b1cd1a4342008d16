"""The card of one approval request: who asks for what, why, by which rules, and what became of it.

The parts come in one order and, up to the buttons, with the same block types in every state: Slack refuses an update
that puts another block in the place of a rich-text one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import chain

from agent_runtime.prompts import Question, Review, WhatHappened
from agent_runtime.views import ApprovedBefore, RequestView
from bot.cards.arguments import Excerpt
from bot.cards.blocks import (
    Message,
    Part,
    actions,
    bold,
    context,
    header,
    message,
    ours,
    plain,
    preformatted,
    quote,
    rich,
    sentence,
    when,
    who,
)
from bot.cards.buttons import card_buttons
from bot.cards.subject import AGENT_WORDS, Passage, Subject, subject_of
from bot.cards.text import SEPARATOR, clip, date, escape, facts, line, link, person, quantity, utc, visible
from bot.cards.wording import WHAT_FOLLOWS, heading, in_common, progress, rules, verdict, votes
from storage.types import RequestKind, RequestStatus

_NOTE_LIMIT = 1_500
_NOTE_LINE = 200
_MOST_NAMED = 5


def card(
    view: RequestView,
    *,
    now: datetime,
    mentions: Sequence[str] = (),
    thread_link: str = "",
    confirm: bool = False,
    newer: str | None = None,
) -> Message:
    """The request as a message. `mentions` name its stage's approvers, as `mention` writes them; `thread_link` is the
    URL of the run's thread where the card stands elsewhere; `confirm` asks once more before an approval counts. `newer`
    is the URL of the message in which an open request is asked by now, empty where that is not known; None for the one
    in which it is."""
    subject = subject_of(view)
    pending = view.status is RequestStatus.PENDING
    state = rules(view, mentions, now) if pending else verdict(view, beside_votes=True)
    first = heading(view, subject) if newer is None else f"Asked anew: {subject.title}"
    blocks: list[Part] = [
        header(first),
        context(*origin(view, thread_link), ours(identity(view))),
        rich(*chain.from_iterable(why(view, subject))),
        rich(*what(subject, led=_leads(view, subject))),
        context(ours(state), *([] if newer is None else [ours(asked_in(newer))]), *progress(view)),
        context(*votes(view)),
    ]
    buttons = card_buttons(view, subject, confirm=confirm) if newer is None else []
    if buttons:
        blocks.append(actions(*buttons))
    return message(view.id, fallback(view, subject, first), blocks)


def asked_in(newer: str) -> str:
    """Where an open request is asked by now, in mrkdwn."""
    return f"*asked in a {link(newer, 'newer message') or 'newer message'} now*"


def fallback(
    view: RequestView, subject: Subject, first: str = "", *, noted: bool = True, at: Callable[[datetime], str] = utc
) -> str:
    """Enough to decide to open the message: what (`first`, else its heading), which agent, for whom, until when or how
    it ended. The policy's note says what the call does, unless it is shown anyway and `noted` is off. `at` writes a
    moment."""
    first = escape(first or heading(view, subject))
    origin = started(view)
    if view.status is not RequestStatus.PENDING:
        by = f"Closed by {escape(clip(line(view.closed_by.label), 80))}. " if view.closed_by else ""
        return f"{first}. {by}{origin}"
    if view.paused is not None:
        return f"{first}{'' if first.endswith('?') else '.'} {origin} Paused: nothing is started, no time limit passes."
    if view.held_until is not None:
        return f"{first}. {origin} Runs {at(view.held_until)} unless an approval is taken back."
    until = f"Due {at(view.due_at)}, then {WHAT_FOLLOWS[view.on_timeout]}." if view.due_at else "No time limit."
    note = f" {escape(note_line(view))}" if noted and view.note else ""
    return f"{first}{'' if first.endswith('?') else '.'}{note} {origin} {until}"


def started(view: RequestView) -> str:
    """Which agent asks, for whom, in one sentence of mrkdwn."""
    return f"Agent “{escape(clip(line(view.agent), 80))}”, started by {escape(clip(line(view.starter.label), 80))}."


def note_line(view: RequestView) -> str:
    """The policy's note on one line, visible; empty where there is none."""
    return clip(line(view.note), _NOTE_LINE) if view.note else ""


def origin(view: RequestView, thread_link: str) -> Iterator[Part]:
    """Who asks, for whom and since when."""
    if view.auto_approve:
        yield ours("*Auto-approval is on: calls run without asking anybody.*")
    yield plain(f"Agent “{clip(line(view.agent), 200)}”,")
    yield ours(
        facts(f"started by {person(view.starter)}", f"asked {date(view.opened_at)}", link(thread_link, "thread"))
    )


def identity(view: RequestView) -> str:
    """By which id people can name a request elsewhere, and which revision of it is shown, in mrkdwn."""
    name = f"request {view.id}" if view.id.isalnum() else "request"
    return facts(name, f"revision {view.revision}" if view.revision > 1 else "")


def why(view: RequestView, subject: Subject) -> Iterator[tuple[Part, ...]]:
    """What speaks for it, each thing for itself: the policy's note first, and the agent's own words set apart, so that
    neither can pass for the other."""
    if view.note:
        note = clip(visible(view.note, lines=True, fold=True).text, _NOTE_LIMIT)
        yield sentence(bold("The policy's note")), quote(note)
    for remark in filter(str.strip, view.remarks):
        yield (sentence(clip(visible(remark, fold=True).text, _NOTE_LIMIT)),)
    if isinstance(subject.prompt, WhatHappened):
        yield (_started(subject.prompt),)
    for before in view.approved_before:
        yield (approved_earlier(before),)
    words = [one for one in subject.others if one.label == AGENT_WORDS]
    for passage in words:
        yield _passage(passage)
    if not words and view.kind is RequestKind.TOOL:
        yield (sentence("The agent gave no reason."),)
    elif _leads(view, subject):
        asks, wants = ("asks", "wants") if view.status is RequestStatus.PENDING else ("asked", "wanted")
        yield (sentence(bold(f"The agent {asks if view.kind is RequestKind.QUESTION else f'{wants} feedback'}")),)


def _leads(view: RequestView, subject: Subject) -> bool:
    """Whether nothing speaks for it, so that one sentence leads to the question or the draft below."""
    words = any(one.label == AGENT_WORDS for one in subject.others)
    return isinstance(subject.prompt, Question | Review) and not words and not view.note


def _started(prompt: WhatHappened) -> Part:
    """When the doubtful call began, read from our own journal's words."""
    end = ", and its end was never recorded."
    try:
        moment = datetime.fromisoformat(prompt.started_at)
    except ValueError:
        return sentence(f"This call was started{end}")
    at = when(moment) if moment.tzinfo else clip(line(prompt.started_at), 40)
    return sentence("This call was started ", at, end)


def approved_earlier(before: ApprovedBefore) -> Part:
    """An earlier call of the run that people approved, by our rows, whatever the agent says of it; and what it has in
    common with this one."""
    named = before.actors[:_MOST_NAMED]
    people = [part for number, actor in enumerate(named) for part in (", " if number else "", who(actor))]
    more = f" and {len(before.actors) - len(named)} more" if len(before.actors) > len(named) else ""
    tool = bold(clip(line(before.tool), 80))
    common = in_common(before)
    return sentence(
        "Earlier in this run: ", tool, " approved by ", *people, f"{more}{SEPARATOR}", when(before.at),
        f"{SEPARATOR}{common}" if common else "",
    )  # fmt: skip


def what(subject: Subject, *, led: bool = False) -> Iterator[Part]:
    """What it is about: arguments, question or draft, and how they came about; an answer below its question. `led`: a
    sentence above leads to the question, which needs no label then."""
    others = [one for one in subject.others if one.label != AGENT_WORDS]
    if not isinstance(subject.prompt, Question):
        for passage in (*others, *subject.must_see):
            yield from _passage(passage)
        return
    question, *choices = subject.must_see
    labelled = _passage(question)
    yield from labelled[1:] if led and not any(_remarks(question.excerpt)) else labelled
    for passage in (*choices, *others):
        yield from _passage(passage)


def _passage(passage: Passage) -> tuple[Part, Part]:
    """A label with a count of what is odd about the text, and the text."""
    text = quote(passage.excerpt.shown) if passage.words else preformatted(passage.excerpt.shown)
    return sentence(bold(passage.label), *(f"{SEPARATOR}{one}" for one in _remarks(passage.excerpt))), text


def _remarks(excerpt: Excerpt) -> Iterator[str]:
    if excerpt.escaped:
        yield f"{quantity(excerpt.escaped, 'hidden or deceptive character')} made visible"
    if excerpt.mixed:
        yield f"{quantity(excerpt.mixed, 'word')} mixing alphabets: look twice"
    if not excerpt.fits:
        yield f"{quantity(excerpt.hidden, 'character')} not shown"
