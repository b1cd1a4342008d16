"""Asks the author of a reply whether it is the answer to a question of the run, or feedback on its draft."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agent_runtime.views import InquiryView, RequestView
from bot.cards.arguments import prose
from bot.cards.blocks import (
    Message,
    Part,
    actions,
    bold,
    button,
    context,
    data,
    message,
    ours,
    quote,
    rich,
    section,
    sentence,
)
from bot.cards.ids import ActionId, Proposed
from bot.cards.subject import subject_of
from bot.cards.text import clip, escape, line, quantity
from storage.types import RequestKind

_TITLE = 200


@dataclass(frozen=True, slots=True)
class Meant:
    """What a message would answer to one question, the agent's own about `view` or an approver's `inquiry` about it:
    `text`, under the button's `proposed`; None where that would be no answer, and `fault` says why."""

    view: RequestView
    text: str
    proposed: Proposed | None
    fault: str = ""
    inquiry: InquiryView | None = None


def proposal(said: str, meant: Sequence[Meant]) -> Message:
    """One question and its button; where several are open, one button for each. Nothing is answered by it yet."""
    fitting = [one for one in meant if one.proposed is not None]
    if not fitting:
        return _no_answer(meant)
    alone = len(fitting) == 1
    blocks = [block for one in fitting for block in _question(one, alone=alone)]
    no = button(ActionId.REPLY_IS_NO_ANSWER, "no", "No" if alone else "None of them", "this was no answer")
    if alone:
        blocks[-1] = actions(*blocks[-1]["elements"], no)
        use = "feedback on" if _is_draft(fitting[0]) else "the answer to"
        text = f"Use this reply as {use} “{_title(fitting[0])}”?"
    else:
        blocks = [rich(sentence("Which of these does your message answer?")), *blocks, actions(no)]
        text = f"Which of {quantity(len(fitting), 'question')} does your message answer?"
    about = fitting[0].view.id
    return message(about, escape(f"{text} {clip(line(said), 200)}"), blocks)


def settled(words: str) -> Message:
    """What came of a proposal, in its place: `words` are mrkdwn of our own making. Rich text stays with rich text,
    because Slack replaces it with nothing else."""
    return message("settled", words, [rich(sentence("Your reply above:")), section(ours(words))])


def _question(one: Meant, *, alone: bool) -> list[Part]:
    assert one.proposed is not None
    shown = prose(one.text, characters=3_000, lines=100)
    cut = [context(data(f"{quantity(shown.hidden, 'character')} not shown"))] if shown.hidden else []
    use = ": use this reply as feedback, for another draft?" if _is_draft(one) else " Use this reply as the answer?"
    asked = sentence(bold(_title(one)), use)
    style = "primary" if alone else None
    action = ActionId.REPLY_ANSWERS if one.inquiry is None else ActionId.REPLY_ANSWERS_INQUIRY
    answer = button(action, one.proposed.value, "Yes" if alone else "This one", _title(one), style=style)
    return [rich(asked, quote(shown.shown)), *cut, actions(answer)]


def _no_answer(meant: Sequence[Meant]) -> Message:
    first = meant[0]
    words = f"{'Your reply is no feedback on' if _is_draft(first) else 'This does not answer'} “{_title(first)}”."
    return message(first.view.id, escape(words), [rich(sentence(f"{words} {clip(line(first.fault), 500)}"))])


def _is_draft(one: Meant) -> bool:
    """Whether it would be feedback on the agent's draft."""
    return one.inquiry is None and one.view.kind is RequestKind.REVIEW


def _title(one: Meant) -> str:
    if one.inquiry is not None:
        return clip(f"{line(one.inquiry.asked_by.label)} asks: {line(one.inquiry.question)}", _TITLE)
    return clip(subject_of(one.view).title, _TITLE)
