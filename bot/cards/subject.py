"""What a request is about, as texts to show: arguments, question, draft with its difference, and what was answered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from agent_runtime.json_text import indented
from agent_runtime.prompts import Prompt, Question, Review, read_prompt
from agent_runtime.views import RequestView
from bot.cards.arguments import Excerpt, arguments, excerpt, pages, prose
from bot.cards.differences import changed_arguments, line_difference
from bot.cards.text import Visible, clip, line, visible
from storage.types import ActorKind, DecisionKind, JsonValue, RequestKind

TITLE_LIMIT = 100
AGENT_WORDS = "The agent's own words, unchecked"
_DIFFERENCE = {"characters": 1_200, "lines": 24}
_REASON = {"characters": 600, "lines": 8}
_SHARED = {"characters": 700, "lines": 14}
"""What a card shows in full of one of several calls, and, below, of what stands beside it."""

_SHARED_BESIDE = {"characters": 300, "lines": 5}
_MOST_EDITS = 3
_MOST_INQUIRIES = 3
_ANSWER = {"characters": 600, "lines": 12}


@dataclass(frozen=True, slots=True)
class Passage:
    """A labelled text. `label` is ours. Words are quoted, all else is shown letter by letter."""

    label: str
    excerpt: Excerpt
    words: bool = False


@dataclass(frozen=True)
class Subject:
    """A request's title (visible, on one line), what the agent itself asks (None for a call), and its passages.
    `must_see` is what a person must have been able to read before saying yes; `others` help them; `further` stands in
    the full view only."""

    title: str
    prompt: Prompt | None
    must_see: tuple[Passage, ...]
    others: tuple[Passage, ...] = ()
    further: tuple[Passage, ...] = ()

    @property
    def fits(self) -> bool:
        """Whether the card shows all that must be seen."""
        return all(passage.excerpt.fits for passage in self.must_see)

    @property
    def clipped(self) -> bool:
        """Whether the card leaves out anything at all."""
        return bool(self.further) or not all(one.excerpt.fits for one in (*self.must_see, *self.others))

    @cached_property
    def whole(self) -> str:
        """Every passage in full under its label, in marks that no text from outside can hold."""
        passages = (*self.must_see, *self.others, *self.further)
        return "\n\n".join(f"⟦ {one.label} ⟧\n{one.excerpt.whole}" for one in passages)

    @cached_property
    def pages(self) -> tuple[str, ...]:
        """`whole`, in pages for a modal."""
        return pages(self.whole)


def subject_of(view: RequestView) -> Subject:
    """All that there is to read about a request, the agent's own reason last."""
    prompt = None if view.kind is RequestKind.TOOL else read_prompt(view.kind, view.payload)
    must_see, others = [], list(_answer(view))
    if isinstance(prompt, Question):
        must_see.append(Passage("The question", prose(prompt.text), words=True))
        if prompt.choices:
            must_see.append(Passage("Possible answers", _numbered(prompt.choices)))
    elif isinstance(prompt, Review):
        must_see.append(Passage("The draft", prose(prompt.draft)))
        if prompt.previous:
            others.insert(0, Passage("Changes since the previous draft", _difference(prompt.previous, prompt.draft)))
    else:
        must_see.append(Passage("Arguments", arguments(view.args)))
        others += _since_rejected(view)
        others += _changes(view)
        others += _inquiries(view)
    if view.reason:
        others.append(Passage(AGENT_WORDS, prose(view.reason, **_REASON), words=True))
    if view.card:
        must_see = [_shorter(one, **_SHARED) for one in must_see]
        others = [_shorter(one, **_SHARED_BESIDE) for one in others]
    further = (Passage("What the agent asked for", arguments(view.asked_args)),) if view.edits else ()
    return Subject(_title(view, prompt), prompt, tuple(must_see), tuple(others), further)


def _shorter(passage: Passage, *, characters: int, lines: int) -> Passage:
    """The same passage with less room."""
    whole = Visible(passage.excerpt.whole, passage.excerpt.escaped)
    return replace(passage, excerpt=excerpt(whole, characters=characters, lines=lines))


def _title(view: RequestView, prompt: Prompt | None) -> str:
    if isinstance(prompt, Question):
        return clip(line(prompt.text.strip().partition("\n")[0]), TITLE_LIMIT)
    if isinstance(prompt, Review):
        return clip(line(prompt.title), TITLE_LIMIT) if prompt.title else "the draft"
    return clip(line(view.tool), TITLE_LIMIT) or "a tool without a name"


def last_value(view: RequestView) -> JsonValue:
    """What the decision that closed an answered request said; None where it said nothing."""
    values = [vote.value for vote in view.votes if vote.kind is DecisionKind.ANSWERED and not vote.withdrawn]
    return values[-1] if values else None


def _answer(view: RequestView) -> Iterator[Passage]:
    label, value = "The answer", last_value(view)
    if isinstance(value, Mapping) and view.kind is not RequestKind.QUESTION:
        key = next((key for key in ("feedback", "result", "reason") if value.get(key)), None)
        label, value = (f"The {key}", value[key]) if key else (label, None)
    if value is not None:
        yield Passage(label, prose(value if isinstance(value, str) else indented(value), **_ANSWER), words=True)


def _since_rejected(view: RequestView) -> Iterator[Passage]:
    """Who rejected the call that this one follows, why, and what the agent changed since."""
    again = view.asked_again
    if again is None:
        return
    who = f"Asked again after {clip(line(again.actor.label), 80)} rejected the earlier one"
    if again.reason:
        yield Passage(f"{who}, because", prose(again.reason, **_REASON), words=True)
    label = "What changed since" if again.reason else f"{who}. What changed since"
    if again.changes is not None:
        changed = changed_arguments(again.changes) if again.changes else Visible("(nothing: it is the same call)", 0)
        yield Passage(label, excerpt(changed, **_DIFFERENCE))
    elif not again.reason:
        yield Passage(who, excerpt(Visible(f"(request {again.request_id}, which other people were asked about)", 0)))


def _changes(view: RequestView) -> Iterator[Passage]:
    """Who made of the agent's arguments what they are, the latest last; of many the latest."""
    for edit in view.edits[-_MOST_EDITS:]:
        who = f"Changed by {clip(line(edit.actor.label), 80)}"
        yield Passage(who, excerpt(changed_arguments(edit.changes), **_DIFFERENCE))
        if edit.reason and edit.actor.kind is not ActorKind.POLICY:  # a policy's stands among the remarks
            yield Passage(f"{who}, because", prose(edit.reason, **_REASON), words=True)


def _inquiries(view: RequestView) -> Iterator[Passage]:
    """What approvers asked whoever started the run, and what they answered; the latest."""
    starter = clip(line(view.starter.label), 80)
    for inquiry in view.inquiries[-_MOST_INQUIRIES:]:
        yield Passage(f"{clip(line(inquiry.asked_by.label), 80)} asked {starter}", prose(inquiry.question), words=True)
        answer = prose(inquiry.answer) if inquiry.answered_at else excerpt(Visible("(no answer yet)", 0))
        yield Passage(f"{starter} answered", answer, words=True)


def _numbered(choices: tuple[str, ...]) -> Excerpt:
    lines = [visible(choice, fold=True) for choice in choices]
    text = "\n".join(f"{number}. {choice.text}" for number, choice in enumerate(lines, start=1))
    return excerpt(Visible(text, sum(choice.escaped for choice in lines)))


def _difference(previous: str, draft: str) -> Excerpt:
    before, after = ([_shown(one) for one in text.split("\n")] for text in (previous, draft))
    return excerpt(Visible(line_difference(before, after), 0), **_DIFFERENCE)


def _shown(one: str) -> str:
    return visible(one, fold=True).text
