"""What an agent asks is read from any payload, and only real answers pass."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
from hypothesis import given

from agent_runtime.prompts import AnswerFault, Question, Review, WhatHappened, kind_of, read_prompt, validate_answer
from storage.types import JsonValue, RequestKind
from tests.cards.hostile import json_values

QUESTION, REVIEW = RequestKind.QUESTION, RequestKind.REVIEW
INTEGER = Question(text="How many?", answer_schema={"type": "integer", "minimum": 1})


@pytest.mark.parametrize(
    ("payload", "prompt"),
    [
        ("Which airline?", Question(text="Which airline?")),
        ({"question": "Which?", "choices": ["A", "B"]}, Question(text="Which?", choices=("A", "B"))),
        ({"kind": "question", "question": "Sure?"}, Question(text="Sure?")),
        ({"question": "How many?", "answer_schema": {"type": "integer"}},
         Question(text="How many?", answer_schema={"type": "integer"})),
        ({"draft": "x"}, Review(draft="x")),
        ({"kind": "review", "draft": {"a": 1}, "round": 2, "max_rounds": 3, "previous": "w", "title": "T"},
         Review(title="T", draft='{\n  "a": 1\n}', round=2, max_rounds=3, previous="w")),
        ({"question": "?", "choices": [1]}, Question(text='{\n  "question": "?",\n  "choices": [\n    1\n  ]\n}')),
        ({"question": "Which?", "secret": 1}, Question(text='{\n  "question": "Which?",\n  "secret": 1\n}')),
        ([1, 2], Question(text="[\n  1,\n  2\n]")),
        (None, Question(text="null")),
        ("  ", Question(text="  ")),
    ],
)  # fmt: skip
def test_a_payload_is_read_as_what_it_is(payload: JsonValue, prompt: Question | Review) -> None:
    """Known shapes are recognised; whatever else is shown whole, so that nothing in it is dropped."""
    kind = REVIEW if isinstance(prompt, Review) else QUESTION
    assert kind_of(payload) is kind
    assert read_prompt(kind, payload) == prompt


@given(json_values)
def test_no_payload_is_unreadable(payload: JsonValue) -> None:
    """Reading and answering never fail, whichever kind the payload is stored as."""
    assert isinstance(read_prompt(QUESTION, payload), Question)
    assert isinstance(read_prompt(REVIEW, payload), Review)
    assert isinstance(read_prompt(RequestKind.OUTCOME, payload), WhatHappened)
    validate_answer(read_prompt(kind_of(payload), payload), payload)


@pytest.mark.parametrize(
    ("prompt", "value", "given"),
    [
        (Question(text="?"), "yes", "yes"),
        (Question(text="?", choices=("A", "B")), "B", "B"),
        (INTEGER, 3, 3),
        (INTEGER, "3", 3),
        (Question(text="?", answer_schema={"type": "string"}), "3", "3"),
        (Review(draft="x"), {"action": "accept", "more": 1}, {"action": "accept"}),
        (Review(draft="x"), {"action": "changes", "feedback": "shorter"}, {"action": "changes", "feedback": "shorter"}),
        (Review(draft="x", round=2, max_rounds=2), {"action": "reject", "feedback": "no"},
         {"action": "reject", "feedback": "no"}),
        (WhatHappened(), {"action": "run_again"}, {"action": "run_again"}),
        (WhatHappened(), {"action": "happened", "result": "ok"}, {"action": "happened", "result": "ok"}),
        (WhatHappened(), {"action": "failed"}, {"action": "failed", "reason": ""}),
    ],
)  # fmt: skip
def test_an_answer_passes_as_the_agent_will_get_it(
    prompt: Question | Review, value: JsonValue, given: JsonValue
) -> None:
    """Only the fields that mean something, in the type that was asked for."""
    assert validate_answer(prompt, value) == given


@pytest.mark.parametrize(
    ("prompt", "value", "told"),
    [
        (Question(text="?"), "  ", "Type an answer"),
        (Question(text="?"), 3, "Type an answer"),
        (Question(text="?"), "x" * 3_001, "3,001 characters are too many"),
        (Question(text="?", choices=("A", "B")), "C", "A, B"),
        (Question(text="?", choices=("1", "0")), True, "1, 0"),
        (INTEGER, "many", "not of type 'integer'"),
        (INTEGER, 0, "less than the minimum"),
        (Review(draft="x"), {"action": "changes", "feedback": " "}, "what should change"),
        (Review(draft="x"), {"action": "reject", "feedback": "no"}, "accept or changes"),
        (Review(draft="x", round=2, max_rounds=2), {"action": "changes", "feedback": "x"}, "last one"),
        (Review(draft="x", round=2, max_rounds=2), {"action": "reject"}, "Say why"),
        (Review(draft="x"), "accept", "accept or changes"),
        (WhatHappened(), {"action": "happened", "result": ""}, "what the call gave"),
        (WhatHappened(), "yes", "run it again"),
    ],
)
def test_what_is_no_answer_is_refused_with_a_sentence(prompt: Question | Review, value: JsonValue, told: str) -> None:
    """The sentence says what would be one."""
    fault = validate_answer(prompt, value)
    assert isinstance(fault, AnswerFault)
    assert told in fault.message


def test_an_agents_schema_fetches_nothing() -> None:
    """A reference to an address is refused without a look at the address."""
    asked: list[str] = []

    class Counting(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

    with HTTPServer(("127.0.0.1", 0), Counting) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        schema = {"$ref": f"http://127.0.0.1:{server.server_port}/schema"}
        try:
            fault = validate_answer(Question(text="?", answer_schema=schema), "x")
        finally:
            server.shutdown()
            thread.join()
    assert isinstance(fault, AnswerFault)
    assert "cannot be followed" in fault.message
    assert asked == []
