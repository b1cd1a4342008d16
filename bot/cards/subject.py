"""What a request is about, as texts to show: arguments, question, draft with its difference, and what was answered."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from agent_runtime.json_text import indented
from agent_runtime.prompts import Prompt, Question, Review, read_prompt
from agent_runtime.views import RequestView
from bot.cards.arguments import Excerpt, arguments, excerpt, pages, prose
from bot.cards.text import Visible, clip, line, visible
from storage.types import DecisionKind, JsonValue, RequestKind

TITLE_LIMIT = 100
AGENT_WORDS = "The agent's own words, which nobody has checked"
_DIFFERENCE = {"characters": 1_200, "lines": 24}
_REASON = {"characters": 600, "lines": 8}
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
    `must_see` is what a person must have been able to read before saying yes; `others` help them."""

    title: str
    prompt: Prompt | None
    must_see: tuple[Passage, ...]
    others: tuple[Passage, ...] = ()

    @property
    def fits(self) -> bool:
        """Whether the card shows all that must be seen."""
        return all(passage.excerpt.fits for passage in self.must_see)

    @property
    def clipped(self) -> bool:
        """Whether the card leaves out anything at all."""
        return not all(passage.excerpt.fits for passage in (*self.must_see, *self.others))

    @cached_property
    def whole(self) -> str:
        """Every passage in full under its label, in marks that no text from outside can hold."""
        return "\n\n".join(f"⟦ {one.label} ⟧\n{one.excerpt.whole}" for one in (*self.must_see, *self.others))

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
    if view.reason:
        others.append(Passage(AGENT_WORDS, prose(view.reason, **_REASON), words=True))
    return Subject(_title(view, prompt), prompt, tuple(must_see), tuple(others))


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


def _numbered(choices: tuple[str, ...]) -> Excerpt:
    lines = [visible(choice, fold=True) for choice in choices]
    text = "\n".join(f"{number}. {choice.text}" for number, choice in enumerate(lines, start=1))
    return excerpt(Visible(text, sum(choice.escaped for choice in lines)))


_CONTEXT_LINES = 2
_MOST_LINES = 4_000


def _difference(previous: str, draft: str) -> Excerpt:
    """Line by line: `- ` gone, `+ ` new, two blanks before what stayed, and marks where much stayed."""
    before, after = previous.split("\n"), draft.split("\n")
    if before == after:
        return excerpt(Visible("(none)", 0))
    if len(before) + len(after) > _MOST_LINES:
        return excerpt(Visible("(too many lines to compare)", 0))
    matcher = difflib.SequenceMatcher(None, before, after)
    lines: list[str] = []
    for number, group in enumerate(matcher.get_grouped_opcodes(_CONTEXT_LINES)):
        _, first, last = group[0], group[0][3], group[-1][4]
        if number or first:
            lines.append(f"⟦lines {first + 1} to {max(last, first + 1)}⟧")
        for tag, i, j, k, m in group:
            if tag == "equal":
                lines += [f"  {_shown(one)}" for one in after[k:m]]
            else:
                lines += [f"- {_shown(one)}" for one in before[i:j]]
                lines += [f"+ {_shown(one)}" for one in after[k:m]]
    return excerpt(Visible("\n".join(lines), 0), **_DIFFERENCE)


def _shown(one: str) -> str:
    return visible(one, fold=True).text
