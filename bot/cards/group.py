"""The card of several calls of one pause: what they share once, then each call with its own state and buttons.

Every call has the same number of blocks in every state, its rich text in the same place: Slack refuses an update that
puts another block in the place of a rich-text one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

from agent_runtime.views import RequestView
from bot.cards.blocks import Message, Part, actions, bold, context, divider, header, message, ours, rich, sentence
from bot.cards.buttons import card_buttons
from bot.cards.request import asked_in, fallback, identity, origin, started, what, why
from bot.cards.subject import Subject, subject_of
from bot.cards.text import escape, facts, quantity
from bot.cards.wording import heading, outcome_words, progress, rules, verdict, votes
from storage.types import RequestStatus

_EACH = "Each call needs a decision of its own. They run when all are decided."
_MOST_REASONS = 4


@dataclass(frozen=True)
class Call:
    """One call on the card. `newer` is the URL of the message in which it is asked by now, empty where that is not
    known; None for one that is asked here."""

    view: RequestView
    newer: str | None = None

    @cached_property
    def subject(self) -> Subject:
        """What there is to read about it."""
        return subject_of(self.view)

    @property
    def is_asked(self) -> bool:
        """Whether it waits for a decision on this card."""
        return self.view.status is RequestStatus.PENDING and self.newer is None

    @property
    def state(self) -> str:
        """What is asked, or what became of it."""
        return heading(self.view, self.subject) if self.newer is None else f"Asked anew: {self.subject.title}"

    @property
    def outcome(self) -> str:
        """What became of one that is not asked here any more, without its name."""
        if self.view.status is RequestStatus.PENDING:
            return "Asked anew"
        return outcome_words(self.view, self.subject)


def group_card(calls: Sequence[Call], *, now: datetime, mentions: Sequence[str] = (), thread_link: str = "") -> Message:
    """Several calls as one message. `mentions` and `thread_link` are as for a card of one."""
    reasons = [list(why(call.view, call.subject)) for call in calls]
    shared = [one for one in reasons[0] if all(one in others for others in reasons)]
    common = next((_rules(call, now) for call in calls if call.is_asked), "")
    blocks = [
        header(_heading(calls)),
        context(*origin(calls[0].view, thread_link)),
        context(*_state(calls, mentions, now)),
        rich(sentence(_EACH), *(part for one in shared for part in one)),
    ]
    for number, (call, own) in enumerate(zip(calls, reasons, strict=True), start=1):
        mine = [part for one in own if one not in shared for part in one]
        blocks += [divider(), rich(sentence(bold(f"{number}. {call.state}")), *mine, *what(call.subject))]
        ruled = _rules(call, now) if call.is_asked else ""
        blocks += _standing(call, number, "" if ruled == common else ruled)
    return message(calls[0].view.id, _fallback(calls), blocks)


def _heading(calls: Sequence[Call]) -> str:
    asked, anew = sum(call.is_asked for call in calls), sum(call.newer is not None for call in calls)
    if asked:
        return f"Approve {len(calls)} calls?" + (f" {asked} still open" if asked < len(calls) else "")
    if anew:
        return f"Asked anew: {anew} of {len(calls)} calls"
    outcomes = _outcomes(calls)
    return f"{next(iter(outcomes)) if len(outcomes) == 1 else 'Decided'}: {len(calls)} calls"


def _outcomes(calls: Sequence[Call]) -> Counter[str]:
    return Counter(call.outcome for call in calls)


def _rules(call: Call, now: datetime, mentions: Sequence[str] = (), *, each: bool = False) -> str:
    """By which rules a call is decided; who has voted stands apart. `each`: it is said of all that are open."""
    return rules(replace(call.view, votes=()), mentions, now, each=each)


def _state(calls: Sequence[Call], mentions: Sequence[str], now: datetime) -> Iterator[Part]:
    """By which rules the open ones are decided, what became of the others, and what else the run waits for."""
    asked = [call for call in calls if call.is_asked]
    if asked:
        yield ours(_rules(asked[0], now, mentions, each=True))
    if len(asked) < len(calls):
        others = _outcomes([call for call in calls if not call.is_asked])
        decided = sum(call.view.status is not RequestStatus.PENDING for call in calls)
        so_far = [f"*{decided} of {len(calls)} decided*"] if asked else []
        yield ours(facts(*so_far, *(f"{outcome}: {count}" for outcome, count in others.items())))
    closed = [call.view for call in calls if call.view.status is not RequestStatus.PENDING]
    if not asked and closed and (waits := closed[0].open_siblings):
        yield ours(f"The run waits for {quantity(waits, 'more decision')}")


def _standing(call: Call, number: int, ruled: str) -> tuple[Part, Part]:
    """Where a call stands, and its buttons; where it has none, two lines of small print. `ruled` are its rules where
    they have come to differ from those of the others."""
    view, named = call.view, replace(call.subject, title=f"call {number}, {call.subject.title}")
    said, about = votes(view)[: 1 + _MOST_REASONS], ours(identity(view))
    if call.newer is not None:
        return context(*said, about), context(ours(asked_in(call.newer)))
    buttons = card_buttons(view, named)
    if view.status is RequestStatus.PENDING:
        return context(*([ours(ruled)] if ruled else []), *said, about), actions(*buttons)
    ended = (ours(verdict(view, beside_votes=True)), *progress(replace(view, open_siblings=0)))
    return (context(*ended, *said, about), actions(*buttons)) if buttons else (context(*ended, about), context(*said))


def _fallback(calls: Sequence[Call]) -> str:
    """Enough to decide to open the message."""
    first = _heading(calls)
    first += f"{'' if first.endswith('?') else ':'} {', '.join(call.subject.title for call in calls)}"
    asked = next((call for call in calls if call.is_asked), None)
    if asked is not None:
        return fallback(asked.view, asked.subject, first, noted=False)
    return f"{escape(first)}. {started(calls[0].view)}"
