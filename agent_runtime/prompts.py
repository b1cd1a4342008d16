"""What an agent's own interrupt asks: reading its payload, and judging an answer to it.

Recognised shapes: a plain string; `{"question", "choices", "answer_schema"}`; `{"draft", "round", "max_rounds",
"previous", "title"}`; both also with `"kind"`. Anything else is a question whose text is the payload as indented JSON.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeGuard

from jsonschema.exceptions import ValidationError

from agent_runtime.answer_schema import NotFollowed, first_fault, is_schema
from agent_runtime.json_text import indented
from storage.types import Json, JsonValue, RequestKind

LONGEST_TEXT = 3_000
"""Characters of one typed answer or feedback: what a text field of the surfaces can carry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """The agent needs an answer. No choices and no schema: any text answers it."""

    text: str
    choices: tuple[str, ...] = ()
    answer_schema: Json | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """The agent shows a draft. `round` counts from 1; `max_rounds` 0 means any number of rounds."""

    title: str = ""
    draft: str
    round: int = 1
    max_rounds: int = 0
    previous: str = ""

    @property
    def last_round(self) -> bool:
        """No further draft will be made: the draft is accepted or rejected."""
        return 0 < self.max_rounds <= self.round


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatHappened:
    """Nobody knows whether a started call took effect. `started_at` is ISO 8601, empty where unknown."""

    started_at: str = ""


Prompt = Question | Review | WhatHappened


@dataclass(frozen=True, slots=True)
class AnswerFault:
    """Why an answer does not answer, as a sentence for the person who gave it."""

    message: str


def kind_of(payload: JsonValue) -> RequestKind:
    """Question or review, by the payload's shape."""
    return RequestKind.REVIEW if _review(payload) else RequestKind.QUESTION


def read_prompt(kind: RequestKind, payload: JsonValue) -> Prompt:
    """What is asked, for the kinds `question`, `review` and `outcome`. Never fails: a shape nobody knows becomes a
    question that shows the whole payload."""
    if kind is RequestKind.OUTCOME:
        started_at = payload.get("started_at") if isinstance(payload, Mapping) else None
        return WhatHappened(started_at=started_at if isinstance(started_at, str) else "")
    if kind is RequestKind.REVIEW:
        return _review(payload) or Review(draft=_text(payload))
    return _question(payload) or Question(text=_text(payload) or "(the agent asked nothing)")


def validate_answer(prompt: Prompt, value: JsonValue) -> JsonValue | AnswerFault:
    """The value the agent gets, or why it is not an answer."""
    if isinstance(prompt, Review):
        return _judge_review(prompt, value)
    if isinstance(prompt, WhatHappened):
        return _judge_outcome(value)
    if prompt.choices:
        listed = ", ".join(prompt.choices[:10])
        return value if value in prompt.choices else AnswerFault(f"Choose one of these: {listed}.")
    if prompt.answer_schema is not None:
        return _judge_schema(prompt.answer_schema, value)
    return _judge_text(value, "Type an answer.")


def meant_by(question: Question, text: str) -> str:
    """What a person means who answers in a sentence: the choice they name, however they write it or by its number;
    else their text as it is."""
    wanted = text.strip()
    same = [choice for choice in question.choices if choice.casefold() == wanted.casefold()]
    if wanted in question.choices or not question.choices:
        return wanted
    if len(same) == 1:
        return same[0]
    number = wanted.removesuffix(".")
    at = int(number) if number.isascii() and number.isdigit() and len(number) <= 4 else 0
    return question.choices[at - 1] if 0 < at <= len(question.choices) else wanted


def _question(payload: JsonValue) -> Question | None:
    if isinstance(payload, str):
        return Question(text=payload) if payload.strip() else None
    if not isinstance(payload, Mapping) or payload.get("kind", "question") != "question":
        return None
    text, choices = payload.get("question"), payload.get("choices", ())
    schema = payload.get("answer_schema")
    known = payload.keys() <= {"kind", "question", "choices", "answer_schema"}
    if not known or not isinstance(text, str) or not text.strip() or not _are_texts(choices):
        return None  # a key we do not show might be what the person needs to see
    if schema is not None and not (isinstance(schema, Mapping) and is_schema(schema)):
        return None
    return Question(text=text, choices=tuple(choices), answer_schema=schema)


def _review(payload: JsonValue) -> Review | None:
    if not isinstance(payload, Mapping) or payload.get("kind", "review") != "review":
        return None
    draft, title, previous = payload.get("draft"), payload.get("title", ""), payload.get("previous") or ""
    number, most = payload.get("round", 1), payload.get("max_rounds", 0)
    known = payload.keys() <= {"kind", "draft", "title", "previous", "round", "max_rounds"}
    if not known or draft is None or not isinstance(title, str) or not (_is_count(number) and _is_count(most)):
        return None
    return Review(title=title, draft=_text(draft), round=number, max_rounds=most, previous=_text(previous))


def _judge_review(prompt: Review, value: JsonValue) -> JsonValue | AnswerFault:
    said = value if isinstance(value, Mapping) else {}
    action = said.get("action")
    if action == "accept":
        return {"action": "accept"}
    expected = "reject" if prompt.last_round else "changes"
    if action == "changes" and prompt.last_round:
        return AnswerFault(f"Round {prompt.round} is the last one: accept the draft or reject it with a reason.")
    if action != expected:
        return AnswerFault(f"A review is answered by accept or {expected}.")
    feedback = _judge_text(said.get("feedback"), "Say what should change." if action == "changes" else "Say why.")
    return feedback if isinstance(feedback, AnswerFault) else {"action": expected, "feedback": feedback}


def _judge_outcome(value: JsonValue) -> JsonValue | AnswerFault:
    said = value if isinstance(value, Mapping) else {}
    action = said.get("action")
    if action == "run_again":
        return {"action": "run_again"}
    if action == "happened":
        result = _judge_text(said.get("result"), "Say what the call gave; a word is enough.")
        return result if isinstance(result, AnswerFault) else {"action": "happened", "result": result}
    if action == "failed":
        reason = said.get("reason", "")
        return {"action": "failed", "reason": reason[:LONGEST_TEXT] if isinstance(reason, str) else ""}
    return AnswerFault("Say whether to run it again, that it happened, or that it did not.")


def _judge_schema(schema: Json, value: JsonValue) -> JsonValue | AnswerFault:
    """`value` itself, or what its text says as JSON: a person types `3` where the agent wants a number."""
    candidates = [value]
    if isinstance(value, str):
        with suppress(ValueError, RecursionError):
            candidates.append(json.loads(value))
    try:
        faults = [first_fault(schema, candidate) for candidate in candidates]
    except NotFollowed:
        return AnswerFault("The agent's own rules for this answer cannot be followed. Cancel the run.")
    for candidate, fault in zip(candidates, faults, strict=True):
        if fault is None:
            return candidate
    return AnswerFault(_explain(faults[-1]))


def _explain(fault: ValidationError | None) -> str:
    if fault is None:
        return "That is not an answer."
    place = f"{fault.json_path.removeprefix('$.')}: " if fault.json_path != "$" else ""
    return f"{place}{fault.message}"[:LONGEST_TEXT]


def _judge_text(value: JsonValue, missing: str) -> str | AnswerFault:
    if not isinstance(value, str) or not value.strip():
        return AnswerFault(missing)
    if len(value) > LONGEST_TEXT:
        return AnswerFault(f"{len(value):,} characters are too many; {LONGEST_TEXT:,} fit.")
    return value


def _text(value: JsonValue) -> str:
    return value if isinstance(value, str) else indented(value)


def _are_texts(value: JsonValue) -> TypeGuard[Sequence[str]]:
    return isinstance(value, Sequence) and not isinstance(value, str) and all(isinstance(one, str) for one in value)


def _is_count(value: JsonValue) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
