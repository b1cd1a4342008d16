"""The prompts: which words a person may type for each kind of request, and the act they make."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import TypeVar

from agent_runtime.approvals import LONGEST_REASON, Act
from agent_runtime.prompts import AnswerFault, Prompt, Question, Review, read_prompt, validate_answer
from agent_runtime.views import RequestView
from bot.cards.text import visible
from storage.types import DecisionKind, JsonValue, RequestKind

T = TypeVar("T")
Ask = Callable[[str], Awaitable[str]]
"""Shows a prompt and gives the line that was typed. Raises NobodyThere where the input has ended."""

Say = Callable[[str], None]

APPROVALS = {
    DecisionKind.APPROVED: ("yes", "y", "approve"),
    DecisionKind.REJECTED: ("no", "n", "reject"),
    DecisionKind.SKIPPED: ("skip", "s"),
}


class NobodyThere(Exception):
    """The input ended: there is nobody to ask."""


async def ask_for(request: RequestView, ask: Ask, say: Say) -> Act:
    """The decision a person makes on a request. What they type must be one of the words that are offered: anything else
    is asked again, and nothing counts as a yes by mistake."""
    if request.kind is RequestKind.TOOL:
        return await _approval(request, ask, say)
    prompt = read_prompt(request.kind, request.payload)
    while True:
        value = await _answer(prompt, ask, say)
        judged = validate_answer(prompt, value)
        if not isinstance(judged, AnswerFault):
            return Act(request.id, request.revision, request.stage, DecisionKind.ANSWERED, value=value)
        say(f"{visible(judged.message).text}\n")


async def _approval(request: RequestView, ask: Ask, say: Say) -> Act:
    offered = {kind: words for kind, words in APPROVALS.items() if kind in request.decisions}
    if DecisionKind.SKIPPED in offered:
        say("You may also skip it: the agent then goes on without this step, and nobody else is asked.\n")
    kind = await _choose("Approve?", offered, ask, say)
    reason = ""
    if kind is DecisionKind.REJECTED:
        with suppress(NobodyThere):  # the no was said; a reason was not
            reason = await _text("Why not? (Enter for no reason): ", ask, say)
    return Act(request.id, request.revision, request.stage, kind, reason=reason)


async def _answer(prompt: Prompt, ask: Ask, say: Say) -> JsonValue:
    if isinstance(prompt, Question):
        return _chosen(prompt, await ask("Answer (a number or the answer itself): " if prompt.choices else "Answer: "))
    if isinstance(prompt, Review):
        return await _review(prompt, ask, say)
    outcomes = {"run_again": ("again",), "happened": ("happened",), "failed": ("failed",)}
    action = await _choose("What happened? Run it again, it happened, or it failed:", outcomes, ask, say)
    if action == "happened":
        return {"action": action, "result": await ask("What did it give? ")}
    return {"action": action}


async def _review(prompt: Review, ask: Ask, say: Say) -> JsonValue:
    other = "reject" if prompt.last_round else "changes"
    words = {"accept": ("yes", "y", "accept"), other: (other, "no", "n", other[0])}
    action = await _choose("Accept the draft?", words, ask, say)
    if action == "accept":
        return {"action": action}
    return {"action": action, "feedback": await ask("What should change? " if action == "changes" else "Why not? ")}


def _chosen(prompt: Question, typed: str) -> str:
    """A choice by its own text, by its text in other letters, or by its number; else what was typed."""
    if not prompt.choices or typed in prompt.choices:
        return typed
    word = typed.strip().casefold()
    alike = [choice for choice in prompt.choices if choice.casefold() == word]
    if len(alike) == 1:
        return alike[0]
    is_number = word.isascii() and word.isdigit() and len(word) < 6
    return prompt.choices[int(word) - 1] if is_number and 1 <= int(word) <= len(prompt.choices) else typed


async def _choose(question: str, words: Mapping[T, tuple[str, ...]], ask: Ask, say: Say) -> T:
    """One of the offered answers; the first word of each is the one that is shown."""
    shown = [accepted[0] for accepted in words.values()]
    while True:
        typed = (await ask(f"{question} ({'/'.join(shown)}): ")).strip().casefold()
        for answer, accepted in words.items():
            if typed in accepted:
                return answer
        say(f"Please type {' or '.join(shown)}.\n")


async def _text(prompt: str, ask: Ask, say: Say) -> str:
    while len(text := (await ask(prompt)).strip()) > LONGEST_REASON:
        say(f"That is longer than {LONGEST_REASON:,} characters.\n")
    return text
